/** What graphile-migrate's rows mean. A hash holds the one before it: it says something of its own file only beside that one. */
import type { AppliedMigration, LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerRow } from './ledger.ts'
import { isoTime, placeAfter } from './migration-text.ts'

const AFTER = ' after '
const NOTHING = 'nothing'

/** A hash with the one that it was made after: what is compared. */
export function linkOf(hash: string, previous: string | null): string {
  return `${hash}${AFTER}${previous ?? NOTHING}`
}

/** The hash that the file says it comes after; null: none. */
function previousOf({ checksums }: Migration): string | null {
  const previous = checksums[0]?.split(AFTER)[1] ?? NOTHING
  return previous === NOTHING ? null : previous
}

type Rows = readonly LedgerRow[]

export function interpretGraphileMigrate(
  table: string,
  rows: Rows,
  current: Rows,
  migrations: readonly Migration[],
): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'> {
  const { byKey, notes: twice } = rowsByKey(table, rows, migrations)
  const { compared, others, untold } = compareChain(byKey, migrations)
  const known = new Map(migrations.map((migration) => [migration.key, migration]))
  return {
    applied: [...byKey].map(([key, row]) => appliedOf(key, row, known, compared, migrations)),
    highWaterMark: false,
    lock: null,
    notes: [
      ...twice,
      ...otherNotes(table, others),
      ...untoldNotes(untold),
      ...brokenNotes(table, rows, byKey, migrations),
      ...currentNotes(current),
    ],
  }
}

/** The hash is the key of the table, not the name: of two rows the one counts whose text the release has. */
function rowsByKey(
  table: string,
  rows: Rows,
  migrations: readonly Migration[],
): { readonly byKey: ReadonlyMap<string, LedgerRow>; readonly notes: readonly string[] } {
  const known = new Map(migrations.map((migration) => [migration.key, migration.checksums]))
  const byKey = new Map<string, LedgerRow>()
  const twice = new Set<string>()
  for (const row of rows) {
    const key = row['filename'] ?? ''
    if (byKey.has(key)) twice.add(key)
    if (!byKey.has(key) || known.get(key)?.includes(ledgerLink(row)) === true) byKey.set(key, row)
  }
  return {
    byKey,
    notes: [...twice].map(
      (key) => `${table} has ${key} more than once, under different hashes: one of them is looked at`,
    ),
  }
}

function ledgerLink(row: LedgerRow): string {
  return linkOf(row['hash'] ?? '', row['previous_hash'] ?? null)
}

/**
 * What is compared of each row. Where a file was edited and the chain hashed anew, or one was put in between, the hashes of all that
 * follow are others: these are not held against it, since nothing tells whether their own text is another too.
 */
function compareChain(
  rows: ReadonlyMap<string, LedgerRow>,
  migrations: readonly Migration[],
): {
  readonly compared: ReadonlySet<string>
  readonly others: readonly Migration[]
  readonly untold: readonly Migration[]
} {
  const compared = new Set<string>()
  const others: Migration[] = []
  const untold: Migration[] = []
  let differs = false
  for (const migration of migrations) {
    const row = rows.get(migration.key)
    if (row === undefined) differs = true
    else if (migration.checksums.includes(ledgerLink(row))) compared.add(migration.key)
    else if (differs && (row['previous_hash'] ?? null) !== previousOf(migration)) untold.push(migration)
    else {
      compared.add(migration.key)
      others.push(migration)
      differs = true
    }
  }
  return { compared, others, untold }
}

function appliedOf(
  key: string,
  row: LedgerRow,
  known: ReadonlyMap<string, Migration>,
  compared: ReadonlySet<string>,
  migrations: readonly Migration[],
): AppliedMigration {
  return {
    key,
    label: known.get(key)?.subject ?? key,
    state: 'applied',
    checksum: known.has(key) && !compared.has(key) ? null : ledgerLink(row),
    at: isoTime(row['date'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: placeAfter(migrations, (migration) => migration.key <= key),
  }
}

/** What two branches committed under one number is told apart by nothing but the hash. */
function otherNotes(table: string, others: readonly Migration[]): readonly string[] {
  return others.map(
    ({ subject, key }) =>
      `${subject} has another hash than ${key} in ${table}, which keeps no more of a name than the number: either it was edited, or another branch's migration of that number ran here`,
  )
}

function untoldNotes(untold: readonly Migration[]): readonly string[] {
  const [first] = untold
  if (first === undefined) return []
  const many = untold.length > 1
  return [
    `${first.subject}${many ? ` and ${untold.length - 1} more have` : ' has'} other hashes than the ledger because one before differs: whether ${many ? 'their' : 'its'} own text was edited since it ran does not show`,
  ]
}

/** `previous_hash` is a foreign key: a file whose predecessor never ran here cannot be recorded, and its run is undone. */
function brokenNotes(
  table: string,
  rows: Rows,
  byKey: ReadonlyMap<string, LedgerRow>,
  migrations: readonly Migration[],
): readonly string[] {
  const last = [...byKey.keys()].reduce((highest, key) => (key > highest ? key : highest), '')
  const next = migrations.find(({ key }) => key > last)
  const previous = next === undefined ? null : previousOf(next)
  if (next === undefined || previous === null || rows.some(({ hash }) => hash === previous)) return []
  if (rows.length === 0) return []
  return [
    `the next run of graphile-migrate fails at ${next.subject}: it comes after ${previous}, which ${table} does not have, and a foreign key wants it there`,
  ]
}

/** Only `watch` and `current` write it: what they run is of no committed migration. */
function currentNotes(current: Rows): readonly string[] {
  const row = current.find(({ content }) => hasStatements(content ?? ''))
  if (row === undefined) return []
  const at = isoTime(row['date'] ?? null)
  return [
    `graphile_migrate.current is not empty: \`graphile-migrate watch\` ran a migration here before it was committed${at === null ? '' : `, last at ${at}`}; what it made is told by no row`,
  ]
}

/** Comments alone are what `watch` leaves of an empty one. */
function hasStatements(text: string): boolean {
  return text.replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, '').trim() !== ''
}
