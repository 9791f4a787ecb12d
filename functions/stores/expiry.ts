/** When something may be forgotten. DynamoDB deletes what has expired within days, not at once, and counts in seconds. */

/** Seconds since 1970, rounded up: nothing is forgotten early. `at`: ISO 8601. */
export function expirySeconds(at: string): number {
  const ms = Date.parse(at)
  if (Number.isNaN(ms)) throw new Error(`"${at}" is no time: write ISO 8601, such as 2026-11-22T10:00:00.000Z`)
  return Math.ceil(ms / 1000)
}

/** Whether what expires then has, by a clock in milliseconds. null: it never does. */
export function hasExpired(at: string | null, now: number): boolean {
  return at !== null && expirySeconds(at) <= Math.floor(now / 1000)
}
