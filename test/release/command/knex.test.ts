/** Knex itself, on the embedded server: all migrations in one transaction, which is seen from inside. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../../functions/ledgers/migration-text.ts'
import { encodeManifest } from '../../../functions/release/manifest.ts'
import { makeCache } from '../support.ts'
import type { CommandProject } from './support.ts'
import { attributed, buildBy, commandProject, linkServer } from './support.ts'

const KNEXFILE = `module.exports = {
  client: 'pg',
  connection: process.env.ORDERS_DB_URL,
  migrations: { directory: './migrations' },
}
`

const FILES: Readonly<Record<string, string>> = {
  'knexfile.js': KNEXFILE,
  'migrations/20260101_orders.js': `exports.up = (knex) => knex.schema.createTable('orders', (t) => { t.bigIncrements('id'); t.decimal('total').notNullable() })
exports.down = () => {}
`,
  'migrations/20260102_customers.js': `exports.up = async (knex) => {
  await knex.schema.createTable('customers', (t) => { t.bigIncrements('id'); t.text('name') })
  await knex.schema.alterTable('orders', (t) => { t.bigInteger('customer_id').references('customers.id') })
}
exports.down = () => {}
`,
  'migrations/20260103_status_note.js': `exports.up = async (knex) => {
  await knex.schema.alterTable('orders', (t) => { t.text('status_note'); t.index(['status_note'], 'orders_status_note_idx') })
  await knex('orders').update({ status_note: 'none' })
}
exports.down = () => {}
`,
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

const KNEX = 'node node_modules/knex/bin/cli.js'
const REPLAY = { migrations: '{ path: migrations }', replay: `command: ${KNEX} migrate:latest` }

const BROUGHT = [
  '20260101_orders.js: column orders.id, column orders.total, constraint orders.orders_pkey, table orders, sequence orders_id_seq',
  '20260102_customers.js: column customers.id, column customers.name, constraint customers.customers_pkey, table customers, sequence customers_id_seq, column orders.customer_id, constraint orders.orders_customer_id_foreign',
  '20260103_status_note.js: column orders.status_note, index orders.orders_status_note_idx',
]

test('each migration of one transaction brings its own objects, from the variable that the knexfile reads', async () => {
  const built = await buildBy(project, { ...REPLAY, replay: 'command: npx knex migrate:latest', cache: cache.cache })
  expect(attributed(built)).toEqual(BROUGHT)
  expect(built.notes).toEqual([])
  expect(built.expectation.catalog).toMatchObject({ mode: 'command', schemas: ['public'] })
  expect(built.objects.filter(({ object }) => object.group.startsWith('knex'))).toEqual([])
  expect(built.objects.filter(({ brought }) => brought === null)).toEqual([])
})

test('what the statements of code cost is known as that of files is: the server says it of whoever sends them', async () => {
  const built = await buildBy(project, { ...REPLAY, cache: cache.cache })
  const costs = built.effects.map(({ costs }) =>
    costs.map(({ class: kind, relations }) => `${kind} ${relations.join(' ')}`),
  )
  expect(costs).toEqual([
    ['instant '],
    ['instant ', 'instant ', 'foreign-key orders'],
    ['instant ', 'index orders', 'data orders'],
  ])
})

test('two builds of one checkout are the same bytes', async () => {
  const bytes = async (): Promise<string> => {
    const { header, catalog } = encodeManifest(await buildBy(project, { ...REPLAY, cache: cache.cache }))
    return sha256(header) + sha256(catalog)
  }
  expect(await bytes()).toBe(await bytes())
})

test('on a real server of a named major it is the same, and the words of others are kept beside', async () => {
  await linkServer(cache.cache)
  const built = await buildBy(project, { ...REPLAY, replay: `${REPLAY.replay}, versions: [18]`, cache: cache.cache })
  expect(attributed(built)).toEqual(BROUGHT)
  expect(built.expectation.catalog.servers).toEqual([expect.stringMatching(/^18\./)])
})

test('migrations that are committed one by one are told apart as well, and work before the command is nobodys', async () => {
  const files = { ...FILES, 'roles.sql': 'CREATE ROLE orders_app; CREATE TABLE legacy (id int);' }
  const own = await commandProject({
    ...files,
    'knexfile.js': KNEXFILE.replace(
      "directory: './migrations'",
      "directory: './migrations', disableTransactions: true",
    ),
    'migrations/20260104_grant.js': `exports.up = (knex) => knex.raw('GRANT SELECT ON orders TO orders_app; ALTER TABLE legacy ADD COLUMN note text')
exports.down = () => {}
`,
  })
  try {
    const built = await buildBy(own, {
      migrations: REPLAY.migrations,
      replay: `command: ${KNEX} migrate:latest, before: [roles.sql]`,
      more: '  role: orders_app\n',
      cache: cache.cache,
    })
    expect(attributed(built)).toEqual([
      ...BROUGHT,
      '20260104_grant.js: column legacy.note, grant orders.SELECT on table orders',
    ])
    const legacy = built.objects.filter(({ object }) => object.group === 'legacy' && object.kind === 'table')
    expect(legacy.map(({ brought }) => brought)).toEqual([null])
  } finally {
    await own.remove()
  }
})

test('a ledger whose name is computed is found by its columns, and is no part of the schema', async () => {
  const own = await commandProject({
    ...FILES,
    'knexfile.js': KNEXFILE.replace(
      "directory: './migrations'",
      "directory: './migrations', tableName: ['orders', 'history'].join('_')",
    ),
  })
  try {
    const built = await buildBy(own, { ...REPLAY, cache: cache.cache })
    expect(attributed(built)).toEqual(BROUGHT)
    expect(built.objects.filter(({ object }) => object.group.startsWith('orders_history'))).toEqual([])
  } finally {
    await own.remove()
  }
})

test('where the config names no migrations there are objects all the same, and the ledger is none of them', async () => {
  const built = await buildBy(project, {
    migrations: null,
    replay: `command: ${JSON.stringify(`ORDERS_DB_URL="$DATABASE_URL" ${KNEX} migrate:latest`)}`,
    cache: cache.cache,
  })
  expect(built.expectation.ledgers).toEqual([])
  const tables = built.objects.filter(({ object }) => object.kind === 'table')
  expect(tables.map(({ object, brought }) => [object.name, brought])).toEqual([
    ['customers', null],
    ['orders', null],
  ])
})

test('a variable of a .env file, which leads to a database, leads to the throwaway server instead', async () => {
  const own = await commandProject({
    ...FILES,
    '.env': 'LEGACY_DSN_OF_ORDERS="postgres://prod:secret@db.example.com:5432/orders"\n',
    'knexfile.js': `${LOAD_ENV}${KNEXFILE.replace('process.env.ORDERS_DB_URL', 'process.env[["LEGACY_DSN", "OF_ORDERS"].join("_")]')}`,
  })
  try {
    expect(attributed(await buildBy(own, { ...REPLAY, cache: cache.cache }))).toEqual(BROUGHT)
  } finally {
    await own.remove()
  }
})

/** As dotenv does it: what is set stays. */
const LOAD_ENV = `for (const line of require('node:fs').readFileSync('.env', 'utf8').split('\\n')) {
  const [, name, value] = /^(\\w+)="(.*)"$/.exec(line) ?? []
  if (name) process.env[name] ??= value
}
`
