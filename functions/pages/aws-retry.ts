/** Which failures of an AWS call are worth another attempt, and how long to wait for it. */
import { awsErrorFacts } from '../connections/aws-errors.ts'

export interface AwsCallFailure {
  /** Another attempt may succeed. */
  readonly again: boolean
  /**
   * The service may have done it though no answer came: a time-out, a connection that broke, a 5xx. The same call again may
   * do it twice.
   */
  readonly maybeDone: boolean
  /** The service's name for it and its first words; no content of the call. */
  readonly why: string
}

const THROTTLES =
  /throttl|toomanyrequests|requestlimitexceeded|slowdown|limitexceeded|provisionedthroughput|bandwidthlimit/i
const NETWORK = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** By name and status: `instanceof` breaks across bundled copies of the SDK. */
export function failureOf(error: unknown): AwsCallFailure {
  const { name, message, code } = awsErrorFacts(error)
  const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: unknown } }
  const status = typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : 0
  const throttled = status === 429 || THROTTLES.test(name)
  const lost = /timeout|abort/i.test(name) || NETWORK.has(code) || /socket hang up|checksum/i.test(message)
  const failed = status >= 500 && !throttled
  return {
    again: throttled || lost || failed,
    maybeDone: lost || failed,
    why: oneLine(message === '' ? name : `${name}: ${message}`),
  }
}

/** Services quote what they were sent: only the beginning, without the credentials of a URL. */
function oneLine(text: string): string {
  return text
    .replaceAll(/\/\/[^\s/]*@/gu, '//***@')
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .slice(0, 200)
}

const FIRST_MS = 200
const MOST_MS = 5_000

/** Exponential, from half of it to all of it: those who failed together must not come back together. */
export function backoffMs(attempt: number, random: number): number {
  const most = Math.min(MOST_MS, FIRST_MS * 2 ** (attempt - 1))
  return Math.round(most * (0.5 + random / 2))
}
