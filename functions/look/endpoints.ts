/** The endpoints of a release: asked side by side, judged where it is deployed. */
import { compareEndpoints, sampleEndpoints } from '../core/compare-endpoints.ts'
import type { Finding } from '../core/finding.ts'
import { observeEndpoints } from '../endpoints/endpoints.ts'
import type { CheckInput } from './input.ts'
import type { Timer } from './timer.ts'

export interface EndpointsSight {
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
  /** How each that was asked answered. */
  readonly answers: ReturnType<typeof sampleEndpoints>
}

/** What an ending request needs to be told as one. */
const MARGIN_MS = 300

/** How many endpoints are asked at the same time. */
const AT_ONCE = 20

export async function askEndpoints(
  input: CheckInput & { readonly endpoints: NonNullable<CheckInput['endpoints']> },
  timer: Timer,
): Promise<EndpointsSight> {
  const { prepared, context } = input.endpoints
  const { deployed, signal } = input
  // It says itself what was late, a moment before the look would, and rejects for nothing that the network does.
  const options = {
    concurrency: AT_ONCE,
    deadlineMs: Math.max(1, timer.left() - MARGIN_MS),
    ...(signal === null ? {} : { signal }),
  }
  const seen = await timer.within('endpoints', () => observeEndpoints(prepared, { ...context, deployed }, options), {
    threw: (error) => Promise.reject(error),
    late: () => [],
  })
  const observed = seen.seen ? seen.value : []
  const expected = prepared.endpoints.map(({ expectation }) => expectation)
  const { findings, notes } = compareEndpoints(expected, observed, { deployed, environment: input.environment.name })
  return { findings, notes, answers: sampleEndpoints(expected, observed) }
}
