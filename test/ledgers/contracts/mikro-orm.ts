import { mikroOrm } from '../../../functions/ledgers/mikro-orm.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: mikroOrm,
  path: 'migrations',
  sign: { 'mikro-orm.config.js': "module.exports = defineConfig({ migrations: { path: './migrations' } })\n" },
  migration: (n) => ({
    files: {
      [`migrations/Migration${stampOf(n)}.js`]: `const { Migration } = require('@mikro-orm/migrations')\nexports.Migration${stampOf(n)} = class extends Migration { up() { this.addSql('${textOf(n).trim()}') } }\n`,
    },
    row: { name: `Migration${stampOf(n)}`, executed_at: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
