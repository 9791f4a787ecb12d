import { ecto } from '../../../functions/ledgers/ecto.ts'
import type { LedgerContract } from '../../contracts/ledger.ts'
import { stampOf, textOf, timeOf } from './numbered.ts'

export const contract: LedgerContract = {
  tool: ecto,
  path: 'priv/repo/migrations',
  sign: { 'mix.exs': 'defp deps, do: [{:ecto_sql, "~> 3.10"}]\n' },
  migration: (n) => ({
    files: {
      [`priv/repo/migrations/${stampOf(n)}_step_${n}.exs`]: `defmodule Shop.Repo.Migrations.Step${n} do\n  use Ecto.Migration\n  def up, do: execute("${textOf(n).trim()}")\nend\n`,
    },
    row: { version: stampOf(n), inserted_at: timeOf(n) },
  }),
  keepsOneRow: false,
  checksums: false,
}
