/** One request with its redirects: every hop is judged anew, by name and by address, before anything is sent to it. */
import type { RedirectHop, RequestFailure } from '../core/endpoint.ts'
import type { Exchange, ExchangeAnswer } from './exchange.ts'
import type { Lookup } from './guard.ts'
import { judgeTarget } from './guard.ts'
import type { AllowedHosts } from './hosts.ts'
import { parseUrl, portOf } from './hosts.ts'
import { timeoutFailure } from './network-failures.ts'
import type { OutgoingRequest } from './redirects.ts'
import { isRedirect, nextHop } from './redirects.ts'

/** How the world is reached. */
export interface Network {
  readonly lookup: Lookup
  readonly exchange: Exchange
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
}

export interface RequestLimits {
  readonly allowed: AllowedHosts
  readonly maxRedirects: number
  /** Statuses that are an answer although they redirect. */
  readonly finalStatuses: readonly number[]
  readonly ca: string | null
  /** Milliseconds for all hops together. */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly maxBytes: number
  /** Whether an answer that is longer than that is of no use. */
  readonly needsBody: boolean
}

export interface RequestResult {
  readonly durationMs: number
  readonly redirects: readonly RedirectHop[]
  /** The origin that was asked last. */
  readonly origin: string
  /** The request may have reached an application. */
  readonly sent: boolean
  readonly result: { readonly answer: ExchangeAnswer } | { readonly failure: RequestFailure }
}

export interface WrittenRequest extends Omit<OutgoingRequest, 'url'> {
  readonly url: string
}

/** @throws {unknown} the signal's reason, when it is aborted */
export async function sendRequest(
  written: WrittenRequest,
  limits: RequestLimits,
  network: Network,
  signal: AbortSignal,
): Promise<RequestResult> {
  const started = network.clock()
  const trail = await follow(written, limits, network, signal)
  return { ...trail, durationMs: network.clock() - started }
}

async function follow(
  written: WrittenRequest,
  limits: RequestLimits,
  network: Network,
  signal: AbortSignal,
): Promise<Omit<RequestResult, 'durationMs'>> {
  const started = network.clock()
  const redirects: RedirectHop[] = []
  const visited = new Set<string>()
  let request = firstRequest(written)
  let sent = false
  const end = (result: RequestResult['result']): Omit<RequestResult, 'durationMs'> => ({
    redirects,
    origin: request?.url.origin ?? '',
    sent,
    result,
  })
  if (request === null) return end(NO_URL)
  for (;;) {
    const restMs = limits.timeoutMs - (network.clock() - started)
    if (restMs <= 0) return end({ failure: lateFailure(request.url, limits, redirects.length) })
    const result = await hop(request, { ...limits, timeoutMs: restMs }, network, signal)
    sent ||= result.sent
    if ('failure' in result) return end({ failure: result.failure })
    const { status, headers, truncated } = result.answer
    if (!isRedirect(status, headers.location) || limits.finalStatuses.includes(status) || limits.maxRedirects === 0) {
      return end(truncated && limits.needsBody ? { failure: tooLarge(limits.maxBytes) } : { answer: result.answer })
    }
    visited.add(`${request.method} ${request.url.href}`)
    const next = nextHop(request, status, headers.location)
    if ('failure' in next) return end({ failure: next.failure })
    if (visited.has(`${next.request.method} ${next.request.url.href}`)) {
      return end({
        failure: { kind: 'redirect-loop', detail: `the redirects of ${request.url.origin} lead in a circle` },
      })
    }
    if (redirects.length >= limits.maxRedirects) {
      const detail = `more than ${limits.maxRedirects} redirects (\`redirects\`), the last one to ${next.hop.to}`
      return end({ failure: { kind: 'redirects-too-many', detail } })
    }
    redirects.push(next.hop)
    request = next.request
  }
}

type HopResult =
  | { readonly answer: ExchangeAnswer; readonly sent: true }
  | { readonly failure: RequestFailure; readonly sent: boolean }

async function hop(
  request: OutgoingRequest,
  limits: RequestLimits,
  network: Network,
  signal: AbortSignal,
): Promise<HopResult> {
  const started = network.clock()
  const connectMs = Math.min(limits.connectTimeoutMs, limits.timeoutMs)
  const target = await within(judgeTarget(request.url, limits.allowed, network.lookup), connectMs, signal)
  if (target === null) {
    const detail = `DNS gave no answer for ${request.url.hostname} within ${Math.round(connectMs)} ms`
    return { failure: { kind: 'dns-failed', detail }, sent: false }
  }
  if (!target.allowed) return { failure: target.failure, sent: false }
  const result = await network.exchange({
    ...request,
    addresses: target.addresses,
    ca: limits.ca,
    timeoutMs: Math.max(1, limits.timeoutMs - (network.clock() - started)),
    connectTimeoutMs: limits.connectTimeoutMs,
    maxBytes: limits.maxBytes,
    signal,
  })
  return 'answer' in result ? { answer: result.answer, sent: true } : result
}

/** The value, or null where it took longer. A resolver cannot be interrupted: its late answer is dropped. */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  signal.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let stop = (): void => undefined
  const late = new Promise<null>((resolve, reject) => {
    timer = setTimeout(() => resolve(null), ms)
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}

const NO_URL: RequestResult['result'] = {
  failure: { kind: 'request-invalid', detail: 'the url is none of http or https, once its variables are filled in' },
}

/** Credentials in a url are sent as its Authorization, as every client does, and never shown. */
function firstRequest(written: WrittenRequest): OutgoingRequest | null {
  const url = parseUrl(written.url)
  if (url === null) return null
  const { username, password } = url
  url.username = ''
  url.password = ''
  url.hash = ''
  const headers: Readonly<Record<string, string>> = {
    'user-agent': 'deploywatch',
    accept: '*/*',
    'accept-encoding': 'gzip, br, deflate',
    ...(username === '' && password === '' ? {} : { authorization: basic(username, password) }),
    ...written.headers,
  }
  return { ...written, url, headers }
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${decodeText(username)}:${decodeText(password)}`).toString('base64')}`
}

/** A lone `%` in a password is no escape. */
function decodeText(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function tooLarge(maxBytes: number): RequestFailure {
  return {
    kind: 'answer-too-large',
    detail: `the body of the answer is larger than ${maxBytes} bytes, so that what is asserted of it cannot be judged`,
  }
}

function lateFailure(url: URL, limits: RequestLimits, redirects: number): RequestFailure {
  const failure = timeoutFailure(`${url.hostname}:${portOf(url)}`, { phase: 'headers', bytes: 0 }, limits.timeoutMs)
  return { ...failure, detail: `${failure.detail} after ${redirects} redirects` }
}
