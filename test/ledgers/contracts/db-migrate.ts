import { dbMigrate } from '../../../functions/ledgers/db-migrate.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: dbMigrate,
  path: 'migrations',
  sign: { 'package.json': '{ "devDependencies": { "db-migrate": "^0.11.14" } }' },
  migration: (n) => ({
    files: {
      [`migrations/${stampOf(n)}-step.js`]: `exports.up = function (db) {\n  return db.runSql('${textOf(n).trim()}');\n};\n`,
    },
    row: { name: `/${stampOf(n)}-step`, run_on: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
