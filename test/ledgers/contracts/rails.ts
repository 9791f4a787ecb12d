import { rails } from '../../../functions/ledgers/rails.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: rails,
  path: 'db/migrate',
  sign: { Gemfile: "gem 'rails'\n" },
  migration: (n) => ({
    files: {
      [`db/migrate/${stampOf(n)}_create_t${n}.rb`]: `class CreateT${n} < ActiveRecord::Migration[7.1]\n  def change = create_table(:t${n})\nend\n`,
    },
    row: { version: stampOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
