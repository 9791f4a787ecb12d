import { goose } from '../../../functions/ledgers/goose.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: goose,
  path: 'migrations',
  sign: {},
  migration: (n) => ({
    files: { [`migrations/${String(n).padStart(5, '0')}_step.sql`]: `-- +goose Up\n${textOf(n)}` },
    row: { id: String(n + 1), version_id: String(n), is_applied: 't', tstamp: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
