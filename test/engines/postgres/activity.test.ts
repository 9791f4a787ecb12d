/** Who is at work, as the superuser sees it and as a role does to whom others' sessions are hidden; over the Data API it reads alike. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from 'pg'
import { connect } from '../../../functions/connections/connect.ts'
import type { DatabaseTarget } from '../../../functions/connections/connection.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import type { TableName } from '../../../functions/engines/engine.ts'
import { createDatabase } from '../../support/postgres.ts'
import type { TestDatabase } from '../../support/postgres.ts'

const TABLES: readonly TableName[] = [
  { schema: 'public', table: 'orders' },
  { schema: 'public', table: 'it\'s "odd"' },
  { schema: 'public', table: 'never' },
]

let database: TestDatabase
let writer: Client
let idle: Client
let role = ''

beforeAll(async () => {
  database = await createDatabase()
  role = `watch_${database.name}`
  await database.run(
    `CREATE TABLE orders (id int); CREATE TABLE "it's ""odd""" (id int); CREATE TABLE other (id int); CREATE ROLE ${role} LOGIN PASSWORD 'x'`,
  )
  ;[writer, idle] = [new Client({ connectionString: database.url }), new Client({ connectionString: database.url })]
  await Promise.all([writer.connect(), idle.connect()])
  await writer.query(
    `SET application_name = 'batch'; BEGIN; INSERT INTO orders VALUES (1); LOCK TABLE "it's ""odd""" IN SHARE MODE; SELECT * FROM other`,
  )
  await idle.query('SELECT 1')
})

afterAll(async () => {
  await writer?.end()
  await idle?.end()
  await database?.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  await database?.drop()
})

async function seen(target: DatabaseTarget) {
  const connection = await connect(target)
  try {
    const [[activity, memory], [ofNone]] = [await postgres.activityQueries(TABLES), await postgres.activityQueries([])]
    return await connection.read([activity, ofNone, memory])
  } finally {
    await connection.close()
  }
}

const as = (who: string): DatabaseTarget => {
  const url = new URL(database.url)
  if (who !== 'postgres') [url.username, url.password] = [who, 'x']
  return { kind: 'url', url: url.href, ca: null }
}

test('the superuser sees whose transaction is open since when, and what it holds of the tables that were asked for', async () => {
  const [{ transactions, hidden, active }, ofNone, memory] = await seen(as('postgres'))
  expect(transactions).toEqual([
    {
      pid: expect.stringMatching(/^\d+$/u),
      role: 'postgres',
      application: 'batch',
      state: 'idle in transaction',
      sinceMs: expect.any(Number),
      locks: expect.arrayContaining([
        { schema: 'public', table: 'orders', mode: 'row-exclusive' },
        { schema: 'public', table: 'it\'s "odd"', mode: 'share' },
      ]),
    },
  ])
  expect(transactions[0]?.sinceMs).toBeGreaterThan(0)
  expect([hidden, active]).toEqual([0, 0])
  expect(ofNone.transactions.map(({ application, locks }) => [application, locks])).toEqual([['batch', []]])
  expect(memory.sharedBuffersBytes).toBeGreaterThan(1_000_000)
  expect(memory.cacheBytes === null || memory.cacheBytes > 0).toBe(true)
})

test('a role without pg_read_all_stats sees who holds a lock, and is told how many sessions are hidden from it', async () => {
  const [{ transactions, hidden }, ofNone] = await seen(as(role))
  expect(transactions.map(({ role: who, sinceMs, locks }) => [who, sinceMs, locks.length])).toEqual([
    ['postgres', null, 2],
  ])
  expect(hidden).toBeGreaterThanOrEqual(2)
  expect(ofNone).toMatchObject({ transactions: [], hidden })
})

test('effective_cache_size counts where somebody set it', async () => {
  await database.run(`ALTER ROLE ${role} SET effective_cache_size = '6GB'`)
  const [, , memory] = await seen(as(role))
  expect(memory.cacheBytes).toBe(6 * 1024 ** 3)
})
