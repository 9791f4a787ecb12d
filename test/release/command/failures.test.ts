/** What a command can do wrong: each is an error that says what happened, what it printed and what to do. */
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCache } from '../support.ts'
import type { CommandProject } from './support.ts'
import { buildBy, commandProject } from './support.ts'

const KNEX = 'node node_modules/knex/bin/cli.js'

const FILES: Readonly<Record<string, string>> = {
  'knexfile.js': `module.exports = { client: 'pg', connection: process.env.DATABASE_URL, migrations: { directory: process.env.ORDERS_FOLDER ?? './migrations' } }\n`,
  'migrations/1_orders.js': `exports.up = (knex) => knex.schema.createTable('orders', (t) => { t.bigIncrements('id') })\nexports.down = () => {}\n`,
  'migrations/2_notes.js': `exports.up = (knex) => knex.raw(process.env.ORDERS_SQL ?? 'SELECT 1')\nexports.down = () => {}\n`,
  'elsewhere/0_other.js': `exports.up = (knex) => knex.schema.createTable('other', (t) => { t.increments('id') })\nexports.down = () => {}\n`,
  // Takes a transaction on one connection, and waits for another one in it.
  'two.js': `const { Client } = require('pg')
const open = async () => { const client = new Client(process.env.DATABASE_URL); await client.connect(); return client }
const main = async () => {
  const [one, two] = [await open(), await open()]
  await one.query('BEGIN')
  await one.query('CREATE TABLE a (id int)')
  await two.query('CREATE TABLE b (id int)')
  await one.query('COMMIT')
  await one.end(); await two.end()
}
main()
`,
  // As Alembic: the ledger is made in the transaction of the migrations.
  'rolled-back.js': `const { Client } = require('pg')
const main = async () => {
  const client = new Client(process.env.DATABASE_URL)
  await client.connect()
  await client.query('BEGIN; CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz)')
  await client.query('CREATE TABLE orders (id int)')
  await client.query("INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('1_orders.js', 1, now())")
  await client.query('SELECT no_such_thing').catch((error) => console.error(error.message))
  await client.query('ROLLBACK')
  process.exit(3)
}
main()
`,
  'hang.sh':
    'sh -c \'echo $$ > child.pid; trap "" TERM; echo waiting for an answer; while :; do sleep 1; done\' & wait\n',
}

let cache: Awaited<ReturnType<typeof makeCache>>
let project: CommandProject
beforeAll(async () => {
  cache = await makeCache()
  project = await commandProject(FILES)
})
afterAll(async () => {
  await project.remove()
  await cache.remove()
})

async function messageOf(
  command: string,
  options: {
    readonly more?: string
    readonly env?: Readonly<Record<string, string>>
    readonly migrations?: string | null
  } = {},
): Promise<string> {
  const { more = '', env = {}, migrations = '{ path: migrations }' } = options
  const replay = `command: ${JSON.stringify(command)}${more}`
  return buildBy(project, { cache: cache.cache, migrations, replay, env: { ...process.env, ...env } }).then(
    () => 'nothing was wrong',
    (error: unknown) => (error instanceof Error && error.name === 'ConfigError' ? error.message : String(error)),
  )
}

test('a migration that fails is named by its file, with the exit code and the last lines', async () => {
  const message = await messageOf(`${KNEX} migrate:latest`, {
    env: { ORDERS_SQL: 'ALTER TABLE nowhere ADD COLUMN a int' },
  })
  expect(message).toMatch(
    /^deploywatch\.yaml:4:\d+: `node .*migrate:latest` ended with exit code 1 after 0 of 2 migrations; the next one is migrations\/1_orders\.js: it runs on an empty database, so what the first migration found in a baselined database comes from a prelude: `schema\.replay\.before: \[FILE\.sql\]`; what it printed:\n/,
  )
  expect(message).toContain('relation "nowhere" does not exist')
})

test('a ledger that is rolled back with the migrations is no ledger', async () => {
  expect(await messageOf('node rolled-back.js')).toMatch(
    /ended with exit code 3 after 0 of 2 migrations; the next one is migrations\/1_orders\.js: .*\n {4}column "no_such_thing" does not exist$/,
  )
})

