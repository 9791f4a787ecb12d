/**
 * The baseline: what queries and endpoints took and answered before a deployment, against after it. Pure.
 *
 * A limit that the config names (`maxMillis`) is judged by the look itself, at once. Here is what nobody wrote a limit for,
 * and what one look cannot say: whether something has become slower. That is an error only where all of these hold,
 * since it stops deployments: it is no chance (Mann-Whitney, 99 %), nearly every duration after is longer than those before
 * (a difference that is significant can still be tiny), the median at least doubled and by a time that people notice,
 * and it is still so in the later half of the samples: caches that were cold after a deployment are no slowdown.
 */
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { groupBy } from './group.ts'
import { mannWhitney } from './mann-whitney.ts'

/** One measurement of a check that answered as it should. One that failed has no place here: errors are often fast. */
export interface Sample {
  readonly check: 'query' | 'endpoint'
  readonly name: string
  /** ISO 8601, UTC. */
  readonly at: string
  readonly durationMs: number
  /** Rows of a query; null for an endpoint. */
  readonly rows: number | null
  /** Taken while a paused cluster resumed: says nothing of the release. */
  readonly resumed: boolean
  /**
   * The release that was deployed when it was taken, as `revisionOf` writes it; for an endpoint, the one that answered.
   * null: not known, but not the one that the look was about (every sample of a look before the deployment).
   */
  readonly revision: string | null
}

/** What a release is called in samples. Versions alone are often the same for months. */
export function revisionOf(release: { readonly version: string; readonly commit: string | null }): string {
  return release.commit === null ? release.version : `${release.version} (${release.commit})`
}

export interface BaselineRules {
  /** With fewer on a side a two-sided test cannot reach 99 %: 4 and 5 give 2 / C(9, 4) = 0.016 at best, 5 and 5 0.008. */
  readonly minSamples: number
  /** The p-value must be below. */
  readonly alpha: number
  /** Share of all pairs (before, after) in which the one after took longer. */
  readonly minSuperiority: number
  /** The median after is at least so many times the one before. */
  readonly minRatio: number
  /** And longer by at least so many milliseconds. */
  readonly minShiftMs: number
}

export const BASELINE_RULES: BaselineRules = {
  minSamples: 5,
  alpha: 0.01,
  minSuperiority: 0.8,
  minRatio: 2,
  minShiftMs: 50,
}

/** Durations of one side, in milliseconds: a quarter of them is below `lower`, a quarter above `upper`. */
export interface Spread {
  readonly count: number
  readonly least: number
  readonly lower: number
  readonly median: number
  readonly upper: number
  readonly most: number
}

export interface BaselineJudgement {
  readonly check: Sample['check']
  readonly name: string
  readonly outcome: 'normal' | 'slower' | 'inconclusive'
  /** Why, in one sentence with the numbers. */
  readonly text: string
  /** The normal in one sentence, for a finding's "expected"; null where there is none. */
  readonly normal: string | null
  /** Before the deployment, and after it; null: no sample that counts. */
  readonly before: Spread | null
  readonly after: Spread | null
  /** What is remarkable of the row counts, without effect on the verdict: they follow the data, not the release. */
  readonly rows: string | null
}

/** So many samples a check and name are kept. */
export const SAMPLES_KEPT = 200

function keyOf(sample: Pick<Sample, 'check' | 'name'>): string {
  return `${sample.check} ${sample.name}`
}

/** The latest samples of each check and name, oldest first, none twice. */
export function keepLatest(samples: readonly Sample[], kept = SAMPLES_KEPT): readonly Sample[] {
  const distinct = new Map(samples.map((sample) => [identityOf(sample), sample]))
  const sorted = [...distinct.values()].toSorted((a, b) => compare(a.at, b.at) || compare(identityOf(a), identityOf(b)))
  const latest = new Set([...groupBy(sorted, keyOf).values()].flatMap((group) => (kept > 0 ? group.slice(-kept) : [])))
  return sorted.filter((sample) => latest.has(sample))
}

