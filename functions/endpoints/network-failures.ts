/** What the network's and the TLS library's errors mean, in words. */
import type { RequestFailure, RequestFailureKind } from '../core/endpoint.ts'

interface Meaning {
  readonly kind: RequestFailureKind
  readonly text: string
}

const REFUSED: Meaning = { kind: 'connection-refused', text: 'the connection was refused: nothing listens there' }
const RESET: Meaning = { kind: 'connection-reset', text: 'the connection was closed' }
const UNREACHABLE: Meaning = { kind: 'unreachable', text: 'no route leads there' }
const CONNECT_TIMEOUT: Meaning = { kind: 'timeout-connect', text: 'nothing answered the attempt to connect' }
const UNKNOWN_AUTHORITY: Meaning = {
  kind: 'tls-unknown-authority',
  text: 'the certificate is signed by an authority that is not trusted here (a private one goes into `tls.ca`)',
}

const BY_CODE: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: RESET,
  ECONNABORTED: RESET,
  EPIPE: RESET,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  EACCES: UNREACHABLE,
  ETIMEDOUT: CONNECT_TIMEOUT,
  CERT_HAS_EXPIRED: { kind: 'tls-expired', text: 'the certificate has expired' },
  CERT_NOT_YET_VALID: { kind: 'tls-not-yet-valid', text: 'the certificate is not valid yet' },
  ERR_TLS_CERT_ALTNAME_INVALID: { kind: 'tls-wrong-host', text: 'the certificate is for another host' },
  HOSTNAME_MISMATCH: { kind: 'tls-wrong-host', text: 'the certificate is for another host' },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_UNTRUSTED: UNKNOWN_AUTHORITY,
  CERT_SIGNATURE_FAILURE: UNKNOWN_AUTHORITY,
  CERT_REVOKED: { kind: 'tls-failed', text: 'the certificate was revoked' },
  ERR_SSL_WRONG_VERSION_NUMBER: { kind: 'tls-failed', text: 'the port answers, but not with TLS' },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { kind: 'tls-failed', text: 'the port answers, but not with TLS' },
  HPE_HEADER_OVERFLOW: { kind: 'answer-broken', text: 'the headers of the answer are too large' },
  ERR_INVALID_CHAR: { kind: 'request-invalid', text: 'a header holds a character that no header may hold' },
  ERR_UNESCAPED_CHARACTERS: { kind: 'request-invalid', text: 'the path holds a character that no path may hold' },
  ERR_INVALID_HTTP_TOKEN: { kind: 'request-invalid', text: 'a header has a name that no header may have' },
}

/** How far the exchange had come. */
export interface Progress {
  readonly phase: 'connect' | 'tls' | 'headers' | 'body'
  /** Bytes of the body that had arrived. */
  readonly bytes: number
}

/** @param host with its port, for the message */
export function networkFailure(error: unknown, host: string, progress: Progress): RequestFailure {
  const code = codeOf(error)
  const meaning = BY_CODE[code] ?? byFamily(code, progress)
  return { kind: meaning.kind, detail: `${meaning.text}${placeOf(meaning.kind, progress)} (${host}, ${code})` }
}

export function timeoutFailure(host: string, progress: Progress, afterMs: number): RequestFailure {
  const after = `within ${Math.round(afterMs)} ms (${host})`
  switch (progress.phase) {
    case 'connect':
      return { kind: 'timeout-connect', detail: `no connection came about ${after}` }
    case 'tls':
      return { kind: 'timeout-connect', detail: `the connection was accepted, but TLS was not agreed on ${after}` }
    case 'headers':
      return { kind: 'timeout-headers', detail: `the request was sent, but no answer began ${after}` }
    case 'body':
      return {
        kind: 'timeout-body',
        detail: `the answer began, but ${progress.bytes} bytes of its body were all that came ${after}`,
      }
  }
}

function placeOf(kind: RequestFailureKind, { phase, bytes }: Progress): string {
  if (kind !== 'connection-reset') return ''
  switch (phase) {
    case 'connect':
      return ' before it was made'
    case 'tls':
      return ' while TLS was agreed on'
    case 'headers':
      return ' before an answer began'
    case 'body':
      return ` in the body, after ${bytes} bytes`
  }
}

function byFamily(code: string, { phase }: Progress): Meaning {
  if (phase === 'tls' || /^(?:ERR_SSL_|ERR_TLS_|EPROTO|CERT_|CRL_|UNABLE_TO_|INVALID_)/u.test(code)) {
    return { kind: 'tls-failed', text: 'TLS could not be agreed on' }
  }
  if (code.startsWith('HPE_')) return { kind: 'answer-broken', text: 'the answer is no HTTP' }
  if (/^(?:Z_|ERR__ERROR_|ERR_BROTLI|ERR_ZLIB)/u.test(code)) {
    return { kind: 'answer-broken', text: 'the compressed body of the answer is broken' }
  }
  if (code.startsWith('ERR_')) return { kind: 'request-invalid', text: 'the request cannot be sent' }
  return { kind: 'unreachable', text: 'the request failed' }
}

/** Of several addresses the last one's error says the most: Node collects them. Never the message: it may quote a header. */
function codeOf(error: unknown): string {
  const { code, errors, message } = (error ?? {}) as Readonly<Record<'code' | 'errors' | 'message', unknown>>
  // OpenSSL's reason stands in the text only, where the handshake fails while it writes.
  if (code === 'EPROTO' && /wrong version number|packet length too long|http request/u.test(String(message))) {
    return 'ERR_SSL_WRONG_VERSION_NUMBER'
  }
  if (typeof code === 'string' && code !== '') return code
  const last: unknown = Array.isArray(errors) ? errors.at(-1) : undefined
  return last === undefined ? 'no code' : codeOf(last)
}
