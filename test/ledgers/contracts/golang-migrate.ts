import { golangMigrate } from '../../../functions/ledgers/golang-migrate.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf } from './numbered.ts'

export const contract: LedgerContract = {
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
}
