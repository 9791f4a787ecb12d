import { flywayChecksum } from '../../../functions/ledgers/flyway-files.ts'
import { flyway } from '../../../functions/ledgers/flyway.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
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
}
