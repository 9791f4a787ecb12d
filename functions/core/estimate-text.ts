/** What an estimate rests on, and what is not in it, in words. Pure. */
import { ageText } from './age.ts'
import { durationText } from './duration-text.ts'
import { ASSUMED_STORAGE, CLASS_RULES } from './estimate-classes.ts'
import { lockSentence, locksOf, lockWaitSentence } from './estimate-locks.ts'
import type { Range, Scale, Volume } from './estimate-scale.ts'
import type { EstimateTarget } from './estimate-target.ts'
import type { Elsewhere } from './environment-behind.ts'
import type { MigrationDuration, MigrationRecord } from './migration-evidence.ts'
import { bytesText, countText, roundRatio } from './quantity-text.ts'
import type { StatementCost } from './release.ts'

/** Example: 'its statements change the catalog alone, whatever the tables hold'. */
export function instantBasis(
  environment: string,
  spared: readonly string[],
  measuredIn: string,
  tookMs: number | null,
): string {
  const why =
    spared.length === 0
      ? 'its statements change the catalog alone, whatever the tables hold'
      : `${spared.join(', ')} ${spared.length === 1 ? 'is' : 'are'} empty in ${environment}`
  return tookMs === null ? why : `${why}, and still ${measuredIn} took ${durationText(tookMs)}`
}

export interface BasisInput {
  readonly elsewhere: Elsewhere
  readonly record: MigrationRecord
  readonly took: MigrationDuration
  readonly target: EstimateTarget
  readonly scales: readonly Scale[]
  readonly costliest: Range
  readonly widened: readonly string[]
  /** ISO 8601, UTC. */
  readonly now: string
}

/**
 * Example: 'staging took 41 s with 2.1 million rows and 265 MB in orders, production has 21.4 million rows (× 10.2, by statistics of 3
 * hours ago) and 2.7 GB (× 10.2); building an index follows the rows: × 0.45 to 2'.
 */
export function scaledBasis({ elsewhere, took, record, target, scales, costliest, widened, now }: BasisInput): string {
  const { scale, factors } = costliest
  const { follows, words } = CLASS_RULES[scale.part.class]
  const which = { rows: 'the rows', larger: 'rows or bytes, whichever grew more', both: 'rows and bytes' }[follows]
  const learnt = factors.learntFrom === null ? '' : `, learnt from ${factors.learntFrom} runs`
  const one = `${elsewhere.environment} took ${durationText(took.ms)}`
  const range = `× ${roundRatio(factors.low)} to ${roundRatio(factors.high)}${learnt}`
  const follow =
    scale.sizes === null ? `its rows stand in its own text: ${range}` : `${words} follows ${which}: ${range}`
  return [
    `${one}${scale.sizes === null ? '' : sizesText(scale, target.environment, now)}${lateText(scale, record)}`,
    follow,
    ...(scales.length > 1 ? [`as if all of the time had gone into its quickest or costliest of ${scales.length}`] : []),
    ...(widened.length > 0 ? [`the upper end is half as much again, because ${widened.join(', and ')}`] : []),
  ].join('; ')
}

function sizesText({ part, sizes }: Scale, environment: string, now: string): string {
  if (sizes === null) return ''
  const { there, here, rows, heap } = sizes
  const counted =
    here.countedAt === null ? 'by statistics of unknown age' : `by statistics of ${ageText(here.countedAt, now)} ago`
  return ` with ${countText(there.rows)} rows and ${bytesText(there.heapBytes)} in ${part.tables.join(', ')}, ${environment} has ${countText(here.rows)} rows (× ${roundRatio(rows)}, ${counted}) and ${bytesText(here.heapBytes)} (× ${roundRatio(heap)})`
}

const DAY_MS = 86_400_000

/** Tables that were measured long after the run may have grown since. */
function lateText({ sizes }: Scale, { at }: MigrationRecord): string {
  if (sizes === null || at === null) return ''
  const { seenAt }: Volume = sizes.there
  return Date.parse(seenAt) - Date.parse(at) < DAY_MS ? '' : `, measured ${ageText(at, seenAt)} after it ran`
}

/** One line each: which locks, what it may wait for, what it costs where the tables are not in memory. */
export function besideOf(
  target: EstimateTarget,
  costs: readonly StatementCost[],
  about: { readonly isInstant: boolean; readonly notInCache: number | null },
): readonly string[] {
  const locks = locksOf(costs)
  return [
    ...(locks.length === 0 ? [] : [lockSentence(locks, about.isInstant)]),
    lockWaitSentence(locks, target),
    ...(about.notInCache === null ? [] : [cacheSentence(about.notInCache)]),
  ]
}

function cacheSentence(ms: number): string {
  return `not in cache: up to ${durationText(ms)}, where the tables have to be read from storage at ${ASSUMED_STORAGE / 1e6} MB/s (assumed, as nobody told its speed)`
}
