/**
 * One step of a watch window: takes the look whose time has come, remembers it, and says when to come again. Whatever is invoked
 * twice, crashes between two lines or loses a race changes nothing: the document is written under the version that was
 * read, and what was not told is told by the next invocation.
 */
import type { BaselineJudgement } from '../core/baseline.ts'
import { judgeBaseline, revisionOf } from '../core/baseline.ts'
import type { Looker } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { Timeline } from '../core/timeline.ts'
import { timelineOf } from '../core/timeline.ts'
import type { Verdict } from '../core/verdict.ts'
import type { Attempt, WatchState } from '../core/watch.ts'
import { afterLook, isFailing, lookBudget, nextStep, retryPause, WATCH_BEGINS } from '../core/watch.ts'
import type { WatchAccount, WatchEnd } from '../core/watch-summary.ts'
import { watchReport } from '../core/watch-summary.ts'
import type { Documents } from '../stores/documents.ts'
import type { Store } from '../stores/store.ts'
import type { Window, WindowOrder } from './window.ts'
import { parseWindow, trimmed, WINDOW_SCHEMA } from './window.ts'

export interface WindowInput {
  readonly looker: Looker
  readonly documents: Documents
  /** The samples of durations that lookers keep; null: none are, and every duration is inconclusive. */
  readonly samples: Pick<Store, 'samples'> | null
  /** The newer deployment of the same target, by the name that people know; null: none. */
  newer(order: WindowOrder): Promise<string | null>
  /** Incidents, metrics, the report's place. Called at least once for each look and for the end: the same twice is one. */
  tell(news: WindowNews): Promise<void>
  readonly clock: () => number
  sleep(ms: number): Promise<void>
}

export interface WindowNews {
  readonly kind: 'looked' | 'over'
  readonly order: WindowOrder
  /** What the watch knows after its latest look. */
  readonly state: WatchState
  readonly about: WatchAccount['about']
  /** What is known up to here; of the whole window when it is over. */
  readonly report: Report
  /** This look is the first of the window that said pass or fail. */
  readonly firstVerdict: boolean
  /** A failure is confirmed and open: reason for a page. */
  readonly failing: boolean
  /** Ended because something newer was deployed. */
  readonly superseded: boolean
  /** Without its pages. */
  readonly timeline: Timeline
  /** Empty: it goes on, or nothing was measured. */
  readonly durations: readonly BaselineJudgement[]
}

/** What a state machine needs to go on. */
export interface WindowStep {
  readonly over: boolean
  /** Until the next invocation; at least 1. */
  readonly waitSeconds: number
  /** null: not over. */
  readonly verdict: Verdict | null
  readonly looks: number
}

/** Documents outlive their watch, for whoever asks later. */
const KEPT_MS = 30 * 86_400_000
/** A wait that is cut short by so much is a clock's inaccuracy. */
const SLACK_MS = 1_500
/** More than it waited is counted up to here: a clock that leaps does not end a window. */
const LATE_MS = 300_000
/** So often in a row too early: then it is the clock that is wrong. */
const EARLY_MOST = 3
const RACES_MOST = 5
/** Of an endpoint or query each: the document that keeps them is of bounded size. */
const DURATIONS_KEPT = 150

/** @throws what the store or `tell` threw: the caller invokes again, and nothing is lost or done twice. */
export async function stepWindow(order: WindowOrder, input: WindowInput): Promise<WindowStep> {
  for (let race = 0; race < RACES_MOST; race += 1) {
    const found = await load(order, input)
    const window = found.window
    if (window.news !== null) {
      const told = { ...window, news: null }
      await input.tell(newsOf(window, window.news))
      if (await save(told, found.version, input)) return stepOf(told)
      continue
    }
    if (window.next === null) return stepOf(window)
    const timed = onTime(window, input)
    if (timed === null) {
      const early = { ...window, early: window.early + 1 }
      if (!(await save(early, found.version, input))) continue
      return { ...stepOf(early), waitSeconds: Math.max(1, Math.ceil(tooEarly(window, input) / 1_000)) }
    }
    const after = await advance(timed, input)
    const written = JSON.stringify(after)
    if (!(await put(order, written, found.version, input))) continue
    if (after.news === null) return stepOf(after)
    await input.tell(newsOf(after, after.news))
    const told = { ...after, news: null }
    // Whoever comes next tells it once more where this is not written.
    const now = await input.documents.document(keyOf(order))
    if (now !== null && now.text === written) await save(told, now.version, input)
    return stepOf(after)
  }
  throw new Error(`the watch of ${order.watch} was written by others ${RACES_MOST} times in a row`)
}

