/** Drizzle's rows in the common model. A row has a hash and a time of the file; only 1.x adds its name and when it ran. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { FOLDER_ORDER, folderTime } from './drizzle-files.ts'
import type { LedgerRow, LedgerTool } from './ledger.ts'
import { isoTime, placeAfter } from './migration-text.ts'

export function interpretDrizzle(
  rows: readonly LedgerRow[],
  migrations: readonly Migration[],
): ReturnType<LedgerTool['interpret']> {
  const identify = identifier(migrations)
  // A migration is counted once, by its newest row.
  const matched = new Map(rows.map((row) => [identify(row), row]))
  const subjects = new Map(migrations.map((migration) => [migration.key, migration.subject]))
  const place = placer(migrations)
  const applied = [...matched].map(([key, row]): AppliedMigration => ({
    key,
    label: row['name'] ?? subjects.get(key) ?? key,
    state: 'applied',
    checksum: row['hash'] ?? null,
    // `created_at` is the file's time, not that of the run.
    at: isoTime(row['applied_at'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place: place(key, Number(row['created_at'] ?? Number.NaN)),
  }))
  return { applied, highWaterMark: false, lock: null, notes: [] }
}

/**
 * The key of a row: that of the release's migration, or its own. A journal's entry is known by `when`; a folder by its
 * name, or in a ledger that 1.x has not upgraded yet, as the upgrade does it: by the second, then by the hash.
 */
function identifier(migrations: readonly Migration[]): (row: LedgerRow) => string {
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  const folders = migrations.filter(isFolder)
  const bySecond = groupFolders(folders, (migration) => [folderTime(migration.key)])
  const byHash = groupFolders(folders, (migration) => migration.checksums)
  return (row) => {
    const name = row['name'] ?? null
    if (name !== null && byKey.has(name)) return name
    const created = row['created_at'] ?? ''
    const entry = byKey.get(created)
    if (entry !== undefined && !isFolder(entry)) return created
    if (name !== null) return name
    const hash = row['hash'] ?? ''
    const sameSecond = bySecond.get(Math.floor(Number(created) / 1000) * 1000) ?? []
    const [first, second] = sameSecond
    const found = second === undefined ? first : sameSecond.find(({ checksums }) => checksums.includes(hash))
    const [sameText, otherText] = byHash.get(hash) ?? []
    const key = found?.key ?? (otherText === undefined ? sameText?.key : undefined)
    return key ?? (created === '' ? hash : created)
  }
}

function groupFolders<K>(
  folders: readonly Migration[],
  keysOf: (migration: Migration) => readonly K[],
): Map<K, Migration[]> {
  const groups = new Map<K, Migration[]>()
  for (const migration of folders) {
    for (const key of keysOf(migration)) groups.set(key, [...(groups.get(key) ?? []), migration])
  }
  return groups
}

/** A folder's key is its name, a journal entry's its `when`. */
function isFolder(migration: Migration): boolean {
  return migration.file.endsWith(`${migration.key}/migration.sql`)
}

/**
 * 1.x goes by the folders' names. 0.x never runs an entry whose `when` is not above the newest row's, so an entry counts
 * as passed when one at or behind it in the journal has a lower `when`: the journal may fall.
 */
function placer(migrations: readonly Migration[]): (key: string, created: number) => number {
  const times = migrations.map((migration) => (isFolder(migration) ? folderTime(migration.key) : Number(migration.key)))
  const lowest = [...times]
  for (let at = lowest.length - 2; at >= 0; at -= 1) {
    lowest[at] = Math.min(lowest[at] ?? Number.POSITIVE_INFINITY, lowest[at + 1] ?? Number.POSITIVE_INFINITY)
  }
  return (key, created) =>
    placeAfter(migrations, (migration, index) => {
      // Written without a name: only the times can be compared.
      if (!isFolder(migration) || /^\d+$/.test(key)) return (lowest[index] ?? Number.POSITIVE_INFINITY) <= created
      return FOLDER_ORDER.compare(migration.key, key) <= 0
    })
}
