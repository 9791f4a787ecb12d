import { prisma } from '../../../functions/ledgers/prisma.ts'
import { sha256 } from '../../../functions/ledgers/migration-text.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, stampOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
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
}
