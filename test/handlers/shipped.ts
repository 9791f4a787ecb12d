/** A bundle of dist/handlers/ as Lambda runs it: in a process of its own, with nothing but its variables, and AWS on one endpoint. */
import { spawn } from 'node:child_process'
import { createServer, request as forward } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { LookAnswer, LookOrder } from '../../functions/core/look-order.ts'
import { parseOrder } from '../../functions/look-messages.ts'

export interface Cloud {
  readonly endpoint: string
  /** What the function that looks was asked. */
  readonly orders: readonly LookOrder[]
  /** All that came, headers and bodies, but for those of the artifacts' bucket. */
  sent(): string
  close(): Promise<void>
}

/** The function that looks; null: it never answers. */
export type Looks = (order: LookOrder) => LookAnswer | null

const INVOKE = '/2015-03-31/functions/looker/invocations'

/**
 * @param upstreams endpoints by what a request's path or its signature's service is; `artifacts` is a bucket's name
 */
export async function startCloud(
  looks: Looks,
  upstreams: Readonly<Record<string, string>>,
  artifacts = 'pipeline-bucket',
): Promise<Cloud> {
  const orders: LookOrder[] = []
  let sent = ''
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const path = request.url ?? ''
      const { authorization = '' } = request.headers
      const signed = /Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/([a-z0-9-]+)\//u.exec(authorization)?.[1] ?? ''
      const place = path.startsWith(`/${artifacts}/`) ? 'artifacts' : signed
      if (place !== 'artifacts') sent += `${JSON.stringify(request.headers)}\n${body.toString()}\n`
      if (place === 'lambda' && path === INVOKE) {
        const order = parseOrder(JSON.parse(body.toString()))
        orders.push(order)
        const answer = looks(order)
        if (answer !== null) response.end(JSON.stringify(answer))
        return
      }
      const upstream = upstreams[place]
      if (upstream === undefined) return void response.writeHead(500).end(`nobody expected ${place} ${path}`)
      const passed = forward(new URL(path, upstream), { method: request.method ?? '', headers: request.headers })
      passed.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      })
      passed.on('error', () => response.destroy())
      passed.end(body)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders,
    sent: () => sent,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export interface Invoked {
  readonly returned?: unknown
  /** An error's name and message. */
  readonly threw?: { readonly name: string; readonly message: string }
  /** What the function wrote. */
  readonly log: string
}

const MAIN = `
const { handler } = require('./index.js')
process.on('message', async ({ event, lastsMs }) => {
  const until = Date.now() + lastsMs
  const context = { getRemainingTimeInMillis: () => until - Date.now() }
  const said = await handler(event, context).then(
    (returned) => ({ returned }),
    ({ name, message }) => ({ threw: { name, message } }),
  )
  process.send(said, () => process.exit())
})
`

/** @param lastsMs until Lambda would end the call */
export async function invoke(
  handler: string,
  { endpoint }: Pick<Cloud, 'endpoint'>,
  settings: Readonly<Record<string, unknown>>,
  event: unknown,
  lastsMs = 60_000,
  variables: Readonly<Record<string, string>> = {},
): Promise<Invoked> {
  const named = { service: 'orders', environment: 'production', looker: 'looker', ...settings }
  const child = spawn(process.execPath, ['-e', MAIN], {
    cwd: join('dist', 'handlers', handler),
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      DEPLOYWATCH_SETTINGS: JSON.stringify(named),
      ...variables,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  return new Promise((resolve, reject) => {
    let said: Omit<Invoked, 'log'> | null = null
    child.on('message', (message) => (said = message as Omit<Invoked, 'log'>))
    child.on('close', () => (said === null ? reject(new Error(`${handler} ended: ${log}`)) : resolve({ ...said, log })))
    child.send({ event, lastsMs })
  })
}
