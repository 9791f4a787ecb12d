/**
 * `test/fixtures/ledgers/regenerate [TOOL | INSTALL | TOOL/SCENARIO]… [--version VERSION] [--write]`: makes scenarios again with the tools
 * themselves on a PostgreSQL of its own, and says what differs from what is kept: the ledger as we read it, and the objects. Exits 1
 * where anything does. `--version` takes another version of what is named; `--write` keeps what was made.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { Client } from 'pg'
import { startServer } from '../../../bench/server.ts'
import type { BenchServer } from '../../../bench/server.ts'
import type { Place, Step } from '../catalogue.ts'
import { runInShell } from '../catalogue.ts'
import { loadDump } from '../load-dump.ts'
import type { MigrationToolPlace } from '../migration-tools.ts'
import { install, PACKAGES } from './installs.ts'
import type { Recipe } from './recipe.ts'
import { listRecipes } from './recipe.ts'
import { sightOf } from './sight.ts'

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

/** The tools in Go ask for TLS unless they are told not to. */
function addressFor(installs: string, url: string): string {
  const scheme = PACKAGES[installs]?.scheme ?? 'postgres:'
  return `${url.replace(/^postgres:/u, scheme)}?sslmode=disable`
}

/** For tools that read the address in parts. */
function partsOf(address: string): Readonly<Record<string, string>> {
  const { hostname, port, username, password, pathname } = new URL(address)
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1) }
}

async function layOut(recipe: Recipe, folder: string): Promise<readonly MigrationToolPlace[]> {
  await cp(join(recipe.folder, 'project'), folder, { recursive: true })
  const settings = Object.entries(PACKAGES[recipe.installs]?.settings ?? {})
  const lacking = settings.filter(([path]) => !existsSync(join(folder, path)))
  for (const [path, text] of [...lacking, ...Object.entries(recipe.files)]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const own = await install(recipe.installs, versionOf(recipe))
  if (own.modules !== null) await symlink(own.modules, join(folder, 'node_modules'))
  const also: MigrationToolPlace[] = []
  for (const name of recipe.also) {
    const place = await install(name, null)
    also.push(place)
    if (place.modules === null) continue
    await mkdir(join(folder, 'also', name), { recursive: true })
    await symlink(place.modules, join(folder, 'also', name, 'node_modules'))
  }
  return [own, ...also]
}

/** Another line of a tool has versions of its own: it is not meant unless it is named. */
function versionOf({ tool, installs, name }: Recipe): string | null {
  const meant =
    positionals.length === 0 ? installs === tool : positionals.includes(installs) || positionals.includes(name)
  return meant ? (values.version ?? null) : null
}

async function make(recipe: Recipe, server: BenchServer): Promise<Made> {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-recipe-'))
  try {
    const tools = await layOut(recipe, folder)
    const url = await newDatabase(server)
    const place: Place = {
      folder,
      tools: [...tools, { bin: null, modules: null, env: partsOf(url) }],
      urls: { production: addressFor(recipe.installs, url) },
    }
    for (const step of recipe.steps) await happen(place, step)
    if (server.pgDump === null) throw new Error('there is no pg_dump of the server’s version: install PostgreSQL')
    const { stdout: dump } = await run(server.pgDump, ['--no-owner', '-d', url], { maxBuffer: 1 << 28 })
    const sight = await sightOf(recipe, url)
    // Last: tools make their ledger when they are asked.
    const { code, output } = await runInShell(recipe.verdict, place, 'production')
    const verdict = `$ ${recipe.verdict}\n${withoutPlaces(output, place).trimEnd()}\n(exit status ${code})\n`
    return { dump, verdict, sight }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a tool prints as it would print it anywhere. */
function withoutPlaces(output: string, { folder, tools }: Place): string {
  return tools
    .flatMap(({ modules }) => modules ?? [])
    .reduce((text, modules) => text.replaceAll(modules, './node_modules'), output.replaceAll(folder, '.'))
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
