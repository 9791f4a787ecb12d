/** The port to whatever runs the team's own migration: started once, then asked until it has ended. */
import type { MigrationEnd } from '../core/confirm-migration.ts'

export interface MigrationTask {
  /** What people know it by: "the CodeBuild project orders-migrate". */
  readonly name: string
  /**
   * For so many milliseconds after a first start the same token starts nothing twice. 0: a start whose answer is lost may have
   * run, and is never repeated.
   */
  readonly repeatableMs: number
  /** After so many milliseconds it has surely ended, where it cannot be asked; null: it can. */
  readonly longestMs: number | null
  /**
   * @param token at most 64 characters
   * @param waitMs how long it may take
   * @throws whatever leaves open whether it was started
   */
  start(token: string, waitMs: number): Promise<Start>
  /** @throws what the service answers: it is asked again */
  poll(handle: string): Promise<Progress>
}

export type Start =
  | { readonly kind: 'started'; readonly handle: string }
  /** Where the start is the run. */
  | { readonly kind: 'ended'; readonly end: MigrationEnd }
  /** Surely not started. `passing`: worth another try. */
  | { readonly kind: 'refused'; readonly why: string; readonly passing: boolean }

export type Progress =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly end: MigrationEnd }
  /** The service does not know it: not yet, or no longer. */
  | { readonly kind: 'missing'; readonly why: string }

/** Of each of an adapter's requests, in milliseconds. */
export const TASK_REQUEST_MS = 10_000

/** The names of errors by which a service says that it did not do it, and might a little later. */
const PASSING = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'EC2ThrottledException',
  // CodeBuild: too many builds at the same time.
  'AccountLimitExceededException',
  // Lambda: the function is being made or changed.
  'ResourceConflictException',
  'ResourceNotReadyException',
])

/** A service's refusal; rethrows what leaves open whether the request was carried out: no answer, or a failure of the service. */
export function refusalIn(error: unknown): Extract<Start, { readonly kind: 'refused' }> {
  const { name, message, $fault } = (error ?? {}) as {
    readonly name?: string
    readonly message?: string
    readonly $fault?: string
  }
  const isPassing = name !== undefined && PASSING.has(name)
  if (($fault !== 'client' || name?.startsWith('RequestTimeout') === true) && !isPassing) throw error
  return { kind: 'refused', why: `${name}: ${message}`, passing: isPassing }
}
