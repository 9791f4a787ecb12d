import { django } from '../../../functions/ledgers/django.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, timeOf } from './numbered.ts'

const nameOf = (n: number): string => `m${stampOf(n)}_step`

export const contract: LedgerContract = {
  tool: django,
  path: 'shop',
  sign: {
    'manage.py': 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n',
    'settings.py': 'INSTALLED_APPS = ["shop"]\n',
    'shop/__init__.py': '',
    'shop/migrations/__init__.py': '',
  },
  migration: (n) => ({
    files: {
      [`shop/migrations/${nameOf(n)}.py`]: [
        'from django.db import migrations',
        'class Migration(migrations.Migration):',
        `    dependencies = [${n === 1 ? '' : `("shop", "${nameOf(n - 1)}")`}]`,
        `    operations = [migrations.RunSQL("CREATE TABLE t${n} (id int)")]`,
      ].join('\n'),
    },
    row: { app: 'shop', name: nameOf(n), applied: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
