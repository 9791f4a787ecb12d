/** One request and its answer over HTTP/1.1, to addresses that were judged before. Follows nothing and looks up nothing. */
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { RequestFailure } from '../core/endpoint.ts'
import type { Address } from './guard.ts'
import { portOf } from './hosts.ts'
import type { Progress } from './network-failures.ts'
import { networkFailure, timeoutFailure } from './network-failures.ts'

export interface ExchangeRequest {
  readonly url: URL
  /** At least one. Connections are made to these only. */
  readonly addresses: readonly Address[]
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** PEM of the authorities to trust in place of the system's; null: the system's. */
  readonly ca: string | null
  /** Milliseconds for all of it, and of that for connecting (TLS included). */
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  /** Bytes of the body after decompression; of more only the beginning is read. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

export interface ExchangeAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly truncated: boolean
  /** When the server's certificate ends, in milliseconds since 1970; null without TLS. */
  readonly certificateEnds: number | null
}

export type ExchangeResult =
  | { readonly answer: ExchangeAnswer }
  /** `sent`: the request may have reached the application. */
  | { readonly failure: RequestFailure; readonly sent: boolean }

export type Exchange = (request: ExchangeRequest) => Promise<ExchangeResult>

/** @throws {unknown} the signal's reason, when it is aborted from outside */
export const exchange: Exchange = async (request) => {
  request.signal.throwIfAborted()
  const { url } = request
  const progress: { -readonly [K in keyof Progress]: Progress[K] } = { phase: 'connect', bytes: 0 }
  const late = new AbortController()
  const stop = AbortSignal.any([late.signal, request.signal])
  let limitMs = Math.min(request.connectTimeoutMs, request.timeoutMs)
  let timer = setTimeout(() => late.abort(), limitMs)
  const started = performance.now()
  const connected = (): void => {
    progress.phase = 'headers'
    clearTimeout(timer)
    limitMs = request.timeoutMs
    timer = setTimeout(() => late.abort(), Math.max(1, limitMs - (performance.now() - started)))
  }
  try {
    const response = await answerOf(request, stop, {
      tls: () => {
        progress.phase = 'tls'
      },
      connected,
    })
    progress.phase = 'body'
    return { answer: await readAnswer(response, request, stop, (bytes) => (progress.bytes += bytes)) }
  } catch (error) {
    request.signal.throwIfAborted()
    const sent = progress.phase === 'headers' || progress.phase === 'body'
    const failure = late.signal.aborted
      ? timeoutFailure(`${url.hostname}:${portOf(url)}`, progress, limitMs)
      : networkFailure(error, `${url.hostname}:${portOf(url)}`, progress)
    return { failure, sent }
  } finally {
    clearTimeout(timer)
  }
}

interface Stages {
  readonly tls: () => void
  readonly connected: () => void
}

function answerOf(request: ExchangeRequest, signal: AbortSignal, stages: Stages): Promise<IncomingMessage> {
  const secure = request.url.protocol === 'https:'
  return new Promise((resolve, reject) => {
    const send = secure ? requestHttps : requestHttp
    const sending = send(optionsOf(request, signal), resolve)
    sending.once('error', reject)
    sending.once('socket', (socket) => {
      socket.once('connect', secure ? stages.tls : stages.connected)
      socket.once('secureConnect', stages.connected)
    })
    sending.end(request.body ?? undefined)
  })
}

function optionsOf(request: ExchangeRequest, signal: AbortSignal): RequestOptions & { readonly ca?: string } {
  const { url, addresses, method, body, ca } = request
  const judged: LookupFunction = (_host, options, answer) => {
    const [first] = addresses
    if (options.all === true) answer(null, [...addresses])
    else answer(null, first?.address ?? '', first?.family)
  }
  const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return {
    method,
    hostname: url.hostname.replace(/^\[|\]$/gu, ''),
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    headers: { ...request.headers, ...length },
    lookup: judged,
    // A pool would hand out connections by the host's name, whatever address was judged for this request.
    agent: false,
    signal,
    ...(CONNECTING as object),
    ...(ca === null ? {} : { ca }),
  }
}

const CONNECTING = {
  // In full whatever NODE_TLS_REJECT_UNAUTHORIZED says.
  rejectUnauthorized: true,
  // Of several addresses Node gives each but the last 250 ms by default: less than a handshake around the world takes.
  autoSelectFamilyAttemptTimeout: 1000,
}

async function readAnswer(
  response: IncomingMessage,
  request: ExchangeRequest,
  stop: AbortSignal,
  arrived: (bytes: number) => void,
): Promise<ExchangeAnswer> {
  const certificateEnds = certificateEnd(response)
  let giveUp = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => reject(new Error('aborted'))
    if (stop.aborted) giveUp()
    else stop.addEventListener('abort', giveUp, { once: true })
  })
  const chunks: Buffer[] = []
  let size = 0
  const read = async (): Promise<boolean> => {
    for await (const chunk of decoded(response, request.method) as AsyncIterable<Buffer>) {
      const room = request.maxBytes - size
      chunks.push(chunk.subarray(0, room))
      size += Math.min(chunk.length, room)
      arrived(Math.min(chunk.length, room))
      if (chunk.length > room) return true
    }
    return false
  }
  try {
    const truncated = await Promise.race([read(), aborted])
    const { statusCode = 0, headers } = response
    return { status: statusCode, headers, body: Buffer.concat(chunks), truncated, certificateEnds }
  } finally {
    stop.removeEventListener('abort', giveUp)
    // Also what is left of a body that is too large.
    response.destroy()
  }
}

/** Undoes the content codings that were offered. Others are left as they are, and no assertion on the body will hold. */
function decoded(response: IncomingMessage, method: string): Readable {
  const { statusCode = 0, headers } = response
  // They have no body, whatever their headers say.
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304) return response
  const coding = headers['content-encoding']?.trim().toLowerCase()
  const decoder =
    coding === 'gzip' || coding === 'x-gzip'
      ? createGunzip()
      : coding === 'br'
        ? createBrotliDecompress()
        : coding === 'deflate'
          ? createInflate()
          : null
  if (decoder === null) return response
  response.once('error', (error) => decoder.destroy(error))
  response.once('aborted', () => decoder.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })))
  return response.pipe(decoder)
}

function certificateEnd(response: IncomingMessage): number | null {
  if (!(response.socket instanceof TLSSocket)) return null
  const ends = Date.parse(response.socket.getPeerCertificate().valid_to)
  return Number.isNaN(ends) ? null : ends
}
