/**
 * `test/fixtures/ledgers/regenerate [TOOL | TOOL/SCENARIO]… [--version VERSION] [--write]`: makes scenarios again with the tools
 * themselves on a PostgreSQL of its own, and says what differs from what is kept: the ledger as we read it, and the objects. Exits 1
 * where anything does. `--version` takes another version of the tool; `--write` keeps what was made.
 */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { parse } from 'yaml'
import * as z from 'zod'
import { startServer } from '../../../bench/server.ts'
import type { BenchServer } from '../../../bench/server.ts'
import { connect } from '../../../functions/connections/connect.ts'
import { subjectOf } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { openProject } from '../../../functions/ledgers/project-files.ts'
import type { Place, Step } from '../catalogue.ts'
import { runInShell } from '../catalogue.ts'
import { expectLedger, lookAt } from '../ledgers.ts'
import { loadDump } from '../load-dump.ts'
import { install, PACKAGES } from './installs.ts'
import type { Recipe } from './recipe.ts'
import { listRecipes } from './recipe.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { version: { type: 'string' }, write: { type: 'boolean', default: false } },
})
const run = promisify(execFile)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

interface Made {
  readonly dump: string
  readonly verdict: string
  readonly sight: readonly string[]
}

async function query(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(sql).finally(() => client.end())
}

let databases = 0

async function newDatabase({ url }: BenchServer): Promise<string> {
  databases += 1
  const name = `made_${databases}`
  await query(url, `CREATE DATABASE ${name} TEMPLATE template0`)
  return Object.assign(new URL(url), { pathname: `/${name}` }).toString()
}

async function happen(place: Place, step: Step): Promise<void> {
  if ('copy' in step) throw new Error('a recipe has one database: there is nothing to copy to')
  if ('sql' in step) return query((place.urls['production'] ?? '').replace(/^[\w+]+:/u, 'postgres:'), step.sql)
  const { code, output } = await runInShell(step.run, place, step.on)
  const asExpected = step.fails === null ? code === 0 : code !== 0 && output.includes(step.fails)
  if (!asExpected) throw new Error(`${step.run}\nended with ${code}:\n${output}`)
}

const ledgerSchema = z.object({ path: z.string() })
const configSchema = z.object({
  migrations: z.union([ledgerSchema, z.array(ledgerSchema)]),
  environments: z.object({
    production: z.object({ database: z.object({ searchPath: z.string().default('public') }) }),
  }),
})

/** What the ledger says as we read it, and which objects there are: one line each, without times. */
async function sightOf(recipe: Recipe, url: string): Promise<readonly string[]> {
  const project = join(recipe.folder, 'project')
  const config = configSchema.parse(parse(await readFile(join(project, 'deploywatch.yaml'), 'utf8')))
  const { searchPath } = config.environments.production.database
  const rows: string[] = []
  for (const { path } of [config.migrations].flat()) {
    const { observation } = await lookAt(url, await expectLedger(openProject(project), path), [searchPath])
    if ('problem' in observation) rows.push(JSON.stringify(observation.problem))
    else
      rows.push(
        ...observation.reading.applied.map((row) => JSON.stringify({ ...row, at: null, durationMs: null, by: null })),
      )
  }
  const connection = await connect({ kind: 'url', url, ca: null })
  const schemas = await schemasOf(url)
  const scope = {
    schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
    ignore: [],
    exclude: [],
    role: null,
  }
  const objects = await postgres.readCatalog(connection, scope).finally(() => connection.close())
  return [
    ...rows,
    ...objects.map((object) => `${object.kind} ${subjectOf(object)} ${JSON.stringify(object.facts)}`).sort(),
  ]
}

async function schemasOf(url: string): Promise<readonly string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const found = await client
    .query<{ nspname: string }>(
      `SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1`,
    )
    .finally(() => client.end())
  return found.rows.map(({ nspname }) => nspname)
}

/** The tools in Go ask for TLS unless they are told not to. */
function addressFor(tool: string, url: string): string {
  const scheme = PACKAGES[tool]?.scheme ?? 'postgres:'
  return `${url.replace(/^postgres:/u, scheme)}?sslmode=disable`
}

/** For tools that read the address in parts. */
function partsOf(address: string): Readonly<Record<string, string>> {
  const { hostname, port, username, password, pathname } = new URL(address)
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1) }
}

async function make(recipe: Recipe, server: BenchServer): Promise<Made> {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-recipe-'))
  try {
    await cp(join(recipe.folder, 'project'), folder, { recursive: true })
    for (const [path, text] of Object.entries(recipe.files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    const tools = await Promise.all([
      install(recipe.tool, values.version ?? null),
      ...recipe.also.map((tool) => install(tool, null)),
    ])
    const [{ modules }] = tools as [(typeof tools)[number]]
    if (modules !== null) await symlink(modules, join(folder, 'node_modules'))
    const url = await newDatabase(server)
    const place: Place = {
      folder,
      tools: [...tools, { bin: null, modules: null, env: partsOf(url) }],
      urls: { production: addressFor(recipe.tool, url) },
    }
    for (const step of recipe.steps) await happen(place, step)
    const { code, output } = await runInShell(recipe.verdict, place, 'production')
    const verdict = `$ ${recipe.verdict}\n${output.trimEnd()}\n(exit status ${code})\n`
    if (server.pgDump === null) throw new Error('there is no pg_dump of the server’s version: install PostgreSQL')
    const { stdout: dump } = await run(server.pgDump, ['--no-owner', '-d', url], { maxBuffer: 1 << 28 })
    return { dump, verdict, sight: await sightOf(recipe, url) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function differences(before: readonly string[], after: readonly string[]): readonly string[] {
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `  kept  ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `  made  ${line}`),
  ]
}

async function regenerate(recipe: Recipe, server: BenchServer): Promise<boolean> {
  const made = await make(recipe, server)
  const target = join(recipe.folder, 'target.sql')
  const kept = await newDatabase(server)
  await loadDump(kept, await readFile(target, 'utf8'))
  const found = differences(await sightOf(recipe, kept), made.sight)
  say(found.length === 0 ? `${recipe.name}: the same` : `${recipe.name}: differs\n${found.join('\n')}`)
  if (values.write) {
    await writeFile(target, made.dump.replaceAll(/^(\\(?:un)?restrict) .*$/gmu, '$1 golden'))
    await writeFile(join(recipe.folder, 'tool-verdict.txt'), made.verdict)
  }
  return found.length === 0
}

const folder = await mkdtemp(join(tmpdir(), 'deploywatch-regenerate-'))
const server = await startServer(folder)
try {
  const recipes = await listRecipes(positionals)
  if (recipes.length === 0) throw new Error(`there is no recipe for ${positionals.join(', ')}`)
  let same = true
  for (const recipe of recipes) {
    try {
      same = (await regenerate(recipe, server)) && same
    } catch (error) {
      same = false
      say(`${recipe.name}: cannot be made: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  process.exitCode = same ? 0 : 1
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
