/**
 * What a run of migrations does to the ledgers, seen again and again while it goes on: which rows appeared, when, and so how long
 * each migration took, where the ledger does not say. Pure; times are milliseconds since 1970.
 */
import { groupBy } from './group.ts'
import type { AppliedMigration, LedgerObservation } from './ledger.ts'
import type { MigrationDuration } from './migration-evidence.ts'
import type { LedgerExpectation } from './release.ts'

/** A row that a ledger did not have before: its migration ran to its end. */
export interface Appearance {
  /** The ledger's name in the config. */
  readonly ledger: string
  readonly row: AppliedMigration
  /** When the ledger was last seen without it, and first with it. */
  readonly after: number
  readonly at: number
  /** When it was last seen not to have begun yet; null: the ledger never showed it begun and not ended. */
  readonly begunAfter: number | null
}

export interface LedgerProgress {
  readonly seenAt: number
  readonly appeared: readonly Appearance[]
  /** Of each ledger that could be read, what tells one run of a migration from the next, by its key. */
  readonly ran: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Migrations that have begun and not ended: when each was last seen not to have. */
  readonly begun: ReadonlyMap<string, number>
  /** When a tool's lock was last seen to be free, before it was first seen to be held; null: it never was. */
  readonly lockedAfter: number | null
}

/** One migration that a run brought. */
export interface RunMigration {
  readonly ledger: string
  /** The contract's subject; of one that the release does not know, the ledger's own identifier. */
  readonly subject: string
  readonly isKnown: boolean
  /** null: it appeared together with others, and nobody can tell them apart. */
  readonly took: Pick<MigrationDuration, 'ms' | 'by'> | null
}

/** What was seen so far, with one more sight. The first sight of a ledger says what was there; later ones what is new. */
export function seeLedgers(
  before: LedgerProgress | null,
  observations: readonly LedgerObservation[],
  now: number,
): LedgerProgress {
  const after = before?.seenAt ?? now
  const ran = new Map(before?.ran)
  const begun = new Map(before?.begun)
  const appeared: Appearance[] = []
  for (const observation of observations) {
    const rows = rowsOf(observation)
    // It could not be read: what was seen before stays.
    if (rows === null) continue
    const { ledger } = observation
    const known = ran.get(ledger) ?? null
    for (const row of rows) {
      const key = keyOf(ledger, row.key)
      if (row.state === 'failed') begun.set(key, begun.get(key) ?? after)
      if (!hasRun(row)) continue
      if (known !== null && known.get(row.key) !== runOf(row)) {
        appeared.push({ ledger, row, after, at: now, begunAfter: begun.get(key) ?? null })
      }
      begun.delete(key)
    }
    ran.set(ledger, new Map(rows.filter(hasRun).map((row) => [row.key, runOf(row)])))
  }
  const isLocked = observations.some((one) => 'reading' in one && one.reading.lock !== null)
  return {
    seenAt: now,
    appeared: [...(before?.appeared ?? []), ...appeared],
    ran,
    begun,
    lockedAfter: before?.lockedAfter ?? (isLocked ? after : null),
  }
}

/** A ledger that is not there has no rows; null: nobody knows. */
function rowsOf(observation: LedgerObservation): readonly AppliedMigration[] | null {
  if ('reading' in observation) return observation.reading.applied
  return observation.problem.problem === 'missing' ? [] : null
}

/** What was recorded without having run, or failed, took no time that says anything. */
function hasRun({ state }: AppliedMigration): boolean {
  return state === 'applied' || state === 'assumed'
}

/** A repeatable migration runs again under its key. */
function runOf({ checksum, at }: AppliedMigration): string {
  return JSON.stringify([checksum, at])
}

function keyOf(ledger: string, key: string): string {
  return `${ledger}\u001f${key}`
}

/**
 * Every migration that ran since `startedAt`, in the order in which they ended. A duration of the ledger's own counts; else it
 * is the time since the one before ended (of the first one since the run began), to about the time between two sights.
 */
export function timesOf(
  { appeared, lockedAfter }: Pick<LedgerProgress, 'appeared' | 'lockedAfter'>,
  startedAt: number,
  expected: readonly LedgerExpectation[],
): readonly RunMigration[] {
  const subjects = new Map(
    expected.flatMap(({ name, migrations }) => migrations.map(({ key, subject }) => [keyOf(name, key), subject])),
  )
  const times: RunMigration[] = []
  // Where the tool's lock shows that it began, its own start is not counted as a migration's.
  const isLockFirst = lockedAfter !== null && lockedAfter < (appeared[0]?.after ?? 0)
  let from = Math.max(startedAt, isLockFirst ? lockedAfter : startedAt)
  for (const [at, together] of groupBy(appeared, (one) => one.at)) {
    let mark: number | null = from
    for (const { ended, ...one } of endsOf(together, startedAt)) {
      // One runs after the other: none began before the last one ended.
      const began = one.begunAfter === null ? mark : Math.max(mark ?? startedAt, one.begunAfter)
      const subject = subjects.get(keyOf(one.ledger, one.row.key))
      const took = tookOf(one.row, began, ended)
      times.push({ ledger: one.ledger, subject: subject ?? one.row.label, isKnown: subject !== undefined, took })
      mark = ended
    }
    from = mark ?? at
  }
  return times
}

function tookOf({ durationMs }: AppliedMigration, began: number | null, ended: number | null): RunMigration['took'] {
  if (durationMs !== null) return { ms: durationMs, by: 'ledger' }
  if (began === null || ended === null) return null
  return { ms: Math.max(0, Math.round(ended - began)), by: 'migrate' }
}

/** A ledger's clock need not be ours, nor its time that of the row: it counts where it fits what was seen. */
const TOLERANCE_MS = 1_000

/** Each with when it ended; null: only that it did so within a sight in which others ended too. */
function endsOf(
  together: readonly Appearance[],
  startedAt: number,
): readonly (Appearance & { readonly ended: number | null })[] {
  const isAlone = together.length === 1
  const told = together.map((one) => ({ ...one, told: Date.parse(one.row.at ?? '') }))
  const inOrder = told.every((one) => !Number.isNaN(one.told)) ? told.toSorted((a, b) => a.told - b.told) : told
  // One transaction for all (Knex): the rows appear at its end, and their times tell one from the other.
  const areApart = inOrder.every((one, at) => at === 0 || one.told > (inOrder[at - 1]?.told ?? Infinity))
  return inOrder.map(({ told, ...one }) => {
    const after = !isAlone && areApart ? startedAt : one.after
    const fits = told >= after - TOLERANCE_MS && told <= one.at + TOLERANCE_MS
    return { ...one, ended: fits ? Math.min(one.at, Math.max(after, told)) : isAlone ? one.at : null }
  })
}
