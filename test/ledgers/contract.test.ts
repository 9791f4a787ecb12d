/** Every ledger tool through the one suite. */
import { readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { drizzle } from '../../functions/ledgers/drizzle.ts'
import { flywayChecksum } from '../../functions/ledgers/flyway-files.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { golangMigrate } from '../../functions/ledgers/golang-migrate.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { knex } from '../../functions/ledgers/knex.ts'
import { sha256 } from '../../functions/ledgers/migration-text.ts'
import { prisma } from '../../functions/ledgers/prisma.ts'
import type { LedgerContract } from '../contracts/ledger.ts'
import { testLedger } from '../contracts/ledger.ts'

const textOf = (n: number): string => `CREATE TABLE t${n} (id int);\n`
/** Seconds after the beginning of 2025, as 14 digits: sorts as the numbers do. */
const stampOf = (n: number): string =>
  new Date(Date.UTC(2025, 0, 1, 0, 0, n)).toISOString().replace(/\D/g, '').slice(0, 14)
const timeOf = (n: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()

const CONTRACTS: readonly LedgerContract[] = [
  {
    tool: flyway,
    path: 'db/migration',
    sign: { 'flyway.toml': '[flyway]\n' },
    migration: (n) => ({
      files: { [`db/migration/V${n}__step_${n}.sql`]: textOf(n) },
      row: {
        installed_rank: String(n),
        version: String(n),
        description: `step ${n}`,
        type: 'SQL',
        script: `V${n}__step_${n}.sql`,
        checksum: flywayChecksum(textOf(n)),
        installed_by: 'migrator',
        installed_on: timeOf(n),
        execution_time: '3',
        success: 't',
      },
    }),
    keepsOneRow: false,
    checksums: true,
  },
  {
    tool: prisma,
    path: 'prisma/migrations',
    sign: { 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n' },
    migration: (n) => ({
      files: { [`prisma/migrations/${stampOf(n)}_step/migration.sql`]: textOf(n) },
      row: {
        id: `id-${n}`,
        checksum: sha256(textOf(n)),
        migration_name: `${stampOf(n)}_step`,
        started_at: timeOf(n),
        finished_at: timeOf(n + 1),
        applied_steps_count: '1',
      },
    }),
    keepsOneRow: false,
    checksums: true,
  },
  {
    tool: drizzle,
    path: 'drizzle',
    sign: {},
    migration: (n) => ({
      files: { [`drizzle/${String(n).padStart(4, '0')}_step.sql`]: textOf(n) },
      row: { id: String(n), hash: sha256(textOf(n)), created_at: String(1_741_079_702_417 + n) },
    }),
    common: (count) => ({
      'drizzle/meta/_journal.json': JSON.stringify({
        entries: Array.from({ length: count }, (_, at) => ({
          idx: at,
          when: 1_741_079_702_418 + at,
          tag: `${String(at + 1).padStart(4, '0')}_step`,
        })),
      }),
    }),
    keepsOneRow: false,
    checksums: true,
  },
  {
    tool: golangMigrate,
    path: 'db/migrations',
    sign: { 'go.mod': 'require github.com/golang-migrate/migrate/v4 v4.17.0\n' },
    migration: (n) => ({
      files: {
        [`db/migrations/${n}_step.up.sql`]: textOf(n),
        [`db/migrations/${n}_step.down.sql`]: `DROP TABLE t${n}`,
      },
      row: { version: String(n), dirty: 'f' },
    }),
    keepsOneRow: true,
    checksums: false,
  },
  {
    tool: knex,
    path: 'migrations',
    sign: { 'knexfile.js': "module.exports = { client: 'pg' }\n" },
    migration: (n) => ({
      files: { [`migrations/${stampOf(n)}_step.js`]: `exports.up = (knex) => knex.raw('${textOf(n).trim()}')\n` },
      row: { name: `${stampOf(n)}_step.js`, batch: '1', migration_time: timeOf(n) },
    }),
    keepsOneRow: false,
    checksums: false,
  },
]

test('the list, the contract and the fixture folders agree', async () => {
  const names = LEDGER_TOOLS.map(({ name }) => name).sort()
  expect(CONTRACTS.map(({ tool }) => tool.name).sort()).toEqual(names)
  const folders = await readdir(new URL('../fixtures/ledgers/', import.meta.url), { withFileTypes: true })
  expect(
    folders
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort(),
  ).toEqual(names)
  const files = await readdir(new URL('../../functions/ledgers/', import.meta.url))
  for (const name of names) expect(files).toContain(`${name}.ts`)
})

for (const contract of CONTRACTS) testLedger(contract)
