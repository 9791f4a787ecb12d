/**
 * The one place that makes clients of AWS. Each has an end for connecting, for a request and for a silent connection, and all of
 * them throw: `requestTimeout` alone only warns, and covers the time until the answer begins, not the answer.
 */

export interface RequestLimits {
  /** The first one counted. */
  readonly attempts: number
  /** Milliseconds until a connection stands. */
  readonly connectMs: number
  /** Milliseconds of one attempt until its answer begins, and of silence within it. */
  readonly requestMs: number
}

/** A short question, asked again by the SDK where it is throttled or fails. */
export const SHORT: RequestLimits = { attempts: 3, connectMs: 3_000, requestMs: 5_000 }

/** Whoever calls makes the attempts: a page's are part of its claim. */
export const ONCE: RequestLimits = { ...SHORT, attempts: 1 }

/** Of a gate: with all attempts far within what its deadline leaves for the answer. */
export const GATE: RequestLimits = { attempts: 3, connectMs: 1_500, requestMs: 3_000 }

/** Objects of the store: manifests, evidence, reports. */
export const OBJECTS: RequestLimits = { attempts: 3, connectMs: 3_000, requestMs: 10_000 }

/** Another function takes as long as it takes, a function's longest time: each call brings the order's own end along. */
export const INVOCATION: RequestLimits = { attempts: 2, connectMs: 3_000, requestMs: 900_000 }

/** A client of the SDK with its limits. What `config` says goes before them. */
export function openClient<Client, Config extends object>(
  Sdk: new (config: Config) => Client,
  { attempts, connectMs, requestMs }: RequestLimits,
  config: NoInfer<Partial<Config>> = {},
): Client {
  const limits = {
    maxAttempts: attempts,
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: requestMs,
      socketTimeout: requestMs,
      throwOnRequestTimeout: true,
    },
  }
  return new Sdk({ ...limits, ...config } as unknown as Config)
}

/** Where nobody says, the SDK looks for the region itself. */
export function inRegion(region: string | null): { readonly region?: string } {
  return region === null ? {} : { region }
}
