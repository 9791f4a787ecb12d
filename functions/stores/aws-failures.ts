/** From errors of S3 and DynamoDB to a store's own, by name: `instanceof` breaks across bundled copies of the SDK. */
import { awsErrorFacts } from '../connections/aws-errors.ts'
import { StoreError } from './store.ts'

/** What was tried, for the message. */
export interface Attempt {
  /** The IAM action: `s3:GetObject`. */
  readonly action: string
  /** `the bucket orders-deploywatch`. */
  readonly place: string
}

interface Failure {
  readonly problem: StoreError['problem']
  readonly advice: (attempt: Attempt) => string
}

const DENIED: Failure = {
  problem: 'denied',
  // S3 says "access denied" of an object that is not there to whom may not list: it tells nobody what exists.
  advice: ({ action, place }) =>
    `allow ${action}${action.startsWith('s3:') ? ' and s3:ListBucket' : ''} on ${place} to this role`,
}
const NO_CREDENTIALS: Failure = {
  problem: 'denied',
  advice: () => 'check the AWS credentials of this process (environment, profile or role)',
}
const NO_BUCKET: Failure = {
  problem: 'missing',
  advice: ({ place }) => `there is no such bucket: deploy the store's stack, or name its bucket instead of ${place}`,
}
const NO_TABLE: Failure = {
  problem: 'missing',
  advice: ({ place }) =>
    `there is no such table in this region: name that of the store's stack instead of ${place}, with ?table=NAME (and ?region=REGION) in the store's address`,
}
const OTHER_REGION: Failure = {
  problem: 'missing',
  advice: ({ place }) => `${place} is in another region: add ?region=REGION to the store's address, or set AWS_REGION`,
}
const THROTTLED: Failure = { problem: 'unavailable', advice: () => 'AWS throttles the calls: try again' }
const DOWN: Failure = { problem: 'unavailable', advice: () => 'the AWS service failed: try again' }
const LATE: Failure = {
  problem: 'unavailable',
  advice: () => 'there was no answer in time: check the route to the AWS endpoint, and try again',
}
const UNREACHABLE: Failure = { problem: 'unavailable', advice: () => 'check region, endpoint and network' }

const FAILURES: Readonly<Record<string, Failure>> = {
  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  AllAccessDisabled: DENIED,
  Forbidden: DENIED,
  KMSAccessDeniedException: DENIED,
  'KMS.AccessDeniedException': DENIED,
  CredentialsProviderError: NO_CREDENTIALS,
  ExpiredToken: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  IncompleteSignature: NO_CREDENTIALS,
  IncompleteSignatureException: NO_CREDENTIALS,
  InvalidAccessKeyId: NO_CREDENTIALS,
  InvalidClientTokenId: NO_CREDENTIALS,
  InvalidSignatureException: NO_CREDENTIALS,
  InvalidToken: NO_CREDENTIALS,
  MissingAuthenticationToken: NO_CREDENTIALS,
  MissingAuthenticationTokenException: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  TokenRefreshRequired: NO_CREDENTIALS,
  UnrecognizedClientException: NO_CREDENTIALS,
  NoSuchBucket: NO_BUCKET,
  ResourceNotFoundException: NO_TABLE,
  TableNotFoundException: NO_TABLE,
  AuthorizationHeaderMalformed: OTHER_REGION,
  IllegalLocationConstraintException: OTHER_REGION,
  PermanentRedirect: OTHER_REGION,
  SlowDown: THROTTLED,
  ThrottlingException: THROTTLED,
  Throttling: THROTTLED,
  ThrottledException: THROTTLED,
  ProvisionedThroughputExceededException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  TooManyRequestsException: THROTTLED,
  ConditionalRequestConflict: THROTTLED,
  InternalError: DOWN,
  InternalFailure: DOWN,
  InternalServerError: DOWN,
  ServiceUnavailable: DOWN,
  RequestTimeout: LATE,
  TimeoutError: LATE,
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EPIPE: UNREACHABLE,
  ETIMEDOUT: LATE,
}

export function storeFailure(error: unknown, attempt: Attempt): StoreError {
  if (error instanceof StoreError) return error
  const { name, message, code } = awsErrorFacts(error)
  const failure = FAILURES[name] ?? FAILURES[code] ?? otherFailure(error, message)
  const said = message === '' || message === name ? name : `${message} (${code === '' ? name : code})`
  const text = `the store cannot be used, ${attempt.action} on ${attempt.place} failed: ${said}; ${failure.advice(attempt)}`
  return new StoreError(text, failure.problem, { cause: error })
}

function otherFailure(error: unknown, message: string): Failure {
  if (/region is missing/iu.test(message)) {
    return {
      problem: 'denied',
      advice: () => "no AWS region is set: set AWS_REGION, or add ?region=REGION to the store's address",
    }
  }
  const status = (error as { readonly $metadata?: { readonly httpStatusCode?: unknown } } | null)?.$metadata
    ?.httpStatusCode
  if (status === 403) return DENIED
  // A redirect to another region has no body that the SDK could name it by.
  if (status === 301 || status === 307) return OTHER_REGION
  if (typeof status === 'number' && status >= 500) return DOWN
  return { problem: 'unavailable', advice: () => 'see the AWS documentation of this error' }
}

/** The name of an AWS error, for those that are answers. */
export function errorName(error: unknown): string {
  return awsErrorFacts(error).name
}
