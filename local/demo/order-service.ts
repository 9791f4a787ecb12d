/** The order service: a real server, whose releases differ by one column in one statement. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PGlite } from '@electric-sql/pglite'
import { ORDER_PAGE } from './project.ts'
import type { ReleaseVersion } from './project.ts'

export interface OrderService {
  readonly url: string
  /** Switches which release answers. */
  deploy(release: ReleaseVersion): void
  readonly release: () => ReleaseVersion
  /** The errors in the service's log, newest last. */
  readonly errors: () => readonly LoggedError[]
  close(): Promise<void>
}

export interface LoggedError {
  /** `GET /orders/120` */
  readonly request: string
  /** The database's own words: `ERROR: column "status_note" does not exist (SQLSTATE 42703)`. */
  readonly text: string
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function answer(database: PGlite, release: ReleaseVersion, request: IncomingMessage): Promise<Answer> {
  const path = request.url ?? '/'
  if (path === '/health') {
    // What most health pages look at: that the process runs and the database answers. Neither is in doubt here.
    await database.query('SELECT 1')
    return { status: 200, body: { status: 'ok', release } }
  }
  if (request.method === 'POST' && path === '/orders') {
    const { rows } = await database.query(
      'INSERT INTO orders (customer_id, total_cents) VALUES (1, 4200) RETURNING id, status',
    )
    return { status: 201, body: rows[0] }
  }
  const order = /^\/orders\/(\d+)$/.exec(path)?.[1]
  if (order === undefined) return { status: 404, body: { error: 'not found' } }
  const { rows } = await database.query(ORDER_PAGE[release], [order])
  return rows.length === 0 ? { status: 404, body: { error: 'no such order' } } : { status: 200, body: rows[0] }
}

function logged(request: IncomingMessage, error: unknown): LoggedError {
  const { message, severity, code } = error as { message?: string; severity?: string; code?: string }
  return { request: `${request.method} ${request.url}`, text: `${severity}: ${message} (SQLSTATE ${code})` }
}

/** As services do: customers learn nothing, the log has it. */
const FAILED: Answer = { status: 500, body: { error: 'internal error' } }

function send(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Starts the service on a free port of the loopback. */
export async function startOrderService(database: PGlite, first: ReleaseVersion): Promise<OrderService> {
  let release = first
  const errors: LoggedError[] = []
  const server = createServer((request, response) => {
    answer(database, release, request)
      .catch((error: unknown) => {
        errors.push(logged(request, error))
        return FAILED
      })
      .then((result) => send(response, result))
      .catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    deploy: (version) => {
      release = version
    },
    release: () => release,
    errors: () => errors,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
