/**
 * A watch as a state machine: plain data in, plain data out, so that a process, a Step Functions execution and a simulation
 * run the same one. All times are milliseconds since the watch began.
 *
 * - A look has one or two attempts: what the second one no longer finds was a blip, is said, and is no failure.
 * - An error is *suspected* when a look ends with it; it is *confirmed* by the next look that finds it, by the second
 *   attempt where ledger or schema say it (a catalog does not blip), or by coming up in three looks of one window:
 *   a request that fails every fifth time is broken, though each retry succeeds.
 * - A look that could not see a check neither confirms nor clears what was found there.
 * - A confirmed failure is watched on. Two looks in a row that see it gone resolve it: a deployment that took half a minute
 *   to come up is no reason to roll back. It resolves once; if it comes back it stays to the end.
 * - The window passes only if its last two looks both verified every required check, and nothing is open or suspected. One
 *   look may have met the only instance that works.
 */
import type { Finding, FindingGroup } from './finding.ts'
import { FINDING_CODES } from './finding.ts'
import type { Report } from './report.ts'
import { verdictOf } from './verdict.ts'
import type { LookNote, LookRun } from './watch-history.ts'
import { addLook } from './watch-history.ts'
import { nextScheduled } from './watch-schedule.ts'

export interface WatchPlan {
  /** The window. */
  readonly forMs: number
  /** The deadline of one look, all its attempts together. The watch ends within the window and one of these. */
  readonly deadlineMs: number
  /**
   * Checks that must have passed for a look to have verified the release: ledger, schema, queries, endpoints. One that is
   * skipped, unsure or absent from a report has not.
   */
  readonly required: readonly string[]
}

/** One run of all checks. */
export interface Attempt {
  readonly endedMs: number
  /** null: it threw, or had not ended at its deadline. */
  readonly report: Report | null
  /** Why there is no report. */
  readonly why: string | null
}

export interface Look {
  readonly beganMs: number
  /** At least one. */
  readonly attempts: readonly Attempt[]
}

/** An error that came up in the window. */
export interface Track {
  /** "code subject", as in a finding's consequences. */
  readonly key: string
  readonly finding: Finding
  readonly state: 'suspected' | 'confirmed' | 'resolved' | 'gone'
  /** Numbers of looks in which it came up, blips included. */
  readonly looks: number
  readonly blips: number
  readonly firstMs: number
  readonly lastMs: number
  readonly confirmedMs: number | null
  readonly resolvedMs: number | null
  /** It was resolved, and came back: now it stays. */
  readonly returned: boolean
  /** Looks in a row that saw it gone. */
  readonly absent: number
}

export interface WatchState {
  readonly looks: number
  readonly verified: number
  readonly verifiedInARow: number
  /** Looks that only their second attempt verified. */
  readonly retried: number
  /** The latest look, null before the first. */
  readonly last: (Attempt & { readonly beganMs: number; readonly verified: boolean }) | null
  readonly tracks: readonly Track[]
  /** What the looks came to, the latest of them. */
  readonly history: readonly LookRun[]
  /** Looks out of schedule in a row. */
  readonly extra: number
  /** Looks after the end of the window. */
  readonly overtime: number
}

export const WATCH_BEGINS: WatchState = {
  looks: 0,
  verified: 0,
  verifiedInARow: 0,
  retried: 0,
  last: null,
  tracks: [],
  history: [],
  extra: 0,
  overtime: 0,
}

/** How soon a suspicion is looked at again, and so often before the schedule goes on. */
const CONFIRM_AFTER_MS = 5_000
const CONFIRMS = 2
/** In less time no look ends. */
const LEAST_LOOK_MS = 500

/** The pause before the second attempt of a look. */
export const RETRY_AFTER_MS = 1_000

/** Verified looks in a row that let a window pass; looks in a row without it that resolve a failure. */
const IN_A_ROW = 2
/** Looks that a failure comes up in until it is confirmed, though every retry succeeds. */
const OFTEN = 3

export type WatchStep =
  | { readonly kind: 'look'; readonly atMs: number; readonly why: 'schedule' | 'confirm' | 'overtime' }
  | { readonly kind: 'end' }

