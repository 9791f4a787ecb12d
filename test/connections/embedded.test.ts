import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import { embeddedConnection } from '../../functions/connections/embedded.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-embedded-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const names = {
  sql: "SELECT relname::text FROM pg_class WHERE relname LIKE 'item%' ORDER BY 1",
  parse: (rows: readonly (readonly (string | null)[])[]) => rows.flat(),
}

test('a database in a folder is opened, looked at, and closed', async () => {
  const made = await PGlite.create(join(folder, 'db'))
  await made.exec('CREATE TABLE items (id int)')
  await made.close()
  const connection = await connect({ kind: 'embedded', folder: join(folder, 'db') })
  expect(await connection.read([names])).toEqual([['items']])
  await connection.close()
  await expect(connection.read([names])).rejects.toMatchObject({ code: 'database-unreachable' })
})

test('a folder without a database is told, and left as it is', async () => {
  await expect(connect({ kind: 'embedded', folder })).rejects.toMatchObject({ code: 'database-unreachable' })
  await expect(connect({ kind: 'embedded', folder: join(folder, 'nowhere') })).rejects.toThrow(
    /no embedded database in/,
  )
  expect(await readdir(folder)).not.toContain('nowhere')
})

test("an instance that is the caller's stays open, with its own session settings", async () => {
  const pglite = await PGlite.create()
  await pglite.exec("SET TimeZone = 'Asia/Tokyo'; SET search_path = 'elsewhere'")
  const connection = embeddedConnection(pglite)
  expect(await connection.read([{ sql: "SELECT current_setting('TimeZone')", parse: (rows) => rows[0]?.[0] }])).toEqual(
    ['UTC'],
  )
  await expect(connection.read([{ sql: 'SELECT nope', parse: (rows) => rows }])).rejects.toThrow(/nope/)
  await connection.close()
  const { rows } = await pglite.query(
    "SELECT current_setting('TimeZone') AS zone, current_setting('search_path') AS path",
  )
  expect(rows).toEqual([{ zone: 'Asia/Tokyo', path: 'elsewhere' }])
  await pglite.close()
})
