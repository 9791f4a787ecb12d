/**
 * Postgres through the RDS Data API: a transaction of HTTP calls, one statement each. A look of n statements is n + 4 calls:
 * begin, isolation and read-only, settings, the statements, rollback.
 */
import type {
  BeginTransactionResponse,
  ExecuteStatementResponse,
  Field,
  RDSDataClientConfig,
} from '@aws-sdk/client-rds-data'
import { inRegion, openClient } from '../aws-clients.ts'
import { abandonedFailure } from './connection-errors.ts'
import { ConnectionError, DatabaseError } from './connection.ts'
import type { Connection, DatabaseTarget, Query, QueryValues, ReadOptions, Row, Value } from './connection.ts'
import { regionOfArn } from './credentials.ts'
import { dataApiFailure } from './data-api-errors.ts'
import { resolveReadOptions, SET_READ_ONLY, settingsSql } from './postgres-settings.ts'
import { createSerial } from './serial.ts'
import { statementToSend } from './single-statement.ts'

export type DataApiTarget = Extract<DatabaseTarget, { kind: 'data-api' }>

/** The calls that a look makes. `bytes`: of the answer's body, or null where it is not known. */
export interface DataApiClient {
  begin(input: CallInput): Promise<Answer<BeginTransactionResponse>>
  /** Without a transaction, in one of its own. */
  execute(
    input: CallInput & { readonly transactionId: string | undefined; readonly sql: string },
  ): Promise<Answer<ExecuteStatementResponse>>
  rollBack(input: Omit<CallInput, 'database'> & { readonly transactionId: string }): Promise<Answer<unknown>>
  destroy(): void
}

interface CallInput {
  readonly resourceArn: string
  readonly secretArn: string
  readonly database: string
}

interface Answer<T> {
  readonly output: T
  readonly bytes: number | null
}

export interface DataApiOptions {
  readonly connectTimeoutMs?: number
  /** How long a paused cluster may take to resume; default 60,000. */
  readonly resumeTimeoutMs?: number
  readonly now?: () => number
  readonly sleep?: (ms: number) => Promise<void>
  /** Instead of the AWS SDK's. */
  readonly dataApi?: DataApiClient
  readonly read?: Partial<ReadOptions>
}

/** The service answers 1 MiB and rows of 64 KiB at most: what comes near is cut off. */
const MAX_ANSWER_BYTES = 1_048_576
const MAX_ROW_BYTES = 65_536

const RESUME_STEP_MS = 2500
const RETRY_STEP_MS = 1000
/** For a fail-over or a lost transaction: the whole look again, twice. */
const SHORT_RETRIES = 2

const systemSleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms)
  })

/** An endpoint of plain http on this machine is a stand-in, which wants a signature and checks none. */
function isStandIn(endpoint: string | null): boolean {
  return endpoint !== null && /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::|\/|$)/i.test(endpoint)
}

/** The SDK's client behind the three calls. */
async function openSdkClient(target: DataApiTarget, options: DataApiOptions): Promise<DataApiClient> {
  const sdk = await import('@aws-sdk/client-rds-data')
  const region = target.region ?? regionOfArn(target.cluster)
  const timeoutMs = resolveReadOptions(options.read).statementTimeoutMs
  const config: RDSDataClientConfig = {
    ...inRegion(region),
    ...(target.endpoint === null ? {} : { endpoint: target.endpoint }),
    ...(isStandIn(target.endpoint) ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}),
  }
  // Longer than the statement may take: a request that the SDK repeats must not meet its first try still running.
  const limits = { attempts: 2, connectMs: options.connectTimeoutMs ?? 5000, requestMs: timeoutMs + 10_000 }
  const client = openClient(sdk.RDSDataClient, limits, config)
  let bytes: number | null = null
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { headers } = result.response as { headers?: Record<string, string | undefined> }
      const length = Number(headers?.['content-length'])
      bytes = Number.isFinite(length) ? length : null
      return result
    },
    // Next to the HTTP handler: the answer as it came.
    { step: 'deserialize', priority: 'low', name: 'countAnswerBytes' },
  )
  // Calls of one connection come one after another, so `bytes` is of the call that just ended.
  const answer = async <T>(sent: Promise<T>): Promise<Answer<T>> => ({ output: await sent, bytes })
  return {
    begin: (input) => answer(client.send(new sdk.BeginTransactionCommand(input))),
    execute: (input) =>
      answer(
        client.send(
          new sdk.ExecuteStatementCommand({
            ...input,
            // As text, for statements that are not all cast: a number of JSON is exact to 2^53 only.
            resultSetOptions: { longReturnType: 'STRING', decimalReturnType: 'STRING' },
          }),
        ),
      ),
    rollBack: (input) => answer(client.send(new sdk.RollbackTransactionCommand(input))),
    destroy: () => client.destroy(),
  }
}

