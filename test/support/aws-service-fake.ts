/**
 * AWS services of the JSON and Query protocols as a strict stand-in: real SDK clients are pointed at it (`endpoint`). It
 * refuses what is not signed, not addressed to the service, or not of the SDK's own service model (a required member that is
 * not there, another type, an unknown member), and the test fails in `close()` for each request that it had to refuse.
 *
 *     const fake = await startAwsServiceFake([
 *       awsService(codedeploy, { GetDeployment: ({ deploymentId }) => ({ deploymentInfo: { deploymentId } }) }),
 *     ])
 *     const client = new codedeploy.CodeDeployClient(fake.client)
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJson, decodeQuery, encodeJson, encodeXml, escapeXml, operationsOf } from './aws-service-schema.ts'
import type { Operation } from './aws-service-schema.ts'

/** What a service answers instead of its output: an error of its model, or nothing at all. */
export type AwsFault =
  | { readonly fault: 'error'; readonly name: string; readonly message: string; readonly status: number }
  | { readonly fault: 'silence' }
  | { readonly fault: 'hang-up' }

export function awsError(name: string, message: string, status = 400): AwsFault {
  return { fault: 'error', name, message, status }
}
/** Takes the request and never answers: for timeouts. */
export const SILENCE: AwsFault = { fault: 'silence' }
/** Closes the connection without an answer. */
export const HANG_UP: AwsFault = { fault: 'hang-up' }

type InputOf<C> = C extends abstract new (...rest: never[]) => { readonly input: infer Input } ? Input : never
type OutputOf<C> = C extends abstract new (...rest: never[]) => {
  resolveMiddleware(...rest: never[]): (args: never) => Promise<{ readonly output: infer Output }>
}
  ? Omit<Output, '$metadata'>
  : never

/** What a service answers, by operation. One that is absent is refused: nobody expected that call. */
export type AwsAnswers<M> = {
  readonly [K in keyof M as K extends `${infer Name}Command` ? Name : never]?: (
    input: InputOf<M[K]>,
  ) => OutputOf<M[K]> | AwsFault | Promise<OutputOf<M[K]> | AwsFault>
}

type Answer = (input: unknown) => unknown

export interface AwsService {
  readonly namespace: string
  readonly operations: ReadonlyMap<string, Operation>
  readonly answers: Readonly<Record<string, Answer | undefined>>
}

/** `models`: the whole client package, as in `import * as ecs from '@aws-sdk/client-ecs'`. */
export function awsService<M extends object>(models: M, answers: NoInfer<AwsAnswers<M>>): AwsService {
  const operations = operationsOf(models)
  const namespace = [...operations.values()][0]?.namespace
  if (namespace === undefined) throw new Error('the package has no service model')
  return { namespace, operations, answers: answers as Readonly<Record<string, Answer | undefined>> }
}

/** What came, in order, as the SDK's callers wrote it. */
export interface AwsCall {
  readonly service: string
  readonly operation: string
  readonly input: unknown
}

export interface AwsServiceFake {
  readonly calls: readonly AwsCall[]
  /** Why requests were refused. `close` throws where there are any, but for those that a test took out of here. */
  readonly refused: string[]
  /** The configuration of any SDK client. */
  readonly client: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
    readonly maxAttempts: number
  }
  close(): Promise<void>
}

type Protocol =
  | { readonly kind: 'json'; readonly signing: string; readonly target: string; readonly contentType: string }
  | { readonly kind: 'query'; readonly signing: string; readonly version: string; readonly xmlNamespace: string }

const json = (signing: string, target: string, version: '1.0' | '1.1'): Protocol => ({
  kind: 'json',
  signing,
  target,
  contentType: `application/x-amz-json-${version}`,
})

