import { checksumOf } from '../../../functions/ledgers/postgrator-files.ts'
import { postgrator } from '../../../functions/ledgers/postgrator.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: postgrator,
  path: 'migrations',
  sign: { '.postgratorrc.json': '{ "migrationPattern": "migrations/*" }' },
  migration: (n) => ({
    files: { [`migrations/${n}.do.step.sql`]: textOf(n) },
    row: { version: String(n), name: 'step', md5: checksumOf(Buffer.from(textOf(n)), null), run_at: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: true,
}
