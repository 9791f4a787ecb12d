/** The team's own command between two looks: what counts is the schema that is there afterwards. By the built program. */
import { spawn } from 'node:child_process'
import { cp, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Report } from '../../functions/core/report.ts'
import { flywayChecksum } from '../../functions/ledgers/flyway-files.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { parseEvidence } from '../../functions/release/evidence.ts'
import type { Evidence } from '../../functions/release/evidence.ts'
import { BINARY, deploywatch, folderWith } from '../cli/deploywatch.ts'
import type { Run } from '../cli/deploywatch.ts'
import { configWith, first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const STEPS = fileURLToPath(new URL('../fixtures/migrate/steps.mjs', import.meta.url))
const CONFIG = configWith('  production: { unsure: warn, database: { url: "${DATABASE_URL}" } }\n')
const V43 = 'db/migration/V43__of_a_branch.sql'

/** What Flyway does for one migration, in one transaction: it measures 1234 ms. */
function applying(path: string, rank: number, text = MIGRATIONS[path] ?? ''): string {
  const script = path.slice(path.lastIndexOf('/') + 1)
  const version = /V(\d+)/u.exec(script)?.[1]
  return `${text}INSERT INTO flyway_schema_history VALUES (${rank}, '${version}', 'd', 'SQL', '${script}', ${flywayChecksum(text)}, 'deployer', now(), 1234, true);\n`
}

const SQL = {
  '41.sql': applying('db/migration/V41__customers.sql', 2),
  '42.sql': applying(V42, 3),
  '43.sql': applying(V43, 4, 'CREATE TABLE of_a_branch (id int);\n'),
  'drop.sql': 'ALTER TABLE orders DROP COLUMN updated_at;\n',
}

let built: string
let behind: TestDatabase
let database: TestDatabase
let folder: string

beforeAll(async () => {
  behind = await createDatabase()
  await behind.run(migrated(first(2)))
  await behind.run('INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) n; ANALYZE orders')
  built = await folderWith({ ...MIGRATIONS, ...SQL, 'deploywatch.yaml': CONFIG })
  const env = { DATABASE_URL: behind.url }
  expect((await deploywatch(['build', '--release-version', '1.42.0'], { cwd: built, env })).code).toBe(0)
})

afterAll(() => behind.drop())

beforeEach(async () => {
  folder = await folderWith({})
  const [, fresh] = await Promise.all([cp(built, folder, { recursive: true }), createDatabase(undefined, behind.name)])
  database = fresh
})

afterEach(() => database.drop())

interface Answered extends Run {
  readonly report: Report
}

const steps = (...words: readonly string[]): readonly string[] => [process.execPath, STEPS, ...words]

interface Options {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

async function migrate(command: readonly string[], { args = [], env = {} }: Options = {}): Promise<Answered> {
  const words = ['migrate', '--env', 'production', '--format', 'json', ...args, '--', ...command]
  const run = await deploywatch(words, { cwd: folder, env: { DATABASE_URL: database.url, ...env } })
  return answered(run)
}

/** One document on stdout, and it is the contract's. */
function answered(run: Run): Answered {
  expect(run.stdout, run.stderr).toMatch(/^\{/u)
  return { ...run, report: reportSchema.parse(JSON.parse(run.stdout)) }
}

const codes = ({ findings }: Report): readonly string[] => findings.map(({ code }) => code)
const unconfirmed = ({ findings }: Report) => findings.find(({ code }) => code === 'migrate-unconfirmed')

async function evidence(): Promise<Evidence> {
  const parsed = parseEvidence(await readFile(join(folder, 'deploywatch.evidence.production.json'), 'utf8'))
  if (parsed.kind === 'unreadable') throw new Error(parsed.reason)
  return parsed.evidence
}

async function states(): Promise<Readonly<Record<string, string>>> {
  const { migrations } = await evidence()
  return Object.fromEntries(migrations?.records.map(({ subject, state }) => [subject.slice(0, 3), state]) ?? [])
}

describe('a command that succeeds', () => {
  test('and brings what was missing is confirmed; what it printed is on stderr, and its durations and volumes are kept', async () => {
    const run = await migrate(steps('say:{"not": "ours"}', 'sql:42.sql'))
    expect({ code: run.code, verdict: run.report.verdict, codes: codes(run.report) }).toEqual({
      code: 0,
      verdict: 'pass',
      codes: [],
    })
    expect(run.report.notes).toContain('the migration brought V42__add_status_note.sql')
    expect(run.report.checks.at(-1)).toMatchObject({ name: 'migration', outcome: 'pass' })
    expect(run.stderr).toContain('{"not": "ours"}\n')
    expect(run.stderr).toMatch(/V42__add_status_note\.sql is applied/u)
    const { migrations, expectation } = await evidence()
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'deploywatch.release.json'), 'utf8'))
    expect(JSON.stringify(manifest)).toContain(expectation)
    expect(migrations?.server.engine).toBe('postgres')
    expect(migrations?.records.find(({ subject }) => subject.startsWith('V42'))).toMatchObject({
      state: 'applied',
      took: { ms: 1234, by: 'ledger' },
      tables: ['orders'],
    })
    // As it was before: the index is not in it.
    expect(migrations?.volumes).toMatchObject([{ table: 'orders', rows: 1000 }])
  })

  test('and does nothing is a failure that says what is still missing, and which database was looked at', async () => {
    const run = await migrate(steps('wait:1'))
    expect({ code: run.code, codes: codes(run.report) }).toEqual({ code: 1, codes: ['migrate-unconfirmed'] })
    const finding = unconfirmed(run.report)
    expect(finding?.found).toMatch(
      /ended with exit code 0 after .*; and changed nothing that the release needs: V42__add_status_note\.sql is still/u,
    )
    expect(finding?.causes[0]?.text).toContain('another database')
    const { host } = new URL(database.url)
    expect(finding?.nextSteps.map(({ text }) => text).join('\n')).toContain(`${database.name} at ${host}`)
    expect(finding?.nextSteps.at(-1)?.command).toMatch(/^npx deploywatch migrate --env production -- \S+node\S* /u)
  })

  test('in another database is the same failure', async () => {
    const other = await createDatabase(undefined, behind.name)
    const run = await migrate(['env', `DATABASE_URL=${other.url}`, ...steps('sql:42.sql')])
    await other.drop()
    expect({ code: run.code, codes: codes(run.report) }).toEqual({ code: 1, codes: ['migrate-unconfirmed'] })
    // Its address holds a password.
    expect(run.stdout).not.toContain(other.name)
  })

  test('and brings more than the release knows passes, and says so', async () => {
    const { code, report } = await migrate(steps('sql:42.sql', 'sql:43.sql'))
    expect({ code, codes: codes(report) }).toEqual({ code: 0, codes: ['migration-unknown'] })
    expect(report.findings[0]?.causes[0]?.text).toContain('another checkout')
    expect(report.notes.join('\n')).toMatch(/the command also applied .*43.*which the release does not know/u)
  })

  test('and breaks what the running release sends is a failure', async () => {
    const running = await folderWith({
      ...MIGRATIONS,
      'deploywatch.yaml': `service: orders\nmigrations: { path: db/migration }\nschema: { replay: { mode: none } }\nqueries:\n  - { name: latest, sql: SELECT updated_at FROM orders }\nenvironments:\n  production: { database: { url: "\${DATABASE_URL}" } }\n`,
    })
    expect((await deploywatch(['build'], { cwd: running })).code).toBe(0)
    const { code, report } = await migrate(steps('sql:42.sql', 'sql:drop.sql'), {
      args: ['--running', join(running, 'deploywatch.release.json')],
    })
    expect(code).toBe(1)
    expect(JSON.stringify(report.findings)).toContain('query-broken latest')
  })
})

