/** The PUT that answers CloudFormation: to its own hosts alone, again where it failed, and never by name in an error. */
import type { GateCall } from './gate.ts'

export interface AnswerTransport {
  readonly fetch: typeof fetch
  /** Tests alone: another place that may be answered. Left out in production. */
  readonly allowUrl?: (url: URL) => boolean
}

/**
 * `cloudformation-custom-resource-response-useast1.s3.amazonaws.com` and its like: a dot or a dash before the region, none
 * in us-east-1. The bucket ends in a region without dashes: any other bucket that begins so could be anybody's.
 */
const HOST =
  /^cloudformation-custom-resource-response-[a-z]{4,24}\d{1,2}\.s3(?:[.-][a-z]{2}(?:-[a-z]+){1,3}-\d{1,2})?\.amazonaws\.com(?:\.cn)?$/u

/** @returns null where it may not be answered */
export function answerUrl(text: string, allowUrl: AnswerTransport['allowUrl']): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (allowUrl?.(url) === true) return url
  const isPlain = url.port === '' && url.username === '' && url.password === ''
  return url.protocol === 'https:' && isPlain && HOST.test(url.hostname) ? url : null
}

const ATTEMPTS = 5
const FIRST_PAUSE_MS = 200
/** Of one attempt: another one must still have time. */
const ATTEMPT_MS = 3000

/**
 * @throws {Error} nothing was answered. Its message holds neither the URL nor a part of it.
 */
export async function putAnswer(
  responseUrl: string,
  body: string,
  { fetch: send, allowUrl }: AnswerTransport,
  { signal, sleep }: GateCall,
): Promise<void> {
  const url = answerUrl(responseUrl, allowUrl)
  if (url === null) throw new Error('the ResponseURL is not one of CloudFormation, so nothing was sent there')
  let why = ''
  for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt += 1) {
    if (attempt > 0) await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal)
    const outcome = await putOnce(url, body, send, { signal, sleep })
    if (outcome === 'taken') return
    why = outcome.why
    if (!outcome.again) break
  }
  throw new Error(`CloudFormation did not take the answer: ${why === '' ? 'there was no time' : why}`)
}

type PutOutcome = 'taken' | { readonly why: string; readonly again: boolean }

async function putOnce(
  url: URL,
  body: string,
  send: typeof fetch,
  { signal, sleep }: Pick<GateCall, 'signal' | 'sleep'>,
): Promise<PutOutcome> {
  const stop = new AbortController()
  const end = (): void => stop.abort()
  signal.addEventListener('abort', end, { once: true })
  try {
    void sleep(ATTEMPT_MS, stop.signal).then(end, end)
    const response = await send(url, {
      method: 'PUT',
      // Bytes, and the type empty: the signature is over a request without one, and any other is a 403.
      body: new TextEncoder().encode(body),
      headers: { 'content-type': '' },
      redirect: 'error',
      signal: stop.signal,
    })
    await response.body?.cancel()
    if (response.ok) return 'taken'
    const again = response.status >= 500 || response.status === 408 || response.status === 429
    return { why: `it was answered with status ${response.status}`, again }
  } catch (error) {
    // The message of a failed fetch may quote the URL: only its kind is told.
    return { why: `it could not be sent (${kindOf(error)})`, again: true }
  } finally {
    signal.removeEventListener('abort', end)
    stop.abort()
  }
}

function kindOf(error: unknown): string {
  const { name, cause } = (error ?? {}) as { readonly name?: unknown; readonly cause?: { readonly code?: unknown } }
  const code = cause?.code
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'error'
}
