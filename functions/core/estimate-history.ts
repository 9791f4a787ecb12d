/**
 * How earlier estimates held: what was foretold of migrations that have run since, and the factors that follow from it. Ranges come
 * from what was measured, never from anybody's feeling for them (Jørgensen & Sjøberg 2003; reference class forecasting). Pure.
 */
import type { Factors, ScalingClass } from './estimate-classes.ts'

/** A migration that was estimated, and has run. */
export interface KeptRun {
  readonly environment: string
  readonly ledger: string
  readonly subject: string
  /** That of its costliest statement. */
  readonly class: ScalingClass
  /** All its time went into this class, on tables that are no smaller: only then a factor of the class follows from it. */
  readonly teaches: boolean
  /** Duration elsewhere × multiplier, in milliseconds. */
  readonly centreMs: number
  readonly lowMs: number
  readonly highMs: number
  readonly actualMs: number
  /** When it ran. ISO 8601, UTC. */
  readonly at: string
}

/** So many runs of a class, and its factors are those of the service's own databases. */
export const ENOUGH_RUNS = 20

/** The newest count: machines change. About 250 bytes each. */
const MOST_KEPT = 300

/** Between the 5th and the 95th percentile, and a quarter more on either side: so they held on environments that they had not seen. */
const MARGIN = 1.25

export function factorsLearnt(
  runs: readonly KeptRun[],
  of: ScalingClass,
): (Factors & { readonly runs: number }) | null {
  const ratios = runs
    .filter((run) => run.class === of && run.teaches && run.centreMs > 0 && run.actualMs > 0)
    .map(({ actualMs, centreMs }) => actualMs / centreMs)
    .sort((a, b) => a - b)
  if (ratios.length < ENOUGH_RUNS) return null
  return { low: quantile(ratios, 0.05) / MARGIN, high: quantile(ratios, 0.95) * MARGIN, runs: ratios.length }
}

/** Of sorted values, between its neighbours by their distance. */
function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}

export interface HitRate {
  readonly held: number
  readonly of: number
}

/** How many took as long as was said; null: none was kept yet. */
export function hitRateOf(runs: readonly KeptRun[]): HitRate | null {
  const held = runs.filter(({ actualMs, lowMs, highMs }) => actualMs >= lowMs && actualMs <= highMs)
  return runs.length === 0 ? null : { held: held.length, of: runs.length }
}

/** With these too, the same run once, the newest ones. In order of their time. */
export function addRuns(known: readonly KeptRun[], more: readonly KeptRun[]): readonly KeptRun[] {
  const byRun = new Map(
    [...more, ...known].map((run) => [JSON.stringify([run.environment, run.ledger, run.subject, run.at]), run]),
  )
  return [...byRun.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)).slice(-MOST_KEPT)
}

function sortKey({ at, environment, ledger, subject }: KeptRun): string {
  return JSON.stringify([at, environment, ledger, subject])
}
