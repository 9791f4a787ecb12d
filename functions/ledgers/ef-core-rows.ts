/** What the rows of EF Core's history table tell of a release's migrations. Pure. Research: Migrator.cs, HistoryRepository.cs of efcore 11. */
import type { AppliedMigration, LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { unclearWithoutRow } from './doubtful-migrations.ts'
import type { LedgerRow } from './ledger.ts'
import { placeAfter } from './migration-text.ts'

/** By the culture of the run, which for digits is anywhere that of bytes. One locale, so that it is the same everywhere. */
export const ORDER = new Intl.Collator('en')

/** Ids are told apart without regard to case, letter by letter: `StringComparer.OrdinalIgnoreCase`. */
export function migrationKey(id: string): string {
  return id.replace(/\p{L}/gu, (letter) => {
    const upper = letter.toUpperCase()
    return (upper.length === letter.length ? upper : letter).toLowerCase()
  })
}

/**
 * @param table With its schema.
 * @param elsewhere Keys of other contexts, which look at their own rows only.
 */
export function readRows(
  rows: readonly LedgerRow[],
  migrations: readonly Migration[],
  elsewhere: ReadonlySet<string>,
  table: string,
): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'> {
  const found = new Map(rows.map((row) => row['migrationid'] ?? row['migration_id'] ?? '').map(byKey))
  const known = new Map(migrations.map(({ key, subject }) => [key, subject]))
  const others = [...found].filter(([key]) => elsewhere.has(key) && !known.has(key)).map(([, id]) => id)
  return {
    applied: [...found]
      .filter(([key]) => known.has(key) || !elsewhere.has(key))
      .map(([key, id]) => appliedOf(key, id, migrations)),
    highWaterMark: false,
    unclear: unclearWithoutRow(migrations, found, table, IN_SOME_BUILDS),
    lock: null,
    notes: [...caseNotes(found, known, table), ...otherNotes(others, table)],
  }
}

function byKey(id: string): readonly [string, string] {
  return [migrationKey(id), id]
}

function appliedOf(key: string, id: string, migrations: readonly Migration[]): AppliedMigration {
  return {
    key,
    label: id,
    state: 'applied',
    checksum: null,
    at: null,
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => ORDER.compare(migration.key, key) <= 0),
  }
}

/** A class inside of `#if` is compiled, and run, in some builds only. */
const IN_SOME_BUILDS = {
  cause: 'the build that runs the migrations leaves it out',
  nextStep: 'see with `dotnet ef migrations list` whether the build has it, and run the migrations if it does',
}

/** `database update` counts it; a script with --idempotent asks for the exact id on PostgreSQL, and would run it again. */
function caseNotes(
  found: ReadonlyMap<string, string>,
  known: ReadonlyMap<string, string>,
  table: string,
): readonly string[] {
  const other = [...found].filter(([key, id]) => (known.get(key) ?? id) !== id)
  const [first] = other
  if (first === undefined) return []
  const more = other.length > 1 ? `, and ${other.length - 1} more like it` : ''
  return [
    `${table} has ${first[1]}, which is ${known.get(first[0]) ?? ''} in the release${more}: EF Core counts it, but a script that was made with --idempotent would run it again`,
  ]
}

function otherNotes(ids: readonly string[], table: string): readonly string[] {
  const [first] = ids
  if (first === undefined) return []
  const more = ids.length > 1 ? ` and ${ids.length - 1} more` : ''
  return [`${table} also has ${first}${more} of other contexts of this repository: they say nothing of this ledger's`]
}
