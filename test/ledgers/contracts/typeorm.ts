import { typeorm } from '../../../functions/ledgers/typeorm.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'

const numberOf = (n: number): number => Date.UTC(2025, 0, 1, 0, 0, n)

export const contract: LedgerContract = {
  tool: typeorm,
  path: 'src/migrations',
  sign: { 'package.json': '{ "dependencies": { "typeorm": "^1.1.0" } }' },
  migration: (n) => ({
    files: {
      [`src/migrations/${numberOf(n)}-step.ts`]: `export class Step${numberOf(n)} implements MigrationInterface {\n  async up(queryRunner: QueryRunner) {}\n}\n`,
    },
    row: { timestamp: String(numberOf(n)), name: `Step${numberOf(n)}` },
  }),
  keepsOneRow: false,
  checksums: false,
}
