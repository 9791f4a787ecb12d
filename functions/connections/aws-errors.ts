/** Errors that every AWS service has in common. By name: `instanceof` breaks across bundled copies of the SDK. */
import { ConnectionError } from './connection.ts'
import type { CouldNotLookCode } from '../core/finding.ts'

export interface AwsErrorFacts {
  readonly name: string
  readonly message: string
  /** Of the socket, where there is one. */
  readonly code: string
}

export function awsErrorFacts(error: unknown): AwsErrorFacts {
  const { name, message, code } = (error ?? {}) as { name?: unknown; message?: unknown; code?: unknown }
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return { name: text(name) || 'Error', message: text(message), code: text(code) }
}

interface AwsFailure {
  readonly code: CouldNotLookCode
  readonly transient: boolean
  readonly advice: string
}

const NO_CREDENTIALS: AwsFailure = {
  code: 'credentials-invalid',
  transient: false,
  advice: 'check the AWS credentials of this process (environment, profile or role)',
}
const THROTTLED: AwsFailure = {
  code: 'database-unreachable',
  transient: true,
  advice: 'AWS throttles the calls: try again',
}
const SERVICE_DOWN: AwsFailure = {
  code: 'database-unreachable',
  transient: true,
  advice: 'the AWS service failed: try again',
}

const COMMON: Readonly<Record<string, AwsFailure>> = {
  CredentialsProviderError: NO_CREDENTIALS,
  ExpiredToken: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  IncompleteSignature: NO_CREDENTIALS,
  IncompleteSignatureException: NO_CREDENTIALS,
  InvalidClientTokenId: NO_CREDENTIALS,
  InvalidSignatureException: NO_CREDENTIALS,
  MissingAuthenticationToken: NO_CREDENTIALS,
  MissingAuthenticationTokenException: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  UnrecognizedClientException: NO_CREDENTIALS,
  ResourceNotFoundException: { code: 'credentials-invalid', transient: false, advice: 'check its name and region' },
  DecryptionFailure: { code: 'credentials-invalid', transient: false, advice: 'allow kms:Decrypt on its key' },
  RequestTimeout: SERVICE_DOWN,
  InternalFailure: SERVICE_DOWN,
  InternalServiceError: SERVICE_DOWN,
  TimeoutError: {
    code: 'database-unreachable',
    transient: true,
    advice: 'no answer in time: check the route to the AWS endpoint',
  },
  ThrottlingException: THROTTLED,
  Throttling: THROTTLED,
  TooManyRequestsException: THROTTLED,
}

/**
 * @param doing what failed, as the message begins
 * @param action the IAM action that has to be allowed
 */
export function awsFailure(error: unknown, doing: string, action: string): ConnectionError {
  if (error instanceof ConnectionError) return error
  const { name, message, code } = awsErrorFacts(error)
  const make = (failure: AwsFailure): ConnectionError =>
    new ConnectionError(
      `${doing}: ${message || name} (${code || name}); ${failure.advice}`,
      failure.code,
      failure.transient,
      {
        cause: error,
      },
    )
  if (name === 'AccessDeniedException' || name === 'AccessDenied' || name === 'ForbiddenException') {
    return make({ code: 'permission-denied', transient: false, advice: `allow ${action} to this role` })
  }
  const common = COMMON[name]
  if (common !== undefined) return make(common)
  if (/region is missing/i.test(message)) {
    return make({ code: 'credentials-invalid', transient: false, advice: 'set `region`, or AWS_REGION' })
  }
  if (['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EHOSTUNREACH'].includes(code)) {
    return make({ code: 'database-unreachable', transient: true, advice: 'check region, endpoint and network' })
  }
  return make({ code: 'database-unreachable', transient: false, advice: 'see the AWS documentation of this error' })
}
