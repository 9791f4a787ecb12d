import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connection } from '../../../functions/connections/connection.ts'
import { DatabaseError } from '../../../functions/connections/connection.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import type { OpenDatabase } from './database.ts'
import { connectTo, openDatabase } from './database.ts'

let database: OpenDatabase

beforeAll(async () => {
  database = await openDatabase(
    `CREATE TYPE status AS ENUM ('new', 'paid'); CREATE TABLE orders (id bigint PRIMARY KEY, note text, status status, at timestamptz);
     CREATE SCHEMA audit; CREATE TABLE audit.log (id int)`,
  )
})

afterAll(() => database.close())

async function prepare(sql: readonly string[], searchPath = 'public', connection = database.connection) {
  return postgres.prepareStatements(
    connection,
    sql.map((text, at) => ({ subject: `q${at}`, sql: text })),
    searchPath,
  )
}

async function statesOf(sql: readonly string[]): Promise<readonly (string | null)[]> {
  return (await prepare(sql)).map(({ error, refused }) => refused ?? error?.sqlState ?? null)
}

test('statements of each form that resolve prepare', async () => {
  const sql = [
    'SELECT id, note FROM orders WHERE id = $1 AND at > $2',
    "SELECT note FROM orders WHERE status = 'paid' -- and a comment",
    'INSERT INTO orders (id, note) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET note = excluded.note RETURNING id',
    'UPDATE orders SET note = $2 WHERE id = $1;',
    'DELETE FROM orders WHERE id = ANY ($1)',
    "WITH x AS (SELECT 1 AS a) SELECT a, 'it''s; fine' FROM x",
    'TABLE orders',
    "VALUES (1, E'back\\\\slash'), (2, $$dollar; quoted$$)",
    'SELECT * FROM orders FOR UPDATE',
  ]
  expect(await prepare(sql)).toEqual(sql.map((_, at) => ({ subject: `q${at}`, error: null, refused: null })))
})

test('what breaks a statement is told by SQLSTATE, message and place', async () => {
  const sql = [
    'SELECT id FROM gone',
    'SELECT id, größe, status_note FROM orders',
    'SELECT nothing_like_it(1)',
    'SELECT NULL::no_such_type',
    'SELECT 1 FROM nowhere.orders',
    "SELECT id FROM orders WHERE status = 'refunded'",
  ]
  const observed = await prepare(sql)
  expect(observed.map(({ error }) => error)).toEqual([
    { sqlState: '42P01', message: 'relation "gone" does not exist', position: 16 },
    { sqlState: '42703', message: 'column "größe" does not exist', position: 12 },
    { sqlState: '42883', message: 'function nothing_like_it(integer) does not exist', position: 8 },
    { sqlState: '42704', message: 'type "no_such_type" does not exist', position: 14 },
    { sqlState: '42P01', message: 'relation "nowhere.orders" does not exist', position: 15 },
    { sqlState: '22P02', message: 'invalid input value for enum status: "refunded"', position: 38 },
  ])
  expect(observed.every(({ error }) => error !== null && postgres.breaks.has(error.sqlState))).toBe(true)
})

test('errors that are no break: syntax, parameters without a type', async () => {
  const states = await statesOf(['SELEC 1', 'SELECT $1 IS NULL', 'SELECT now() - interval $1', 'SELECT 1 +'])
  expect(states).toEqual(['42601', '42P18', '42601', '42601'])
  expect(states.some((state) => state !== null && postgres.breaks.has(state))).toBe(false)
})

test('a text that is not one statement is refused, and nothing of it runs', async () => {
  const observed = await prepare([
    "SELECT 1; SELECT set_config('deploywatch.ran', 'yes', false)",
    ' -- nothing',
    "SELECT 'open",
    '',
  ])
  expect(observed.map(({ refused, error }) => [refused, error])).toEqual([
    ['it holds more than one statement, the second from character 11: write each as a query of its own', null],
    ['it is empty: write one statement', null],
    ['it opens a quote or comment that it never closes, at character 8', null],
    ['it is empty: write one statement', null],
  ])
})

test('nothing but a query or a change of rows can be prepared', async () => {
  const utilities = [
    'CREATE TABLE made (id int)',
    'DROP TABLE orders',
    'TRUNCATE orders',
    "COPY orders TO PROGRAM 'true'",
    'SET work_mem = 1',
    "DO $$ BEGIN RAISE EXCEPTION 'ran'; END $$",
    'EXPLAIN SELECT 1',
    "SELECT 1') ; DROP TABLE orders --",
  ]
  const states = await statesOf(utilities)
  // Later majors prepare this one; it makes nothing.
  await statesOf(['SELECT id INTO made FROM orders'])
  expect(states.every((state) => state !== null)).toBe(true)
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query(
    "SELECT to_regclass('orders') IS NOT NULL AS kept, to_regclass('made') IS NULL AS unmade",
  )
  await client.end()
  expect(rows).toEqual([{ kept: true, unmade: true }])
})