function valueOf(field: Field): Value {
  if (field.stringValue !== undefined) return field.stringValue
  if (field.isNull === true) return null
  if (field.booleanValue !== undefined) return field.booleanValue ? 't' : 'f'
  if (field.longValue !== undefined) return String(field.longValue)
  if (field.blobValue !== undefined) return `\\x${Buffer.from(field.blobValue).toString('hex')}`
  // Neither is written here as the server writes it.
  throw new Error('a column is a floating-point number or an array: cast it to text in the query')
}

function rowsOf(output: ExecuteStatementResponse): readonly Row[] {
  return (output.records ?? []).map((record) => record.map(valueOf))
}

function bytesOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => row.reduce((bytes, value) => bytes + Buffer.byteLength(value ?? ''), sum), 0)
}

interface Statement {
  readonly sql: string
  readonly index: number
  readonly parse: (rows: readonly Row[]) => unknown
}

/** Opens nothing yet: the first read does, so that a paused cluster is met there. @throws never */
export async function openDataApi(target: DataApiTarget, options: DataApiOptions = {}): Promise<Connection> {
  const client = options.dataApi ?? (await openSdkClient(target, options))
  const now = options.now ?? (() => performance.now())
  const sleep = options.sleep ?? systemSleep
  const serial = createSerial()
  const name = `cluster ${target.cluster}, database ${target.name}`
  const credentials = { resourceArn: target.cluster, secretArn: target.secret }
  const usage = { roundTrips: 0, bytesRead: 0, resumeMs: 0 }
  const abandoned = new AbortController()
  /** The transaction that is open, and the server's process behind it, as soon as that is known. */
  let open: { readonly begun: Promise<Answer<BeginTransactionResponse>>; pid: string | null } | null = null
  /** The call that was made last. */
  let sent: Promise<unknown> = Promise.resolve()

  async function call<T>(
    send: () => Promise<Answer<T>>,
    statement: number | null,
    sql: string | null,
  ): Promise<Answer<T>> {
    if (abandoned.signal.aborted) throw abandonedFailure(name)
    usage.roundTrips += 1
    try {
      const asked = send()
      sent = asked
      const answer = await unless(abandoned.signal, asked, () => abandonedFailure(name))
      usage.bytesRead += answer.bytes ?? 0
      return answer
    } catch (error) {
      if (abandoned.signal.aborted) throw abandonedFailure(name)
      throw dataApiFailure(error, { target: name, statement, sql })
    }
  }

  async function execute(transactionId: string, sql: string, statement: number | null): Promise<readonly Row[]> {
    const input = { ...credentials, database: target.name, transactionId, sql }
    const { output, bytes } = await call(() => client.execute(input), statement, sql)
    const rows = rowsOf(output)
    if (bytes === null) usage.bytesRead += bytesOf(rows)
    return rows
  }

  async function readOnce(statements: readonly Statement[], read: ReadOptions): Promise<readonly unknown[]> {
    const begin = (): Promise<Answer<BeginTransactionResponse>> => {
      const begun = client.begin({ ...credentials, database: target.name })
      open = { begun, pid: null }
      return begun
    }
    const { transactionId } = (await call(begin, null, null)).output
    if (transactionId === undefined)
      throw new ConnectionError(`${name}: began a transaction without an id`, 'database-unreachable', true)
    const rollBack = (): Promise<unknown> => call(() => client.rollBack({ ...credentials, transactionId }), null, null)
    const values: unknown[] = []
    try {
      await execute(transactionId, SET_READ_ONLY, null)
      const [settings] = await execute(transactionId, settingsSql(read), null)
      if (open !== null) open.pid = settings?.[1] ?? null
      for (const { sql, index, parse } of statements) values.push(parse(await execute(transactionId, sql, index)))
    } catch (error) {
      if (abandoned.signal.aborted) throw error
      const told = await withRollback(error, rollBack)
      open = null
      throw told
    }
    open = null
    await rollBack()
    return values
  }

  /** The same look again, while that may help: a paused cluster until the deadline, anything else that passes twice. */
  async function run(statements: readonly Statement[], read: ReadOptions): Promise<readonly unknown[]> {
    const started = now()
    const deadline = started + (options.resumeTimeoutMs ?? 60_000)
    let retries = 0
    let resuming = false
    for (;;) {
      try {
        const values = await readOnce(statements, read)
        if (resuming) usage.resumeMs += now() - started
        return values
      } catch (error) {
        if (!(error instanceof ConnectionError) || !error.transient) throw error
        const paused = error.code === 'database-resuming'
        if (!paused && retries >= SHORT_RETRIES) throw error
        const step = paused ? RESUME_STEP_MS : RETRY_STEP_MS
        if (now() + step > deadline) throw paused ? gaveUp(error, now() - started) : error
        if (paused) resuming = true
        else retries += 1
        await unless(abandoned.signal, sleep(step), () => abandonedFailure(name))
      }
    }
  }

  return {
    traits: { engine: 'postgres', batches: false, maxAnswerBytes: MAX_ANSWER_BYTES, maxRowBytes: MAX_ROW_BYTES },
    read: async <const Q extends readonly Query<unknown>[]>(queries: Q, readOptions?: Partial<ReadOptions>) => {
      if (queries.length === 0) return [] as unknown as QueryValues<Q>
      const statements = queries.map(({ sql, parse }, index) => ({ sql: statementToSend(sql, index), index, parse }))
      const resolved = resolveReadOptions(readOptions, options.read)
      return (await serial(() => run(statements, resolved))) as unknown as QueryValues<Q>
    },
    usage: () => ({ ...usage }),
    close: () => serial(async () => client.destroy()),
    abandon: () => {
      if (abandoned.signal.aborted) return
      abandoned.abort()
      void leave()
    },
  }

  /** The service goes on with a statement that nobody waits for: it is cancelled from another session of the same role. */
  async function leave(): Promise<void> {
    const left = open
    try {
      if (left?.pid != null) {
        const sql = `SELECT pg_catalog.pg_cancel_backend(${Number(left.pid)})::text`
        await client.execute({ ...credentials, database: target.name, transactionId: undefined, sql })
      }
      const transactionId = (await left?.begun)?.output.transactionId
      // A transaction that still runs a query, if only to be told that it was cancelled, is not rolled back.
      await sent.catch(() => undefined)
      if (transactionId !== undefined) await client.rollBack({ ...credentials, transactionId })
    } catch {
      // Its own timeouts end it: 10 s a statement, 60 s without one.
    } finally {
      client.destroy()
    }
  }
}

