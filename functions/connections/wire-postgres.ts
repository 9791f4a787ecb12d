/** Postgres over its own protocol: a whole look is one request and one answer. */
import type { Socket } from 'node:net'
import type * as PgDriver from 'pg'
import type { Client as PgClient, ClientConfig, Submittable } from 'pg'
import { ConnectionError } from './connection.ts'
import type { Connection, DatabaseTarget, Query, QueryValues, ReadOptions, Value } from './connection.ts'
import { encryptionOfHost, encryptionOfUrl } from './certificates.ts'
import type { Encryption } from './certificates.ts'
import { abandonedFailure, connectionFailure } from './connection-errors.ts'
import { loginOf } from './credentials.ts'
import type { CredentialClients } from './credentials.ts'
import { maskUrl, withoutSecrets } from './masking.ts'
import { createBatch } from './postgres-batch.ts'
import type { Batch, ServerRefusal } from './postgres-batch.ts'
import { resolveReadOptions } from './postgres-settings.ts'
import { createSerial } from './serial.ts'
import { cancelRequest } from './wire-cancel.ts'

export interface WireOptions extends CredentialClients {
  readonly connectTimeoutMs?: number
  readonly read?: Partial<ReadOptions>
}

export type WireTarget = Extract<DatabaseTarget, { kind: 'url' | 'host' }>