test('functions are resolved, and not run', async () => {
  const sequence = `SELECT nextval('counted')`
  await database.run(
    "CREATE SEQUENCE counted; CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE EXCEPTION 'ran'; END $$",
  )
  expect(await statesOf([sequence, 'SELECT fails()', 'SELECT pg_sleep(60)'])).toEqual([null, null, null])
})

test('names are resolved under the search path that is given', async () => {
  expect((await prepare(['SELECT id FROM log'], 'audit'))[0]?.error).toBeNull()
  expect((await prepare(['SELECT id FROM log'], 'public'))[0]?.error?.sqlState).toBe('42P01')
})

/** What a statement leaves in its session is to be seen there alone. */
const LEFT_BEHIND = {
  sql: `SELECT (SELECT count(*) FROM pg_prepared_statements)::text, (SELECT count(*) FROM pg_locks l WHERE l.pid = pg_backend_pid() AND l.relation = 'public.orders'::regclass)::text`,
  parse: (rows: readonly (readonly (string | null)[])[]) => rows[0],
}

test('no prepared statement and no lock is left behind, also within the transaction', async () => {
  const left: unknown[] = []
  const connection: Connection = {
    ...database.connection,
    read: async (queries, options) => {
      const values: readonly unknown[] = await database.connection.read([...queries, LEFT_BEHIND], options)
      left.push(values.at(-1))
      return values.slice(0, -1) as never
    },
  }
  await prepare(
    ['UPDATE orders SET note = 1 WHERE id = $1', "UPDATE orders SET note = 'x'", 'SELECT gone FROM orders'],
    'public',
    connection,
  )
  const [after] = await database.connection.read([LEFT_BEHIND])
  expect(left).toEqual([['0', '0']])
  expect(after).toEqual(['0', '0'])
})

test('hundreds that prepare cost two round trips, not hundreds', async () => {
  const sql = Array.from(
    { length: 200 },
    (_, at) => `SELECT id, note AS n${at} FROM orders WHERE id = $1 AND note <> '${'x'.repeat(at)}'`,
  )
  const before = database.connection.usage().roundTrips
  expect((await prepare(sql)).every(({ error, refused }) => error === null && refused === null)).toBe(true)
  expect(database.connection.usage().roundTrips - before).toBeLessThanOrEqual(4)
})

test('where PL/pgSQL is not to be had, each is prepared alone', async () => {
  await database.run(
    "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; CREATE ROLE no_plpgsql LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA public TO no_plpgsql",
  )
  const url = new URL(database.url)
  url.username = 'no_plpgsql'
  url.password = 'secret'
  const connection = await connectTo(url.href)
  const observed = await prepare(['SELECT id FROM orders', 'SELECT gone FROM orders'], 'public', connection)
  const [left] = await connection.read([
    { sql: 'SELECT count(*)::text FROM pg_prepared_statements', parse: (rows) => rows[0]?.[0] },
  ])
  await connection.close()
  await database.run('DROP OWNED BY no_plpgsql; DROP ROLE no_plpgsql; GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC')
  expect(observed.map(({ error }) => error?.sqlState ?? null)).toEqual([null, '42703'])
  expect(left).toBe('0')
})

test('a lock in the way is no fault of the statement: the whole look hears of it, and who holds it can be named', async () => {
  const holder = new Client({ connectionString: database.url, application_name: 'migration' })
  await holder.connect()
  await holder.query("BEGIN; LOCK TABLE orders; SELECT 'a secret', 42 FROM orders")
  const error = await prepare(['SELECT 1', 'SELECT id FROM orders']).catch((thrown: unknown) => thrown)
  const [blockers] = await database.connection.read([postgres.blockers()])
  await holder.end()
  expect(error).toBeInstanceOf(DatabaseError)
  expect(postgres.classify(error as DatabaseError)).toBe('blocked')
  expect(blockers).toEqual([
    {
      pid: expect.stringMatching(/^\d+$/) as unknown,
      role: expect.any(String) as unknown,
      application: 'migration',
      state: 'idle in transaction',
      sinceSeconds: expect.any(Number) as unknown,
      statement: 'BEGIN; LOCK TABLE orders; SELECT …, … FROM',
    },
  ])
})
