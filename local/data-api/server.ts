/**
 * An HTTP endpoint that speaks the RDS Data API to the unmodified SDK client, over a real Postgres. Stricter than the
 * service wherever its documentation leaves a doubt, and never more generous.
 */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createFaults } from './faults.ts'
import type { Call, Faults, FaultScript, Operation } from './faults.ts'
import { lowerLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import { batchExecute, beginTransaction, endTransaction, executeStatement } from './operations.ts'
import type { Service } from './operations.ts'
import { batchRequest, beginRequest, endRequest, executeRequest, parseRequest } from './requests.ts'
import { EXCEPTION_STATUS, ServiceError } from './service-error.ts'
import { createSessions } from './sessions.ts'
import type { Backend, Login } from './sessions.ts'
import { createTransactions } from './transactions.ts'

export interface DataApiServerOptions {
  readonly backend: Backend
  /** ARNs of the clusters that exist. */
  readonly clusters: readonly string[]
  /** ARNs of the secrets that exist, with their logins; null: the backend's own. */
  readonly secrets: Readonly<Record<string, Login | null>>
  readonly port?: number
  /** Milliseconds; transactions expire and paused clusters resume by it. */
  readonly now?: () => number
  readonly limits?: Partial<Limits>
  readonly faults?: FaultScript
}

/** A call that arrived, and the exception that answered it, if one did. */
type RecordedCall = Call & { readonly exception: string | null }

export interface DataApiServer extends Pick<Faults, 'fail' | 'pause'> {
  /** `http://127.0.0.1:PORT`: the `endpoint` of a `data-api` target. */
  readonly endpoint: string
  readonly calls: readonly RecordedCall[]
  close(): Promise<void>
}

const ROUTES: Readonly<
  Record<string, { readonly operation: Operation; readonly run: (service: Service, body: unknown) => Promise<string> }>
> = {
  '/Execute': {
    operation: 'ExecuteStatement',
    run: (service, body) => executeStatement(service, parseRequest(executeRequest, body)),
  },
  '/BatchExecute': {
    operation: 'BatchExecuteStatement',
    run: (service, body) => batchExecute(service, parseRequest(batchRequest, body)),
  },
  '/BeginTransaction': {
    operation: 'BeginTransaction',
    run: (service, body) => beginTransaction(service, parseRequest(beginRequest, body)),
  },
  '/CommitTransaction': {
    operation: 'CommitTransaction',
    run: (service, body) => endTransaction(service, parseRequest(endRequest, body), 'COMMIT'),
  },
  '/RollbackTransaction': {
    operation: 'RollbackTransaction',
    run: (service, body) => endTransaction(service, parseRequest(endRequest, body), 'ROLLBACK'),
  },
}

async function readBody(request: IncomingMessage, limits: Limits): Promise<unknown> {
  // Headers count too.
  let bytes = request.rawHeaders.join('').length
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= limits.requestBytes) chunks.push(chunk)
  }
  if (bytes > limits.requestBytes) {
    throw new ServiceError('BadRequestException', `The request is larger than ${limits.requestBytes} bytes`)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } catch {
    throw new ServiceError('ValidationException', 'the request is not JSON')
  }
}

function callOf(operation: Operation, body: unknown): Call {
  const { sql, database, transactionId } = (body ?? {}) as Record<string, unknown>
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
  return { operation, sql: text(sql), database: text(database), transactionId: text(transactionId) }
}

function send(response: ServerResponse, status: number, headers: Readonly<Record<string, string>>, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-amzn-requestid': randomUUID(),
    ...headers,
  })
  response.end(body)
}

function sendError(response: ServerResponse, error: unknown): string {
  const known = error instanceof ServiceError ? error : new ServiceError('InternalServerErrorException', String(error))
  // The model gives these two no message.
  const silent =
    known.exception === 'DatabaseUnavailableException' || known.exception === 'InternalServerErrorException'
  const body = JSON.stringify(silent ? {} : { message: known.message })
  send(response, EXCEPTION_STATUS[known.exception], { 'x-amzn-ErrorType': known.exception }, body)
  return known.exception
}

function handle(service: Service, faults: Faults, calls: RecordedCall[]) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = request.method === 'POST' ? ROUTES[request.url ?? ''] : undefined
    let call: Call | null = null
    let exception: string | null = null
    try {
      const body = await readBody(request, service.limits)
      if (route === undefined)
        throw new ServiceError('NotFoundException', `${request.method} ${request.url} is no operation`)
      call = callOf(route.operation, body)
      if (!/^AWS4-HMAC-SHA256 .*\/rds-data\/aws4_request/.test(request.headers.authorization ?? '')) {
        throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token')
      }
      await service.transactions.expire()
      faults.meet(call)
      send(response, 200, {}, await route.run(service, body))
    } catch (error) {
      exception = sendError(response, error)
    }
    if (call !== null) calls.push({ ...call, exception })
  }
}

/** Starts the endpoint on 127.0.0.1. */
export async function startDataApi(options: DataApiServerOptions): Promise<DataApiServer> {
  const now = options.now ?? Date.now
  const limits = lowerLimits(options.limits ?? {})
  const transactions = createTransactions(limits, now)
  const faults = createFaults(now, options.faults ?? (() => null))
  const { clusters, secrets } = options
  const service: Service = { limits, clusters, secrets, transactions, openSession: createSessions(options.backend) }
  const calls: RecordedCall[] = []
  const answer = handle(service, faults, calls)
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // Locks of an abandoned transaction are let go even when nobody calls again.
  const sweep = setInterval(() => void transactions.expire(), 1000)
  sweep.unref()
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    fail: faults.fail,
    pause: faults.pause,
    close: async () => {
      clearInterval(sweep)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await transactions.closeAll()
    },
  }
}
