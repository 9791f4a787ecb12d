/**
 * Engines without transactional DDL: a migration that fails keeps what its first statements did. What tools record of it there (rows of
 * MariaDB 10.11, in the servers' own words) is a failure, and where a tool records nothing, nothing is claimed.
 */
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { expectLedger } from '../support/ledgers.ts'

const SQL = 'ALTER TABLE a ADD COLUMN b int;\nCREATE UNIQUE INDEX a_b ON a (b);\n'

async function judge(name: string, files: Readonly<Record<string, string>>, path: string, rows: readonly LedgerRow[]) {
  const tool = LEDGER_TOOLS.find((one) => one.name === name)
  if (tool === undefined) throw new Error(name)
  const expectation = await expectLedger(projectOf(files), path)
  const table = { schema: 'shop', table: tool.defaultTable.table, columns: {}, readable: true }
  const reading = tool.interpret({ table, rows, beside: [], migrations: expectation.migrations })
  const seen = { ...reading, table: `shop.${table.table}`, tool: name, recognisedBy: 'it is' }
  return compareLedger(expectation, { ledger: 'default', reading: seen }).findings
}

const FLYWAY = { 'db/V1__a.sql': SQL, 'flyway.toml': '' }
const PRISMA = { 'prisma/migrations/1_a/migration.sql': SQL, 'prisma/migrations/migration_lock.toml': '' }
const GOLANG = {
  'm/1_a.up.sql': SQL,
  'm/1_a.down.sql': '',
  'go.mod': 'require github.com/golang-migrate/migrate/v4 v4.17.0\n',
}
const SQLX = { 'm/1_a.sql': SQL, 'Cargo.toml': '[dependencies]\nsqlx = "0.9"\n' }

describe('a migration that failed half way', () => {
  test.each([
    [
      'flyway',
      FLYWAY,
      'db',
      {
        installed_rank: '1',
        version: '1',
        description: 'a',
        type: 'SQL',
        script: 'V1__a.sql',
        checksum: '1',
        installed_on: '2026-01-01 00:00:00',
        execution_time: '5',
        success: '0',
      },
      /the statements before the failing one have stayed/,
    ],
    [
      'prisma',
      PRISMA,
      'prisma/migrations',
      {
        id: 'x',
        checksum: 'y',
        migration_name: '1_a',
        started_at: '2026-01-01 00:00:00.000',
        finished_at: null,
        rolled_back_at: null,
        logs: "ERROR: Duplicate entry '1' for key 'a_b'",
        applied_steps_count: '0',
      },
      /Duplicate entry/,
    ],
    ['golang-migrate', GOLANG, 'm', { version: '1', dirty: '1' }, /dirty/],
    [
      'sqlx',
      SQLX,
      'm',
      {
        version: '1',
        description: 'a',
        installed_on: '2026-01-01 00:00:00',
        success: '0',
        checksum: '00',
        execution_time: '-1',
      },
      /partially applied/,
    ],
  ] as const)('is a failure with %s, which records it', async (name, files, path, row, told) => {
    const findings = await judge(name, files, path, [row])
    expect(findings.map(({ code }) => code)).toEqual(['migration-failed'])
    expect(findings[0]?.found).toMatch(told)
  })

  test.each([
    ['knex', { 'migrations/1_a.js': 'exports.up = (knex) => {}', 'knexfile.js': '' }, 'migrations'],
    ['liquibase', { 'db/a.sql': `--liquibase formatted sql\n--changeset ana:1\n${SQL}` }, 'db'],
    ['goose', { 'm/00001_a.sql': `-- +goose Up\n${SQL}` }, 'm'],
    ['dbmate', { 'db/migrations/1_a.sql': `-- migrate:up\n${SQL}` }, 'db/migrations'],
  ] as const)(
    'has not run with %s, which records nothing: it is not said to have failed',
    async (name, files, path) => {
      expect((await judge(name, files, path, [])).map(({ code }) => code)).toEqual(['migration-missing'])
    },
  )

  test('is said of every tool: whether its ledger tells of it', () => {
    for (const { name, facts } of LEDGER_TOOLS) expect(facts.failure, name).toMatch(/^(?:yes|no: )/)
  })
})
