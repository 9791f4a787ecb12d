import { expect, test } from 'vitest'
import { Client } from 'pg'
import { createDatabase } from './postgres.ts'

test('the suites have a real PostgreSQL, and a database of their own in it', async () => {
  const database = await createDatabase()
  await database.run('CREATE TABLE t (id int)')
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query("SELECT current_database() AS name, to_regclass('t') IS NOT NULL AS there")
  await client.end()
  expect(rows).toEqual([{ name: database.name, there: true }])
  await database.drop()
})
