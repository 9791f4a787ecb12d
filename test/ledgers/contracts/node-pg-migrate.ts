import { nodePgMigrate } from '../../../functions/ledgers/node-pg-migrate.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, timeOf } from './numbered.ts'

const nameOf = (n: number): string => `${1_740_000_000_000 + n}_step`

export const contract: LedgerContract = {
  tool: nodePgMigrate,
  path: 'migrations',
  sign: { 'package.json': '{ "devDependencies": { "node-pg-migrate": "^9.0.0" } }' },
  migration: (n) => ({
    files: { [`migrations/${nameOf(n)}.js`]: `exports.up = (pgm) => pgm.sql('${textOf(n).trim()}')\n` },
    row: { name: nameOf(n), run_on: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
