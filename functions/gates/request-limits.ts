/** Of every SDK client of a gate: an answer must not wait for a request that hangs, and `requestTimeout` alone only warns. */
export const REQUEST_LIMITS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 1500, requestTimeout: 3000, throwOnRequestTimeout: true },
} as const
