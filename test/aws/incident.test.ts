/**
 * The incident, from the deployment's event to the page and to its end: the real template, the real bundles as functions, the state
 * machine that waits, the local Data API over a real PostgreSQL. AWS is an emulator, and between it and the functions is a proxy that
 * puts faults where it is told to. Secrets are planted, and searched for in all that the run leaves behind.
 */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import {
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn'
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { CfnOutput, Duration } from 'aws-cdk-lib'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import { Queue } from 'aws-cdk-lib/aws-sqs'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { manifestOf, partPath } from '../../functions/release/manifest.ts'
import { publishRelease } from '../../functions/release/publish.ts'
import { awsStore } from '../../functions/stores/aws.ts'
import { Database } from '../../infra/database.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { configWith, first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import { CLUSTER, releaseFile, SECRET, stackWith } from '../support/synth.ts'
import { createDeployer } from './deploy.ts'
import type { Deployment } from './deploy.ts'
import type { Microburst } from './microburst.ts'
import { startMicroburst } from './microburst.ts'
import { installMinistack, startMinistack } from './ministack.ts'
import type { Ministack } from './ministack.ts'
import { allThatIsLeft, finds, formsOf } from './planted.ts'

const installed = await installMinistack()
if ('why' in installed) console.log(`skipped: ${installed.why}`)

let aws: Ministack
let faults: Microburst | null = null
let page: OrderPage
let database: TestDatabase
let dataApi: DataApiServer

beforeAll(async () => {
  if ('why' in installed) return
  ;[aws, database, page] = await Promise.all([startMinistack(installed.folder), createDatabase(), startOrderPage()])
  await database.run(migrated(first(2)))
  dataApi = await startDataApi({
    backend: { url: inject('postgresUrl') },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
})
afterAll(async () => {
  faults?.stop()
  await aws?.stop()
  page?.close()
  await dataApi?.close()
  await database?.drop()
})

/** Characters that every encoding writes in another way. */
const PLANTED = {
  endpointToken: 'Pl4nted+token/of="the"page',
  eventSecret: 'Pl4nted secret/in+"an"event',
  responseUrl: 'Pl4nted+signature/of="the"response',
  artifactKey: 'Pl4nted+secret/key="of"an artifact',
  sessionToken: 'Pl4nted+session/token="of"an artifact',
}

interface OrderPage {
  readonly port: number
  /** The token came with a request. */
  asked: boolean
  isWell: boolean
  close(): void
}

/** The service's own page. While it is not well it tells all that it was asked with, as badly behaved ones do. */
async function startOrderPage(): Promise<OrderPage> {
  const server: Server = createServer((request, response) => {
    own.asked ||= (request.headers.authorization ?? '').includes(PLANTED.endpointToken)
    response.setHeader('x-release', '1.42.0')
    const told = JSON.stringify({ url: request.url, ...request.headers })
    if (own.isWell) response.end('{"status":"ok"}')
    else response.writeHead(500, { location: `/?${encodeURIComponent(told)}` }).end(`failed for ${told}`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const own = {
    port: (server.address() as AddressInfo).port,
    asked: false,
    isWell: false,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
  return own
}

interface Page {
  readonly kind: string
  readonly subject: string
  readonly text: string
  readonly afterMs: number
}

/** The next message of the queue that is subscribed to the topic, raw. */
async function nextPage(sqs: SQSClient, url: string, since: number, withinMs: number): Promise<Page | null> {
  while (Date.now() - since < withinMs) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 1, MessageAttributeNames: ['All'] }),
    )
    const [message] = Messages
    if (message === undefined) continue
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message.ReceiptHandle }))
    const body = message.Body ?? ''
    const json = JSON.parse(body) as { readonly Subject?: string; readonly Message?: string }
    const text = json.Message ?? body
    // Alarms tell the same topic; the emulator lets metrics, and so alarms, through only where it enforces no policies.
    if (text.includes('"AlarmName"')) continue
    const kind = /opened|changed|resolved/u.exec(text)?.[0] ?? ''
    return { kind, subject: json.Subject ?? '', text, afterMs: Date.now() - since }
  }
  return null
}

