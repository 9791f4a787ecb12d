import { laravel } from '../../../functions/ledgers/laravel.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf } from './numbered.ts'

const nameOf = (n: number): string => stampOf(n).replace(/^(\d{4})(\d\d)(\d\d)/, '$1_$2_$3_') + '_step'

export const contract: LedgerContract = {
  tool: laravel,
  path: 'database/migrations',
  sign: { artisan: '#!/usr/bin/env php\n' },
  migration: (n) => ({
    files: {
      [`database/migrations/${nameOf(n)}.php`]: `<?php\nuse Illuminate\\Database\\Migrations\\Migration;\nreturn new class extends Migration {\n  public function up() { DB::statement('${textOf(n).trim()}'); }\n};\n`,
    },
    row: { migration: nameOf(n), batch: String(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
