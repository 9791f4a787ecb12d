/** From the exceptions of the RDS Data API to the port's errors, by name: `instanceof` breaks across bundled SDK copies. */
import { awsErrorFacts, awsFailure } from './aws-errors.ts'
import { ConnectionError, DatabaseError } from './connection.ts'
import type { CouldNotLookCode } from '../core/finding.ts'
import { connectionFailureOfState } from './connection-errors.ts'

interface Verdict {
  readonly code: CouldNotLookCode
  readonly transient: boolean
  readonly advice: string
}

/** Of the exceptions that say nothing about a statement. */
const EXCEPTIONS: Readonly<Record<string, Verdict>> = {
  DatabaseResumingException: {
    code: 'database-resuming',
    transient: true,
    advice: 'the cluster was paused and is resuming: try again in a minute',
  },
  DatabaseUnavailableException: {
    code: 'database-unreachable',
    transient: true,
    advice: "the cluster's writer is not available (fail-over, scaling): try again",
  },
  DatabaseNotFoundException: {
    code: 'database-unreachable',
    transient: false,
    advice: 'the cluster has no instance: check the ARN, and that it has a writer',
  },
  HttpEndpointNotEnabledException: {
    code: 'data-api-disabled',
    transient: false,
    advice: 'enable the Data API on the cluster (`enableDataApi: true`, or rds:EnableHttpEndpoint)',
  },
  InvalidResourceStateException: {
    code: 'database-unreachable',
    transient: true,
    advice: 'the cluster is in a state in which it answers nobody: try again',
  },
  InvalidSecretException: {
    code: 'credentials-invalid',
    transient: false,
    advice: 'the secret needs `username` and `password` of a role of this database',
  },
  SecretsErrorException: {
    code: 'credentials-invalid',
    transient: true,
    advice: 'check that the secret exists, and that it can be decrypted',
  },
  NotFoundException: {
    code: 'database-unreachable',
    transient: false,
    advice: 'check the ARNs of cluster and secret, and the region',
  },
  TransactionNotFoundException: {
    code: 'database-unreachable',
    transient: true,
    advice: "the look's transaction was ended by the service: try again",
  },
  // Ours alone: the SDK repeated a call whose first try still runs.
  TransactionBusy: {
    code: 'check-timeout',
    transient: false,
    advice: 'the statement outlived its request: raise the timeout, or make the query cheaper',
  },
  InternalServerErrorException: {
    code: 'database-unreachable',
    transient: true,
    advice: 'the Data API failed: try again',
  },
  ServiceUnavailableError: {
    code: 'database-unreachable',
    transient: true,
    advice: 'the Data API is not available: try again',
  },
}

/** What the exception's text says of the database, where it does: `ERROR: column "x" does not exist; Position: 8; SQLState: 42703`. */
export interface DatabaseText {
  readonly message: string
  readonly sqlState: string | null
  readonly position: number | null
  readonly detail: string | null
  readonly hint: string | null
}

/** The parts stand behind `;` or on lines of their own. */
export function parseDatabaseText(text: string): DatabaseText {
  const part = (name: string): string | null =>
    new RegExp(
      `(?:^|[;\\n])\\s*${name}:\\s*([^\\n]*?)\\s*(?=$|\\n|;\\s*(?:Position|Detail|Hint|Where|SQLState):)`,
      'i',
    ).exec(text)?.[1] ?? null
  const start = text.search(/[;\n]\s*(?:Position|Detail|Hint|Where|SQLState):/i)
  const position = part('Position')
  return {
    message: (start === -1 ? text : text.slice(0, start)).replace(/^\s*(?:ERROR|FATAL|PANIC):\s*/, '').trim(),
    sqlState: /SQLState:\s*([0-9A-Z]{5})/i.exec(text)?.[1] ?? null,
    position: position === null || !/^\d+$/.test(position) ? null : Number(position),
    detail: part('Detail'),
    hint: part('Hint'),
  }
}

