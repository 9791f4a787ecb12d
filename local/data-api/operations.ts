/** The five operations: a body in, a body out. */
import { scanStatement } from '../../functions/connections/single-statement.ts'
import { executeAnswer, refuseLargeAnswer } from './answers.ts'
import type { Limits } from './limits.ts'
import { bindParameters } from './parameters.ts'
import { refuseUnsupported } from './requests.ts'
import type { BatchRequest, BeginRequest, EndRequest, ExecuteRequest, Parameter } from './requests.ts'
import { databaseError, ServiceError } from './service-error.ts'
import type { Login, Result, Session } from './sessions.ts'
import type { Transactions } from './transactions.ts'

export interface Service {
  readonly limits: Limits
  readonly clusters: readonly string[]
  /** Secret ARN → its login; null: the backend's own. */
  readonly secrets: Readonly<Record<string, Login | null>>
  readonly transactions: Transactions
  openSession(database: string, login: Login | null): Promise<Session>
}

interface Addressed {
  readonly resourceArn: string
  readonly secretArn: string
}

/** @throws {ServiceError} the cluster or the secret is unknown */
function loginOf(service: Service, { resourceArn, secretArn }: Addressed): Login | null {
  if (!service.clusters.includes(resourceArn)) {
    throw new ServiceError('NotFoundException', `Cluster ${resourceArn} is not found`)
  }
  const login = service.secrets[secretArn]
  if (login === undefined) throw new ServiceError('SecretsErrorException', `Secret ${secretArn} is not found`)
  return login
}

const ownerOf = ({ resourceArn, secretArn }: Addressed): string => `${resourceArn} ${secretArn}`

function refuseStatement(sql: string): void {
  const scan = scanStatement(sql)
  if (scan.kind === 'several') throw new ServiceError('ValidationException', "Multistatements aren't supported")
  if (scan.kind === 'empty') throw new ServiceError('ValidationException', 'sql: must be a statement')
  const [first = ''] = scan.kind === 'one' ? scan.words : []
  if (['begin', 'start', 'commit', 'end', 'rollback', 'abort', 'copy'].includes(first)) {
    throw new ServiceError('ValidationException', `${first.toUpperCase()} isn't supported as a statement`)
  }
}

/** The statement under the service's 45 seconds. */
async function runLimited(
  service: Service,
  session: Session,
  sql: string,
  parameters: readonly Parameter[],
): Promise<Result> {
  const statement = bindParameters(sql, parameters)
  const started = performance.now()
  let late = false
  const timer = setTimeout(() => {
    late = true
    session.cancel().catch(() => {})
  }, service.limits.callMs)
  // PGlite holds the process while it runs: there the timer fires too late.
  const isLate = (): boolean => late || performance.now() - started > service.limits.callMs
  try {
    const result = await session.run(statement.sql, statement.values)
    if (isLate()) throw timedOut()
    return result
  } catch (error) {
    throw isLate() ? timedOut() : databaseError(error)
  } finally {
    clearTimeout(timer)
  }
}

function timedOut(): ServiceError {
  return new ServiceError('StatementTimeoutException', 'Request timed out')
}

async function openSession(
  service: Service,
  request: Addressed & { readonly database?: string | undefined },
): Promise<Session> {
  const login = loginOf(service, request)
  // Without a name the service takes the one of the role, as the driver does.
  const database = request.database ?? login?.username ?? 'postgres'
  try {
    return await service.openSession(database, login)
  } catch (error) {
    throw databaseError(error)
  }
}

async function withSession<T>(
  service: Service,
  request: ExecuteRequest | BatchRequest,
  task: (session: Session) => Promise<T>,
): Promise<T> {
  loginOf(service, request)
  if (request.transactionId !== undefined) {
    return service.transactions.use(request.transactionId, ownerOf(request), request.database, task)
  }
  const session = await openSession(service, request)
  try {
    return await task(session)
  } finally {
    await session.close()
  }
}

export async function executeStatement(service: Service, request: ExecuteRequest): Promise<string> {
  refuseUnsupported(request, service.limits)
  refuseStatement(request.sql)
  return withSession(service, request, async (session) => {
    const result = await runLimited(service, session, request.sql, request.parameters ?? [])
    return executeAnswer(result, request, service.limits)
  })
}

export async function batchExecute(service: Service, request: BatchRequest): Promise<string> {
  refuseUnsupported(request, service.limits)
  refuseStatement(request.sql)
  const sets = request.parameterSets ?? [[]]
  return withSession(service, request, async (session) => {
    for (const set of sets) await runLimited(service, session, request.sql, set)
    return refuseLargeAnswer(
      JSON.stringify({ updateResults: sets.map(() => ({ generatedFields: [] })) }),
      service.limits,
    )
  })
}

export async function beginTransaction(service: Service, request: BeginRequest): Promise<string> {
  refuseUnsupported(request, service.limits)
  const session = await openSession(service, request)
  const database = request.database ?? 'postgres'
  return JSON.stringify({ transactionId: await service.transactions.begin(session, ownerOf(request), database) })
}

export async function endTransaction(
  service: Service,
  request: EndRequest,
  how: 'COMMIT' | 'ROLLBACK',
): Promise<string> {
  loginOf(service, request)
  await service.transactions.end(request.transactionId, ownerOf(request), how)
  return JSON.stringify({ transactionStatus: how === 'COMMIT' ? 'Transaction Committed' : 'Rollback Complete' })
}
