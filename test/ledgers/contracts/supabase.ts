import { supabase } from '../../../functions/ledgers/supabase.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: supabase,
  path: 'supabase/migrations',
  sign: { 'supabase/config.toml': 'project_id = "x"\n' },
  migration: (n) => ({
    files: { [`supabase/migrations/${stampOf(n)}_step.sql`]: textOf(n) },
    row: { version: stampOf(n), statements: `{"${textOf(n).trim().replace(/;$/, '')}"}`, name: 'step' },
  }),
  keepsOneRow: false,
  checksums: true,
}
