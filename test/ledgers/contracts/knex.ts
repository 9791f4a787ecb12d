import { knex } from '../../../functions/ledgers/knex.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { textOf, stampOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: knex,
  path: 'migrations',
  sign: { 'knexfile.js': "module.exports = { client: 'pg' }\n" },
  migration: (n) => ({
    files: { [`migrations/${stampOf(n)}_step.js`]: `exports.up = (knex) => knex.raw('${textOf(n).trim()}')\n` },
    row: { name: `${stampOf(n)}_step.js`, batch: '1', migration_time: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
