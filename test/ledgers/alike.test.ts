/** Files that two tools name alike: the ledger tells whose they are. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { golangMigrate } from '../../functions/ledgers/golang-migrate.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { sqlx } from '../../functions/ledgers/sqlx.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const FILES = { 'm/0001_a.up.sql': 'SELECT 1;', 'm/0001_a.down.sql': '', 'm/0002_b.up.sql': 'SELECT 2;' }
let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
beforeEach(() => database.run('DROP SCHEMA public CASCADE; CREATE SCHEMA public'))
afterAll(() => database.drop())

const look = async (files: Readonly<Record<string, string>>) => {
  const expectation = await expectLedger(projectOf(files), 'm')
  const { observation } = await lookAt(database.url, expectation)
  const { findings, standings, notes } = compareLedger(expectation, observation)
  const command = findings.flatMap(({ nextSteps }) => nextSteps).find((step) => step.command !== null)?.command
  return {
    findings: findings.map(({ code, subject }) => `${code} ${subject}`),
    tool: standings[0]?.ledger.tool,
    command,
    notes,
  }
}
const sqlxRow = (version: number, text: string): string =>
  `INSERT INTO _sqlx_migrations VALUES (${version}, 'a', now(), true, '\\x${createHash('sha384').update(text).digest('hex')}', 1)`

test('with sqlx’s ledger they are sqlx’s: its checksums, its commands', async () => {
  await database.run(`${sqlx.ledgerDdl}; ${sqlxRow(1, 'SELECT 1;')}`)
  expect(await look(FILES)).toMatchObject({
    findings: ['migration-missing 0002_b.up.sql'],
    tool: 'sqlx',
    command: 'sqlx migrate run --source m',
    notes: expect.arrayContaining([
      "m: sqlx, its files may be golang-migrate's or sqlx's, and the ledger is sqlx's",
    ]) as string[],
  })
  await database.run(`UPDATE _sqlx_migrations SET checksum = '\\x00'; ${sqlxRow(2, 'SELECT 3;')}`)
  expect((await look(FILES)).findings).toEqual(['migration-edited 0002_b.up.sql'])
})

test('with golang-migrate’s they are golang-migrate’s, whatever else is there', async () => {
  await database.run(`${golangMigrate.ledgerDdl}; INSERT INTO schema_migrations VALUES (1, false); ${sqlx.ledgerDdl}`)
  expect(await look(FILES)).toMatchObject({
    findings: ['migration-missing 0002_b.up.sql'],
    tool: 'golang-migrate',
    command: 'migrate -path m -database "$DATABASE_URL" up',
  })
})

test('with neither, what is named is the one that the files speak for', async () => {
  expect((await look(FILES)).findings).toEqual(['ledger-missing public.schema_migrations'])
})

test('where the repository says which tool it is, the other’s ledger is none', async () => {
  await database.run(`${sqlx.ledgerDdl}; ${sqlxRow(1, 'SELECT 1;')}`)
  const files = { ...FILES, Makefile: 'up:\n\tmigrate -path m -database "$URL" up\n' }
  expect((await look(files)).findings).toEqual(['ledger-missing public.schema_migrations'])
})

test('files that the two would not list alike are not taken for the other’s', async () => {
  const expectation = await expectLedger(projectOf({ ...FILES, 'm/0003_c.sql': '' }), 'm')
  expect(expectation.otherwise).toBeUndefined()
})

test('tern’s ledger behind files that look like sqlx’s is answered as unsupported', async () => {
  await database.run('CREATE TABLE schema_version (version int4 NOT NULL); INSERT INTO schema_version VALUES (1)')
  expect((await look({ 'm/001_a.sql': 'SELECT 1;' })).findings).toEqual(['ledger-unsupported public.schema_version'])
})
