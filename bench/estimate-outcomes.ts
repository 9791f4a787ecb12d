/** What was estimated beside what it took, by class, and beside what somebody reckons with who has staging's duration alone. Pure. */
import { CLASSES } from './estimate-project.ts'
import type { Class } from './estimate-project.ts'
import { median, seconds } from './goals.ts'

export interface Outcome {
  readonly script: string
  readonly class: Class
  readonly stagingMs: number
  readonly productionMs: number
  readonly lowMs: number
  readonly highMs: number
  /** The upper end where the tables are not in memory; null: the program says that they are. */
  readonly notInCacheMs: number | null
  /** Where the tables are as large as in staging. */
  readonly again: { readonly tookMs: number; readonly lowMs: number; readonly highMs: number }
  /** How many times staging's rows production has. */
  readonly times: number
}

/** Per cent of the durations. */
const GOAL = 90
/** What a single number is allowed to be off. */
const OFF = 0.2

function isInside({ productionMs, lowMs, highMs }: Outcome): boolean {
  return productionMs >= lowMs && productionMs <= highMs
}

/** Where the volume is the same. */
function isInsideAgain({ again }: Outcome): boolean {
  return again.tookMs >= again.lowMs && again.tookMs <= again.highMs
}

/** The goal is of ten times the volume; what is missed on the same volume too tells of the machine. */
export function judgement(outcomes: readonly Outcome[]): { readonly text: string; readonly isReached: boolean } {
  const percent = (test: (outcome: Outcome) => boolean): number =>
    (100 * outcomes.filter(test).length) / outcomes.length
  const [inside, again] = [percent(isInside), percent(isInsideAgain)]
  const isReached = inside >= GOAL
  const uneven =
    isReached || again >= GOAL ? '' : '; on tables of the same size as well: this machine is too uneven now to tell'
  return {
    text: `${inside.toFixed(1)} % inside (on the same size ${again.toFixed(1)} %), goal ${GOAL} %: ${isReached ? 'reached' : '**missed**'}${uneven}`,
    isReached,
  }
}

function isNear(truth: number, single: number): boolean {
  return Math.abs(truth - single) <= single * OFF
}

function isWithinDouble(truth: number, single: number): boolean {
  return truth >= single / 2 && truth <= single * 2
}

function row(name: string, outcomes: readonly Outcome[]): string {
  const held = (test: (outcome: Outcome) => boolean): string => {
    const count = outcomes.filter(test).length
    return outcomes.length === 0 ? '' : `${count} (${Math.round((100 * count) / outcomes.length)} %)`
  }
  const ratio = (of: (outcome: Outcome) => number): string =>
    outcomes.length === 0 ? '' : median(outcomes.map(of)).toFixed(2)
  return `| ${[
    name,
    outcomes.length,
    held(isInside),
    held(isInsideAgain),
    held((one) => isInside(one) || (one.productionMs >= one.lowMs && one.productionMs <= (one.notInCacheMs ?? 0))),
    held(({ productionMs, stagingMs }) => isNear(productionMs, stagingMs)),
    held(({ productionMs, stagingMs, times }) => isNear(productionMs, stagingMs * times)),
    held(({ productionMs, stagingMs, times }) => isWithinDouble(productionMs, stagingMs * times)),
    `${ratio(({ productionMs, lowMs }) => productionMs / lowMs)} … ${ratio(({ productionMs, highMs }) => productionMs / highMs)}`,
    ratio(({ productionMs, stagingMs, times }) => productionMs / (stagingMs * times)),
  ].join(' | ')} |`
}

/** How well a short duration is measured is another matter than how it grows. */
const BY_DURATION = [
  { name: 'staging took under 0.1 s', from: 0, to: 100 },
  { name: '0.1 s to 1 s', from: 100, to: 1_000 },
  { name: '1 s and more', from: 1_000, to: Infinity },
] as const

/** Markdown, so that it can be pasted into docs/bench.md as it is. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  const those = (name: string, keep: (outcome: Outcome) => boolean): string => row(name, outcomes.filter(keep))
  return [
    '| class | durations | inside the range | on the same size | or under “not in cache” | staging’s ± 20 % | staging’s × rows ± 20 % | the same, half to double | truth ÷ low end … high end | truth ÷ (staging’s × rows) |',
    `|${' --- |'.repeat(10)}`,
    ...CLASSES.map((name) => those(name, (outcome) => outcome.class === name)),
    row('all', outcomes),
    ...BY_DURATION.map(({ name, from, to }) => those(name, ({ stagingMs }) => stagingMs >= from && stagingMs < to)),
  ].join('\n')
}

/** One line each. */
export function misses(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes
    .filter((outcome) => !isInside(outcome))
    .map(
      ({ script, class: own, stagingMs, productionMs, lowMs, highMs }) =>
        `outside: ${script} (${own}) took ${seconds(stagingMs)} in staging, ${seconds(productionMs)} in production; the range was ${seconds(lowMs)} to ${seconds(highMs)}`,
    )
}
