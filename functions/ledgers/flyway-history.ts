/** Flyway's history rows in the common model: what counts, what was undone, deleted, superseded, covered by a baseline. */
import type { AppliedMigration } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import { compareVersions, normalVersion, parseFlywayName } from './flyway-files.ts'
import type { LedgerRow, LedgerTool } from './ledger.ts'
import { isoTime, isTrue, placeAfter } from './migration-text.ts'

type Interpretation = ReturnType<LedgerTool['interpret']>

interface HistoryRow {
  readonly rank: number
  /** In normal form, null for repeatables. */
  readonly version: string | null
  readonly description: string
  readonly type: string
  readonly success: boolean
  readonly row: LedgerRow
}

/** `B` files that ran have these types (older name: …_STATE_SCRIPT). */
const BASELINE_FILE = /^(?:SQL|JDBC)_(?:BASELINE|STATE_SCRIPT)$/

export function interpretFlyway(rows: readonly LedgerRow[], migrations: readonly Migration[]): Interpretation {
  const history = rows.map(parseRow).sort((a, b) => a.rank - b.rank)
  const live = walkHistory(history)
  const byVersion = new Map(
    migrations.flatMap((migration) => (migration.kind === 'versioned' ? [[migration.key, migration] as const] : [])),
  )
  const listed = live.filter((row) => row.type !== 'BASELINE').map((row) => appliedOf(row, migrations))
  return {
    applied: [...listed, ...coveredBy(live, listed, migrations)],
    highWaterMark: false,
    lock: null,
    notes: live.flatMap((row) => renamedNote(row, byVersion)),
  }
}

function parseRow(row: LedgerRow): HistoryRow {
  const version = row['version'] ?? null
  return {
    rank: Number(row['installed_rank'] ?? 0),
    version: version === null ? null : normalVersion(version),
    description: row['description'] ?? '',
    type: row['type'] ?? 'SQL',
    success: isTrue(row['success']),
    row,
  }
}

/** The rows that count, in the order in which they were written: one a version, one a repeatable, and the baselines. */
function walkHistory(history: readonly HistoryRow[]): readonly HistoryRow[] {
  const baselines = history.filter((row) => row.type === 'BASELINE')
  const live = new Map<string, HistoryRow>()
  for (const row of history) {
    const identity = row.version === null ? `R:${row.description}` : row.version
    // SCHEMA is written when Flyway creates the schema: rank 0, no version, no migration.
    if (row.type === 'SCHEMA' || row.type === 'BASELINE') continue
    // DELETE is `repair` for a file that is gone: the row before it no longer counts, and the version is pending should
    // the file return. UNDO_* likewise. A failed DELETE says nothing.
    const takesBack = row.type === 'DELETE' || (row.type.startsWith('UNDO_') && row.success)
    if (row.type === 'DELETE' && !row.success) continue
    // Repeatables have a row for every run, and a version that was undone may have run again: the newest counts, in its place.
    live.delete(identity)
    if (!takesBack) live.set(identity, row)
  }
  return [...baselines, ...live.values()].sort((a, b) => a.rank - b.rank)
}

function appliedOf(row: HistoryRow, migrations: readonly Migration[]): AppliedMigration {
  const prefix = row.version === null ? 'R:' : BASELINE_FILE.test(row.type) ? 'B:' : ''
  return {
    key: `${prefix}${row.version ?? row.description}`,
    label: labelOf(row),
    state: row.success ? 'applied' : 'failed',
    checksum: row.row['checksum'] ?? null,
    at: isoTime(row.row['installed_on'] ?? null),
    durationMs: row.row['execution_time'] == null ? null : Number(row.row['execution_time']),
    by: row.row['installed_by'] ?? null,
    detail: row.success ? null : failedDetail(row),
    // A repeatable comes after all versioned ones, and says nothing of them.
    place: row.version === null ? 0 : placeOf(row.version, migrations),
  }
}

function failedDetail(row: HistoryRow): string {
  const what = row.type.startsWith('UNDO_') ? 'undoing it' : 'it'
  return `success is false: ${what} ran outside of a transaction and failed, so the statements before the failing one have stayed`
}

function labelOf(row: HistoryRow): string {
  const script = row.row['script'] ?? ''
  return script === '' ? (row.version ?? row.description) : script
}

function placeOf(version: string, migrations: readonly Migration[]): number {
  if (!isVersion(version)) return 0
  return placeAfter(migrations, (migration) => compareVersions(versionOf(migration), version) <= 0)
}

/** The version of a migration that is no repeatable. */
export function versionOf(migration: Pick<Migration, 'key'>): string {
  return migration.key.replace(/^B:/, '')
}

function isBaselineFile(migration: Migration): boolean {
  return migration.key.startsWith('B:')
}

function isVersion(text: string): boolean {
  return /^\d+(?:\.\d+)*$/.test(text)
}

/**
 * The release's migrations that need no row: versions up to the baseline; a `B` file where there is a history already;
 * and, where there is none, the versions that the highest `B` file stands for.
 */
function coveredBy(
  live: readonly HistoryRow[],
  listed: readonly AppliedMigration[],
  migrations: readonly Migration[],
): readonly AppliedMigration[] {
  const known = new Set(listed.map((row) => row.key))
  const rows = live.filter((row) => row.success && (row.type === 'BASELINE' || BASELINE_FILE.test(row.type)))
  const baselines = rows.flatMap((row) => (row.version !== null && isVersion(row.version) ? [row.version] : []))
  const file = migrations.find(isBaselineFile)
  if (live.length === 0 && file !== undefined) baselines.push(versionOf(file))
  const highest = baselines.sort(compareVersions).at(-1)
  const at = isoTime(rows.at(-1)?.row['installed_on'] ?? null)
  return migrations.flatMap((migration) => {
    if (known.has(migration.key) || migration.kind === 'repeatable') return []
    const below = highest !== undefined && compareVersions(versionOf(migration), highest) <= 0
    const covered = isBaselineFile(migration) ? live.length > 0 : below
    if (!covered) return []
    const detail = below ? `covered by the baseline ${highest}` : 'runs only on a database without a history'
    const place = placeOf(versionOf(migration), migrations)
    return [
      {
        key: migration.key,
        label: migration.subject,
        state: 'baseline',
        checksum: null,
        at,
        durationMs: null,
        by: null,
        detail,
        place,
      },
    ]
  })
}

/** Flyway compares descriptions too, and refuses; the text that ran is the release's all the same. */
function renamedNote(row: HistoryRow, byVersion: ReadonlyMap<string, Migration>): readonly string[] {
  const migration = byVersion.get(row.version ?? '')
  const name = migration === undefined ? null : parseFlywayName(migration.file)
  if (migration === undefined || name === null || name.description === row.description) return []
  if (row.type === 'BASELINE' || BASELINE_FILE.test(row.type)) return []
  return [
    `${migration.subject} is recorded as "${row.description}": Flyway's validate and migrate refuse a changed description until \`flyway repair\` is run`,
  ]
}