describe('a command that fails', () => {
  test('half way says what it brought and what is left, and what was applied is in the evidence', async () => {
    await database.run("DROP TABLE customers; DELETE FROM flyway_schema_history WHERE version = '41'")
    const { code, report } = await migrate(steps('sql:41.sql', 'exit:3'))
    expect({ code, codes: codes(report) }).toEqual({ code: 1, codes: ['migrate-unconfirmed'] })
    expect(unconfirmed(report)?.found).toMatch(
      /ended with exit code 3 after .*; it brought V41__customers\.sql, and V42__add_status_note\.sql is still not/u,
    )
    expect(await states()).toEqual({ V40: 'applied', V41: 'applied', V42: 'missing' })
  })

  test('after all of its work is no pass; run again, nothing is left to do, and the command is not run', async () => {
    const failed = await migrate(steps('sql:42.sql', 'exit:1'))
    expect({ code: failed.code, codes: codes(failed.report) }).toEqual({ code: 1, codes: ['migrate-unconfirmed'] })
    expect(unconfirmed(failed.report)?.found).toContain('all that the release needs is there')
    const again = await migrate(steps('touch:ran'))
    expect({ code: again.code, verdict: again.report.verdict }).toEqual({ code: 0, verdict: 'pass' })
    expect(again.report.notes[0]).toBe('the schema is confirmed already: the command was not run')
    await expect(readFile(join(folder, 'ran'))).rejects.toThrow(/ENOENT/u)
  })

  test('because it did not end in time is told to end', async () => {
    const { code, report } = await migrate(steps('wait:60000'), { args: ['--timeout', '1s'] })
    expect(code).toBe(1)
    expect(unconfirmed(report)?.found).toMatch(/was ended by SIGTERM after .*: --timeout of 1 s had passed/u)
  })
})