function identityOf({ check, name, at, durationMs, rows, resumed, revision }: Sample): string {
  return JSON.stringify([check, name, at, durationMs, rows, resumed, revision])
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One judgement a check and name that has samples on any side, in the order of those after, then of those before. */
export function judgeBaseline(
  before: readonly Sample[],
  after: readonly Sample[],
  rules: BaselineRules = BASELINE_RULES,
): readonly BaselineJudgement[] {
  const [earlier, later] = [groupBy(before, keyOf), groupBy(after, keyOf)]
  const keys = [...new Set([...later.keys(), ...earlier.keys()])]
  return keys.flatMap((key) => {
    const [old, young] = [earlier.get(key) ?? [], later.get(key) ?? []]
    const first = young[0] ?? old[0]
    if (first === undefined) return []
    const judged = judgeDurations(old, young, rules)
    const spreads = { before: spreadOf(durationsOf(old)), after: spreadOf(durationsOf(young)) }
    return [{ check: first.check, name: first.name, ...judged, ...spreads, rows: judgeRows(old, young, rules) }]
  })
}

type DurationJudgement = Pick<BaselineJudgement, 'outcome' | 'text' | 'normal'>

function judgeDurations(old: readonly Sample[], young: readonly Sample[], rules: BaselineRules): DurationJudgement {
  const [before, after] = [durationsOf(old), durationsOf(young)]
  const few = tooFew(before.length, after.length, old.length + young.length, rules)
  if (few !== null) return { outcome: 'inconclusive', text: few, normal: null }
  const [was, is] = [median(before), median(after)]
  const { p, superiority } = mannWhitney(before, after)
  const normal = `${ms(was)} in the median of ${before.length} samples before the deployment, ${ms(Math.max(...before))} at most`
  const numbers = `median ${ms(was)} before (${before.length} samples), ${ms(is)} after (${after.length}); longer in ${percent(superiority)} of all pairs, p ${pText(p)}`
  const judged = (outcome: 'normal' | 'slower', why: string): DurationJudgement => ({
    outcome,
    text: `${why}: ${numbers}`,
    normal,
  })
  if (!(p < rules.alpha && superiority > 0.5)) return judged('normal', 'no slower than chance explains')
  if (superiority < rules.minSuperiority) return judged('normal', 'slower, but by less than the durations vary anyway')
  if (!isShifted(was, is, rules)) return judged('normal', `slower, but not by ${floorText(rules)}`)
  // The older half is at least as large: the later one is what lasts.
  const lasting = median(after.slice(Math.ceil(after.length / 2)))
  if (!isShifted(was, lasting, rules)) return judged('normal', `slower only at first, then ${ms(lasting)}`)
  return judged('slower', `at least ${floorText(rules)} slower, to the end`)
}

/** Those that count. A negative or endless duration is a clock's fault. */
function durationsOf(samples: readonly Sample[]): readonly number[] {
  return samples
    .filter(({ resumed, durationMs }) => !resumed && Number.isFinite(durationMs) && durationMs >= 0)
    .map(({ durationMs }) => durationMs)
}

function spreadOf(durations: readonly number[]): Spread | null {
  const sorted = durations.toSorted((a, b) => a - b)
  const [least] = sorted
  const most = sorted.at(-1)
  if (least === undefined || most === undefined) return null
  const half = Math.ceil(sorted.length / 2)
  return {
    count: sorted.length,
    least,
    lower: median(sorted.slice(0, half)),
    median: median(sorted),
    upper: median(sorted.slice(-half)),
    most,
  }
}

function isShifted(was: number, is: number, rules: BaselineRules): boolean {
  return is >= was * rules.minRatio && is - was >= rules.minShiftMs
}

function floorText({ minRatio, minShiftMs }: BaselineRules): string {
  return `${minRatio} times and ${ms(minShiftMs)}`
}

function tooFew(before: number, after: number, all: number, { minSamples }: BaselineRules): string | null {
  if (before >= minSamples && after >= minSamples) return null
  const left = all - before - after
  const out = left === 0 ? '' : `; ${left} left out, taken while a cluster resumed or a clock was set`
  if (after === 0 && left === 0) return `no sample after the deployment, which is no failure${out}`
  return `${before} samples before and ${after} after the deployment, and ${minSamples} of each are needed for 99 % certainty${out}`
}

function judgeRows(old: readonly Sample[], young: readonly Sample[], { minSamples }: BaselineRules): string | null {
  const [before, after] = [old, young].map((side) => side.flatMap(({ rows }) => (rows === null ? [] : [rows])))
  if (before === undefined || after === undefined || before.length < minSamples || after.length < minSamples)
    return null
  const [leastWas, mostWas, mostIs] = [Math.min(...before), Math.max(...before), Math.max(...after)]
  if (leastWas === 0 || mostIs > 0) return null
  return `no rows in any of ${after.length} looks after the deployment, and ${leastWas} to ${mostWas} before it: no traffic is no failure, but if there is traffic, writing has stopped`
}

/** The error of a slowdown that the watch confirmed. */
export function slowFinding(judgement: BaselineJudgement, environment: string): Finding {
  const query = judgement.check === 'query'
  return finding({
    code: query ? 'query-slow' : 'endpoint-slow',
    subject: judgement.name,
    expected: `as fast as before: ${judgement.normal ?? 'no baseline'}`,
    found: judgement.text,
    causes: [
      {
        text: query
          ? 'a migration of this release changed what the planner chooses: an index is gone, a type differs, statistics are old'
          : 'the new release does more for each request, or a query behind it is slow',
        evidence: null,
      },
    ],
    nextSteps: [
      {
        text: 'see whether schema and queries are as the release expects',
        command: `npx deploywatch check --env ${environment} --deployed`,
      },
      {
        text: 'where the new time is right, deploy on: the next release is measured against this one',
        command: null,
      },
    ],
  })
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

function ms(value: number): string {
  return value < 10 ? `${Math.round(value * 10) / 10} ms` : `${Math.round(value)} ms`
}

/** Rounded down: 99.9 % must not read as every one. */
function percent(share: number): string {
  return `${Math.floor(share * 100)} %`
}

function pText(p: number): string {
  return p < 0.0001 ? 'below 0.0001' : p.toFixed(4)
}
