/** Where Atlas began in a database: at the first file, at a baseline, or at a checkpoint; and what has no row because of that. */
import type { AppliedMigration, LedgerReading, UnclearMigrations } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { AtlasRevision } from './atlas-hashes.ts'

interface Start {
  /** The release's migrations that need no row. */
  readonly covered: readonly AppliedMigration[]
  /** Keys of those below the first row, which Atlas looks for no more. */
  readonly passedOver: NonNullable<LedgerReading['passedOver']>
  readonly unclear: UnclearMigrations | undefined
  readonly notes: readonly string[]
}

export function coveredBy(
  table: string,
  revisions: readonly AtlasRevision[],
  migrations: readonly Migration[],
  placeOf: (version: string) => number,
): Start {
  const rows = new Set(revisions.map(({ version }) => version))
  const without = migrations.filter(({ key }) => !rows.has(key))
  const first = lowest(revisions)
  if (first === undefined) return beginning(migrations, placeOf)
  const known = migrations.find(({ key }) => key === first.version)
  const checkpoints = without.filter(({ kind }) => kind === 'baseline')
  const below = without.filter(({ key, kind }) => kind !== 'baseline' && key < first.version)
  const skips = checkpoints.map((migration) =>
    coverOf(migration, 'a checkpoint, which runs only on a database without a ledger', first.at, placeOf),
  )
  const none = { covered: skips, passedOver: [], unclear: undefined, notes: [] }
  if (below.length === 0) return none
  if (first.state === 'baseline' || known?.kind === 'baseline') {
    const what =
      first.state === 'baseline'
        ? `covered by the baseline ${first.version}`
        : `covered by the checkpoint ${known?.subject ?? first.version}`
    return { ...none, covered: [...skips, ...below.map((migration) => coverOf(migration, what, first.at, placeOf))] }
  }
  const keys = below.map(({ key }) => key)
  if (known === undefined) return { ...none, unclear: unclearBelow(table, first, keys) }
  return { ...none, passedOver: keys }
}

function lowest(revisions: readonly AtlasRevision[]): AtlasRevision | undefined {
  return revisions.reduce<AtlasRevision | undefined>(
    (least, revision) => (least === undefined || revision.version < least.version ? revision : least),
    undefined,
  )
}

/** Without a row, Atlas begins at the last checkpoint. */
function beginning(migrations: readonly Migration[], placeOf: (version: string) => number): Start {
  const last = migrations.findLastIndex(({ kind }) => kind === 'baseline')
  const checkpoint = migrations[last]
  const before = migrations.slice(0, Math.max(0, last))
  const what = `a run begins at the checkpoint ${checkpoint?.subject ?? ''}, which stands for it`
  const covered = before.map((migration) => coverOf(migration, what, null, placeOf))
  return { covered, passedOver: [], unclear: undefined, notes: [] }
}

function coverOf(
  { key, subject }: Migration,
  detail: string,
  at: string | null,
  placeOf: (version: string) => number,
): AppliedMigration {
  return {
    key,
    label: subject,
    state: 'baseline',
    checksum: null,
    at,
    durationMs: null,
    by: null,
    detail,
    place: placeOf(key),
  }
}

/** The first row may be a checkpoint's, which stands for all before it, or that of a file that is gone. */
function unclearBelow(table: string, first: AtlasRevision, keys: readonly string[]): UnclearMigrations {
  const name = `${first.version}_${first.description}`.replace(/_$/, '')
  return {
    keys,
    why: `its first row is ${name}, of which the release has no file, and only the file says whether that is a checkpoint, which stands for all before it`,
    causes: [
      'this database was made by a newer release, which has a checkpoint',
      'they were added below the first one that had run here: Atlas looks no more for what lies below its first row',
    ],
    nextStep: { text: `look at a release that has ${name}`, command: null },
  }
}
