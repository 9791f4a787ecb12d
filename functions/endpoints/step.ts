/** One step of an endpoint: its attempts, and what its answer gives to later steps. */
import type {
  Answer,
  Assertion,
  Attempt,
  RequestFailureKind,
  RevisionSight,
  StepObservation,
} from '../core/endpoint.ts'
import { assertCertificate, assertContent, assertDuration, assertStatus, listedStatuses } from './assertions.ts'
import type { ReadableAnswer } from './extract.ts'
import { extractValue, readableAnswer } from './extract.ts'
import type { SavedValue, Values } from './fill.ts'
import { fillText, fillTexts, fillUrl } from './fill.ts'
import type { AllowedHosts } from './hosts.ts'
import type { Mask } from './masker.ts'
import { excerptOf } from './masker.ts'
import type { RequestConfig, RevisionConfig } from './parts.ts'
import type { Network, RequestLimits, RequestResult, WrittenRequest } from './request.ts'
import { sendRequest } from './request.ts'
import { readRevision } from './revision.ts'

export interface StepContext {
  readonly network: Network
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly allowed: AllowedHosts
  /** Before a deployment only statuses and durations are of interest, and nothing is tried again. */
  readonly deployed: boolean
  /** How often a request is tried, and how long the wait before it is tried again. */
  readonly attempts: number
  readonly backoffMs: number
  readonly connectTimeoutMs: number
  readonly maxBytes: number
  readonly signal: AbortSignal
}

export interface Step {
  readonly request: RequestConfig
  readonly revision: RevisionConfig | null
  readonly ca: string | null
  readonly minDays: number | null
  readonly values: Values
  /** The origin that answered the first step; null in the first step itself. */
  readonly firstOrigin: string | null
  readonly mask: Mask
}

export interface StepResult {
  readonly observation: StepObservation
  readonly saved: Readonly<Record<string, SavedValue>>
}

/** @throws {unknown} the signal's reason, when it is aborted */
export async function observeStep(step: Step, context: StepContext): Promise<StepResult> {
  const filled = fillRequest(step)
  const limits = limitsOf(step, filled.expect, context)
  const attempts: Attempt[] = []
  for (;;) {
    const result = await sendRequest(filled.written, limits, context.network, context.signal)
    const judged = judge(step, filled.expect, result, context)
    attempts.push(judged.attempt)
    const again =
      attempts.length < context.attempts && context.deployed && mayRetry(judged.attempt, result, step.request)
    if (!again) return { observation: { attempts }, saved: judged.saved }
    await context.sleep(context.backoffMs, context.signal)
  }
}

interface FilledRequest {
  readonly written: WrittenRequest
  readonly expect: RequestConfig['expect']
}

function fillRequest({ request, values }: Step): FilledRequest {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), fillText(value, values)]),
  )
  const { body } = request
  const isText = body === null || typeof body === 'string'
  return {
    written: {
      url: fillUrl(request.url, values),
      method: request.method,
      headers: isText ? headers : { 'content-type': 'application/json', ...headers },
      body:
        body === null
          ? null
          : typeof body === 'string'
            ? fillText(body, values)
            : JSON.stringify(fillTexts(body, values)),
    },
    expect: fillTexts(request.expect, values) as RequestConfig['expect'],
  }
}

function limitsOf(step: Step, expect: RequestConfig['expect'], context: StepContext): RequestLimits {
  const { request, revision } = step
  const reads = [...Object.values(request.save), ...(revision === null ? [] : [revision])]
  const asserts = context.deployed && (Object.keys(expect.json ?? {}).length > 0 || expect.body !== undefined)
  return {
    allowed: context.allowed,
    maxRedirects: request.redirects,
    finalStatuses: listedStatuses(expect),
    ca: step.ca,
    timeoutMs: request.timeout,
    connectTimeoutMs: context.connectTimeoutMs,
    maxBytes: context.maxBytes,
    needsBody: asserts || reads.some(({ header }) => header === undefined),
  }
}

interface Judged {
  readonly attempt: Attempt
  readonly saved: Readonly<Record<string, SavedValue>>
}