describe('a command that is not run', () => {
  test('where nobody could look: not even `unsure: warn` lets a deployment go on', async () => {
    const url = new URL(database.url)
    url.password = 'wrong'
    const { code, report } = await migrate(steps('touch:ran'), { env: { DATABASE_URL: url.href } })
    expect({ code, codes: codes(report) }).toEqual({ code: 2, codes: ['credentials-invalid'] })
    expect(report.notes[0]).toContain('the command was not run: nobody could look')
    await expect(readFile(join(folder, 'ran'))).rejects.toThrow(/ENOENT/u)
  })

  test.each([
    ['none at all', [], /after `--`, .*: npx deploywatch migrate --env production -- flyway .*migrate$/mu],
    ['a program that is not there', ['flywya', 'migrate'], /the command flywya cannot be run: no folder of PATH has/u],
  ])('%s is wrong use, and says what to type', async (_, command, message) => {
    const run = await deploywatch(['migrate', '--env', 'production', '--format', 'json', '--', ...command], {
      cwd: folder,
      env: { DATABASE_URL: database.url },
    })
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 64, stdout: '' })
    expect(run.stderr).toMatch(message)
  })
})

describe('a tool that keeps no durations, and runs all in one transaction: Knex itself', () => {
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
  const knex = [process.execPath, join(modules, 'knex/bin/cli.js'), 'migrate:latest']
  const migrations = {
    'migrations/20250301_note.js':
      'exports.up = (knex) => knex.raw("ALTER TABLE orders ADD COLUMN note text; SELECT pg_sleep(0.6)")\nexports.down = () => null\n',
    'migrations/20250302_flag.js':
      'exports.up = (knex) => knex.raw("ALTER TABLE orders ADD COLUMN flag boolean")\nexports.down = () => null\n',
  }

  beforeEach(async () => {
    folder = await folderWith({
      ...migrations,
      'package.json': '{ "type": "commonjs" }',
      'knexfile.js': "module.exports = { client: 'pg', connection: process.env.DATABASE_URL }\n",
      'deploywatch.yaml':
        'service: orders\nmigrations: { tool: knex, path: migrations }\nschema: { replay: { mode: none } }\nenvironments:\n  production: { database: { url: "${DATABASE_URL}" } }\n',
    })
    await symlink(modules, join(folder, 'node_modules'))
  })

  test('is watched while it runs: how long each migration took is kept', async () => {
    const { code, report, stderr } = await migrate(knex)
    expect({ code, verdict: report.verdict }, stderr).toEqual({ code: 0, verdict: 'pass' })
    const [note, flag] = (await evidence()).migrations?.records.map(({ took }) => took) ?? []
    expect([note?.by, flag?.by]).toEqual(['migrate', 'migrate'])
    expect(note?.ms).toBeGreaterThanOrEqual(600)
    expect((note?.ms ?? 0) + (flag?.ms ?? 0)).toBeLessThan(report.durationMs)
    expect(report.notes.join('\n')).toMatch(/20250301_note\.js took \d/u)
  })

  test('is not run where somebody holds its lock', async () => {
    await database.run(`CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz);
      CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked integer); INSERT INTO knex_migrations_lock VALUES (1, 1)`)
    const { code, report } = await migrate(steps('touch:ran'))
    expect(code).toBe(1)
    expect(codes(report)).toContain('ledger-locked')
    expect(report.notes[0]).toContain('the lock of the migration tool was held by somebody else')
    await expect(readFile(join(folder, 'ran'))).rejects.toThrow(/ENOENT/u)
  })
})

