import { describe, expect, test } from 'vitest'
import type { LedgerTableName } from '../../functions/core/release.ts'
import type { CandidateTable } from '../../functions/engines/engine.ts'
import { chooseLedger } from '../../functions/ledgers/choose-ledger.ts'
import { dbmate } from '../../functions/ledgers/dbmate.ts'
import { drizzle } from '../../functions/ledgers/drizzle.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { golangMigrate } from '../../functions/ledgers/golang-migrate.ts'
import { knex } from '../../functions/ledgers/knex.ts'
import type { LedgerTool } from '../../functions/ledgers/ledger.ts'
import { recogniseOther } from '../../functions/ledgers/other-tools.ts'

const COLUMNS = {
  drizzle: { id: 'integer', hash: 'text', created_at: 'bigint' },
  knex: { id: 'integer', name: 'character varying(255)', batch: 'integer', migration_time: 'timestamp with time zone' },
  typeorm: { id: 'integer', timestamp: 'bigint', name: 'character varying' },
  flyway: {
    installed_rank: 'integer',
    version: 'character varying(50)',
    description: 'character varying(200)',
    type: 'character varying(20)',
    script: 'character varying(1000)',
    checksum: 'integer',
    success: 'boolean',
  },
  refinery: {
    version: 'integer',
    name: 'character varying(255)',
    applied_on: 'character varying(255)',
    checksum: 'character varying(255)',
  },
} as const
const table = (name: string, columns: Readonly<Record<string, string>>): CandidateTable => {
  const [schema = '', bare = ''] = name.split('.')
  return { schema, table: bare, columns, readable: true }
}
const choose = (
  tool: LedgerTool,
  candidates: readonly CandidateTable[],
  named: LedgerTableName | null = null,
  searchPath: readonly string[] = ['public'],
) => {
  const found = chooseLedger({ tool, table: named, candidates, searchPath })
  return 'problem' in found
    ? found.problem
    : { found: `${found.table.schema}.${found.table.table}`, certain: found.certain }
}

test('the only one is it; elsewhere than by default, that is not certain', () => {
  expect(choose(flyway, [table('public.flyway_schema_history', COLUMNS.flyway)])).toEqual({
    found: 'public.flyway_schema_history',
    certain: true,
  })
  expect(choose(flyway, [table('app.history', COLUMNS.flyway)])).toEqual({ found: 'app.history', certain: false })
})

test('another tool’s ledger beside it does not count', () => {
  const candidates = [table('public.knex_migrations', COLUMNS.knex), table('public.migrations', COLUMNS.typeorm)]
  expect(choose(knex, candidates)).toEqual({ found: 'public.knex_migrations', certain: true })
})

test('two of the tool are named and asked about, also where one is at the default place', () => {
  const candidates = [
    table('drizzle.__drizzle_migrations', COLUMNS.drizzle),
    table('meta.ticket_migrations', COLUMNS.drizzle),
  ]
  expect(choose(drizzle, candidates)).toMatchObject({
    problem: 'ambiguous',
    tables: ['drizzle.__drizzle_migrations', 'meta.ticket_migrations'],
  })
  expect(choose(drizzle, candidates, { schema: 'meta', table: 'ticket_migrations' })).toMatchObject({
    found: 'meta.ticket_migrations',
  })
})

test('a search path that was chosen says whose ledger is meant', () => {
  const candidates = ['tenant_1', 'tenant_2'].map((schema) => table(`${schema}.flyway_schema_history`, COLUMNS.flyway))
  expect(choose(flyway, candidates)).toMatchObject({ problem: 'ambiguous' })
  expect(choose(flyway, candidates, null, ['tenant_2', 'public'])).toEqual({
    found: 'tenant_2.flyway_schema_history',
    certain: true,
  })
  expect(choose(flyway, candidates, { schema: null, table: 'flyway_schema_history' }, ['tenant_1'])).toMatchObject({
    found: 'tenant_1.flyway_schema_history',
  })
})

test('the one that is named and no other: what is there instead is said', () => {
  const candidates = [table('public.flyway_schema_history', COLUMNS.flyway)]
  expect(choose(flyway, candidates, { schema: 'app', table: 'history' })).toEqual({
    problem: 'missing',
    lookedFor: 'app.history',
    detail: 'there is no such table in this database; ledgers that are here: public.flyway_schema_history (Flyway)',
  })
})

test('a named table with other columns is not it, and the columns are said', () => {
  const candidates = [table('app.history', COLUMNS.knex)]
  expect(choose(flyway, candidates, { schema: 'app', table: 'history' })).toMatchObject({
    problem: 'missing',
    detail: expect.stringContaining('app.history has the columns id, name, batch, migration_time') as string,
  })
})

test('a named table may have more columns under any name', () => {
  const candidates = [table('app.history', { ...COLUMNS.flyway, note: 'text' })]
  expect(choose(flyway, candidates)).toMatchObject({ problem: 'missing' })
  expect(choose(flyway, candidates, { schema: null, table: 'history' })).toMatchObject({ found: 'app.history' })
})

test('none: it is missing where it would be; the others that are there are named', () => {
  expect(choose(flyway, [])).toEqual({ problem: 'missing', lookedFor: 'public.flyway_schema_history', detail: null })
  expect(choose(drizzle, [table('public.migrations', COLUMNS.typeorm)])).toEqual({
    problem: 'missing',
    lookedFor: 'drizzle.__drizzle_migrations',
    detail: 'there is no such table in this database; ledgers that are here: public.migrations (TypeORM)',
  })
})

test('refinery’s ledger behind Flyway’s file names is answered as unsupported', () => {
  expect(choose(flyway, [table('public.refinery_schema_history', COLUMNS.refinery)])).toMatchObject({
    problem: 'unsupported',
    tool: 'refinery',
    table: 'public.refinery_schema_history',
  })
})

describe('refinery and tern, which are known and not read', () => {
  const TERN = table('public.schema_version', { version: 'integer' })
  const REFINERY = table('public.schema_version', COLUMNS.refinery)

  test.each([flyway, golangMigrate, dbmate])('are never taken for $title’s by their columns', (tool) => {
    for (const other of [
      TERN,
      REFINERY,
      { ...TERN, table: 'schema_migrations' },
      { ...REFINERY, table: 'flyway_schema_history' },
    ]) {
      expect(tool.recognise(other, [other])).toBeNull()
      expect(choose(tool, [other])).toMatchObject({ problem: expect.stringMatching(/missing|unsupported/) as string })
    }
  })

  test.each([
    ['tern', TERN],
    ['refinery', REFINERY],
  ])('%s’s table, where it is named as another tool’s, is answered as unsupported', (title, other) => {
    for (const tool of [flyway, golangMigrate, dbmate]) {
      expect(choose(tool, [other], { schema: null, table: 'schema_version' })).toMatchObject({
        problem: 'unsupported',
        tool: title,
        table: 'public.schema_version',
      })
    }
  })

  test('tern’s is told by its type and its name: a column `version` may stand alone in any table', () => {
    expect(recogniseOther(TERN)?.name).toBe('tern')
    expect(recogniseOther({ ...TERN, table: 'releases' })).toBeNull()
    expect(recogniseOther({ ...TERN, columns: { version: 'text' } })).toBeNull()
    expect(recogniseOther({ ...TERN, columns: { version: 'integer', note: 'text' } })).toBeNull()
  })
})
