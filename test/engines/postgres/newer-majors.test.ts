/** What only later majors know. Where the server is older, the test is skipped, not passed. */
import { expect, inject, test } from 'vitest'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { connectTo, factsOf } from './database.ts'

async function major(): Promise<number> {
  const connection = await connectTo(inject('postgresUrl'))
  const [server] = await connection.read([postgres.identify()])
  await connection.close()
  return server.major
}

test('15: unique without distinct nulls, and SET NULL of some columns', async ({ skip }) => {
  if ((await major()) < 15) skip()
  const sql = `CREATE TABLE a (x int, y int, PRIMARY KEY (x, y)); CREATE TABLE b (x int, y int, z int,
    CONSTRAINT one UNIQUE NULLS NOT DISTINCT (z), CONSTRAINT two FOREIGN KEY (x, y) REFERENCES a ON DELETE SET NULL (y));
    CREATE UNIQUE INDEX three ON b (x) NULLS NOT DISTINCT; CREATE VIEW v WITH (security_invoker = true) AS SELECT 1 AS one`
  const usual = { deferrable: 'no', validated: 'yes', enforced: 'yes' }
  expect(await factsOf(sql, 'constraint')).toMatchObject({
    one: { ...usual, form: 'unique', definition: 'UNIQUE NULLS NOT DISTINCT (z)' },
    two: { ...usual, form: 'foreign key', definition: 'FOREIGN KEY (x, y) REFERENCES a(x, y) ON DELETE SET NULL (y)' },
  })
  expect(await factsOf(sql, 'index')).toMatchObject({ three: { unique: 'yes', nullsNotDistinct: 'yes' } })
  expect(await factsOf(sql, 'view')).toMatchObject({ v: { options: 'security_invoker=true' } })
})

test('18: virtual columns, constraints that are not enforced, NOT NULL as no constraint, periods', async ({ skip }) => {
  if ((await major()) < 18) skip()
  const sql = `CREATE EXTENSION btree_gist; CREATE TABLE a (id int NOT NULL, d int GENERATED ALWAYS AS (id * 2) VIRTUAL, at daterange,
      CONSTRAINT key PRIMARY KEY (id, at WITHOUT OVERLAPS), CONSTRAINT loose CHECK (id > 0) NOT ENFORCED);
    CREATE TABLE b (id int, at daterange, CONSTRAINT back FOREIGN KEY (id, PERIOD at) REFERENCES a (id, PERIOD at))`
  expect(await factsOf(sql, 'column')).toMatchObject({ d: { default: '(id * 2)', generated: 'virtual' } })
  expect(await factsOf(sql, 'constraint')).toEqual({
    key: {
      form: 'primary key',
      definition: 'PRIMARY KEY (id, at WITHOUT OVERLAPS)',
      deferrable: 'no',
      validated: 'yes',
      enforced: 'yes',
    },
    loose: { form: 'check', definition: 'CHECK ((id > 0))', deferrable: 'no', validated: 'no', enforced: 'no' },
    back: {
      form: 'foreign key',
      definition: 'FOREIGN KEY (id, PERIOD at) REFERENCES a(id, PERIOD at)',
      deferrable: 'no',
      validated: 'yes',
      enforced: 'yes',
    },
  })
})
