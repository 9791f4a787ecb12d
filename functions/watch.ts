/**
 * A watch: looks through a window after a deployment. What they mean is core/watch.ts; here is what runs them on a clock,
 * under deadlines. A look that throws or hangs is one that saw nothing, and never the end of the watch.
 */
import type { BaselineJudgement, Sample } from './core/baseline.ts'
import { judgeBaseline, keepLatest, revisionOf } from './core/baseline.ts'
import { groupBy } from './core/group.ts'
import type { Report } from './core/report.ts'
import type { Timeline } from './core/timeline.ts'
import { timelineOf } from './core/timeline.ts'
import type { Attempt, Look, WatchPlan, WatchState, WatchStep } from './core/watch.ts'
import { afterLook, lookBudget, nextStep, retryPause, WATCH_BEGINS } from './core/watch.ts'
import type { WatchEnd } from './core/watch-summary.ts'
import { watchReport } from './core/watch-summary.ts'
import type { Store } from './stores/store.ts'

/** What one run of all checks answers. */
export interface LookResult {
  readonly report: Report
  /** Of checks that answered as they should; empty where nothing is measured. */
  readonly samples: readonly Sample[]
}

export interface LookRequest {
  /** How long it may take, in milliseconds. It should say itself what was late: later its answer is not waited for. */
  readonly deadlineMs: number
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal
}

export interface WatchInput extends WatchPlan {
  readonly service: string
  readonly environment: string
  readonly release: Report['release']
  look(request: LookRequest): Promise<LookResult>
  /** The baseline; null: nothing is known from before, and every duration is inconclusive. */
  readonly store: Pick<Store, 'samples' | 'putSamples'> | null
  /** Another release that was deployed since the watch began, by the name that people know; null: none. Ends the watch. */
  newer(): Promise<string | null>
  /** Milliseconds since 1970. Should be monotonic; one that is set back or leaps neither ends nor prolongs a window. */
  readonly clock: () => number
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Aborted: the watch ends with what is known. */
  readonly interrupted: AbortSignal
  /** Live progress. */
  tell(event: WatchEvent): void
}

export type WatchEvent =
  | { readonly kind: 'looking'; readonly elapsedMs: number; readonly state: WatchState }
  | {
      readonly kind: 'looked'
      readonly elapsedMs: number
      readonly state: WatchState
      readonly look: Look
      readonly next: WatchStep
    }
  | { readonly kind: 'retrying'; readonly elapsedMs: number; readonly state: WatchState }

export interface WatchSummary {
  readonly report: Report
  readonly end: WatchEnd['kind']
  readonly looks: number
  readonly verified: number
  readonly judgements: readonly BaselineJudgement[]
  readonly timeline: Timeline
}

export async function watch(input: WatchInput): Promise<WatchSummary> {
  const startedAt = new Date(safeTime(input.clock())).toISOString()
  const time = startStopwatch(input)
  const remarks = new Set<string>()
  const before = await normalOf(input, time, remarks)
  let after: readonly Sample[] = []
  let state = WATCH_BEGINS
  let end: WatchEnd = { kind: 'window' }
  for (let step = nextStep(input, state, time.elapsed()); step.kind === 'look';) {
    await time.sleepUntil(step.atMs)
    const by = input.interrupted.aborted ? null : await supersededBy(input, time, remarks)
    if (by !== null) end = { kind: 'superseded', by }
    if (input.interrupted.aborted) end = { kind: 'interrupted' }
    if (end.kind !== 'window') break
    const { look, samples } = await lookOnce(input, time, state)
    if (look === null) {
      end = { kind: 'interrupted' }
      break
    }
    state = afterLook(input, state, look, step.why)
    after = keepLatest([...after, ...samples.filter((sample) => sample.revision === revisionOf(input.release))])
    await remember(input, time, samples, remarks)
    step = nextStep(input, state, time.elapsed())
    input.tell({ kind: 'looked', elapsedMs: time.elapsed(), state, look, next: step })
  }
  const judgements = judgeBaseline(before, after)
  const about = { service: input.service, environment: input.environment, release: input.release, startedAt }
  const account = { plan: input, state, end, elapsedMs: time.elapsed(), judgements, remarks: [...remarks], about }
  const report = watchReport(account)
  return {
    report,
    timeline: timelineOf({ ...account, end: { how: end, verdict: report.verdict }, deployedAt: null }),
    end: end.kind,
    looks: state.looks,
    verified: state.verified,
    judgements,
  }
}

/** One look: an attempt, and a second one where the first did not verify everything and time is left. */
async function lookOnce(
  input: WatchInput,
  time: Stopwatch,
  state: WatchState,
): Promise<{ readonly look: Look | null; readonly samples: readonly Sample[] }> {
  const beganMs = time.elapsed()
  const budget = lookBudget(input, beganMs)
  input.tell({ kind: 'looking', elapsedMs: beganMs, state })
  const first = await attempt(input, time, budget)
  if (first === null) return { look: null, samples: [] }
  const tookMs = time.elapsed() - beganMs
  const pause = retryPause(input, first.attempt, tookMs, budget)
  if (pause === null) return { look: { beganMs, attempts: [first.attempt] }, samples: lastOfEach(first.samples) }
  input.tell({ kind: 'retrying', elapsedMs: time.elapsed(), state })
  await time.sleepUntil(time.elapsed() + pause)
  const second = input.interrupted.aborted ? null : await attempt(input, time, budget - (time.elapsed() - beganMs))
  // What the first attempt saw is known, whoever interrupts the second.
  if (second === null) return { look: { beganMs, attempts: [first.attempt] }, samples: lastOfEach(first.samples) }
  return {
    look: { beganMs, attempts: [first.attempt, second.attempt] },
    samples: lastOfEach([...first.samples, ...second.samples]),
  }
}

