/** Atlas' revisions in the common model (research: sql/migrate/migrate.go; run with the community CLI of June 2026). */
import type { AppliedMigration, AppliedState } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { AtlasRevision } from './atlas-hashes.ts'
import { judgeHashes } from './atlas-hashes.ts'
import { coveredBy } from './atlas-starts.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { isoTime } from './migration-text.ts'

type Interpretation = ReturnType<LedgerReader['interpret']>

/** Written where a run reports to Atlas' own service. */
const NO_REVISION = '.atlas_cloud_identifier'
/** `type` is a set of bits. */
const BASELINE = 1
const RESOLVED = 4

export function interpretAtlas(
  table: string,
  rows: readonly LedgerRow[],
  migrations: readonly Migration[],
): Interpretation {
  const own = rows.filter(({ version }) => version !== NO_REVISION)
  const last = own.reduce((highest, { version }) => ((version ?? '') > highest ? (version ?? '') : highest), '')
  const revisions = own.map((row) => parseRow(row, row['version'] === last))
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  const placeOf = placesOf(migrations)
  const hashes = judgeHashes(table, revisions, migrations)
  const listed = revisions.map((revision): AppliedMigration => {
    const { version } = revision
    return {
      key: version,
      label: byKey.get(version)?.subject ?? `${version}_${revision.description}`.replace(/_$/, ''),
      state: revision.state,
      checksum: hashes.told.has(version) ? revision.hash : null,
      at: revision.at,
      // `execution_time` is that of writing the row, whatever the statements took.
      durationMs: null,
      by: null,
      detail: revision.failed ?? hashes.details.get(version) ?? null,
      place: placeOf(version),
    }
  })
  const { covered, passedOver, unclear, notes } = coveredBy(table, revisions, migrations, placeOf)
  return {
    applied: [...listed, ...covered],
    highWaterMark: false,
    lock: null,
    ...(passedOver.length === 0 ? {} : { passedOver }),
    ...(unclear === undefined ? {} : { unclear }),
    notes: [...hashes.notes, ...notes, ...strayNotes(table, revisions, byKey)],
  }
}

function parseRow(row: LedgerRow, isLast: boolean): AtlasRevision {
  const counts = {
    type: Number(row['type'] ?? 0),
    applied: Number(row['applied'] ?? 0),
    total: Number(row['total'] ?? 0),
    error: row['error'] ?? '',
    // JSON's null: it ran to its end, or has not begun.
    ended: ['', 'null', '[]'].includes(row['partial_hashes'] ?? ''),
  }
  const state = stateOf(counts, isLast)
  const { applied, total } = counts
  return {
    version: row['version'] ?? '',
    description: row['description'] ?? '',
    state,
    at: isoTime(row['executed_at'] ?? null),
    failed: state === 'failed' ? failedDetail(counts, row['error_stmt'] ?? '', row['version'] ?? '') : null,
    hash: row['hash'] ?? '',
    mended: applied !== total && state === 'applied',
  }
}

interface Counts {
  readonly type: number
  readonly applied: number
  readonly total: number
  readonly error: string
  readonly ended: boolean
}

/**
 * `migrate set` records a file with none of its statements counted; of one that had failed it leaves the counts, by which the next run
 * goes on with it while it is the last. One that was mended half way keeps the number of statements that it had at first.
 */
function stateOf({ type, applied, total, error, ended }: Counts, isLast: boolean): AppliedState {
  if ((type & BASELINE) !== 0) return 'baseline'
  if (applied === total && error === '') return (type & RESOLVED) !== 0 && total === 0 ? 'marked' : 'applied'
  if (isLast) return 'failed'
  if ((type & RESOLVED) !== 0) return 'marked'
  return applied > 0 && error === '' && ended ? 'applied' : 'failed'
}

function failedDetail({ type, applied, total, error, ended }: Counts, statement: string, version: string): string {
  if (error === '' && applied > 0 && ended)
    return `${applied} statements ran to the end, of a file that had ${total} when it began and was mended half way: while it is the last, Atlas takes it for half done and crashes, until \`UPDATE atlas_schema_revisions SET total = applied WHERE version = '${version.replaceAll("'", "''")}'\``
  const count = `${applied} of ${total} statements ran`
  const why =
    error === ''
      ? ': its run was killed, or is under way right now'
      : `, then ${statement === '' ? 'it' : firstLine(statement)} failed: ${firstLine(error)}`
  const marked =
    (type & RESOLVED) === 0 ? '' : '; `atlas migrate set` marked it, and the next run goes on with it all the same'
  return `${count}${why}${marked}`
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > 200 || line.length < text.trimEnd().length ? `${line.slice(0, 200).trimEnd()} ...` : line
}

/**
 * How many files stand at or before a version: up to the last one whose version is not above it. Files are ordered by their names,
 * which versions of different lengths need not follow.
 */
function placesOf(migrations: readonly Migration[]): (version: string) => number {
  const sorted = migrations
    .map(({ key }, index) => ({ key, place: index + 1 }))
    .sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key)))
  let highest = 0
  const places = sorted.map(({ key, place }) => ({ key, place: (highest = Math.max(highest, place)) }))
  return (version) => {
    let low = 0
    let high = places.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((places[middle]?.key ?? '') <= version) low = middle + 1
      else high = middle
    }
    return places[low - 1]?.place ?? 0
  }
}

/** Atlas looks for the file of the last revision where that is half done, and stops where there is none. */
function strayNotes(
  table: string,
  revisions: readonly AtlasRevision[],
  byKey: ReadonlyMap<string, Migration>,
): readonly string[] {
  return revisions
    .filter(({ state, version }) => state === 'failed' && !byKey.has(version))
    .map(
      (revision) =>
        `${table} has ${revision.version}_${revision.description}, which did not run to its end (${revision.failed ?? ''}), and the release has no file of it: Atlas can neither finish nor pass it`,
    )
}