describe('the command has the place of a command that was typed', () => {
  interface Typed {
    readonly ended: Promise<Run>
    readonly kill: (signal: NodeJS.Signals) => void
    /** Resolves when stderr says so. */
    readonly says: (text: string) => Promise<void>
  }

  function type(command: readonly string[], stdin = '', args: readonly string[] = ['--format', 'json']): Typed {
    const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: database.url, DEPLOYWATCH_TEST: 'as it was' }
    const words = [BINARY, 'migrate', '--env', 'production', ...args, '--', ...command]
    const child = spawn(process.execPath, words, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.end(stdin)
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
    return {
      // Not when its output is closed: that may be held open by what the command left behind.
      ended: new Promise((resolve) =>
        child.once('exit', (code) => resolve({ code, stdout: stdout.text(), stderr: stderr.text() })),
      ),
      kill: (signal) => void child.kill(signal),
      says: async (text) => {
        while (!stderr.text().includes(text)) await new Promise((resolve) => child.stderr.once('data', resolve))
      },
    }
  }

  function collect(stream: Readable): { readonly text: () => string } {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => void parts.push(part))
    return { text: () => Buffer.concat(parts).toString('utf8') }
  }

  test('its environment is ours and no more, and it reads what we are given', async () => {
    const run = await type(steps('world', 'sql:42.sql'), 'yes\n').ended
    const world: unknown = JSON.parse(run.stderr.split('\n').find((line) => line.startsWith('{"env"')) ?? '')
    expect(world).toEqual({
      env: { PATH: process.env['PATH'], DATABASE_URL: database.url, DEPLOYWATCH_TEST: 'as it was' },
      stdin: 'yes\n',
    })
    expect(run.code).toBe(0)
  })

  test.each(['SIGTERM', 'SIGINT'] as const)('%s is passed on to it, and the look after it is done', async (signal) => {
    const typed = type(steps('sql:42.sql', 'say:waiting', 'wait:60000'))
    await typed.says('\nwaiting\n')
    typed.kill(signal)
    const { code, report } = answered(await typed.ended)
    expect({ code, codes: codes(report) }).toEqual({ code: 1, codes: ['migrate-unconfirmed'] })
    expect(unconfirmed(report)?.found).toMatch(
      new RegExp(`was ended by ${signal} after .*: this run was interrupted by ${signal}; all that .* is there`, 'u'),
    )
    expect(await states()).toEqual({ V40: 'applied', V41: 'applied', V42: 'applied' })
  })

  test('what it leaves in the background is not waited for', async () => {
    const from = Date.now()
    const run = answered(await type(['sh', '-c', 'sleep 20 & exit 0']).ended)
    expect(run.code).toBe(1)
    expect(Date.now() - from).toBeLessThan(18_000)
  })

  test('megabytes of output come through whole, before the report', async () => {
    const run = await deploywatch(
      ['migrate', '--env', 'production', '--', 'sh', '-c', 'yes 1234567 | head -c 16000000; exit 1'],
      { cwd: folder, env: { DATABASE_URL: database.url } },
    )
    expect(run.code).toBe(1)
    expect(run.stderr).not.toMatch(/unavailable|write error/u)
    expect(run.stdout.indexOf('FAIL: production')).toBe(16_000_000)
  })
})
