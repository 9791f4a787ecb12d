/**
 * From a deployment system's request to its answer, whatever happens in between: who looks may throw, hang or answer
 * nonsense; the answer is given before the platform ends the call, and what is not known is unsure.
 */
import type { CouldNotLookCode } from '../core/finding.ts'
import type { LookOrder, ReleaseReference } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import { gateText } from '../outputs/gate-text.ts'
import type { Gate, GateAnswer, GateCall, GateRun } from './gate.ts'
import { GateRefused, GateUnanswered } from './gate.ts'
import { judgeAnswer, waitInstead } from './judge-answer.ts'
import type { ReleaseFound } from './named-release.ts'
import { reasonOf, secretsIn, withoutSecretsIn } from './secrets.ts'
import { referenceText, unseenReport } from './unseen-report.ts'

export interface Asked {
  /** null: the event was no request, and there was nobody to answer. */
  readonly answer: GateAnswer | null
  /** What the function returns. */
  readonly returned: unknown
}

const LOG_BYTES = 16_384

/**
 * @throws {GateRefused} where that is how the protocol refuses
 * @throws {GateUnanswered} the answer could not be delivered: the platform may call again
 */
export async function askGate<Address, Request>(
  gate: Gate<Address, Request>,
  event: unknown,
  run: GateRun,
): Promise<Asked> {
  const secrets = secretsIn(event)
  const plain = <T>(value: T): T => withoutSecretsIn(value, secrets)
  const log = (level: 'info' | 'error', message: string, report: Report | null): void =>
    run.log(
      plain({ level, gate: gate.name, message, text: report === null ? null : gateText(plain(report), LOG_BYTES) }),
    )
  const time = startTime(run)
  const recognised = gate.recognise(event)
  if (recognised.address === null) {
    log('error', `ignored: ${recognised.kind === 'malformed' ? recognised.why : 'nobody to answer'}`, null)
    return { answer: null, returned: undefined }
  }
  const answer = plain(
    recognised.kind === 'malformed'
      ? refusal(run, time, null, 'release-unknown', `the request cannot be read: ${recognised.why}`)
      : await decide(gate, recognised.request, run, time, secrets).catch((error: unknown) =>
          refusal(run, time, null, 'check-timeout', `the gate itself failed: ${reasonOf(error, secrets)}`),
        ),
  )
  log(answer.kind === 'refuse' ? 'error' : 'info', sentenceOf(answer), answer.report)
  const { address } = recognised
  const sent = await time.deliver((signal) => gate.deliver(address, answer, callOf(run, signal)))
  if (sent.kind === 'done') return { answer, returned: sent.value }
  if (sent.kind === 'threw' && sent.error instanceof GateRefused) throw sent.error
  const why = sent.kind === 'threw' ? reasonOf(sent.error, secrets) : 'the call was about to end'
  log('error', `the answer could not be given: ${why}`, null)
  throw new GateUnanswered(`the ${gate.name} gate could not give its answer (${answer.kind}): ${plain(why)}`)
}

function sentenceOf(answer: GateAnswer): string {
  switch (answer.kind) {
    case 'proceed':
      return `goes on: ${answer.why}`
    case 'refuse':
      return 'refused'
    case 'wait':
      return `not yet: asked again, call ${answer.progress.calls}`
  }
}

async function decide<Address, Request>(
  gate: Gate<Address, Request>,
  request: Request,
  run: GateRun,
  time: Time,
  secrets: readonly string[],
): Promise<GateAnswer> {
  const exempt = await time.within(EXEMPT_SHARE, (signal) => gate.exempt(request, callOf(run, signal)))
  if (exempt.kind === 'done' && exempt.value !== null) return { kind: 'proceed', report: null, why: exempt.value }
  const answer = await lookFor(gate, request, run, time, secrets)
  // Had that been known, a refusal might have been wrong: whoever reads it should know.
  const noted =
    answer.kind === 'refuse' && exempt.kind !== 'done'
      ? withNote(answer, `whether this is a rollback could not be learnt: ${failureText(exempt, secrets)}`)
      : answer
  return waitInstead(noted, gate.progress(request, run.clock()), run.clock(), run.settings)
}

function withNote(answer: Extract<GateAnswer, { readonly kind: 'refuse' }>, note: string): GateAnswer {
  return { ...answer, report: { ...answer.report, notes: [note, ...answer.report.notes] } }
}