function keyOf(order: WindowOrder): string {
  return `watch ${order.service} ${order.environment} ${order.watch}`
}

async function load(
  order: WindowOrder,
  { documents, clock }: WindowInput,
): Promise<{ readonly window: Window; readonly version: string | null }> {
  const found = await documents.document(keyOf(order))
  const window = found === null ? null : parseWindow(found.text)
  if (window !== null) return { window, version: found?.version ?? null }
  const now = clock()
  const begun: Window = {
    schema: WINDOW_SCHEMA,
    order,
    startedAt: new Date(now).toISOString(),
    state: WATCH_BEGINS,
    elapsedMs: 0,
    clockMs: now,
    next: { atMs: 0, why: 'schedule' },
    early: 0,
    firstVerdict: null,
    superseded: false,
    report: null,
    end: null,
    news: null,
  }
  // One that cannot be read is replaced: a watch that begins anew looks once more, and one that stops looks never.
  return { window: begun, version: found?.version ?? null }
}

async function save(window: Window, version: string | null, input: WindowInput): Promise<boolean> {
  return put(window.order, JSON.stringify(window), version, input)
}

async function put(
  order: WindowOrder,
  text: string,
  version: string | null,
  { documents, clock }: WindowInput,
): Promise<boolean> {
  const expiresAt = new Date(clock() + KEPT_MS).toISOString()
  return documents.putDocument(keyOf(order), text, version, expiresAt)
}

/**
 * The window with the time that has passed, or null where it is too early. What was waited for has passed at least,
 * whatever the clock says; of more, only so much counts.
 */
function onTime(window: Window, input: WindowInput): Window | null {
  if (tooEarly(window, input) > SLACK_MS && window.early < EARLY_MOST) return null
  const waits = waitOf(window)
  const now = input.clock()
  const counted = Math.min(waits + LATE_MS, Math.max(waits, now - window.clockMs))
  return { ...window, elapsedMs: window.elapsedMs + counted, clockMs: now, early: 0 }
}

function waitOf({ next, elapsedMs }: Window): number {
  return Math.max(0, (next?.atMs ?? 0) - elapsedMs)
}

/** Milliseconds until it is time, by the clock as it is now; no more than the whole wait. */
function tooEarly(window: Window, { clock }: WindowInput): number {
  return Math.min(waitOf(window), waitOf(window) - (clock() - window.clockMs))
}

async function advance(window: Window, input: WindowInput): Promise<Window> {
  const { order, next } = window
  const by = await input.newer(order)
  if (by !== null) return ended(window, { kind: 'superseded', by }, input)
  const began = input.clock()
  const attempts = await lookOnce(window, input)
  const tookMs = Math.max(0, Math.min(lookBudget(order.plan, window.elapsedMs), input.clock() - began))
  const elapsedMs = window.elapsedMs + tookMs
  const look = { beganMs: window.elapsedMs, attempts }
  const state = lean(afterLook(order.plan, window.state, look, next?.why ?? 'schedule'))
  const judged = state.last?.report !== null && state.last?.report.verdict !== 'unsure'
  const firstVerdict = window.firstVerdict ?? (judged ? state.looks : null)
  const looked = { ...window, state, elapsedMs, firstVerdict, clockMs: input.clock() }
  const step = nextStep(order.plan, state, elapsedMs)
  if (step.kind === 'end') return ended(looked, { kind: 'window' }, input)
  return { ...looked, next: { atMs: step.atMs, why: step.why }, news: 'looked' }
}

/** An attempt, and a second one where the first did not verify everything and time is left. */
async function lookOnce(window: Window, input: WindowInput): Promise<readonly Attempt[]> {
  const { plan } = window.order
  const budget = lookBudget(plan, window.elapsedMs)
  const began = input.clock()
  const passed = (): number => Math.max(0, input.clock() - began)
  const first = await attempt(window, input, budget, passed)
  const pause = retryPause(plan, first, passed(), budget)
  if (pause === null) return [first]
  await input.sleep(pause)
  const left = budget - passed()
  return left <= 0 ? [first] : [first, await attempt(window, input, left, passed)]
}