/** Each service's protocol, as its client's runtimeConfig has it. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  'com.amazonaws.codebuild': json('codebuild', 'CodeBuild_20161006', '1.1'),
  'com.amazonaws.codedeploy': json('codedeploy', 'CodeDeploy_20141006', '1.1'),
  'com.amazonaws.codepipeline': json('codepipeline', 'CodePipeline_20150709', '1.1'),
  'com.amazonaws.ecs': json('ecs', 'AmazonEC2ContainerServiceV20141113', '1.1'),
  'com.amazonaws.eventbridge': json('events', 'AWSEvents', '1.1'),
  'com.amazonaws.sfn': json('states', 'AWSStepFunctions', '1.0'),
  'com.amazonaws.cloudwatch': json('monitoring', 'GraniteServiceVersion20100801', '1.0'),
  'com.amazonaws.sqs': json('sqs', 'AmazonSQS', '1.0'),
  'com.amazonaws.dynamodb': json('dynamodb', 'DynamoDB_20120810', '1.0'),
  'com.amazonaws.cloudformation': {
    kind: 'query',
    signing: 'cloudformation',
    version: '2010-05-15',
    xmlNamespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
  },
  'com.amazonaws.sns': {
    kind: 'query',
    signing: 'sns',
    version: '2010-03-31',
    xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
  },
}

interface Spoken {
  readonly service: AwsService
  readonly protocol: Protocol
}

export async function startAwsServiceFake(services: readonly AwsService[]): Promise<AwsServiceFake> {
  const spoken = services.map((service): Spoken => {
    const protocol = PROTOCOLS[service.namespace]
    if (protocol === undefined) throw new Error(`teach this fake the protocol of ${service.namespace}`)
    return { service, protocol }
  })
  const calls: AwsCall[] = []
  const refused: string[] = []
  const server = createServer((request, response) => {
    void readBody(request).then(async (body) => {
      try {
        await answerRequest(spoken, calls, request, body, response)
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        refused.push(why)
        response.writeHead(400, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ __type: 'FakeRefused', message: why }))
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    calls,
    refused,
    client: {
      endpoint: `http://127.0.0.1:${port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
      maxAttempts: 1,
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      if (refused.length > 0) throw new Error(`requests that AWS would refuse: ${refused.join('; ')}`)
    },
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

async function answerRequest(
  spoken: readonly Spoken[],
  calls: AwsCall[],
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const { service, protocol } = addressed(spoken, request)
  const { operation, input } = readRequest(service, protocol, request, body)
  calls.push({ service: protocol.signing, operation: operation.name, input })
  const answer = service.answers[operation.name]
  if (answer === undefined) throw new Error(`${protocol.signing} ${operation.name}: nobody expected this call`)
  const output = await answer(input)
  if (isFault(output)) {
    if (output.fault === 'hang-up') request.socket.destroy()
    if (output.fault === 'error') writeError(protocol, output, response)
    return
  }
  writeOutput(protocol, operation, output, response)
}

/** Signature version 4 says which service a request is for: the hosts are all this one. */
function addressed(spoken: readonly Spoken[], request: IncomingMessage): Spoken {
  const { authorization = '' } = request.headers
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/([a-z0-9-]+)\/aws4_request, /.exec(
    authorization,
  )
  if (scope === null) throw new Error(`not signed: ${request.method} ${request.url}`)
  if (request.method !== 'POST' || request.url !== '/') throw new Error(`not POST /: ${request.method} ${request.url}`)
  const found = spoken.find(({ protocol }) => protocol.signing === scope[1])
  if (found === undefined) throw new Error(`signed for a service that is not here: ${scope[1]}`)
  return found
}

function readRequest(
  service: AwsService,
  protocol: Protocol,
  request: IncomingMessage,
  body: string,
): { readonly operation: Operation; readonly input: unknown } {
  const form = new URLSearchParams(protocol.kind === 'query' ? body : '')
  const target = String(request.headers['x-amz-target'])
  const contentType = protocol.kind === 'json' ? protocol.contentType : 'application/x-www-form-urlencoded'
  if (request.headers['content-type'] !== contentType) {
    throw new Error(`${protocol.signing}: content type ${request.headers['content-type']}, not ${contentType}`)
  }
  if (protocol.kind === 'json' && !target.startsWith(`${protocol.target}.`))
    throw new Error(`no such target: ${target}`)
  if (protocol.kind === 'query' && form.get('Version') !== protocol.version) {
    throw new Error(`${protocol.signing}: version ${form.get('Version')}, not ${protocol.version}`)
  }
  const name = protocol.kind === 'json' ? target.slice(protocol.target.length + 1) : (form.get('Action') ?? '')
  const operation = service.operations.get(name)
  if (operation === undefined) throw new Error(`${protocol.signing}: no such operation: ${name}`)
  const { value, problems } =
    protocol.kind === 'json'
      ? decodeJson(operation.input, JSON.parse(body) as unknown, name)
      : decodeQuery(operation.input, form)
  if (problems.length > 0) throw new Error(`${protocol.signing} ${name}: ${problems.join('; ')}`)
  return { operation, input: value }
}

function isFault(output: unknown): output is AwsFault {
  return typeof output === 'object' && output !== null && 'fault' in output
}

function writeError(protocol: Protocol, error: Extract<AwsFault, { fault: 'error' }>, response: ServerResponse): void {
  response.writeHead(error.status, { 'content-type': contentTypeOf(protocol) })
  const { name, message } = error
  response.end(
    protocol.kind === 'json'
      ? JSON.stringify({ __type: name, message })
      : `<ErrorResponse xmlns="${protocol.xmlNamespace}"><Error><Type>Sender</Type><Code>${escapeXml(name)}</Code><Message>${escapeXml(message)}</Message></Error><RequestId>fake</RequestId></ErrorResponse>`,
  )
}

function writeOutput(protocol: Protocol, operation: Operation, output: unknown, response: ServerResponse): void {
  const { name } = operation
  const body =
    protocol.kind === 'json'
      ? JSON.stringify(encodeJson(operation.output, output ?? {}, name))
      : `<${name}Response xmlns="${protocol.xmlNamespace}"><${name}Result>${encodeXml(operation.output, output ?? {}, name)}</${name}Result><ResponseMetadata><RequestId>fake</RequestId></ResponseMetadata></${name}Response>`
  response.writeHead(200, { 'content-type': contentTypeOf(protocol) })
  response.end(body)
}

function contentTypeOf(protocol: Protocol): string {
  return protocol.kind === 'json' ? protocol.contentType : 'text/xml'
}
