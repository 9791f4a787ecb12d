/**
 * A table of `id`, `name` and `run_on`: node-pg-migrate and db-migrate make the same one, to the letter. Its name tells whose it is
 * where it is one of their own; under another name the rows do, as db-migrate writes a `/` before each.
 */
import type { CandidateTable } from '../engines/engine.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns, INTEGER, recogniseColumns, TEXT, TIME } from './recognise.ts'

export const RUN_ON_COLUMNS: LedgerColumns = { id: { type: INTEGER }, name: { type: TEXT }, run_on: { type: TIME } }

type Owner = 'node-pg-migrate' | 'db-migrate'

/** db-migrate's seeds are rows of the same form, and no migrations. */
const NAMES: Readonly<Record<string, Owner | 'seeds'>> = {
  pgmigrations: 'node-pg-migrate',
  migrations: 'db-migrate',
  seeds: 'seeds',
}

/** What a tool's `recognise` says of it. Under a name that neither gives, it may be either's. */
export function recogniseRunOn(owner: Owner, table: CandidateTable): string | null {
  if (compareColumns(table, RUN_ON_COLUMNS).extra.length > 0 && NAMES[table.table] !== owner) return null
  const other = NAMES[table.table] ?? owner
  const byColumns = recogniseColumns(table, RUN_ON_COLUMNS, /migrations/i)
  if (byColumns === null || other !== owner) return null
  return NAMES[table.table] === owner ? `${byColumns} and its name` : byColumns
}

/** What a tool's `twin.mayBe` says: why a table that it would use all the same is taken for another's. */
export function doubtRunOn(owner: Owner, table: CandidateTable): string | null {
  const other = NAMES[table.table] ?? owner
  if (other === owner || recogniseColumns(table, RUN_ON_COLUMNS, /migrations/i) === null) return null
  return other === 'seeds'
    ? `its name is that of db-migrate's seeds`
    : `its columns are ${owner}'s, and its name is the one that ${other} gives`
}
