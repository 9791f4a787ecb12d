import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProject } from '../../../functions/ledgers/project-files.ts'
import { flyway } from '../../../functions/ledgers/flyway.ts'
import { migrate } from '../../../local/demo/migrate.ts'
import { MIGRATIONS, writeProject } from '../../../local/demo/project.ts'

let database: PGlite
let folder: string

beforeAll(async () => {
  database = await PGlite.create()
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-demo-test-'))
  const address = { cluster: 'c', secret: 's', name: 'orders', endpoint: 'http://127.0.0.1:1' }
  await writeProject(folder, { staging: address, production: address })
})

afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

const at = new Date('2026-11-02T09:00:00Z')

test('it applies what is pending up to the target, and nothing twice', async () => {
  const run = { database, folder: join(folder, MIGRATIONS), at }
  expect(await migrate({ ...run, target: '2' })).toEqual(['V1__create_customers.sql', 'V2__create_orders.sql'])
  expect(await migrate({ ...run, target: null })).toEqual(['V3__orders_by_customer.sql', 'V4__add_status_note.sql'])
  expect(await migrate({ ...run, target: null })).toEqual([])
})

test('its history is what the Flyway adapter reads as these files, applied and not edited', async () => {
  const { migrations } = await flyway.discover(openProject(folder), {
    path: MIGRATIONS,
    placeholders: {},
    table: null,
  })
  const columns = flyway.read.columns.map((column) => `${column}::text`).join(', ')
  const { rows } = await database.query<Record<string, string | null>>(
    `SELECT ${columns} FROM flyway_schema_history ORDER BY installed_rank`,
  )
  const table = { schema: 'public', table: 'flyway_schema_history', columns: {}, readable: true }
  const { applied } = flyway.interpret({ table, rows, beside: [], migrations })
  expect(applied.map(({ key, state, at: when }) => ({ key, state, when }))).toEqual(
    migrations.map(({ key }) => ({ key, state: 'applied', when: at.toISOString() })),
  )
  expect(applied.map(({ checksum }) => [checksum])).toEqual(migrations.map(({ checksums }) => checksums))
})
