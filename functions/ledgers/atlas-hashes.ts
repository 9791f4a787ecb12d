/**
 * What the recorded hashes tell. Each is of the names and texts of all files up to its own, as they were when it ran: one change
 * alters all that come after it, and so does a file that was put before them since.
 */
import type { AppliedState } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'

export interface AtlasRevision {
  readonly version: string
  readonly description: string
  readonly state: AppliedState
  /** When it began. */
  readonly at: string | null
  /** Why it is no applied one, or null. */
  readonly failed: string | null
  /** It ran half way, and to its end with another number of statements. */
  readonly mended: boolean
  /** '' for a baseline. */
  readonly hash: string
}

export interface JudgedHashes {
  /** Versions whose hash is to be compared: it is the release's, or the first that differs without another reason than an edit. */
  readonly told: ReadonlySet<string>
  /** Of those that differ: what is known of the place of the difference. */
  readonly details: ReadonlyMap<string, string>
  readonly notes: readonly string[]
}

/** A row of the release in the order of its files. */
interface Hashed {
  readonly migration: Migration
  readonly index: number
  readonly revision: AtlasRevision
  readonly same: boolean
}

export function judgeHashes(
  table: string,
  revisions: readonly AtlasRevision[],
  migrations: readonly Migration[],
): JudgedHashes {
  const rows = new Map(revisions.map((revision) => [revision.version, revision]))
  const told = new Set<string>()
  const details = new Map<string, string>()
  const notes: string[] = []
  const same: Hashed[] = []
  let open: { readonly why: string; readonly untold: Hashed[] } | null = null
  const close = (): void => {
    if (open !== null && open.untold.length > 0) notes.push(untoldNote(table, open.why, open.untold))
    open = null
  }
  for (const hashed of hashedRows(rows, migrations)) {
    const { revision } = hashed
    if (hashed.same) {
      close()
      same.push(hashed)
      told.add(revision.version)
    } else if (open === null) {
      const before = same.findLast((other) => !isLater(other.revision, revision)) ?? null
      const otherwise = reasonBetween(before, hashed, rows, migrations)
      open = {
        why: otherwise ?? `${hashed.migration.subject} differs already`,
        untold: otherwise === null ? [] : [hashed],
      }
      if (otherwise === null) {
        told.add(revision.version)
        details.set(revision.version, placeOfDifference(before))
      }
    } else open.untold.push(hashed)
  }
  close()
  return { told, details, notes }
}

function* hashedRows(rows: ReadonlyMap<string, AtlasRevision>, migrations: readonly Migration[]): Generator<Hashed> {
  for (const [index, migration] of migrations.entries()) {
    const revision = rows.get(migration.key)
    // A half done one may be mended, and what is recorded is the text before that.
    if (revision === undefined || revision.hash === '' || revision.state === 'failed') continue
    if (migration.checksums.length > 0)
      yield { migration, index, revision, same: migration.checksums.includes(revision.hash) }
  }
}

function isLater(one: AtlasRevision, other: AtlasRevision): boolean {
  return one.at !== null && other.at !== null && one.at > other.at
}

/**
 * Why the hash of a file whose text is the same may differ, or null. `before` is the nearest file before it up to which all was the
 * same no later than it ran: what differs lies between the two.
 */
function reasonBetween(
  before: Hashed | null,
  { migration, index, revision }: Hashed,
  rows: ReadonlyMap<string, AtlasRevision>,
  migrations: readonly Migration[],
): string | null {
  if (!wasNamed(migration.subject, revision.description))
    return `${migration.subject} ran under the name of "${revision.description}"`
  if (revision.mended) return `${migration.subject} was mended after it had failed half way`
  if (migration.mendable === true)
    return `${migration.subject} runs without a transaction, and may have been mended after it had failed half way`
  for (const other of migrations.slice((before?.index ?? -1) + 1, index)) {
    const row = rows.get(other.key)
    if (row === undefined) return `${other.subject} has no row, and need not have been there when it ran`
    if (isLater(row, revision)) return `${other.subject}, which comes before it, ran after it`
  }
  const known = new Set(migrations.map(({ key }) => key))
  const gone = [...rows.values()].find(
    (row) =>
      !known.has(row.version) && row.version > (before?.revision.version ?? '') && row.version < revision.version,
  )
  return gone === undefined ? null : `the file of ${gone.version}_${gone.description}, which comes before it, is gone`
}

/** The name is in the hash too: `.up` is left out of it where the folder is in golang-migrate's form, two `_` where in Flyway's. */
function wasNamed(subject: string, description: string): boolean {
  const stem = subject.slice(subject.lastIndexOf('/') + 1).replace(/\.sql$/, '')
  const own = stem.includes('_') ? stem.slice(stem.indexOf('_') + 1) : ''
  return [own, own.replace(/\.up$/, ''), own.replace(/^_/, '')].includes(description)
}

function placeOfDifference(before: Hashed | null): string {
  const from =
    before === null ? 'from the first file on' : `after ${before.migration.subject}, up to which all is as it was`
  return `the hash is of all files up to it, and differs ${from}: a file that had no row and is gone would alter it too; those of later ones are not compared`
}

function untoldNote(table: string, why: string, untold: readonly Hashed[]): string {
  const [first] = untold
  const more = untold.length > 1 ? ` and ${untold.length - 1} after it` : ''
  const names = `${first?.migration.subject ?? ''}${more}`
  return `${table} has other hashes of ${names} than this release, which does not mean that the text is another one: ${why}, and a hash is of all files up to its own; whether their text was edited is not told`
}
