import { expect, test } from 'vitest'
import { DatabaseError } from '../../../functions/connections/connection.ts'
import { firstWords } from '../../../functions/engines/postgres/blockers.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { connectTo, openDatabase } from './database.ts'

test('a server tells its version, cluster, database and role', async () => {
  const database = await openDatabase()
  const [server] = await database.connection.read([postgres.identify()])
  expect(server).toEqual({
    engine: 'postgres',
    version: expect.stringMatching(/^\d+\.\d+$/) as unknown,
    major: Number(server.version.split('.')[0]),
    systemIdentifier: expect.stringMatching(/^\d{15,}$/) as unknown,
    database: database.name,
    role: new URL(database.url).username,
  })
  await database.close()
})

test('where the cluster may not be asked for its identifier, the database stands in for it', async () => {
  const database = await openDatabase()
  const role = `asking_${database.name}`
  await database.run(
    `REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC; CREATE ROLE ${role} LOGIN PASSWORD 'secret'`,
  )
  const url = new URL(database.url)
  url.username = role
  url.password = 'secret'
  const connection = await connectTo(url.href)
  const [server] = await connection.read([postgres.identify()])
  await connection.close()
  expect(server.systemIdentifier).toMatch(/^database \d+ of transaction \d+$/)
  await database.run(`DROP ROLE ${role}`)
  await database.close()
})

test('ledgers are found by their columns, whatever their case, in any schema', async () => {
  const database = await openDatabase(
    `CREATE SCHEMA "Tools"; CREATE TABLE "Tools".ledger ("VERSION" varchar(50), dirty boolean, more int); CREATE TABLE near (version int);
     CREATE VIEW seen AS SELECT 1 AS a, 2 AS b; CREATE TABLE cut (version int, gone int, dirty boolean); ALTER TABLE cut DROP COLUMN dirty;
     CREATE TEMPORARY TABLE passing (version int, dirty boolean)`,
  )
  const [tables, none] = await database.connection.read([
    postgres.candidateTables([{ columns: ['version', 'dirty'] }, { columns: ['a', 'b'] }]),
    postgres.candidateTables([]),
  ])
  expect(none).toEqual([])
  expect(tables).toEqual([
    {
      schema: 'Tools',
      table: 'ledger',
      readable: true,
      columns: { VERSION: 'character varying(50)', dirty: 'boolean', more: 'integer' },
    },
    { schema: 'public', table: 'seen', readable: true, columns: { a: 'integer', b: 'integer' } },
  ])
  await database.close()
})

test('a set that stands alone is found where the table has no other column', async () => {
  const database = await openDatabase(
    `CREATE TABLE "SequelizeMeta" (name text); CREATE TABLE people (name text, age int);
     CREATE TABLE shrunk (name text, gone int); ALTER TABLE shrunk DROP COLUMN gone`,
  )
  const [tables] = await database.connection.read([postgres.candidateTables([{ columns: ['name'], alone: true }])])
  expect(tables.map(({ table }) => table)).toEqual(['SequelizeMeta', 'shrunk'])
  await database.close()
})

test("a table's digest follows its rows, and nothing else", async () => {
  const database = await openDatabase(
    `CREATE TABLE "a ""t" (t int, x text); INSERT INTO "a ""t" VALUES (1, 'a'), (2, 'b')`,
  )
  const digest = async () =>
    (await database.connection.read([postgres.tableDigest({ schema: 'public', table: 'a "t' })]))[0]
  const first = await digest()
  await database.run(`TRUNCATE "a ""t"; INSERT INTO "a ""t" VALUES (2, 'b'), (1, 'a')`)
  expect(await digest()).toBe(first)
  await database.run(`UPDATE "a ""t" SET x = 'c' WHERE t = 2`)
  expect(await digest()).not.toBe(first)
  await database.run(`DELETE FROM "a ""t"`)
  expect(await digest()).toBe('0 0')
  const missing = await database.connection
    .read([postgres.tableDigest({ schema: 'public', table: 'gone' })])
    .catch((error: unknown) => error)
  expect(missing).toBeInstanceOf(DatabaseError)
  expect(postgres.classify(missing as DatabaseError)).toBe('missing')
  await database.close()
})

test.each([
  ['55P03', 'blocked'],
  ['42501', 'denied'],
  ['57014', 'timeout'],
  ['3F000', 'missing'],
  ['22012', 'other'],
])('SQLSTATE %s is %s', (sqlState, expected) => {
  const facts = { sqlState, position: null, detail: null, hint: null, statement: 0 }
  expect(postgres.classify(new DatabaseError('x', facts))).toBe(expected)
})

test.each([
  ["UPDATE users SET password = 'it''s secret' WHERE id = 7", 'UPDATE users SET password = … WHERE id'],
  ['/* by alice */ ALTER TABLE t1 ADD COLUMN a2 int -- now', 'ALTER TABLE t1 ADD COLUMN a2 int'],
  ["SELECT 'cut in the mid", 'SELECT …'],
  ["SELECT E'it\\'s', $tag$secret$tag$", 'SELECT …, …'],
  ['', ''],
])('%j is told as %j', (statement, words) => {
  expect(firstWords(statement)).toBe(words)
})

test('text and names are quoted so that they mean themselves', async () => {
  const database = await openDatabase()
  const odd = `it's "odd" \\ back\\'slash; -- $$ €`
  const read = async (setting: string) =>
    database.connection.read([
      { sql: `SELECT set_config('standard_conforming_strings', '${setting}', true)`, parse: () => null },
      { sql: `SELECT ${postgres.literal(odd)} AS ${postgres.identifier(odd)}`, parse: (rows) => rows[0]?.[0] },
    ])
  expect((await read('on'))[1]).toBe(odd)
  expect((await read('off'))[1]).toBe(odd)
  await database.close()
})