test('a role that nobody made asks for a prelude that makes it', async () => {
  const message = await messageOf(`${KNEX} migrate:latest`, { env: { ORDERS_SQL: 'GRANT SELECT ON orders TO app' } })
  expect(message).toContain('make that role in a prelude: `schema.replay.before: [FILE.sql]`')
})

test('a program that is not there is told apart from one that fails', async () => {
  expect(await messageOf('no-such-tool migrate')).toMatch(
    /`no-such-tool migrate` cannot be run: the shell finds no such program \(exit code 127\).*begin it with `npx`; what it printed:\n {4}.*no-such-tool/,
  )
})

test('a command that hangs is ended at its deadline, with what it started and what ignores being told to end', async () => {
  const message = await messageOf('sh hang.sh', { more: ', timeout: 1s' })
  expect(message).toMatch(
    /`sh hang\.sh` had not ended after 1 s, and was ended with all that it had started: where it needs longer, set `schema\.replay\.timeout`.*\n {4}waiting for an answer$/,
  )
  const child = Number(await readFile(join(project.folder, 'child.pid'), 'utf8'))
  await expect.poll(() => isAlive(child)).toBe(false)
})

test('a command that never connected may have migrated another database, and is told so', async () => {
  expect(await messageOf('true')).toMatch(
    /`true` ended with exit code 0, and never connected to the throwaway server: it has its address in DATABASE_URL, PGHOST, PGPORT; where the tool reads another variable, begin the command with `NAME="\$DATABASE_URL"`.*; it printed nothing$/,
  )
  expect(
    await messageOf(`PGPORT=1 DATABASE_URL= ${KNEX} migrate:latest --connection postgres://127.0.0.1:1/orders`),
  ).toMatch(/ended with exit code 1, and never connected to the throwaway server: /)
})

test('a command that connects and records nothing has done nothing', async () => {
  expect(
    await messageOf(
      `node -e 'new (require("pg").Client)(process.env.DATABASE_URL).connect().then(() => process.exit())'`,
    ),
  ).toMatch(
    /ended with exit code 0, and recorded none of the 2 migrations in migrations: there is no ledger of knex; see that the command migrates, and is no dry run/,
  )
  expect(await messageOf(`${KNEX} migrate:latest`, { env: { ORDERS_FOLDER: './elsewhere' } })).toMatch(
    /recorded none of the 2 migrations in migrations(: there is no ledger of knex| in public\.knex_migrations)/,
  )
})

test('a command that brings fewer than the repository has names those that it left', async () => {
  expect(await messageOf(`${KNEX} migrate:up`)).toMatch(
    /ended with exit code 0, and brought 1 of the 2 migrations in migrations, without migrations\/2_notes\.js: have it run all of them/,
  )
})

test('without a ledger a command that makes nothing is no expectation', async () => {
  const connects = `node -e 'new (require("pg").Client)(process.env.DATABASE_URL).connect().then(() => process.exit())'`
  expect(await messageOf(connects, { migrations: null })).toMatch(
    /made nothing on the throwaway server: see that it migrates, and is no dry run/,
  )
})

test(
  'two connections of which one waits within a transaction of the other need a real server',
  { timeout: 40_000 },
  async () => {
    const message = await messageOf('node two.js', { migrations: null })
    expect(message).toMatch(
      /`node two\.js` holds a transaction on one connection and waits for another one, and the embedded server has one session: write `versions: \[18\]` beside `mode`/,
    )
  },
)

test('a config that insists on TLS is told that there is none on loopback', async () => {
  const client = `new (require("pg").Client)({ connectionString: process.env.DATABASE_URL, ssl: { rejectUnauthorized: false } })`
  expect(await messageOf(`node -e '${client}.connect()'`)).toMatch(
    /never connected to the throwaway server: the throwaway server is on loopback and has no TLS: have the config ask for it only where the host is another one; what it printed/,
  )
})

test('rows from the client need a real server', async () => {
  const message = await messageOf(`${KNEX} migrate:latest`, { env: { ORDERS_SQL: 'COPY orders FROM STDIN' } })
  expect(message).toContain('the embedded server takes no COPY FROM STDIN')
  expect(message).toContain('write `versions: [18]` beside `mode`')
})

/** One that has ended and that nobody has asked about yet is not alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return /^\s*[^Z\s]/.test(stdout)
}
