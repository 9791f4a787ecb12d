import { diesel } from '../../../functions/ledgers/diesel.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

const folderOf = (n: number): string =>
  stampOf(n).replace(/^(\d{4})(\d\d)(\d\d)(\d{6})$/, `migrations/$1-$2-$3-$4_step`)

export const contract: LedgerContract = {
  tool: diesel,
  path: 'migrations',
  sign: { 'diesel.toml': '[migrations_directory]\ndir = "migrations"\n' },
  migration: (n) => ({
    files: { [`${folderOf(n)}/up.sql`]: textOf(n), [`${folderOf(n)}/down.sql`]: `DROP TABLE t${n};\n` },
    row: { version: stampOf(n), run_on: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