/** What is next, now that so much time has passed. */
export function nextStep(plan: WatchPlan, state: WatchState, elapsedMs: number): WatchStep {
  if (state.looks === 0) return { kind: 'look', atMs: 0, why: 'schedule' }
  const suspicious = state.tracks.some((track) => track.state === 'suspected')
  const soon = elapsedMs + CONFIRM_AFTER_MS
  const scheduled = nextScheduled(plan.forMs, elapsedMs)
  if (scheduled !== null) {
    return suspicious && state.extra < CONFIRMS && soon < scheduled
      ? { kind: 'look', atMs: soon, why: 'confirm' }
      : { kind: 'look', atMs: scheduled, why: 'schedule' }
  }
  // The window is over. What is still open to doubt gets the time that one look may take.
  const doubtful = suspicious || (!isFailing(state) && state.verifiedInARow < IN_A_ROW)
  const left = plan.forMs + plan.deadlineMs - soon
  return doubtful && state.overtime < CONFIRMS && left >= LEAST_LOOK_MS
    ? { kind: 'look', atMs: soon, why: 'overtime' }
    : { kind: 'end' }
}

/** How long the look that begins now may take: the watch ends within the window and one deadline. */
export function lookBudget(plan: WatchPlan, elapsedMs: number): number {
  return Math.max(1, Math.min(plan.deadlineMs, plan.forMs + plan.deadlineMs - elapsedMs))
}

/** Whether, and after which pause in milliseconds, a look tries again; null: not. */
export function retryPause(plan: WatchPlan, attempt: Attempt, tookMs: number, budgetMs: number): number | null {
  if (isVerified(plan, attempt.report)) return null
  const errors = errorsOf(attempt.report)
  const lasting = errors.length > 0 && errors.every(isLasting)
  const pause = lasting ? 0 : RETRY_AFTER_MS
  // One that takes as long again would not end in time, and its timeout would hide what this one saw.
  return 2 * tookMs + pause + LEAST_LOOK_MS > budgetMs ? null : pause
}

export function isFailing(state: WatchState): boolean {
  return state.tracks.some((track) => track.state === 'confirmed')
}

/** Whether nothing is open, and enough looks in a row saw all of it. */
export function isHealthy(state: WatchState): boolean {
  const open = state.tracks.some((track) => track.state === 'confirmed' || track.state === 'suspected')
  return !open && state.last?.verified === true && state.verifiedInARow >= IN_A_ROW
}

/** The checks that a verdict of pass needs, and that this report did not pass. */
export function unverifiedChecks(plan: WatchPlan, report: Report): readonly string[] {
  return plan.required.filter((name) => !passed(report, name))
}

function passed(report: Report, name: string): boolean {
  const outcomes = report.checks.filter((check) => check.name === name).map(({ outcome }) => outcome)
  return outcomes.length > 0 && outcomes.every((outcome) => outcome === 'pass')
}

function isVerified(plan: WatchPlan, report: Report | null): boolean {
  return (
    report !== null &&
    report.verdict === 'pass' &&
    verdictOf(report.findings) === 'pass' &&
    plan.required.length > 0 &&
    unverifiedChecks(plan, report).length === 0
  )
}

/** The state after a look, and what of it is told. */
export function afterLook(
  plan: WatchPlan,
  state: WatchState,
  look: Look,
  why: 'schedule' | 'confirm' | 'overtime',
): WatchState {
  const final = look.attempts.at(-1)
  if (final === undefined) throw new Error('a look has at least one attempt')
  const verified = isVerified(plan, final.report)
  const known = new Set(state.tracks.map(({ key }) => key))
  const fresh = new Map(
    look.attempts.flatMap(({ report }) => errorsOf(report)).map((finding) => [keyOf(finding), finding]),
  )
  const tracks = [
    ...state.tracks,
    ...[...fresh].filter(([key]) => !known.has(key)).map(([key, finding]) => newTrack(key, finding, look.beganMs)),
  ]
  return {
    looks: state.looks + 1,
    verified: state.verified + (verified ? 1 : 0),
    verifiedInARow: verified ? state.verifiedInARow + 1 : 0,
    retried: state.retried + (verified && look.attempts.length > 1 ? 1 : 0),
    last: { ...final, beganMs: look.beganMs, verified },
    tracks: tracks.map((track) => follow({ ...track, finding: fresh.get(track.key) ?? track.finding }, look, final)),
    history: addLook(state.history, noteOf(look, final, verified)),
    extra: why === 'confirm' ? state.extra + 1 : 0,
    overtime: state.overtime + (why === 'overtime' ? 1 : 0),
  }
}

