import { createHash } from 'node:crypto'
import { sqlx } from '../../../functions/ledgers/sqlx.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: sqlx,
  path: 'migrations',
  sign: { 'Cargo.toml': '[dependencies]\nsqlx = "0.9"\n' },
  migration: (n) => ({
    files: { [`migrations/${String(n).padStart(5, '0')}_a_step.sql`]: textOf(n) },
    row: {
      version: String(n),
      description: 'a step',
      installed_on: timeOf(n),
      success: 't',
      checksum: `\\x${createHash('sha384').update(textOf(n)).digest('hex')}`,
      execution_time: '1500000',
    },
  }),
  keepsOneRow: false,
  checksums: true,
}
