import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { connectTo, openDatabase, PUBLIC, scopeOf, sorted, undisturbed } from './database.ts'

async function asRole(url: string, role: string) {
  const own = new URL(url)
  own.username = role
  own.password = 'secret'
  return connectTo(own.href)
}

test('a role made by exactly the printed SQL can do a whole read, and no more', async () => {
  const database = await openDatabase(
    await readFile(new URL('../../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8'),
  )
  await database.run(
    'CREATE TABLE schema_migrations (version bigint, dirty boolean); INSERT INTO schema_migrations VALUES (1, false); REVOKE ALL ON SCHEMA public FROM PUBLIC',
  )
  const role = `watch ${database.name}`
  const sql = postgres.grantsSql({
    role,
    database: database.name,
    schemas: ['public', 'audit', 'Odd.schema'],
    ledgers: [{ schema: 'public', table: 'schema_migrations' }],
    tables: ['customers', 'audit.log'],
    statistics: true,
  })
  await database.run(sql)
  await database.run(`ALTER ROLE "${role}" PASSWORD 'secret'`)
  const scope = scopeOf(['public', 'audit', 'Odd.schema'], { role: 'orders_app' })
  const expected = await database.read(scope)
  const connection = await asRole(database.url, role)
  expect(sorted(await postgres.readCatalog(connection, scope))).toEqual(expected)
  const [server, digests, ledger, candidates] = await connection.read([
    postgres.identify(),
    postgres.bucketDigests(scope),
    postgres.tableDigest({ schema: 'public', table: 'schema_migrations' }),
    postgres.candidateTables([{ columns: ['version', 'dirty'] }]),
    postgres.blockers(),
  ])
  expect(server.role).toBe(role)
  await undisturbed(async () => {
    const [stamp] = await connection.read([postgres.stamp()])
    expect((await database.connection.read([postgres.stamp()]))[0]).toBe(stamp)
  })
  expect(digests.schemas.every(({ usable }) => usable)).toBe(true)
  expect(ledger).toMatch(/^1 \d+$/)
  expect(candidates).toEqual([
    { schema: 'public', table: 'schema_migrations', readable: true, columns: { version: 'bigint', dirty: 'boolean' } },
  ])
  const observed = await postgres.prepareStatements(
    connection,
    [
      { subject: 'reads', sql: 'SELECT id, note FROM orders WHERE id = $1' },
      { subject: 'writes', sql: 'UPDATE orders SET note = $1' },
      { subject: 'broken', sql: 'SELECT status_note FROM orders' },
    ],
    'public',
  )
  expect(observed.map(({ error }) => error?.sqlState ?? null)).toEqual([null, null, '42703'])
  await expect(connection.read([postgres.tableDigest({ schema: 'public', table: 'orders' })])).rejects.toThrow(
    'permission denied',
  )
  await connection.close()
  await database.run(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`)
  await database.close()
})

test('the SQL says why each privilege is needed, and only what was asked for', () => {
  const sql = postgres.grantsSql({
    role: 'watch',
    database: 'orders',
    schemas: ['public'],
    ledgers: [],
    tables: [],
    statistics: false,
  })
  expect(sql).toBe(`-- The role that Deploywatch looks with: it reads, and cannot write.
-- Give it a way to log in: ALTER ROLE "watch" PASSWORD '…', or GRANT rds_iam TO "watch" on Amazon RDS.
CREATE ROLE "watch" LOGIN;
ALTER ROLE "watch" SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE "orders" TO "watch";

-- Names are resolved in these schemas: for the catalog, and for preparing statements, which reads no rows. Add the schemas that hold extensions.
GRANT USAGE ON SCHEMA "public" TO "watch";
`)
})

test('a schema that the role may not use is told, and not read as if it could', async () => {
  const database = await openDatabase('CREATE TABLE t (id int); REVOKE ALL ON SCHEMA public FROM PUBLIC')
  const role = `stranger_${database.name}`
  await database.run(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
  const connection = await asRole(database.url, role)
  const [digests] = await connection.read([postgres.bucketDigests(PUBLIC)])
  await connection.close()
  expect(digests.schemas).toEqual([{ expected: 'public', usable: false }])
  await database.run(`DROP ROLE ${role}`)
  await database.close()
})