async function attempt(
  { order, elapsedMs }: Window,
  { looker }: WindowInput,
  deadlineMs: number,
  passed: () => number,
): Promise<Attempt> {
  const { service, environment, release } = order
  try {
    const { report } = await looker({
      service,
      environment,
      release,
      deployed: order.deployed,
      deadlineMs: Math.round(deadlineMs),
    })
    // Another's report would be a verdict on something else.
    if (report.service !== service || report.environment !== environment)
      return {
        endedMs: elapsedMs + passed(),
        report: null,
        why: `it answered for ${report.service} in ${String(report.environment)}`,
      }
    return { endedMs: elapsedMs + passed(), report: explained(report, order), why: null }
  } catch (error) {
    const why = `it ended with an error: ${error instanceof Error ? error.message : String(error)}`
    return { endedMs: elapsedMs + passed(), report: null, why: why.replaceAll(/\/\/[^\s/]*@/gu, '//***@') }
  }
}

/** A look knows only the name that it was given; who ordered the watch knows what was deployed, and asked. */
function explained(report: Report, { releaseUnknown }: WindowOrder): Report {
  if (releaseUnknown === null) return report
  const findings = report.findings.map((finding) => (finding.code === 'release-unknown' ? releaseUnknown : finding))
  return { ...report, findings }
}

/** What is kept of the state between two steps. */
function lean(state: WatchState): WatchState {
  const last = state.last?.report ?? null
  const tracks = state.tracks.map((track) => ({
    ...track,
    finding: { ...track.finding, consequences: track.finding.consequences.slice(0, 40) },
  }))
  const open = tracks.filter((track) => track.state !== 'gone')
  const gone = tracks.filter((track) => track.state === 'gone')
  return {
    ...state,
    last: state.last === null || last === null ? state.last : { ...state.last, report: trimmed(last) },
    // All that is open, and the latest of what came and went: how often it did decides whether it is confirmed.
    tracks: [...open, ...gone.slice(-100)],
  }
}

async function ended(window: Window, end: WatchEnd, input: WindowInput): Promise<Window> {
  const { remarks, judgements } = await judged(window, input)
  const report = trimmed(watchReport(accountOf(window, end, judgements, remarks)))
  const durations = judgements.slice(0, DURATIONS_KEPT)
  return {
    ...window,
    next: null,
    superseded: end.kind === 'superseded',
    report,
    end: { how: end, durations },
    news: 'over',
  }
}

function accountOf(
  { order, state, elapsedMs, startedAt }: Window,
  end: WatchEnd,
  judgements: readonly BaselineJudgement[],
  remarks: readonly string[],
): WatchAccount {
  const release = state.last?.report?.release ?? { version: nameOf(order), commit: null }
  const about = { service: order.service, environment: order.environment, release, startedAt }
  return { plan: order.plan, state, end, elapsedMs, judgements, remarks, about }
}

function nameOf({ release }: WindowOrder): string {
  switch (release.by) {
    case 'digest':
      return release.digest
    case 'version':
      return release.version
    case 'commit':
      return release.commit
    case 'label':
      return release.label
    case 'running':
      return 'the running release'
  }
}

/** Durations before and after. Samples that cannot be read are said: then nothing is known of any. */
async function judged(
  { state, order, startedAt }: Window,
  { samples }: WindowInput,
): Promise<{ readonly judgements: readonly BaselineJudgement[]; readonly remarks: readonly string[] }> {
  const release = state.last?.report?.release ?? null
  if (samples === null || release === null) return { judgements: [], remarks: [] }
  try {
    const kept = await samples.samples(order.service, order.environment)
    const own = revisionOf(release)
    const before = kept.filter(({ revision }) => revision !== own)
    const after = kept.filter(({ revision, at }) => revision === own && at >= startedAt)
    return { judgements: judgeBaseline(before, after), remarks: [] }
  } catch {
    return {
      judgements: [],
      remarks: ['the samples from before could not be read, so that no duration has a baseline'],
    }
  }
}

function newsOf(window: Window, kind: 'looked' | 'over'): WindowNews {
  const { order, state, report, superseded, elapsedMs, end } = window
  const account = accountOf(window, { kind: 'interrupted' }, [], [])
  const firstVerdict = window.firstVerdict === state.looks
  const known = report ?? watchReport(account)
  return {
    kind,
    order,
    state,
    about: account.about,
    report: known,
    firstVerdict,
    failing: isFailing(state),
    superseded,
    durations: end?.durations ?? [],
    timeline: timelineOf({
      ...account,
      elapsedMs,
      end: end === null || report === null ? null : { how: end.how, verdict: report.verdict },
      deployedAt: order.deployed ? order.deployedAt : null,
    }),
  }
}

function stepOf({ next, elapsedMs, report, state }: Window): WindowStep {
  const waitSeconds = next === null ? 1 : Math.max(1, Math.ceil((next.atMs - elapsedMs) / 1_000))
  return { over: next === null, waitSeconds, verdict: report?.verdict ?? null, looks: state.looks }
}