function judge(step: Step, expect: RequestConfig['expect'], sent: RequestResult, context: StepContext): Judged {
  const { durationMs, redirects, result } = sent
  if ('failure' in result) {
    return { attempt: { durationMs, redirects, result: { answered: false, failure: result.failure } }, saved: {} }
  }
  const readable = readableAnswer(result.answer)
  const revision = ownRevision(step, sent.origin, readRevision(step.revision, readable, step.values, step.mask))
  const status = assertStatus(expect, readable.status)
  const saves = status.holds ? saveValues(step.request, readable) : { assertions: [], saved: {} }
  const counts = context.deployed && status.holds && revision?.holds !== false
  const answer: Answer = {
    status: readable.status,
    origin: sent.origin,
    bytes: result.answer.body.length,
    revision,
    assertions: [
      status,
      ...(counts ? assertCertificate(step.minDays, readable, context.now()) : []),
      ...(counts ? assertContent(expect, readable, step.mask) : []),
      ...saves.assertions,
      ...(counts ? assertDuration(expect.maxMillis, durationMs) : []),
    ],
    excerpt: status.holds || !context.deployed ? null : excerptOf(readable.text, step.mask),
  }
  return { attempt: { durationMs, redirects, result: { answered: true, answer } }, saved: saves.saved }
}

/**
 * The first step has to tell the revision. Later ones count where they tell it: they may meet another instance. What another origin
 * tells is another service's.
 */
function ownRevision({ firstOrigin }: Step, origin: string, sight: RevisionSight | null): RevisionSight | null {
  if (firstOrigin === null || sight === null) return sight
  return sight.found !== null && origin === firstOrigin ? sight : null
}

function saveValues(
  { save }: RequestConfig,
  answer: ReadableAnswer,
): { readonly assertions: readonly Assertion[]; readonly saved: Readonly<Record<string, SavedValue>> } {
  const results = Object.entries(save).map(([name, extraction]) => {
    const found = extractValue(extraction, answer)
    const value = found.there ? carried(found.value) : { why: found.why }
    const assertion: Assertion = {
      group: 'content',
      what: `save ${name}`,
      holds: 'value' in value,
      expected: `a value to save as ${name}`,
      // Never the value: it may be a session's token.
      found: 'value' in value ? 'a value' : value.why,
    }
    return { name, value, assertion }
  })
  return {
    assertions: results.map(({ assertion }) => assertion),
    saved: Object.fromEntries(results.flatMap(({ name, value }) => ('value' in value ? [[name, value.value]] : []))),
  }
}

function carried(value: unknown): { readonly value: SavedValue } | { readonly why: string } {
  if (typeof value === 'string') return value === '' ? { why: 'the value there is an empty text' } : { value }
  if (typeof value === 'boolean') return { value }
  if (typeof value !== 'number') return { why: 'the value there is no text, number, true or false' }
  // JSON.parse rounds what a double cannot hold: another order's id.
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return { why: 'the number there is too large to be carried exactly: let the answer give it as a text' }
  }
  return { value }
}

/** What another attempt cannot change. */
const LASTING: ReadonlySet<RequestFailureKind> = new Set([
  'request-invalid',
  'host-not-allowed',
  'address-forbidden',
  'tls-expired',
  'tls-not-yet-valid',
  'tls-wrong-host',
  'tls-unknown-authority',
  'redirect-loop',
  'redirects-too-many',
  'redirect-downgrade',
  'redirect-invalid',
  'answer-too-large',
])

/** Sent twice, these change no more than sent once. DELETE is left out: the second answer would be another one. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT'])

function mayRetry({ result }: Attempt, { sent }: RequestResult, { method }: RequestConfig): boolean {
  if (sent && !REPEATABLE.has(method)) return false
  if (!result.answered) return !LASTING.has(result.failure.kind)
  const { revision, assertions } = result.answer
  // A look that met another release says so. Asked again, the next instance might answer, and hide it.
  if (revision !== null && !revision.holds && (revision.found !== null || statusHolds(assertions))) return false
  return assertions.some(({ holds, group }) => !holds && group !== 'certificate')
}

function statusHolds(assertions: readonly Assertion[]): boolean {
  return assertions.every(({ group, holds }) => group !== 'status' || holds)
}
