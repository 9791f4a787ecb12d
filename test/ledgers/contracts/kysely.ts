import { kysely } from '../../../functions/ledgers/kysely.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: kysely,
  path: 'migrations',
  sign: { 'kysely.config.ts': "export default defineConfig({ migrations: { migrationFolder: 'migrations' } })\n" },
  migration: (n) => ({
    files: {
      [`migrations/${stampOf(n)}_step.ts`]: `import { type Kysely, sql } from 'kysely'\nexport const up = (db: Kysely<any>) => sql\`${textOf(n).trim()}\`.execute(db)\n`,
    },
    row: { name: `${stampOf(n)}_step`, timestamp: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
