/** The exceptions of the RDS Data API, with their HTTP statuses as the SDK's model has them. */

export const EXCEPTION_STATUS = {
  AccessDeniedException: 403,
  BadRequestException: 400,
  DatabaseErrorException: 400,
  DatabaseNotFoundException: 404,
  DatabaseResumingException: 400,
  DatabaseUnavailableException: 504,
  ForbiddenException: 403,
  HttpEndpointNotEnabledException: 400,
  InternalServerErrorException: 500,
  InvalidResourceStateException: 400,
  InvalidSecretException: 400,
  MissingAuthenticationTokenException: 403,
  NotFoundException: 404,
  SecretsErrorException: 400,
  ServiceUnavailableError: 503,
  StatementTimeoutException: 400,
  ThrottlingException: 400,
  TransactionNotFoundException: 404,
  UnsupportedResultException: 400,
  // Not in the model: arrives as a generic error by its name.
  ValidationException: 400,
} as const

export type ExceptionName = keyof typeof EXCEPTION_STATUS

export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  constructor(
    readonly exception: ExceptionName,
    message: string,
  ) {
    super(message)
  }
}

interface PostgresError {
  readonly message: string
  readonly code?: string
  readonly severity?: string
  readonly position?: string
  readonly detail?: string
  readonly hint?: string
}

/** As the service words an error of the database: `ERROR: relation "x" does not exist; Position: 15; SQLState: 42P01`. */
export function databaseError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  const { message, code, severity, position, detail, hint } = error as PostgresError
  if (severity === undefined || code === undefined) {
    return new ServiceError('DatabaseUnavailableException', message || String(error))
  }
  const parts = [
    `${severity}: ${message}`,
    ...(detail === undefined ? [] : [`Detail: ${detail}`]),
    ...(hint === undefined ? [] : [`Hint: ${hint}`]),
    ...(position === undefined ? [] : [`Position: ${position}`]),
    `SQLState: ${code}`,
  ]
  return new ServiceError('DatabaseErrorException', parts.join('; '))
}
