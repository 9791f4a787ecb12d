import { dbmate } from '../../../functions/ledgers/dbmate.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: dbmate,
  path: 'db/migrations',
  sign: {},
  migration: (n) => ({
    files: {
      [`db/migrations/${stampOf(n)}_step.sql`]: `-- migrate:up\n${textOf(n)}-- migrate:down\nDROP TABLE t${n};\n`,
    },
    row: { version: stampOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