/** Texts without an SQLSTATE that older clusters, and the service itself, are known to answer. */
const TEXTS: readonly (readonly [pattern: RegExp, sqlState: string])[] = [
  [/statement timeout|timed? ?out/i, '57014'],
  [/lock timeout/i, '55P03'],
  [/response size limit|size was too large|packet for query is too large|too large/i, '54000'],
  [/\blength\b.*(?:at most|less than or equal)/i, '54000'],
  [/multistatement/i, '42601'],
  [/unsupported data type|multidimensional|array parameters/i, '0A000'],
]

/** Without an SQLSTATE the text is the service's own; older clusters have it where newer ones have an exception. */
const OLD_TEXTS: readonly (readonly [pattern: RegExp, exception: string])[] = [
  [/HttpEndpoint is not enabled/i, 'HttpEndpointNotEnabledException'],
  [/is resuming|communications link failure/i, 'DatabaseResumingException'],
  [/transaction .* is not found/i, 'TransactionNotFoundException'],
  [/still running a query/i, 'TransactionBusy'],
]

export interface CallFacts {
  /** For messages: the cluster and database. */
  readonly target: string
  /** Index of the caller's statement; null: one of the look's own calls. */
  readonly statement: number | null
  readonly sql: string | null
}

const ABOUT_STATEMENT: ReadonlySet<string> = new Set([
  'BadRequestException',
  'DatabaseErrorException',
  'StatementTimeoutException',
  'UnsupportedResultException',
  'ValidationException',
])

function stateOf(name: string, text: DatabaseText): string {
  if (text.sqlState !== null) return text.sqlState
  const known = TEXTS.find(([pattern]) => pattern.test(text.message))
  if (known !== undefined) return known[1]
  if (name === 'StatementTimeoutException') return '57014'
  if (name === 'ValidationException') return '42601'
  return name === 'UnsupportedResultException' ? '0A000' : 'XX000'
}

function statementFailure(
  name: string,
  message: string,
  facts: CallFacts,
  cause: unknown,
): DatabaseError | ConnectionError {
  const text = parseDatabaseText(message)
  const sqlState = stateOf(name, text)
  const lost = connectionFailureOfState(sqlState, text.message)
  if (lost !== null)
    return new ConnectionError(`${facts.target}: ${lost.message}`, lost.code, lost.transient, { cause })
  if (facts.statement === null) {
    const code =
      sqlState === '57014' ? 'check-timeout' : sqlState === '42501' ? 'permission-denied' : 'database-unreachable'
    return new ConnectionError(
      `${facts.target} refused to begin a look (SQLSTATE ${sqlState}): ${text.message}`,
      code,
      false,
      { cause },
    )
  }
  // What the service refuses by its own limits is told with the query: it is ours to write it differently.
  const excerpt = name === 'DatabaseErrorException' && text.sqlState !== null ? '' : ` (query: ${excerptOf(facts.sql)})`
  const { position, detail, hint } = text
  return new DatabaseError(
    `${text.message || name}${excerpt}`,
    { sqlState, position, detail, hint, statement: facts.statement },
    { cause },
  )
}

function excerptOf(sql: string | null): string {
  return (sql ?? '').replaceAll(/\s+/g, ' ').trim().slice(0, 120)
}

/** The port's error for what a call of the Data API threw. */
export function dataApiFailure(error: unknown, facts: CallFacts): DatabaseError | ConnectionError {
  if (error instanceof ConnectionError || error instanceof DatabaseError) return error
  const { name, message } = awsErrorFacts(error)
  const own = (name === 'BadRequestException' || name === 'DatabaseErrorException') && !/SQLState:/i.test(message)
  const old = own ? OLD_TEXTS.find(([pattern]) => pattern.test(message))?.[1] : undefined
  const verdict = EXCEPTIONS[old ?? name]
  if (verdict !== undefined) {
    const said = message === '' || message === 'UnknownError' ? name : `${message} (${name})`
    return new ConnectionError(`${facts.target}: ${said}; ${verdict.advice}`, verdict.code, verdict.transient, {
      cause: error,
    })
  }
  if (ABOUT_STATEMENT.has(name)) return statementFailure(name, message, facts, error)
  return awsFailure(error, facts.target, 'rds-data:ExecuteStatement and secretsmanager:GetSecretValue')
}
