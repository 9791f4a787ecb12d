import { expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Statement } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeStatements } from '../../functions/queries/observe-statements.ts'
import { createDatabase } from '../support/postgres.ts'

const learnt = (role: string | null, subject: string, sql: string): Statement => ({
  subject,
  sql,
  source: null,
  from: { environments: ['staging'], role, running: null },
  calls: 1,
  expect: null,
})

test("what a role was seen to run is prepared under that role's search path, all else under the environment's", async () => {
  const database = await createDatabase()
  const role = `app_${database.name}`
  await database.run(`CREATE SCHEMA tenant; CREATE TABLE tenant.orders (id int); CREATE TABLE public.users (id int);
    CREATE ROLE ${role}; ALTER ROLE ${role} IN DATABASE ${database.name} SET search_path = tenant`)
  const connection = await connect({ kind: 'url', url: database.url, ca: null })
  try {
    const statements = [
      learnt(role, 'a', 'SELECT id FROM orders'),
      learnt(null, 'a', 'SELECT id FROM orders'),
      learnt(role, 'b', 'SELECT id FROM users'),
      learnt('nobody_of_that_name', 'b', 'SELECT id FROM users'),
    ]
    const observed = await observeStatements(connection, postgres, statements, 'public')
    expect(observed.map(({ subject, error }) => [subject, error?.sqlState ?? 'prepares'])).toEqual([
      ['a', 'prepares'],
      ['a', '42P01'],
      ['b', '42P01'],
      ['b', 'prepares'],
    ])
  } finally {
    await connection.close()
    await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    await database.drop()
  }
})

test('a thousand learnt statements cost some ten round trips, not a thousand', async () => {
  const database = await createDatabase()
  await database.run('CREATE TABLE orders (id int, note text)')
  const connection = await connect({ kind: 'url', url: database.url, ca: null })
  try {
    const statements = Array.from({ length: 1000 }, (_, at) =>
      learnt('app', 'same beginning', `SELECT note FROM orders WHERE id = $1 AND note <> $2 LIMIT ${at}`),
    )
    const observed = await observeStatements(connection, postgres, statements, 'public')
    expect(observed.filter(({ error }) => error === null)).toHaveLength(1000)
    expect(connection.usage().roundTrips).toBeLessThanOrEqual(12)
  } finally {
    await connection.close()
    await database.drop()
  }
})