/** One look is one measurement: several in a row are no independent ones, and tell nothing of the window. */
function lastOfEach(samples: readonly Sample[]): readonly Sample[] {
  const groups = groupBy(samples, ({ check, name, revision }) => JSON.stringify([check, name, revision]))
  return [...groups.values()].flatMap((group) => group.slice(-1))
}

/** null: the watch was interrupted while it ran. */
async function attempt(
  input: WatchInput,
  time: Stopwatch,
  budgetMs: number,
): Promise<{ readonly attempt: Attempt; readonly samples: readonly Sample[] } | null> {
  const deadlineMs = Math.max(1, Math.round(budgetMs - Math.min(1_000, budgetMs / 10)))
  const answer = await time.within(budgetMs, (signal) => input.look({ deadlineMs, signal }))
  const endedMs = time.elapsed()
  switch (answer.kind) {
    case 'done': {
      const { report, samples } = answer.value
      return { attempt: { endedMs, report, why: null }, samples }
    }
    case 'threw':
      return { attempt: { endedMs, report: null, why: `it ended with an error: ${answer.message}` }, samples: [] }
    case 'late':
      return {
        attempt: { endedMs, report: null, why: `it had not ended after ${Math.round(budgetMs)} ms` },
        samples: [],
      }
    case 'interrupted':
      return null
  }
}

/** Everything beside the looks gets so long: a store that hangs must not keep the watch from looking. */
const BESIDE_MS = 5_000

/** The samples of other releases, as they were when the watch began. */
async function normalOf(input: WatchInput, time: Stopwatch, remarks: Set<string>): Promise<readonly Sample[]> {
  const { store } = input
  if (store === null) return []
  const kept = await time.within(besideMs(input, time), () => store.samples(input.service, input.environment))
  if (kept.kind === 'done') return kept.value.filter((sample) => sample.revision !== revisionOf(input.release))
  remarks.add(`the samples from before could not be read, so that no duration has a baseline${reasonOf(kept)}`)
  return []
}

async function remember(
  input: WatchInput,
  time: Stopwatch,
  samples: readonly Sample[],
  remarks: Set<string>,
): Promise<void> {
  const { store } = input
  if (store === null || samples.length === 0) return
  const put = await time.within(besideMs(input, time), () =>
    store.putSamples(input.service, input.environment, samples),
  )
  if (put.kind === 'threw' || put.kind === 'late') {
    remarks.add(`samples could not be kept for the next deployment's baseline${reasonOf(put)}`)
  }
}

async function supersededBy(input: WatchInput, time: Stopwatch, remarks: Set<string>): Promise<string | null> {
  const newer = await time.within(besideMs(input, time), () => input.newer())
  if (newer.kind === 'done') return newer.value
  remarks.add(`whether a newer release was deployed could not be read${reasonOf(newer)}`)
  return null
}

function besideMs({ forMs, deadlineMs }: WatchPlan, time: Stopwatch): number {
  return Math.max(0, Math.min(BESIDE_MS, deadlineMs / 4, forMs + deadlineMs - time.elapsed()))
}

function reasonOf(outcome: Outcome<unknown>): string {
  return outcome.kind === 'threw' ? `: ${outcome.message}` : outcome.kind === 'late' ? ': it took too long' : ''
}

type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'threw'; readonly message: string }
  | { readonly kind: 'late' }
  | { readonly kind: 'interrupted' }

/** Given so that no DOMException with a stack is made each time. */
const OVER = 'nobody waits any more'

/** Timers are late where a machine is busy. */
const LATE_TIMER_MS = 1_000

interface Stopwatch {
  /** Milliseconds since the watch began. Never goes back. */
  elapsed(): number
  sleepUntil(atMs: number): Promise<void>
  /** Runs work for at most so long; what it does afterwards is of no interest. */
  within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>>
}

/**
 * Time as the watch counts it. Clocks are set back, leap, and stand still: a sleep counts for at least
 * what was asked for, and for a second more at most; work for its limit at most. So no clock ends a window early, or never.
 */
function startStopwatch(input: WatchInput): Stopwatch {
  let reading = input.clock()
  let elapsed = 0
  const advance = (least: number, most: number): void => {
    const now = input.clock()
    const passed = Number.isFinite(now - reading) ? now - reading : 0
    elapsed += Math.min(most, Math.max(least, passed))
    reading = now
  }
  return {
    elapsed: () => elapsed,
    async sleepUntil(atMs) {
      const ms = atMs - elapsed
      if (ms <= 0 || input.interrupted.aborted) return
      await input.sleep(ms, input.interrupted)
      advance(input.interrupted.aborted ? 0 : ms, ms + LATE_TIMER_MS)
    },
    async within(ms, work) {
      const stop = new AbortController()
      const interrupt = (): void => stop.abort(OVER)
      input.interrupted.addEventListener('abort', interrupt, { once: true })
      try {
        const late = input.sleep(ms, stop.signal).then((): Outcome<never> => ({ kind: 'late' }))
        const outcome = await Promise.race([settle(work, stop.signal), late])
        const interrupted = input.interrupted.aborted && outcome.kind !== 'done'
        advance(outcome.kind === 'late' && !interrupted ? ms : 0, ms)
        return interrupted ? { kind: 'interrupted' } : outcome
      } finally {
        input.interrupted.removeEventListener('abort', interrupt)
        stop.abort(OVER)
      }
    },
  }
}

async function settle<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await work(signal) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // What nobody has foreseen may hold anything: of URLs the credentials are cut.
    return { kind: 'threw', message: message.replaceAll(/\/\/[^\s/]*@/gu, '//***@') }
  }
}

function safeTime(ms: number): number {
  return Number.isFinite(ms) ? ms : 0
}