interface Endpoint {
  readonly config: ClientConfig
  readonly encryption: Encryption
  /** For messages: nothing secret in it. */
  readonly name: string
  readonly secrets: readonly (string | null)[]
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/** Beyond the server's own timeouts: then the network is gone, and no answer will ever come. */
const GRACE_MS = 5000

/** Parameters that `encryptionOfUrl` has understood: `pg` reads `require` and `verify-ca` differently from libpq. */
const TLS_PARAMETERS = ['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'uselibpqcompat']

async function endpointOfUrl(target: Extract<WireTarget, { kind: 'url' }>): Promise<Endpoint> {
  const [base = '', query = ''] = splitAt(target.url, '?')
  const parameters = new URLSearchParams(query)
  const encryption = await encryptionOfUrl(parameters, target.ca)
  for (const name of TLS_PARAMETERS) parameters.delete(name)
  const rest = parameters.toString()
  const password = /^[a-z]+:\/\/[^:@/]*:(.*)@/i.exec(base)?.[1] ?? null
  const connectionString = rest === '' ? base : `${base}?${rest}`
  const secrets = [password, parameters.get('password'), password === null ? null : unescaped(password)]
  return { config: { connectionString }, encryption, name: maskUrl(target.url), secrets }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function splitAt(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

async function endpointOfHost(
  target: Extract<WireTarget, { kind: 'host' }>,
  clients: CredentialClients,
): Promise<Endpoint> {
  const encryption = await encryptionOfHost(target.ca)
  const { user, password } = await loginOf(target, clients)
  const config: ClientConfig = { host: target.host, port: target.port, database: target.name }
  if (user !== null) config.user = user
  if (password !== null) config.password = password
  return { config, encryption, name: `${target.name} at ${target.host}:${target.port}`, secrets: [password] }
}

/**
 * The driver asks, as it is loaded, whether it runs at Cloudflare's: by `navigator`, which Node has from 21 on, else by making a
 * `Response`, for which Node 20 loads all of its fetch. That is tens of milliseconds of every look, so it finds the `navigator` of a later Node.
 */
async function loadDriver(): Promise<Pick<typeof PgDriver, 'Client'>> {
  if ('navigator' in globalThis) return import('pg')
  const value = { userAgent: `Node.js/${process.versions.node}` }
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true })
  try {
    return await import('pg')
  } finally {
    Reflect.deleteProperty(globalThis, 'navigator')
  }
}

async function openClient(endpoint: Endpoint, tls: Encryption['tls'], timeoutMs: number): Promise<PgClient> {
  const { Client } = await loadDriver()
  try {
    const client = new Client({
      application_name: 'deploywatch',
      ...endpoint.config,
      ssl: tls === false ? false : { ...tls },
      connectionTimeoutMillis: timeoutMs,
      keepAlive: true,
    })
    // An idle connection that breaks is no reason to die: the next read says so.
    client.on('error', () => {})
    const settings = reportedSettings(client)
    await client.connect()
    // Whether a text is one statement is judged by this rule; a role or database can have the old one.
    if (settings.get('standard_conforming_strings') === 'off')
      await client.query('SET standard_conforming_strings = on')
    return client
  } catch (error) {
    if (tls !== false && endpoint.encryption.fallback && /does not support SSL/i.test(String(error))) {
      return openClient(endpoint, false, timeoutMs)
    }
    const failure = connectionFailure(error, endpoint.name)
    throw new ConnectionError(withoutSecrets(failure.message, endpoint.secrets), failure.code, failure.transient)
  }
}

/** What of a `pg` client is not in its types. */
interface Internals {
  readonly connection: NodeJS.EventEmitter & { readonly stream: Socket }
}

interface ParameterStatus {
  readonly parameterName: string
  readonly parameterValue: string
}

/** The settings that the server reports by itself, as it logs us in. */
function reportedSettings(client: PgClient): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  const { connection } = client as unknown as Internals
  connection.on('parameterStatus', (status: ParameterStatus) =>
    settings.set(status.parameterName, status.parameterValue),
  )
  return settings
}

/** What `pg` calls on a query; `query()` hands itself over to it. */
interface WireQuery extends Submittable {
  handleRowDescription(): void
  handleDataRow(message: { readonly fields: Value[] }): void
  handleCommandComplete(): void
  handleEmptyQuery(): void
  handlePortalSuspended(): void
  handleCopyInResponse(connection: { sendCopyFail(reason: string): void }): void
  handleCopyData(): void
  handleReadyForQuery(): void
  handleError(error: Error): void
}

/**
 * `pg`'s own Query in array mode is as fast, but holds the rows of all statements until the end, and does not say which
 * statement failed. Here a row is the array that the parser of the protocol made, and goes when its statement is parsed.
 */
function submitBatch(client: PgClient, batch: Batch): Promise<void> {
  return new Promise((resolve, reject) => {
    const query: WireQuery = {
      submit: (connection) => {
        connection.query(batch.text)
      },
      handleRowDescription: () => {},
      handleDataRow: (message) => batch.onRow(message.fields),
      handleCommandComplete: () => batch.onComplete(),
      handleEmptyQuery: () => {},
      handlePortalSuspended: () => {},
      handleCopyInResponse: (connection) => connection.sendCopyFail('a look copies nothing'),
      handleCopyData: () => {},
      handleReadyForQuery: () => resolve(),
      handleError: reject,
    }
    client.query(query)
  })
}

function isServerRefusal(error: unknown): error is ServerRefusal & Error {
  return error instanceof Error && typeof (error as ServerRefusal).severity === 'string'
}

function createWireConnection(client: PgClient, name: string, defaults: Partial<ReadOptions>): Connection {
  const serial = createSerial()
  const { stream } = (client as unknown as Internals).connection
  let abandoned = false
  let running = 0
  let roundTrips = 0
  let bytesRead = 0
  // Beside the protocol's own listener: what TLS adds is not counted.
  stream.on('data', (chunk: Buffer) => {
    bytesRead += chunk.length
  })

  /** The request under a clock of our own, for the network that goes silent. */
  async function request<T>(limitMs: number, send: () => Promise<T>): Promise<T> {
    if (abandoned) throw abandonedFailure(name)
    roundTrips += 1
    running += 1
    let silent = false
    const timer = setTimeout(() => {
      silent = true
      stream.destroy()
    }, limitMs)
    try {
      return await send()
    } catch (error) {
      if (!silent) throw error
      throw new ConnectionError(`the database ${name} gave no answer within ${limitMs} ms`, 'check-timeout', true, {
        cause: error,
      })
    } finally {
      running -= 1
      clearTimeout(timer)
    }
  }

  async function run(queries: readonly Query<unknown>[], options: ReadOptions): Promise<readonly unknown[]> {
    const batch = createBatch(queries, options)
    try {
      await request(options.statementTimeoutMs * (queries.length + 1) + GRACE_MS, () => submitBatch(client, batch))
    } catch (error) {
      if (abandoned) throw abandonedFailure(name)
      if (!isServerRefusal(error)) throw connectionFailure(error, name)
      const refused = batch.refusal(error)
      // The server has dropped the rest of the request, our ROLLBACK too.
      if (error.severity === 'ERROR') await rollBack(refused)
      throw refused
    }
    return batch.values()
  }

  async function rollBack(refused: Error): Promise<void> {
    try {
      await request(GRACE_MS, () => client.query('ROLLBACK'))
    } catch (error) {
      stream.destroy()
      const failure = connectionFailure(error, name)
      throw new ConnectionError(`${refused.message}; and then ${failure.message}`, failure.code, failure.transient, {
        cause: refused,
      })
    }
  }

  return {
    traits: { engine: 'postgres', batches: true, maxAnswerBytes: null, maxRowBytes: null },
    read: async <const Q extends readonly Query<unknown>[]>(queries: Q, options?: Partial<ReadOptions>) => {
      if (queries.length === 0) return [] as unknown as QueryValues<Q>
      return (await serial(() => run(queries, resolveReadOptions(options, defaults)))) as QueryValues<Q>
    },
    usage: () => ({ roundTrips, bytesRead, resumeMs: 0 }),
    close: () => serial(() => client.end()),
    abandon: () => {
      if (abandoned) return
      abandoned = true
      if (running === 0) return void client.end().catch(() => undefined)
      cancelRequest(client)
      stream.destroy()
    },
  }
}

/**
 * Opens a connection to a Postgres server.
 *
 * @throws {ConnectionError} it cannot be reached, its certificate is not trusted, or it does not let us in
 */
export async function openWirePostgres(target: WireTarget, options: WireOptions = {}): Promise<Connection> {
  const endpoint = await (target.kind === 'url' ? endpointOfUrl(target) : endpointOfHost(target, options))
  const client = await openClient(
    endpoint,
    endpoint.encryption.tls,
    options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
  )
  return createWireConnection(client, endpoint.name, options.read ?? {})
}
