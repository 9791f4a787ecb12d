/**
 * The port to a deployment system that asks before it goes on: a pipeline's action, a lifecycle hook, a custom resource, a
 * task. An adapter knows its protocol and nothing of looks; `askGate` knows looks and no protocol.
 */
import type { Looker } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { ReleaseFound } from './named-release.ts'

/** What a gate is about. Comes from whoever deployed it, never from a request. */
export interface GateSettings {
  readonly service: string
  readonly environment: string
  /**
   * How long a look that is unsure for a passing reason (a cluster that wakes up, a lock) is repeated, in milliseconds, where
   * the protocol can say "not yet". Default: ten minutes, half of what CodePipeline grants an action without a reply.
   */
  readonly patienceMs?: number
}

/** One call of the gate's function. Everything that is not a value is injected. */
export interface GateRun {
  readonly settings: GateSettings
  readonly looker: Looker
  /** Until the platform ends this call, in milliseconds: Lambda's `getRemainingTimeInMillis`. */
  readonly remainingMs: () => number
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Holds no secret: every text in it has been searched for those of the request. */
  readonly log: (entry: GateLogEntry) => void
}

export interface GateLogEntry {
  readonly level: 'info' | 'error'
  readonly gate: string
  readonly message: string
  /** The report's text, where there is a report. CodeDeploy's protocol has no other place for it. */
  readonly text: string | null
}

/** What an adapter made of an event. `address`: to whom the answer goes; null: there is nobody to answer. */
export type Recognised<Address, Request> =
  | { readonly kind: 'request'; readonly address: Address; readonly request: Request }
  | { readonly kind: 'malformed'; readonly address: Address | null; readonly why: string }

/** When the first call of this question was, and how many there have been: what a protocol hands back from call to call. */
export interface Progress {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly calls: number
}

export type GateAnswer =
  /** `report` null: nothing was looked at, and `why` says why that is right (a deletion, a rollback). */
  | { readonly kind: 'proceed'; readonly report: Report | null; readonly why: string }
  | { readonly kind: 'refuse'; readonly report: Report }
  /** Not yet: ask again. Only where `progress` gave something. */
  | { readonly kind: 'wait'; readonly report: Report; readonly progress: Progress }

/** What an adapter's own requests need. */
export interface GateCall {
  readonly settings: GateSettings
  /** Aborted when nobody waits for the request any more. */
  readonly signal: AbortSignal
  readonly sleep: GateRun['sleep']
  readonly clock: GateRun['clock']
}

export interface Gate<Address, Request> {
  /** Its protocol, for logs. */
  readonly name: string
  /** Tolerant of fields that are new, plain about those that are missing. Holds no value of the event in `why`. */
  recognise(event: unknown): Recognised<Address, Request>
  /** Why the deployment goes on without a look; null: it is looked at. */
  exempt(request: Request, call: GateCall): Promise<string | null>
  /** Never a guess. */
  release(request: Request, call: GateCall): Promise<ReleaseFound>
  /** Whether the new code takes production's traffic already: then endpoints are judged. */
  deployed(request: Request): boolean
  /** null: "not yet" cannot be said here. */
  progress(request: Request, now: number): Progress | null
  /**
   * Puts the answer where the protocol wants it, and resolves to what the function returns.
   *
   * @throws {GateRefused} where throwing is the protocol's way to refuse. Anything else: the answer did not arrive.
   */
  deliver(address: Address, answer: GateAnswer, call: GateCall): Promise<unknown>
}

/** The protocol's refusal where it is made by throwing. Named so that a state machine can catch it. */
export class GateRefused extends Error {
  override readonly name = 'DeploywatchRefused'
}

/** No answer reached the deployment system, which will refuse by its own time limit. Holds no secret. */
export class GateUnanswered extends Error {
  override readonly name = 'DeploywatchUnanswered'
}
