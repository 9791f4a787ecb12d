/** What the rows of django_migrations tell of a release's migrations. Pure. */
import type { AppliedMigration, LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerRow } from './ledger.ts'
import { isoTime } from './migration-text.ts'

/** @param table With its schema. */
export function readRows(
  rows: readonly LedgerRow[],
  migrations: readonly Migration[],
  table: string,
): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'> {
  const found = new Map(rows.map((row) => [`${row['app'] ?? ''}.${row['name'] ?? ''}`, row]))
  const places = new Map(migrations.map(({ key }, at) => [key, at + 1]))
  // Of an app outside of the repository only what is named is known; such a one has no `after`.
  const own = new Set(migrations.flatMap(({ key, after }) => (after === undefined ? [] : [appOf(key)])))
  const replaced = new Set(migrations.flatMap(({ replaces = [] }) => replaces))
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  const redone = migrations.filter(({ key }) => found.has(key) && !isRecorded(key, byKey, found))
  const notCounted = new Set(redone.map(({ key }) => key))
  const counted = [...found].filter(
    ([key]) => !notCounted.has(key) && (places.has(key) || replaced.has(key) || own.has(appOf(key))),
  )
  return {
    applied: counted.map(([key, row]) => appliedOf(key, row, places.get(key) ?? migrations.length)),
    highWaterMark: false,
    unclear: unclearOf(migrations, new Set([...found.keys()].map(appOf)), table),
    lock: null,
    notes: [
      ...outsideNotes(
        [...found.keys()].filter((key) => !own.has(appOf(key)) && !replaced.has(key) && !places.has(key)),
      ),
      ...redone.map(
        ({ key }) => `${table} has ${key}, and not all that it replaces: Django does not count it until they have run`,
      ),
    ],
  }
}

function appOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}

/** A squash counts where all that it replaces does, whether it has a row of its own or not. */
function isRecorded(
  squash: string,
  byKey: ReadonlyMap<string, Migration>,
  found: ReadonlyMap<string, LedgerRow>,
): boolean {
  const seen = new Set<string>()
  const left = [...(byKey.get(squash)?.replaces ?? [])]
  for (let key = left.pop(); key !== undefined; key = left.pop()) {
    if (seen.has(key)) continue
    seen.add(key)
    const inner = byKey.get(key)?.replaces ?? []
    if (inner.length === 0 && !found.has(key)) return false
    left.push(...inner)
  }
  return true
}

function appliedOf(key: string, row: LedgerRow, place: number): AppliedMigration {
  return {
    key,
    label: key,
    state: 'applied',
    checksum: null,
    at: isoTime(row['applied'] ?? null),
    durationMs: null,
    by: null,
    detail: null,
    place,
  }
}

/** Whether an app is installed shows where one of its migrations has run; where none has, either may be so. */
function unclearOf(
  migrations: readonly Migration[],
  seen: ReadonlySet<string>,
  table: string,
): LedgerReading['unclear'] {
  const doubtful = migrations.filter(({ key, doubt }) => doubt !== undefined && !seen.has(appOf(key)))
  const [first] = doubtful
  if (first?.doubt === undefined) return undefined
  const apps = [...new Set(doubtful.map(({ key }) => appOf(key)))]
  return {
    keys: doubtful.map(({ key }) => key),
    why: `${first.doubt}, and ${table} has no row of ${apps.join(', ')}`,
    causes: [
      `${apps.join(', ')} ${apps.length > 1 ? 'are' : 'is'} not installed in this environment`,
      'the migrations of a new app have not run here',
    ],
    nextStep: {
      text: 'write INSTALLED_APPS as lists of strings that can be read without running the settings, and build the release again',
      command: null,
    },
  }
}

function outsideNotes(keys: readonly string[]): readonly string[] {
  if (keys.length === 0) return []
  const apps = [...new Set(keys.map(appOf))].sort()
  const some = apps.length > 8 ? `${apps.slice(0, 8).join(', ')} and ${apps.length - 8} more` : apps.join(', ')
  return [
    `${keys.length} row${keys.length > 1 ? 's are' : ' is'} of apps whose migrations the repository does not have (${some}): they are not judged`,
  ]
}