async function lookFor<Address, Request>(
  gate: Gate<Address, Request>,
  request: Request,
  run: GateRun,
  time: Time,
  secrets: readonly string[],
): Promise<GateAnswer> {
  const found = await time.within(RELEASE_SHARE, (signal) => gate.release(request, callOf(run, signal)))
  if (found.kind !== 'done') {
    const code = found.kind === 'late' ? 'check-timeout' : 'release-unknown'
    return refusal(run, time, null, code, `which release this is could not be learnt: ${failureText(found, secrets)}`)
  }
  return lookAt(found.value, gate.deployed(request), run, time, secrets)
}

async function lookAt(
  found: ReleaseFound,
  deployed: boolean,
  run: GateRun,
  time: Time,
  secrets: readonly string[],
): Promise<GateAnswer> {
  if (found.kind === 'unknown') return refusal(run, time, null, 'release-unknown', found.why)
  const { release } = found
  const { service, environment } = run.settings
  const order: LookOrder = { service, environment, release, deployed, deadlineMs: time.lookMs() }
  const looked = await time.within(1, () => run.looker(order))
  if (looked.kind === 'late') {
    const took = Math.round((run.clock() - time.startedAt) / 1000)
    const why = `the look at ${referenceText(release)} had not ended after ${took} s, when an answer was due`
    return refusal(run, time, release, 'check-timeout', why)
  }
  if (looked.kind === 'threw') {
    const why = `nobody looked at ${referenceText(release)}: ${failureText(looked, secrets)}`
    return refusal(run, time, release, 'check-timeout', why)
  }
  const judged = judgeAnswer(looked.value, run.settings)
  return judged.answer ?? refusal(run, time, release, 'check-timeout', judged.why ?? 'nobody looked')
}

function refusal(
  { settings, clock }: GateRun,
  { startedAt }: Time,
  release: ReleaseReference | null,
  code: CouldNotLookCode,
  found: string,
): Extract<GateAnswer, { readonly kind: 'refuse' }> {
  return { kind: 'refuse', report: unseenReport({ settings, release, code, found, startedAt, now: clock() }) }
}

function failureText(outcome: Exclude<Outcome<unknown>, { kind: 'done' }>, secrets: readonly string[]): string {
  return outcome.kind === 'late' ? 'there was no answer in time' : reasonOf(outcome.error, secrets)
}

const callOf = ({ settings, sleep, clock }: GateRun, signal: AbortSignal): GateCall => ({
  settings,
  signal,
  sleep,
  clock,
})

type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'late' }

interface Time {
  readonly startedAt: number
  /** What a look gets: it should say itself what was late, and has a little less than the gate waits. */
  lookMs(): number
  /** Runs work for at most this share of the time until the answer is due. */
  within<T>(share: number, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>>
  /** The same with the time that is kept for the answer. */
  deliver<T>(work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>>
}

/** A question beside the look that hangs must leave it its time. */
const EXEMPT_SHARE = 0.25
const RELEASE_SHARE = 0.5
/** Kept for giving the answer, retries included: at most a third of a short call. */
const ANSWER_MS = 10_000
/** Kept for the end of the function itself. */
const END_MS = 500

/** One deadline for everything before the answer, one for the answer. */
function startTime(run: GateRun): Time {
  const total = Math.max(0, run.remainingMs())
  const kept = Math.min(ANSWER_MS, total / 3)
  const left = (reserve: number): number => Math.max(0, run.remainingMs() - reserve)
  const race = async <T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<Outcome<T>> => {
    const stop = new AbortController()
    try {
      const late = run.sleep(ms, stop.signal).then((): Outcome<T> => ({ kind: 'late' }))
      return await Promise.race([settle(work, stop.signal), late])
    } finally {
      stop.abort()
    }
  }
  return {
    startedAt: run.clock(),
    lookMs: () => {
      const ms = left(kept)
      return Math.max(1, Math.floor(ms - Math.min(2000, ms / 10)))
    },
    within: (share, work) => race(left(kept) * share, work),
    deliver: (work) => race(left(Math.min(END_MS, kept / 4)), work),
  }
}

async function settle<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<Outcome<T>> {
  try {
    return { kind: 'done', value: await work(signal) }
  } catch (error) {
    return { kind: 'threw', error }
  }
}
