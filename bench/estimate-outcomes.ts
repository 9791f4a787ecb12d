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
  /** How many times staging's rows production has. */
  readonly times: number
}

export const GOAL = 0.9
/** What a single number is allowed to be off. */
const OFF = 0.2

export function isInside({ productionMs, lowMs, highMs }: Outcome): boolean {
  return productionMs >= lowMs && productionMs <= highMs
}

export function shareInside(outcomes: readonly Outcome[]): number {
  return outcomes.filter(isInside).length / outcomes.length
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
    return `${count} (${Math.round((100 * count) / outcomes.length)} %)`
  }
  const ratio = (of: (outcome: Outcome) => number): string => median(outcomes.map(of)).toFixed(2)
  return `| ${[
    name,
    outcomes.length,
    held(isInside),
    held(({ productionMs, stagingMs }) => isNear(productionMs, stagingMs)),
    held(({ productionMs, stagingMs, times }) => isNear(productionMs, stagingMs * times)),
    held(({ productionMs, stagingMs, times }) => isWithinDouble(productionMs, stagingMs * times)),
    ratio(({ lowMs, highMs }) => highMs / lowMs),
    ratio(({ productionMs, lowMs }) => productionMs / lowMs),
    ratio(({ productionMs, highMs }) => productionMs / highMs),
    ratio(({ productionMs, stagingMs, times }) => productionMs / (stagingMs * times)),
  ].join(' | ')} |`
}

/** Markdown, so that it can be pasted into docs/bench.md as it is. */
export function outcomeTable(outcomes: readonly Outcome[]): string {
  return [
    '| class | durations | inside the range | staging’s ± 20 % | staging’s × rows ± 20 % | the same, half to double | high ÷ low end | truth ÷ low end | truth ÷ high end | truth ÷ (staging’s × rows) |',
    `|${' --- |'.repeat(10)}`,
    ...CLASSES.map((name) =>
      row(
        name,
        outcomes.filter((outcome) => outcome.class === name),
      ),
    ),
    row('all', outcomes),
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
