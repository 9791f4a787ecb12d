/** A team that went over from one tool to another: the ledger of before stays, and the times tell which one is written. */
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { LedgerReading } from '../../functions/core/ledger.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { knex } from '../../functions/ledgers/knex.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { expectLedger, lookAt, lookAtLedger } from '../support/ledgers.ts'
import { insertRows } from '../support/load-dump.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const UP = 'exports.up = (knex) => {}'
const KNEX = { 'migrations/20250105_a.js': UP, 'migrations/20250202_b.js': UP, 'knexfile.js': '' }
const FLYWAY = { 'db/V1__a.sql': 'SELECT 1;', 'db/V2__b.sql': 'SELECT 2;' }

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

const knexRows = (...rows: readonly (readonly [name: string, at: string])[]): string =>
  `${knex.ledgerDdl}; ${insertRows(
    'knex_migrations',
    rows.map(([name, at]) => ({ name, batch: '1', migration_time: at })),
  )}`
const flywayRows = (...times: readonly string[]): string =>
  `${flyway.ledgerDdl}; ${insertRows(
    'flyway_schema_history',
    times.map((at, index) => ({
      installed_rank: String(index + 1),
      version: String(index + 1),
      description: index === 0 ? 'a' : 'b',
      type: 'SQL',
      script: 'V',
      checksum: null,
      installed_by: 'm',
      installed_on: at,
      execution_time: '1',
      success: 't',
    })),
  )}`

async function look(sql: string, files: Readonly<Record<string, string>>, path: string) {
  await database.run(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${sql}`)
  const expectation = await expectLedger(projectOf(files), path)
  const { observation, roundTrips } = await lookAt(database.url, expectation)
  const reading = 'reading' in observation ? observation.reading : null
  return { reading: reading as LedgerReading, roundTrips, ...compareLedger(expectation, observation) }
}

test('the old ledger has ended before the new one begins: that is said, in the same round trip, and is no finding', async () => {
  const sql = `${knexRows(['20240105_x.js', '2024-03-01'], ['20240202_y.js', '2025-01-31'])}; ${flywayRows('2025-02-03', '2025-03-04')}`
  const { findings, notes, roundTrips } = await look(sql, FLYWAY, 'db')
  expect(findings).toEqual([])
  expect(notes).toContain(
    'public.knex_migrations (Knex) has had no row since 2025-01-31T00:00:00.000Z, and public.flyway_schema_history begins on 2025-02-03T00:00:00.000Z: it looks as if the team went over from Knex to Flyway; what Knex ran is not looked for here',
  )
  expect(roundTrips).toBe(2)
})

test('the release’s own ledger has ended, and another tool’s goes on: a cause of what is missing, with its evidence', async () => {
  const sql = `${knexRows(['20250105_a.js', '2025-01-05'])}; ${flywayRows('2025-02-03', '2025-03-04')}`
  const { findings } = await look(sql, KNEX, 'migrations')
  expect(findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual(['migration-missing 20250202_b.js'])
  expect(findings[0]?.causes).toEqual([
    {
      text: 'the team went over to Flyway, which runs and records the migrations here since',
      evidence:
        'public.flyway_schema_history has rows since 2025-02-03T00:00:00.000Z, and the newest of public.knex_migrations is of 2025-01-05T00:00:00.000Z',
    },
  ])
})

test('two services, whose ledgers are both written, are no switch', async () => {
  const sql = `${knexRows(['20250105_a.js', '2025-01-05'], ['20250202_b.js', '2025-04-05'])}; ${flywayRows('2025-02-03', '2025-03-04')}`
  for (const [files, path] of [
    [KNEX, 'migrations'],
    [FLYWAY, 'db'],
  ] as const) {
    const { findings, reading } = await look(sql, files, path)
    expect(findings).toEqual([])
    expect(reading.notes.join()).not.toContain('went over')
    expect(reading.successor).toBeUndefined()
  }
})

test('another service’s ledger that is locked is in nobody’s way', async () => {
  const sql = `${knexRows(['20240105_x.js', '2024-03-01'])}; ${flywayRows('2025-02-03', '2025-03-04')}`
  await database.run(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${sql}`)
  const other = new Client({ connectionString: database.url })
  await other.connect()
  try {
    await other.query('BEGIN; LOCK TABLE knex_migrations IN ACCESS EXCLUSIVE MODE')
    const expectation = await expectLedger(projectOf(FLYWAY), 'db')
    const { observation } = await lookAt(database.url, expectation)
    expect(compareLedger(expectation, observation).standings.map(({ status }) => status)).toEqual([
      'applied',
      'applied',
    ])
  } finally {
    await other.end()
  }
})

test('through the Data API the same is said', async () => {
  const sql = `${knexRows(['20240105_x.js', '2024-03-01'])}; ${flywayRows('2025-02-03', '2025-03-04')}`
  await database.run(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${sql}`)
  const dataApi = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  const connection = await connect(dataApiTarget(dataApi.endpoint, database.name))
  try {
    const expectation = await expectLedger(projectOf(FLYWAY), 'db')
    const { observation } = await lookAtLedger(connection, expectation)
    expect('reading' in observation ? observation.reading.notes.join() : '').toContain('went over from Knex to Flyway')
  } finally {
    await connection.close()
    await dataApi.close()
  }
})

test('an empty ledger and one without times say nothing', async () => {
  const own = flywayRows('2025-02-03', '2025-03-04')
  for (const other of [
    knex.ledgerDdl,
    'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (1, false)',
  ]) {
    const { reading, findings } = await look(`${own}; ${other}`, FLYWAY, 'db')
    expect(findings).toEqual([])
    expect(reading.notes.join()).not.toContain('went over')
  }
})
