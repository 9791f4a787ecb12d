/** Looks at all endpoints side by side, under one deadline. */
import { lookup as lookupName } from 'node:dns/promises'
import { setMaxListeners } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { SecretsClient } from '../connections/credentials.ts'
import type { EndpointObservation } from '../core/endpoint.ts'
import { exchange } from './exchange.ts'
import type { Address, Lookup } from './guard.ts'
import type { EndpointContext } from './observation.ts'
import { observeEndpoint } from './observation.ts'
import type { PreparedEndpoints } from './prepare.ts'
import type { Network } from './request.ts'
import type { SecretValue } from './secrets.ts'
import { readSecrets } from './secrets.ts'

export interface EndpointsContext {
  /** Before a deployment (false) endpoints are sampled only. */
  readonly deployed: boolean
  readonly network?: Partial<Network>
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds since 1970; for what is left of a certificate. */
  readonly now?: () => number
  /** Null: Secrets Manager, with the credentials of the process. */
  readonly secretsClient?: SecretsClient | null
  readonly attempts?: number
  readonly backoffMs?: number
  readonly connectTimeoutMs?: number
  readonly maxBytes?: number
}

export interface EndpointsOptions {
  /** How many are looked at at the same time. */
  readonly concurrency: number
  /** Milliseconds from the call on. What has not ended then is `check-timeout`. */
  readonly deadlineMs: number
  /** Ends the look before. */
  readonly signal?: AbortSignal
}

const DEFAULTS = { attempts: 2, backoffMs: 500, connectTimeoutMs: 5_000, maxBytes: 2 * 1024 * 1024 }

const systemLookup: Lookup = async (host) => {
  const found = await lookupName(host, { all: true })
  return found.flatMap(({ address, family }): readonly Address[] =>
    family === 4 || family === 6 ? [{ address, family }] : [],
  )
}

/**
 * One observation an endpoint, in the order of the config. Rejects never for what the network does: that is in the observations.
 */
export async function observeEndpoints(
  prepared: PreparedEndpoints,
  context: EndpointsContext,
  options: EndpointsOptions,
): Promise<readonly EndpointObservation[]> {
  if (prepared.endpoints.length === 0) return []
  const deadline = new AbortController()
  const ring = setTimeout(() => deadline.abort(), Math.max(0, options.deadlineMs))
  const signal = options.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, options.signal])
  // One signal for all: each request listens, and takes its ear away again.
  setMaxListeners(0, signal)
  try {
    const secrets = await unless(signal, secretsOf(prepared, context))
    if (secrets === null) return prepared.endpoints.map(({ name }) => late(name, 'while its secrets were read'))
    const full = fillContext(prepared, context, secrets, signal)
    return await inParallel(prepared.endpoints, options.concurrency, async (endpoint) =>
      signal.aborted ? late(endpoint.name, 'before its turn came') : observeEndpoint(endpoint, full),
    )
  } finally {
    clearTimeout(ring)
    // A resolver or a connection that is still under way ends here.
    deadline.abort()
  }
}

function secretsOf(
  { endpoints, secrets }: PreparedEndpoints,
  { secretsClient = null }: EndpointsContext,
): Promise<ReadonlyMap<string, SecretValue>> {
  return readSecrets(
    endpoints.flatMap(({ secretNames }) => secretNames),
    secrets,
    secretsClient,
  )
}

function fillContext(
  { allowed, references, variables }: PreparedEndpoints,
  { deployed, network, sleep, now, ...given }: EndpointsContext,
  secrets: ReadonlyMap<string, SecretValue>,
  signal: AbortSignal,
): EndpointContext {
  return {
    ...DEFAULTS,
    ...given,
    deployed,
    allowed,
    references,
    variables,
    secrets,
    signal,
    network: { lookup: systemLookup, exchange, clock: () => performance.now(), ...network },
    sleep: sleep ?? ((ms, stop) => wait(ms, undefined, { signal: stop })),
    now: now ?? Date.now,
  }
}

function late(name: string, where: string): EndpointObservation {
  return { name, looked: false, code: 'check-timeout', detail: `the look ended ${where}` }
}

/** The value, or null where the signal is aborted first. */
async function unless<T>(signal: AbortSignal, work: Promise<T>): Promise<T | null> {
  let stop = (): void => undefined
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function inParallel<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T)
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(limit, items.length)) }, worker))
  return results
}
