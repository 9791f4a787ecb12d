/** From what a driver throws to the port's errors. Messages name the target without its secrets. */
import { ConnectionError } from './connection.ts'
import type { CouldNotLookCode } from '../core/finding.ts'

interface Failure {
  readonly code: CouldNotLookCode
  readonly transient: boolean
  readonly advice: string
}

const STATES: Readonly<Record<string, Failure>> = {
  '28P01': {
    code: 'credentials-invalid',
    transient: false,
    advice: 'check user and password, or the secret that holds them',
  },
  '28000': {
    code: 'credentials-invalid',
    transient: false,
    advice: 'check that the role may log in from here (pg_hba.conf, rds_iam, TLS required)',
  },
  '3D000': { code: 'database-unreachable', transient: false, advice: "check the database's name" },
  '53300': {
    code: 'database-unreachable',
    transient: true,
    advice: 'the server has no connection left: raise max_connections or try again',
  },
  '57P01': {
    code: 'database-unreachable',
    transient: true,
    advice: 'the server is shutting down or failing over: try again',
  },
  '57P02': { code: 'database-unreachable', transient: true, advice: 'the server crashed and restarts: try again' },
  '57P03': { code: 'database-unreachable', transient: true, advice: 'the server is starting up: try again' },
  '57P05': { code: 'database-unreachable', transient: true, advice: 'the session was idle too long: try again' },
  '25P03': { code: 'database-unreachable', transient: true, advice: 'the transaction was idle too long: try again' },
}

/** The error for an SQLSTATE that is about the connection and not about a statement; null for all others. */
export function connectionFailureOfState(sqlState: string, message: string): ConnectionError | null {
  const failure =
    STATES[sqlState] ??
    (sqlState.startsWith('08')
      ? { code: 'database-unreachable' as const, transient: true, advice: 'the connection was lost: try again' }
      : null)
  if (failure === null) return null
  return new ConnectionError(`${message} (SQLSTATE ${sqlState}); ${failure.advice}`, failure.code, failure.transient)
}

const SOCKET_REASONS: Readonly<Record<string, { readonly reason: string; readonly transient: boolean }>> = {
  ECONNREFUSED: { reason: 'connection refused; check host and port, and that the server is running', transient: true },
  ENOTFOUND: { reason: 'no such host; check its name', transient: false },
  EAI_AGAIN: { reason: 'the name could not be resolved just now; check DNS', transient: true },
  ETIMEDOUT: { reason: 'no answer in time; check security groups, VPN and route', transient: true },
  EHOSTUNREACH: { reason: 'no route to the host; check security groups, VPN and route', transient: true },
  ENETUNREACH: { reason: 'no route to the network; check VPN and route', transient: true },
  ECONNRESET: {
    reason: 'the connection was reset; check that this is a postgres port, and what lies between',
    transient: true,
  },
  EPIPE: { reason: 'the connection was closed', transient: true },
  ENOENT: { reason: 'no such socket; check the folder and port of the socket', transient: false },
  EACCES: { reason: 'this user may not open the socket', transient: false },
}

const CERTIFICATE_CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
])

interface DriverError {
  readonly code?: unknown
  readonly message?: unknown
  readonly severity?: unknown
}

function certificateReason(code: string, message: string): string | null {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the server's certificate is for another host name: ${message}; connect by a name that the certificate has`
  }
  if (CERTIFICATE_CODES.has(code)) {
    return `the server's certificate is not trusted (${code}: ${message}); set \`ca: rds\` for Amazon RDS, or \`ca\` to the PEM file of the authority that signed it`
  }
  if (/does not support SSL/i.test(message)) {
    return 'the server does not speak TLS; enable it there, or where that is really wanted set sslmode=disable in the url'
  }
  return code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') ? `TLS failed (${code}: ${message})` : null
}

/** What went wrong while connecting, or on an open connection. `target` is already masked. */
export function connectionFailure(error: unknown, target: string): ConnectionError {
  if (error instanceof ConnectionError) return error
  const { code: rawCode, message: rawMessage, severity } = (error ?? {}) as DriverError
  const code = typeof rawCode === 'string' ? rawCode : ''
  const message = typeof rawMessage === 'string' ? rawMessage : String(error)
  const make = (text: string, kind: CouldNotLookCode, transient: boolean): ConnectionError =>
    new ConnectionError(`cannot reach the database ${target}: ${text}`, kind, transient, { cause: error })

  if (typeof severity === 'string') {
    const refused = connectionFailureOfState(code, message)
    if (refused !== null) return make(refused.message, refused.code, refused.transient)
    return make(`${message} (SQLSTATE ${code})`, code === '42501' ? 'permission-denied' : 'database-unreachable', false)
  }
  const certificate = certificateReason(code, message)
  if (certificate !== null) return make(certificate, 'database-unreachable', false)
  const socket = SOCKET_REASONS[code]
  if (socket !== undefined) return make(`${socket.reason} (${code})`, 'database-unreachable', socket.transient)
  if (/timeout expired/i.test(message)) {
    return make('no answer in time; check security groups, VPN and route', 'database-unreachable', true)
  }
  // `pg` itself, where the server asks for a password and there is none.
  if (/client password must be a string|password must be a non-empty string/i.test(message)) {
    return make(
      'the server asks for a password and none is given; set one in the url, `secret`, or PGPASSWORD',
      'credentials-invalid',
      false,
    )
  }
  return make(message === '' ? code : message, 'database-unreachable', /terminated/i.test(message))
}

/** What a read answers on a connection that was abandoned. */
export function abandonedFailure(name: string): ConnectionError {
  return new ConnectionError(`the look at ${name} ended before it had answered`, 'check-timeout', false)
}
