/** Mode environment: another database's catalog is the expectation, read over the wire. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openWirePostgres } from '../../functions/connections/wire-postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { build, flywayFiles, makeCache } from './support.ts'

let database: TestDatabase
let own: Awaited<ReturnType<typeof makeCache>>

beforeAll(async () => {
  database = await createDatabase()
  own = await makeCache()
  await database.run(
    'CREATE TABLE orders (id int PRIMARY KEY, note text); CREATE VIEW v AS SELECT id FROM orders; CREATE SCHEMA s; CREATE TABLE s.t (id int); CREATE TABLE flyway_schema_history (installed_rank int)',
  )
})
afterAll(async () => {
  await own.remove()
  await database.drop()
})

const environments = 'environments: { staging: { database: { url: "postgres://unused" } } }\n'

test('the catalog of the named environment is expected, without the ledger, and nothing is replayed', async () => {
  const opened: string[] = []
  const built = await build(flywayFiles(['CREATE TABLE not_there (id int)']), {
    cache: own.cache,
    config: `schema: { replay: { mode: environment, environment: staging } }\n${environments}`,
    connect: async (name) => {
      opened.push(name)
      return openWirePostgres({ kind: 'url', url: database.url, ca: null })
    },
  })
  expect(opened).toEqual(['staging'])
  expect(built.expectation.catalog).toMatchObject({ mode: 'environment', schemas: ['public', 's'] })
  expect(built.objects.map(({ object }) => `${object.kind} ${object.schema}.${object.name}`)).toEqual([
    'column public.id',
    'column public.note',
    'constraint public.orders_pkey',
    'table public.orders',
    'view public.v',
    'column s.id',
    'table s.t',
  ])
  expect(built.objects.every(({ brought }) => brought === null)).toBe(true)
  expect(built.effects).toEqual([{ brought: [], changed: [], removed: [], costs: [], failed: null }])
  expect(built.notes).toContain('the expectation is the catalog of staging')
})

test('an environment that is not configured is told with the names that are', async () => {
  const config = `schema: { replay: { mode: environment, environment: stagign } }\n${environments}`
  await expect(build(flywayFiles(['SELECT 1']), { cache: own.cache, config })).rejects.toThrow(/staging/)
})
