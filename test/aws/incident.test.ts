/**
 * The incident, from the deployment's event to the page and to its end: the real template, the real bundles as functions, the state
 * machine that waits, the local Data API over a real PostgreSQL. AWS is an emulator.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge'
import { S3Client } from '@aws-sdk/client-s3'
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
import { first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import { CLUSTER, releaseFile, SECRET, stackWith } from '../support/synth.ts'
import { createDeployer } from './deploy.ts'
import type { Deployment } from './deploy.ts'
import { installMinistack, startMinistack } from './ministack.ts'
import type { Ministack } from './ministack.ts'

const installed = await installMinistack()
if ('why' in installed) console.log(`skipped: ${installed.why}`)

let aws: Ministack
let database: TestDatabase
let dataApi: DataApiServer

beforeAll(async () => {
  if ('why' in installed) return
  ;[aws, database] = await Promise.all([startMinistack(installed.folder), createDatabase()])
  await database.run(migrated(first(2)))
  dataApi = await startDataApi({
    backend: { url: inject('postgresUrl') },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
})
afterAll(async () => {
  await aws?.stop()
  await dataApi?.close()
  await database?.drop()
})

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
    const kind = /opened|changed|resolved/u.exec(text)?.[0] ?? ''
    return { kind, subject: json.Subject ?? '', text, afterMs: Date.now() - since }
  }
  return null
}

async function deployWatch(): Promise<{ readonly deployment: Deployment; readonly release: string }> {
  const release = await releaseFile('1.42.0', 'orders', MIGRATIONS)
  const { app, stack, watch } = stackWith(release, (scope) => ({
    database: Database.dataApi({
      cluster: { clusterArn: CLUSTER },
      secret: Secret.fromSecretCompleteArn(scope, 'DatabaseSecret', SECRET),
      name: database.name,
      endpoint: dataApi.endpoint,
    }),
    pages: [pageTopic(scope)],
    watchFor: Duration.seconds(30),
  }))
  const { window } = watch.afterDeployments(
    DeploymentSource.custom({ service: 'orders', environment: 'production', source: 'orders.deploy' }),
  )
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
    const put = await new EventBridgeClient(aws.clientConfig).send(
      new PutEventsCommand({
        Entries: [
          {
            Source: 'orders.deploy',
            DetailType: 'Deployment Finished',
            Detail: JSON.stringify({
              deploymentId: 'run-1',
              service: 'orders',
              environment: 'production',
              version: '1.42.0',
              finishedAt: new Date(deployedAt).toISOString(),
            }),
          },
        ],
      }),
    )
    expect(put.FailedEntryCount).toBe(0)

    const opened = await nextPage(sqs, output('InboxUrl'), deployedAt, 60_000)
    expect(opened, aws.output().slice(-6000)).not.toBeNull()
    console.log(`event to page: ${((opened?.afterMs ?? 0) / 1000).toFixed(1)} s\n${opened?.subject}\n${opened?.text}`)
    expect(opened?.subject).toMatch(/orders/u)
    expect(opened?.text).toContain('V42__add_status_note.sql')

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
  },
  240_000,
)