/** What the page names is there: the whole report, for people. */
async function expectReportPage({ text }: Page, bucket: string): Promise<void> {
  const { links } = JSON.parse(text) as { readonly links: { readonly report: string | null } }
  const url = new URL(links.report ?? '')
  expect(url.pathname).toBe(`/s3/object/${bucket}`)
  const s3 = new S3Client({ ...aws.clientConfig, forcePathStyle: true })
  const Key = url.searchParams.get('prefix') ?? ''
  const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
  expect(object.ContentType).toBe('text/html; charset=utf-8')
  const html = (await object.Body?.transformToString()) ?? ''
  expect(html).toMatch(/FAIL: orders 1\.42\.0/u)
  for (const part of ['V42__add_status_note.sql', 'id="where"', 'id="timeline"']) expect(html).toContain(part)
}

async function deployWatch(): Promise<{ readonly deployment: Deployment; readonly release: string }> {
  const endpoints = `endpoints:
  - name: order-page
    url: http://127.0.0.1:${page.port}/orders?key=\${CANARY_TOKEN}
    headers: { authorization: "Bearer \${CANARY_TOKEN}" }
    revision: { header: x-release, equals: "\${release.version}" }
    expect: { status: 200 }
`
  const environments = '  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n'
  const release = await releaseFile('1.42.0', 'orders', MIGRATIONS, configWith(environments, endpoints))
  const { ARN = '' } = await new SecretsManagerClient(aws.clientConfig).send(
    new CreateSecretCommand({ Name: 'canary', SecretString: JSON.stringify({ token: PLANTED.endpointToken }) }),
  )
  const { app, stack, watch } = stackWith(release, (scope) => ({
    database: Database.dataApi({
      cluster: { clusterArn: CLUSTER },
      secret: Secret.fromSecretCompleteArn(scope, 'DatabaseSecret', SECRET),
      name: database.name,
      endpoint: dataApi.endpoint,
    }),
    pages: [pageTopic(scope)],
    watchFor: Duration.seconds(30),
    hosts: [`127.0.0.1:${page.port}`],
    secrets: { CANARY_TOKEN: { secret: Secret.fromSecretCompleteArn(scope, 'Canary', ARN), field: 'token' } },
  }))
  const { window } = watch.afterDeployments(
    DeploymentSource.custom({ service: 'orders', environment: 'production', source: 'orders.deploy' }),
  )
  for (const [name, { function: gate }] of [
    ['StackGate', watch.gates.cloudFormation],
    ['PipelineGate', watch.gates.codePipelineFunction('action')],
  ] as const)
    new CfnOutput(stack, name, { value: gate.functionName })
  new CfnOutput(stack, 'Window', { value: window.stateMachine.stateMachineArn })
  const deployment = await createDeployer(aws).deploy(app, 'orders')
  return { deployment, release }
}

function pageTopic(scope: ConstructorParameters<typeof Topic>[0]): Topic {
  const topic = new Topic(scope, 'Pages')
  const queue = new Queue(scope, 'Inbox')
  topic.addSubscription(new SqsSubscription(queue))
  new CfnOutput(scope, 'InboxUrl', { value: queue.queueUrl })
  return topic
}

/** From now on all that the functions ask of AWS goes through it. */
async function routeThrough({ endpoint }: Microburst): Promise<void> {
  const lambda = new LambdaClient(aws.clientConfig)
  const { Functions = [] } = await lambda.send(new ListFunctionsCommand({}))
  for (const { FunctionName } of Functions) {
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }))
    const Variables = { ...Environment?.Variables, AWS_ENDPOINT_URL: endpoint }
    await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }))
  }
}

/** The functions' own logs say more than the emulator's. */
async function whatHappened(): Promise<string> {
  const logs = Object.entries(await allThatIsLeft(aws)).filter(([place]) => place.startsWith('log '))
  return [...logs.flatMap(([place, lines]) => [place, ...lines.slice(-40)]), ...((await faults?.fired()) ?? [])].join(
    '\n',
  )
}

async function announce(deploymentId: string): Promise<void> {
  const detail = {
    deploymentId,
    service: 'orders',
    environment: 'production',
    version: '1.42.0',
    finishedAt: new Date().toISOString(),
    // Somebody's own field, of no use to us.
    deployToken: PLANTED.eventSecret,
  }
  const entries = [detail, { ...detail, deploymentId: { token: PLANTED.eventSecret } }].map((one) => ({
    Source: 'orders.deploy',
    DetailType: 'Deployment Finished',
    Detail: JSON.stringify(one),
  }))
  const put = await new EventBridgeClient(aws.clientConfig).send(new PutEventsCommand({ Entries: entries }))
  expect(put.FailedEntryCount).toBe(0)
}

