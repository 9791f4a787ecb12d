/** The service's limits. Tests may lower them, and nothing raises them. */

export interface Limits {
  readonly answerBytes: number
  readonly rowBytes: number
  readonly requestBytes: number
  /** Characters of a statement. */
  readonly sqlLength: number
  readonly callMs: number
  readonly transactionIdleMs: number
  readonly transactionMs: number
}

const SERVICE_LIMITS: Limits = {
  answerBytes: 1_048_576,
  rowBytes: 65_536,
  requestBytes: 4 * 1_048_576,
  sqlLength: 65_536,
  callMs: 45_000,
  transactionIdleMs: 3 * 60_000,
  transactionMs: 24 * 3_600_000,
}

/** The stricter of both, each. */
export function lowerLimits(limits: Partial<Limits>): Limits {
  const lower = (name: keyof Limits): number => Math.min(SERVICE_LIMITS[name], limits[name] ?? SERVICE_LIMITS[name])
  return {
    answerBytes: lower('answerBytes'),
    rowBytes: lower('rowBytes'),
    requestBytes: lower('requestBytes'),
    sqlLength: lower('sqlLength'),
    callMs: lower('callMs'),
    transactionIdleMs: lower('transactionIdleMs'),
    transactionMs: lower('transactionMs'),
  }
}
