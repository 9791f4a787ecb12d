/**
 * The real template, the real bundles and a real PostgreSQL; AWS is an emulator. The gate refuses while the migration is
 * missing, nothing of what depends on it comes into being, and with the migration the same stack deploys. A state machine's gate
 * says the same.
 */
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb'
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { App } from 'aws-cdk-lib'
import { CfnOutput } from 'aws-cdk-lib'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { DefinitionBody, JsonPath, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Database } from '../../infra/database.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import { CLUSTER, releaseFile, SECRET, stackWith } from '../support/synth.ts'
import { createDeployer } from './deploy.ts'
import type { Deployer, Deployment } from './deploy.ts'
import { installMinistack, startMinistack } from './ministack.ts'
import type { Ministack } from './ministack.ts'

const installed = await installMinistack()
if ('why' in installed) console.log(`skipped: ${installed.why}`)

let aws: Ministack
let deployer: Deployer
let database: TestDatabase
let dataApi: DataApiServer
const configs = {
  '1.41.0': 'service: orders\nmigrations: { path: db/migration }\n',
  '1.42.0': undefined,
}

beforeAll(async () => {
  if ('why' in installed) return
  const from = Date.now()
  ;[aws, database] = await Promise.all([startMinistack(installed.folder), createDatabase()])
  deployer = createDeployer(aws)
  await database.run(migrated(first(2)))
  dataApi = await startDataApi({
    backend: { url: inject('postgresUrl') },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  tell('emulator and database', Date.now() - from)
})
afterAll(async () => {
  await aws?.stop()
  await dataApi?.close()
  await database?.drop()
})

function tell(what: string, ms: number): void {
  console.log(`${what}: ${(ms / 1000).toFixed(1)} s`)
}

/** The team's stack: a function that depends on the gate. */
async function ordersApp(version: keyof typeof configs): Promise<App> {
  const migrations = version === '1.41.0' ? first(2) : MIGRATIONS
  const { app, stack, watch } = stackWith(
    await releaseFile(version, 'orders', migrations, configs[version]),
    (scope) => ({
      database: Database.dataApi({
        cluster: { clusterArn: CLUSTER },
        secret: Secret.fromSecretCompleteArn(scope, 'DatabaseSecret', SECRET),
        name: database.name,
        endpoint: dataApi.endpoint,
      }),
    }),
  )
  const orders = new LambdaFunction(stack, 'Orders', {
    functionName: 'orders-api',
    code: Code.fromInline(`exports.handler = async () => '${version}'`),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    description: version,
  })
  watch.gate(orders)
  const ready = watch.gates.stepFunctionsTask(stack, 'DatabaseReady', {
    release: { version: JsonPath.stringAt('$.version') },
  })
  const machine = new StateMachine(stack, 'Deployment', { definitionBody: DefinitionBody.fromChainable(ready) })
  new CfnOutput(stack, 'Machine', { value: machine.stateMachineArn })
  return app
}

/** The version of the function that runs; null: there is none. */
async function deployedVersion(): Promise<string | null> {
  try {
    const { Configuration } = await new LambdaClient(aws.clientConfig).send(
      new GetFunctionCommand({ FunctionName: 'orders-api' }),
    )
    return Configuration?.Description ?? ''
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return null
    throw error
  }
}

/** What the state machine's gate says of 1.42.0: the end of an execution, and why it failed. */
async function taskSays({ outputs }: Deployment): Promise<Readonly<Record<'status' | 'cause' | 'output', string>>> {
  const sfn = new SFNClient(aws.clientConfig)
  const stateMachineArn = outputs['Machine'] ?? ''
  const { executionArn } = await sfn.send(
    new StartExecutionCommand({ stateMachineArn, input: JSON.stringify({ version: '1.42.0' }) }),
  )
  for (;;) {
    const { status = '', cause = '', output = '' } = await sfn.send(new DescribeExecutionCommand({ executionArn }))
    if (status !== 'RUNNING') return { status, cause, output }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function refusalOf({ events }: Deployment): string {
  return events.find((event) => /^(?:CREATE|UPDATE)_FAILED Custom::DeploywatchGate/u.test(event)) ?? events.join('\n')
}

/** What the keys of the table's items begin with. */
async function kindsInTable({ outputs }: Deployment): Promise<readonly string[]> {
  const TableName = Object.entries(outputs).find(([key]) => key.includes('StoreTable'))?.[1] ?? ''
  const { Items = [] } = await new DynamoDBClient(aws.clientConfig).send(new ScanCommand({ TableName }))
  return [...new Set(Items.map(({ pk }) => pk?.S?.split('/')[0] ?? ''))].sort()
}

async function verdicts({ outputs }: Deployment): Promise<readonly string[]> {
  const s3 = new S3Client({ ...aws.clientConfig, forcePathStyle: true })
  const Bucket = Object.entries(outputs).find(([key]) => key.includes('StoreBucket'))?.[1] ?? ''
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'reports/orders/production/' }))
  const texts = await Promise.all(
    Contents.map(async ({ Key = '' }) =>
      (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString(),
    ),
  )
  return texts.map((text) => (JSON.parse(text ?? '{}') as { verdict: string }).verdict)
}

test.skipIf('why' in installed)(
  'a stack whose migration is missing is not created: the reason says which one',
  async () => {
    const deployment = await deployer.deploy(await ordersApp('1.42.0'), 'orders')
    tell('create, refused', deployment.tookMs)
    expect(deployment.status, `${deployment.events.join('\n')}\n${aws.output().slice(-4000)}`).toBe('ROLLBACK_COMPLETE')
    expect(refusalOf(deployment)).toMatch(/migration-missing: V42__add_status_note\.sql/u)
    expect(deployment.events.filter((event) => / Orders\w* ?/u.test(event))).toEqual([])
    expect(await deployedVersion()).toBeNull()
    await deployer.remove('orders')
  },
)

test.skipIf('why' in installed)(
  'an update is refused while the migration is missing, and deploys as soon as it has run',
  async () => {
    const created = await deployer.deploy(await ordersApp('1.41.0'), 'orders')
    tell('create, passed', created.tookMs)
    expect(created.status, `${created.events.join('\n')}\n${aws.output().slice(-4000)}`).toBe('CREATE_COMPLETE')
    expect(await deployedVersion()).toBe('1.41.0')

    const refused = await deployer.deploy(await ordersApp('1.42.0'), 'orders')
    tell('update, refused and rolled back', refused.tookMs)
    expect(refused.status, refused.events.join('\n')).toBe('UPDATE_ROLLBACK_COMPLETE')
    expect(refusalOf(refused)).toMatch(/migration-missing: V42__add_status_note\.sql/u)
    expect(await deployedVersion()).toBe('1.41.0')

    const early = await taskSays(created)
    expect(early, aws.output().slice(-4000)).toMatchObject({ status: 'FAILED' })
    expect(early.cause).toMatch(/migration-missing: V42__add_status_note\.sql/u)

    await database.run(MIGRATIONS[V42] ?? '')
    await database.run(historyOf42())
    const updated = await deployer.deploy(await ordersApp('1.42.0'), 'orders')
    tell('update, passed', updated.tookMs)
    expect(updated.status, updated.events.join('\n')).toBe('UPDATE_COMPLETE')
    expect(await deployedVersion()).toBe('1.42.0')
    const late = await taskSays(updated)
    expect(late, aws.output().slice(-4000)).toMatchObject({ status: 'SUCCEEDED' })
    expect(JSON.parse(late.output)).toMatchObject({
      version: '1.42.0',
      deploywatch: { proceed: true, verdict: 'pass' },
    })
    expect(await verdicts(updated)).toEqual(['pass', 'fail', 'fail', 'pass', 'pass'])
    // The looker may write what it remembers, and the gate what it publishes: the roles' policies are enforced here.
    expect(await kindsInTable(updated)).toEqual(['documents', 'good', 'published', 'schemas', 'stamps'])
  },
)

/** The row that Flyway adds. */
function historyOf42(): string {
  const rows = migrated(MIGRATIONS).split('\n')
  return `INSERT INTO flyway_schema_history VALUES ${rows.at(-1) ?? ''}`
}
