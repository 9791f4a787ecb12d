/**
 * What a release expects of its endpoints, and what a look saw of them. Plain data: no header value, no body and no secret is in
 * it, only what was asserted, in words.
 */
import type { NextStep, SourcePlace } from './finding.ts'

/** How a request can end without an answer that can be judged. */
export type RequestFailureKind =
  | 'request-invalid'
  | 'host-not-allowed'
  | 'address-forbidden'
  | 'dns-not-found'
  | 'dns-failed'
  | 'connection-refused'
  | 'connection-reset'
  | 'unreachable'
  | 'tls-expired'
  | 'tls-not-yet-valid'
  | 'tls-wrong-host'
  | 'tls-unknown-authority'
  | 'tls-failed'
  | 'timeout-connect'
  | 'timeout-headers'
  | 'timeout-body'
  | 'redirect-loop'
  | 'redirects-too-many'
  | 'redirect-downgrade'
  | 'redirect-invalid'
  | 'answer-too-large'
  | 'answer-broken'

export interface RequestFailure {
  readonly kind: RequestFailureKind
  /** One sentence without secrets: lower case, no full stop. */
  readonly detail: string
}

/** What an assertion is about, in the order in which a reader wants them. */
export type AssertionGroup = 'status' | 'certificate' | 'content' | 'duration'

export interface Assertion {
  readonly group: AssertionGroup
  /** `status`, `header content-type`, `json $.status`, `body`, `duration`, `certificate`, `save orderId`. */
  readonly what: string
  readonly holds: boolean
  readonly expected: string
  readonly found: string
}

/** Which release gave an answer. `found` is null where the answer does not say. */
export interface RevisionSight {
  readonly holds: boolean
  /** Where the answer says it: `header x-release`, `json $.version`. */
  readonly where: string
  readonly expected: string
  readonly found: string | null
}

/** A redirect that was followed: the origins only, since paths and queries may carry tokens. */
export interface RedirectHop {
  readonly status: number
  readonly from: string
  readonly to: string
  /** Names of the headers that were not sent on, because the origin is another one. */
  readonly dropped: readonly string[]
}

export interface Answer {
  readonly status: number
  /** Scheme, host and port that answered at last. */
  readonly origin: string
  /** Bytes of the body that were read, after decompression. */
  readonly bytes: number
  /** Only where a revision is configured. */
  readonly revision: RevisionSight | null
  /** Of an answer of another release only the status: the rest is not held against it. */
  readonly assertions: readonly Assertion[]
  /** The beginning of the body of an answer with an unexpected status, masked; else null. */
  readonly excerpt: string | null
}

/** One request with its redirects. Either an answer or a failure. */
export interface Attempt {
  /** Milliseconds, redirects and the body included. */
  readonly durationMs: number
  readonly redirects: readonly RedirectHop[]
  readonly result:
    | { readonly answered: true; readonly answer: Answer }
    | { readonly answered: false; readonly failure: RequestFailure }
}

/** One step: at least one attempt; the last one counts. */
export interface StepObservation {
  readonly attempts: readonly Attempt[]
}

export type EndpointObservation =
  | {
      readonly name: string
      readonly looked: true
      /** The steps that were made, in order; fewer than expected where one failed. */
      readonly steps: readonly StepObservation[]
    }
  | {
      readonly name: string
      readonly looked: false
      readonly code: 'check-timeout' | 'credentials-invalid' | 'permission-denied' | 'release-unknown'
      readonly detail: string
    }

export interface StepExpectation {
  /** `step 2 (create)`; null where the endpoint is a single request. */
  readonly label: string | null
  readonly source: SourcePlace
  /** Where each assertion stands, by its `what`; `revision` too. */
  readonly places: Readonly<Record<string, SourcePlace>>
  /** How to ask it by hand; the commands hold names of variables, and no secret. */
  readonly askYourself: readonly NextStep[]
}

export interface EndpointExpectation {
  readonly name: string
  readonly source: SourcePlace
  readonly tellsRevision: boolean
  readonly steps: readonly StepExpectation[]
}

/** One duration for the baseline. */
export interface EndpointSample {
  readonly name: string
  /** Milliseconds: the sum of the steps' last attempts, waits between attempts left out. */
  readonly durationMs: number
  /** Every step was answered with a status that it expects; what else was asserted does not count here. */
  readonly ok: boolean
  /** Whose duration it is: `untold` where no revision is configured or the answer does not say. */
  readonly release: 'this' | 'other' | 'untold'
}
