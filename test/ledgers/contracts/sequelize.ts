import { sequelize } from '../../../functions/ledgers/sequelize.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: sequelize,
  path: 'migrations',
  sign: { '.sequelizerc': "module.exports = { config: 'config/database.js' }\n" },
  migration: (n) => ({
    files: {
      [`migrations/${stampOf(n)}-step.js`]: `module.exports = { up: (queryInterface) => queryInterface.createTable('t${n}', {}) }\n`,
    },
    row: { name: `${stampOf(n)}-step.js` },
  }),
  keepsOneRow: false,
  checksums: false,
  anyName: false,
}
