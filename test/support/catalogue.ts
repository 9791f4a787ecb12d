/**
 * Scenarios of the catalogue, test/journeys/NAME/: a team's repository, how its database came to be as it is, told with the real
 * tool, what a look finds, and the commands that it prints.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { parse } from 'yaml'
import * as z from 'zod'
import type { MigrationToolPlace } from './migration-tools.ts'
import { findTool, TOOL_NAMES } from './migration-tools.ts'

const JOURNEYS = fileURLToPath(new URL('../journeys/', import.meta.url))

/** One thing that happened. `on`: the environment that DATABASE_URL and Flyway's settings name meanwhile. */
export const stepSchema = z.union([
  z.strictObject({
    run: z.string(),
    on: z.string().default('production'),
    /** It ends with an error, and says this. */
    fails: z.string().nullable().default(null),
    /** SQL of another session, whose transaction is open meanwhile. */
    during: z.string().nullable().default(null),
  }),
  z.strictObject({ sql: z.string(), on: z.string().default('production') }),
  /** The environment's database as it is becomes another one's. */
  z.strictObject({ copy: z.string(), to: z.string() }),
])

export type Step = z.output<typeof stepSchema>

const found = z.strictObject({
  code: z.string(),
  subject: z.string(),
  /** A part of a cause's text or evidence. */
  cause: z.string().nullable().default(null),
  consequences: z.array(z.string()).default([]),
})

const scenario = z.strictObject({
  what: z.string(),
  tools: z.array(z.enum(TOOL_NAMES)),
  databases: z.array(z.string()).default(['production']),
  happened: z.array(stepSchema),
  /** The environments whose evidence is recorded before production is looked at. */
  record: z.array(z.string()).default([]),
  /** Of `audit`, where the pipeline is part of it: `file:line` of the first finding, and what makes it. */
  audit: z.strictObject({ code: z.string(), at: z.string() }).nullable().default(null),
  /** All errors and what could not be told, in order; the first one is the root. */
  finds: z.array(found),
  /** What a person does about the reason, before the first command is pasted: no tool can. */
  person: z.array(stepSchema).default([]),
  /** The commands of these findings in order, as they are printed. */
  commands: z.array(z.string()),
  /** What the second look still tells: `code subject`. */
  tells: z.array(z.string()).default([]),
})

export interface CatalogueScenario extends z.output<typeof scenario> {
  readonly name: string
  readonly project: string
}

export async function listCatalogue(): Promise<readonly CatalogueScenario[]> {
  const folders = (await readdir(JOURNEYS, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  return Promise.all(
    folders
      .map(({ name }) => name)
      .sort()
      .map(async (name) => {
        const text = await readFile(join(JOURNEYS, name, 'scenario.yaml'), 'utf8')
        return { name, project: join(JOURNEYS, name, 'project'), ...scenario.parse(parse(text)) }
      }),
  )
}

const run = promisify(execFile)

/** What a scenario needs and this machine has not; []: it can run. */
export async function lacks({ tools }: Pick<CatalogueScenario, 'tools'>): Promise<readonly string[]> {
  const absent = tools.filter((name) => findTool(name) === null)
  const psql = await run('psql', ['--version']).then(
    () => [],
    () => ['psql'],
  )
  return [...absent, ...psql]
}

export interface Place {
  readonly folder: string
  /** By environment. */
  readonly urls: Readonly<Record<string, string>>
  readonly tools: readonly MigrationToolPlace[]
}

/** The variables of a team's shell: one with the address of each environment's database. */
export function variablesOf(urls: Place['urls']): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(urls).map(([name, url]) => [`${name.toUpperCase()}_DATABASE_URL`, url]))
}

/** Runs a command in the project's folder as a person does who has the team's tools; `on`: what DATABASE_URL names. */
export async function runInShell(
  command: string,
  { folder, urls, tools }: Place,
  on: string | null,
): Promise<{ readonly code: number; readonly output: string }> {
  const bins = [...tools.flatMap(({ bin }) => bin ?? []), join(folder, 'node_modules/.bin')]
  const path = [...bins, process.env['PATH'] ?? ''].join(':')
  const url = on === null ? undefined : urls[on]
  const env = {
    PATH: path,
    HOME: process.env['HOME'] ?? folder,
    ...GIT,
    ...Object.assign({}, ...tools.map((tool) => tool.env)),
    ...variablesOf(urls),
    ...flywaySettings(urls[on ?? 'production'] ?? ''),
    ...(url === undefined ? {} : { DATABASE_URL: url }),
  }
  try {
    const { stdout, stderr } = await run('sh', ['-e', '-c', command], { cwd: folder, env })
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code: number; stdout?: string; stderr?: string }
    return { code, output: stdout + stderr }
  }
}

/** The same commits everywhere: their names are printed. */
const GIT = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
  GIT_AUTHOR_DATE: '2026-11-01T09:00:00Z',
  GIT_COMMITTER_DATE: '2026-11-01T09:00:00Z',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
}

/** Flyway takes an address in JDBC's form. */
function flywaySettings(text: string): Readonly<Record<string, string>> {
  const url = new URL(text)
  return {
    FLYWAY_URL: `jdbc:postgresql://${url.host}${url.pathname}`,
    FLYWAY_USER: url.username,
    FLYWAY_PASSWORD: url.password,
  }
}

/** Does something while another session's transaction is open. */
export async function whileOpen<T>(url: string, sql: string, act: () => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`BEGIN; ${sql}`)
    return await act()
  } finally {
    await client.end()
  }
}