/** What gates are asked with, by nobody who could be answered: whoever fails tells the most. */
async function askGates(stackGate: string, pipelineGate: string): Promise<void> {
  const request = {
    RequestType: 'Create',
    ResponseURL: `https://127.0.0.1:1/answer?X-Amz-Signature=${encodeURIComponent(PLANTED.responseUrl)}`,
    StackId: 'arn:aws:cloudformation:eu-west-1:000000000000:stack/other/1',
    RequestId: 'planted',
    LogicalResourceId: 'Gate',
    ResourceType: 'Custom::DeploywatchGate',
    ResourceProperties: { Service: 'orders', Environment: 'production', ReleaseVersion: '1.42.0' },
  }
  const job = {
    id: '11111111-abcd-1111-abcd-111111abcdef',
    accountId: '000000000000',
    data: {
      actionConfiguration: { configuration: { FunctionName: pipelineGate, UserParameters: '{"manifest":"."}' } },
      inputArtifacts: [
        {
          name: 'Build',
          revision: null,
          location: { type: 'S3', s3Location: { bucketName: 'artifacts', objectKey: 'build.zip' } },
        },
      ],
      outputArtifacts: [],
      artifactCredentials: {
        accessKeyId: 'AKIAPLANTED',
        secretAccessKey: PLANTED.artifactKey,
        sessionToken: PLANTED.sessionToken,
      },
    },
  }
  const lambda = new LambdaClient(aws.clientConfig)
  for (const [FunctionName, event] of [
    [stackGate, request],
    [pipelineGate, { 'CodePipeline.job': job }],
  ] as const)
    await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }))
}

/** What throttles, fails, is slow and breaks off between the functions and AWS: each of it less often than it is tried again. */
const BAD_WEATHER: Parameters<Microburst['rules']>[0] = [
  { service: 'sns', operation: 'Publish', times: 2, error: { code: 'Throttling' } },
  { service: 'sns', operation: 'Publish', times: 1, error: { code: 'InternalError', status: 500 } },
  { service: 'dynamodb', operation: 'PutItem', times: 2, error: { code: 'ProvisionedThroughputExceededException' } },
  { service: 'dynamodb', operation: 'GetItem', times: 1, reset: true },
  { service: 'dynamodb', operation: 'Query', times: 1, error: { code: 'InternalServerError', status: 500 } },
  { service: 'lambda', operation: 'Invoke', times: 1, error: { code: 'TooManyRequestsException', status: 429 } },
  {
    service: 'stepfunctions',
    operation: 'StartExecution',
    times: 1,
    error: { code: 'ServiceUnavailable', status: 503 },
  },
  { service: 's3', operation: 'GetObject', times: 2, latency: 400 },
  { service: 'cloudwatch', operation: 'PutMetricData', times: 2, error: { code: 'ThrottlingException' } },
]

