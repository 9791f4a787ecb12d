import { drizzle } from '../../../functions/ledgers/drizzle.ts'
import { sha256 } from '../../../functions/ledgers/migration-text.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf } from './numbered.ts'

export const contract: LedgerContract = {
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
}
