import { alembic } from '../../../functions/ledgers/alembic.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: alembic,
  path: 'alembic/versions',
  sign: { 'alembic.ini': '[alembic]\nscript_location = %(here)s/alembic\n' },
  migration: (n) => ({
    files: {
      [`alembic/versions/${stampOf(n)}_step.py`]: [
        'from alembic import op',
        `revision = 'rev${n}'`,
        `down_revision = ${n === 1 ? 'None' : `'rev${n - 1}'`}`,
        `def upgrade():\n    op.execute("CREATE TABLE t${n} (id int)")`,
      ].join('\n'),
    },
    row: { version_num: `rev${n}` },
  }),
  keepsOneRow: true,
  highWaterMark: false,
  checksums: false,
}