/** The work's value, or a rejection as soon as the signal is aborted; what the work does afterwards is of no interest. */
async function unless<T>(signal: AbortSignal, work: Promise<T>, failure: () => Error): Promise<T> {
  let give = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    give = () => reject(failure())
    signal.addEventListener('abort', give, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

function gaveUp(error: ConnectionError, waitedMs: number): ConnectionError {
  return new ConnectionError(`${error.message} (waited ${Math.round(waitedMs / 1000)} s)`, error.code, true, {
    cause: error,
  })
}

/** The look's own error stays what it is; that the rollback failed as well is said with it. */
async function withRollback(error: unknown, rollBack: () => Promise<unknown>): Promise<unknown> {
  try {
    await rollBack()
    return error
  } catch (failure) {
    // A transaction that the service has ended is rolled back.
    if (failure instanceof ConnectionError && /\(TransactionNotFoundException\)/.test(failure.message)) return error
    const also = `; the rollback failed too: ${failure instanceof Error ? failure.message : String(failure)}`
    if (error instanceof ConnectionError)
      return new ConnectionError(error.message + also, error.code, error.transient, { cause: error })
    if (error instanceof DatabaseError) return new DatabaseError(error.message + also, error.facts, { cause: error })
    return new Error(String(error) + also, { cause: error })
  }
}