test.skipIf('why' in installed)(
  'a deployment whose migration is missing pages within seconds, and once more when it has run',
  async () => {
    const { deployment, release } = await deployWatch()
    expect(deployment.status, `${deployment.events.join('\n')}\n${aws.output().slice(-4000)}`).toBe('CREATE_COMPLETE')
    const output = (name: string): string =>
      Object.entries(deployment.outputs).find(([key]) => key.includes(name))?.[1] ?? ''
    const store = awsStore({
      bucket: output('StoreBucket'),
      table: output('StoreTable'),
      s3: new S3Client({ ...aws.clientConfig, forcePathStyle: true }),
      dynamo: new DynamoDBClient(aws.clientConfig),
    })
    const files = { header: await readFile(release), catalog: await readFile(partPath(release)) }
    const { digest } = manifestOf(files, release).expectation
    await publishRelease({ store, service: 'orders', digest, files, evidence: [], labels: [], clock: Date.now })

    const sqs = new SQSClient(aws.clientConfig)
    const deployedAt = Date.now()
    await announce('run-1')

    const opened = await nextPage(sqs, output('InboxUrl'), deployedAt, 60_000)
    if (opened === null) throw new Error(await whatHappened())
    console.log(`event to page: ${((opened.afterMs ?? 0) / 1000).toFixed(1)} s\n${opened.subject}\n${opened.text}`)
    expect(opened.subject).toMatch(/orders/u)
    expect(opened.text).toContain('V42__add_status_note.sql')
    await expectReportPage(opened, output('StoreBucket'))

    page.isWell = true
    await database.run(MIGRATIONS[V42] ?? '')
    await database.run(`INSERT INTO flyway_schema_history VALUES ${migrated(MIGRATIONS).split('\n').at(-1) ?? ''}`)
    const resolved = await nextPage(sqs, output('InboxUrl'), Date.now(), 90_000)
    expect(resolved, aws.output().slice(-6000)).not.toBeNull()
    console.log(`${resolved?.subject}\n${resolved?.text}`)
    expect(resolved?.text).toMatch(/resolved/iu)

    const sfn = new SFNClient(aws.clientConfig)
    const { executions = [] } = await sfn.send(new ListExecutionsCommand({ stateMachineArn: output('Window') }))
    expect(executions).toHaveLength(1)
    const executionArn = executions[0]?.executionArn
    for (let status = 'RUNNING', until = Date.now() + 60_000; status === 'RUNNING' && Date.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const described = await sfn.send(new DescribeExecutionCommand({ executionArn }))
      status = described.status ?? ''
      if (status !== 'RUNNING') {
        expect(status).toBe('SUCCEEDED')
        expect(JSON.parse(described.output ?? '{}')).toMatchObject({ over: true, verdict: 'pass' })
      }
    }
    expect(await store.runningRelease('orders', 'production')).toMatchObject({ version: '1.42.0' })
    expect(await nextPage(sqs, output('InboxUrl'), Date.now(), 3_000)).toBeNull()

    // Once more, while AWS throttles and fails.
    await database.run('ALTER TABLE orders DROP COLUMN status_note')
    faults = await startMicroburst('folder' in installed ? installed.folder : '', aws)
    await routeThrough(faults)
    await faults.rules(BAD_WEATHER)
    const againAt = Date.now()
    await announce('run-2')
    const again = await nextPage(sqs, output('InboxUrl'), againAt, 60_000)
    if (again === null) throw new Error(await whatHappened())
    expect(again.kind).toBe('opened')
    expect(await nextPage(sqs, output('InboxUrl'), Date.now(), 5_000)).toBeNull()
    const fired = await faults.fired()
    console.log(`event to page through ${fired.length} faults: ${(again.afterMs / 1000).toFixed(1)} s`)
    for (const { service, operation } of BAD_WEATHER)
      expect(fired.join('\n'), 'the faults were really put').toContain(`${service} ${operation} `)
    const watches = await sfn.send(new ListExecutionsCommand({ stateMachineArn: output('Window') }))
    expect(watches.executions).toHaveLength(2)

    await askGates(output('StackGate'), output('PipelineGate'))
    const pages = [opened, resolved, again].map((one) => JSON.stringify(one))
    const left = { ...(await allThatIsLeft(aws)), pages, manifest: [files.header, files.catalog].map(String) }
    const places = Object.keys(left)
    for (const kind of ['log ', 'object manifests/', 'object reports/', 'item', 'execution', 'stack event'])
      expect(
        places.some((place) => place.startsWith(kind)),
        `${kind} in ${places.join(', ')}`,
      ).toBe(true)
    expect(page.asked, 'the token was really used').toBe(true)
    for (const gate of ['cloudformation', 'codepipeline'])
      expect(
        Object.entries(left).some(
          ([place, lines]) => place.startsWith('log ') && new RegExp(gate, 'iu').test(place) && lines.length > 0,
        ),
        `the gate of ${gate} was really asked`,
      ).toBe(true)
    expect(finds(left, PLANTED)).toEqual([])
  },
  240_000,
)

test('a planted secret is found in each of its forms, wherever it stands', () => {
  const secret = PLANTED.endpointToken
  for (const form of formsOf(secret)) expect(finds({ log: [`before ${form} after`] }, { secret })).not.toEqual([])
  for (const before of ['', 'a', 'ab']) {
    const text = Buffer.from(`${before}${secret} and more`).toString('base64')
    expect(finds({ log: [text] }, { secret })).not.toEqual([])
  }
  expect(finds({ log: ['Bearer ***'] }, { secret })).toEqual([])
})