function noteOf({ beganMs, attempts: [first] }: Look, { report, why }: Attempt, verified: boolean): LookNote {
  const found = (verified ? (first?.report ?? null) : report)?.findings ?? []
  const keysOf = (severity: Finding['severity']): readonly string[] =>
    found.filter((one) => one.severity === severity).map(keyOf)
  const errors = keysOf('error')
  const outcome = verified ? 'verified' : errors.length > 0 ? 'fail' : 'unsure'
  // A second attempt that verified everything may follow one that saw nothing.
  return { outcome, found: errors.length > 0 ? errors : keysOf('unsure'), why: verified ? null : why, beganMs }
}

function newTrack(key: string, finding: Finding, firstMs: number): Track {
  return {
    key,
    finding,
    state: 'gone',
    looks: 0,
    blips: 0,
    firstMs,
    lastMs: firstMs,
    confirmedMs: null,
    resolvedMs: null,
    returned: false,
    absent: 0,
  }
}

function follow(track: Track, look: Look, final: Attempt): Track {
  const sightings = look.attempts.filter(({ report }) => holds(report, track.key))
  const cleared = isCleared(track, final.report)
  if (sightings.length > 0) return cameUp(track, look, final, sightings.length, cleared)
  if (!cleared) return track
  const absent = track.absent + 1
  if (track.state === 'suspected') return { ...track, state: 'gone', absent }
  if (track.state === 'confirmed' && absent >= IN_A_ROW && !track.returned) {
    return { ...track, state: 'resolved', resolvedMs: final.endedMs, absent }
  }
  return { ...track, absent }
}

function cameUp(track: Track, look: Look, final: Attempt, sightings: number, blip: boolean): Track {
  const looks = track.looks + 1
  const seen = { ...track, looks, blips: track.blips + (blip ? 1 : 0), lastMs: look.beganMs, absent: 0 }
  const confirmed = { ...seen, state: 'confirmed' as const, confirmedMs: track.confirmedMs ?? final.endedMs }
  switch (track.state) {
    case 'confirmed':
      return confirmed
    case 'resolved':
      return { ...confirmed, returned: true }
    case 'suspected':
      return confirmed
    case 'gone': {
      const twiceAtOnce = !blip && sightings >= 2 && isLasting(track.finding)
      if (twiceAtOnce || looks >= OFTEN) return confirmed
      return { ...seen, state: blip ? 'gone' : 'suspected' }
    }
  }
}

/** Which check of a report a group's errors come from. */
export const CHECK_OF_GROUP: Readonly<Record<FindingGroup, string | null>> = {
  ledger: 'ledger',
  schema: 'schema',
  statements: 'queries',
  endpoints: 'endpoints',
  environments: null,
  'could-not-look': null,
}

export function keyOf({ code, subject }: Pick<Finding, 'code' | 'subject'>): string {
  return `${code} ${subject}`
}

function errorsOf(report: Report | null): readonly Finding[] {
  return report === null ? [] : report.findings.filter(({ severity }) => severity === 'error')
}

/** A catalog and a ledger say the same a second later; an answer over a network may not. */
function isLasting({ code }: Finding): boolean {
  const { group } = FINDING_CODES[code]
  return group === 'ledger' || group === 'schema'
}

/** Also where a later look found what explains it: then it is that finding's consequence. */
function holds(report: Report | null, key: string): boolean {
  return errorsOf(report).some((finding) => keyOf(finding) === key || finding.consequences.includes(key))
}

/** Whether this report looked where the error was, and it is not there. */
export function isCleared(
  track: { readonly key: string; readonly finding: Pick<Finding, 'code'> },
  report: Report | null,
): boolean {
  if (report === null || holds(report, track.key)) return false
  const check = CHECK_OF_GROUP[FINDING_CODES[track.finding.code].group]
  if (check === null) return report.verdict === 'pass'
  if (passed(report, check)) return true
  // The check failed for something else, and says for what. An unsure finding may stand for this one: then nobody knows.
  const ran = report.checks.some(({ name, outcome }) => name === check && outcome === 'fail')
  return ran && verdictOf(report.findings) === 'fail' && report.findings.every(({ severity }) => severity !== 'unsure')
}
