/**
 * S3 and DynamoDB on one port of this machine, for the real SDK clients: every call that the store makes, and no other. What
 * is not signed, has a damaged body or is not of the service's model is refused. Conditions are really evaluated.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createBuckets, escapeXml } from './buckets.ts'
import type { Buckets } from './buckets.ts'
import { ServiceFailure } from './service-failure.ts'
import { createTables } from './tables.ts'
import type { Tables } from './tables.ts'

export const BUCKET = 'orders-deploywatch'

/** One call, as an IAM action: `dynamodb:PutItem`, `s3:GetObject`. */
export interface Call {
  readonly action: string
  /** The object's path, or the request's body. */
  readonly about: string
}

/**
 * - an error's code and status: answered instead
 * - `silence`: never answered
 * - `hang-up`: the connection is closed, and nothing was done
 * - `lost-answer`: it is done, and the connection is closed
 * - `half-answer`: it is done, and the answer stops in its middle
 */
export type Fault =
  | { readonly code: string; readonly status: number; readonly message?: string }
  | 'silence'
  | 'hang-up'
  | 'lost-answer'
  | 'half-answer'

export interface AwsStoreFake {
  readonly endpoint: string
  /** The configuration of an SDK client. */
  readonly client: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
    readonly forcePathStyle: true
  }
  /** The same for a process of its own. */
  readonly env: Readonly<Record<string, string>>
  readonly calls: Call[]
  readonly tables: Tables
  readonly buckets: Buckets
  /** Asked at each call: what goes wrong with it; null: nothing. */
  fail(script: (call: Call) => Fault | null): void
  close(): Promise<void>
}

export interface AwsStoreOptions {
  readonly buckets?: readonly string[]
  readonly tables?: readonly string[]
  readonly pageBytes?: number
  readonly pageKeys?: number
}

export async function startAwsStore(options: AwsStoreOptions = {}): Promise<AwsStoreFake> {
  const buckets = createBuckets(options.buckets ?? [BUCKET], options.pageKeys ?? 1000)
  const tables = createTables(options.tables ?? [BUCKET], options.pageBytes ?? 1_048_576)
  const calls: Call[] = []
  let script: (call: Call) => Fault | null = () => null
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      const call = callOf(request, body)
      calls.push(call)
      const fault = script(call)
      if (fault === 'silence') return
      if (fault === 'hang-up') return void request.socket.destroy()
      const send = sender(response)
      try {
        if (typeof fault === 'object' && fault !== null)
          throw new ServiceFailure(fault.code, fault.message ?? fault.code, fault.status)
        refuseUnsigned(request, call)
        const answer = call.action.startsWith('s3:')
          ? buckets.answer({ method: request.method ?? '', url: urlOf(request), headers: request.headers, body })
          : json(tables.answer(call.action.slice('dynamodb:'.length), body.toString('utf8')))
        if (fault === 'lost-answer') return void request.socket.destroy()
        send(answer, fault === 'half-answer')
      } catch (error) {
        const failure =
          error instanceof ServiceFailure ? error : new ServiceFailure('InternalError', String(error), 500)
        send(failed(call, failure), false)
      }
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' }
  return {
    endpoint,
    client: { endpoint, region: 'eu-west-1', credentials, forcePathStyle: true },
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    calls,
    tables,
    buckets,
    fail: (next) => {
      script = next
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://fake')
}

const S3_ACTIONS: Readonly<Record<string, string>> = {
  PUT: 's3:PutObject',
  GET: 's3:GetObject',
  DELETE: 's3:DeleteObject',
}

function callOf(request: IncomingMessage, body: Buffer): Call {
  const target = request.headers['x-amz-target']
  if (typeof target === 'string') {
    return { action: `dynamodb:${target.replace('DynamoDB_20120810.', '')}`, about: body.toString('utf8') }
  }
  const url = urlOf(request)
  const isList = request.method === 'GET' && url.searchParams.has('list-type')
  const action = isList ? 's3:ListBucket' : (S3_ACTIONS[request.method ?? ''] ?? `s3:${request.method}`)
  return { action, about: decodeURIComponent(url.pathname) }
}

function refuseUnsigned(request: IncomingMessage, { action }: Call): void {
  const service = action.startsWith('s3:') ? 's3' : 'dynamodb'
  const scope = new RegExp(`^AWS4-HMAC-SHA256 Credential=[^/]+/\\d{8}/[a-z0-9-]+/${service}/aws4_request, `, 'u')
  if (!scope.test(request.headers.authorization ?? ''))
    throw new ServiceFailure('MissingAuthenticationToken', 'Missing Authentication Token', 403)
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

function json(value: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: Buffer.from(JSON.stringify(value)) }
}

function failed({ action }: Call, { code, message, status, more }: ServiceFailure): Answer {
  if (action.startsWith('dynamodb:')) {
    return json({ __type: `com.amazonaws.dynamodb.v20120810#${code}`, message, ...more }, status)
  }
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${escapeXml(message)}</Message><RequestId>fake</RequestId></Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) }
}

function sender(response: ServerResponse): (answer: Answer, isHalf: boolean) => void {
  return ({ status, headers, body }, isHalf) => {
    response.writeHead(status, { ...headers, 'content-length': body.length, 'x-amzn-requestid': 'fake' })
    if (isHalf) response.write(body.subarray(0, Math.floor(body.length / 2)))
    else response.end(body)
  }
}
