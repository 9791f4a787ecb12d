/**
 * The real template and bundles, the emulator's Lambda and Step Functions, and a migration that is a Lambda function: it runs the
 * release's DDL through the Data API over a real PostgreSQL. What depends on it deploys after a migration that works, and
 * never after one that ends well and did nothing.
 */
import { GetFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { App } from 'aws-cdk-lib'
import { CfnOutput, Duration } from 'aws-cdk-lib'
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { build } from 'esbuild'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { Database } from '../../infra/database.ts'
import { MigrateThenDeploy } from '../../infra/migrate-then-deploy.ts'
import { MigrationTask } from '../../infra/migration-task.ts'
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

beforeAll(async () => {
  if ('why' in installed) return
  ;[aws, database] = await Promise.all([startMinistack(installed.folder), createDatabase()])
  deployer = createDeployer(aws)
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

/** The team's own migration, with its driver: what it is given in SQL, statement by statement. */
async function migrationBundle(sql: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'deploywatch-migration-'))
  const entry = join(folder, 'migrate.ts')
  const settings = { endpoint: dataApi.endpoint, resourceArn: CLUSTER, secretArn: SECRET, database: database.name }
  writeFileSync(
    entry,
    `import { RDSDataClient, ExecuteStatementCommand } from '@aws-sdk/client-rds-data'
const { endpoint, ...where } = ${JSON.stringify(settings)}
const client = new RDSDataClient({ endpoint })
export const handler = async () => {
  for (const sql of ${JSON.stringify(sql)}) await client.send(new ExecuteStatementCommand({ ...where, sql }))
  return 'migrated'
}
`,
  )
  const out = join(folder, 'bundle')
  await build({
    entryPoints: [entry],
    outfile: join(out, 'index.js'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    nodePaths: [join(process.cwd(), 'node_modules')],
    logLevel: 'warning',
  })
  return out
}

/** The team's stack: a service that depends on the migration. */
async function ordersApp(sql: readonly string[]): Promise<App> {
  const { app, stack, watch } = stackWith(await releaseFile(), (scope) => ({
    database: Database.dataApi({
      cluster: { clusterArn: CLUSTER },
      secret: Secret.fromSecretCompleteArn(scope, 'DatabaseSecret', SECRET),
      name: database.name,
      endpoint: dataApi.endpoint,
    }),
  }))
  const common = { runtime: Runtime.NODEJS_24_X, handler: 'index.handler' }
  const migration = new LambdaFunction(stack, 'Migration', {
    ...common,
    code: Code.fromAsset(await migrationBundle(sql)),
    timeout: Duration.minutes(2),
  })
  const orders = new LambdaFunction(stack, 'Orders', {
    ...common,
    functionName: 'orders-api',
    code: Code.fromInline("exports.handler = async () => '1.42.0'"),
  })
  const migrate = new MigrateThenDeploy(stack, 'Migrate', {
    watch,
    task: MigrationTask.lambda(migration),
    before: [orders],
    limit: Duration.minutes(10),
  })
  new CfnOutput(stack, 'Why', { value: migrate.resource.getAttString('Why') })
  return app
}

async function isDeployed(): Promise<boolean> {
  try {
    await new LambdaClient(aws.clientConfig).send(new GetFunctionCommand({ FunctionName: 'orders-api' }))
    return true
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') return false
    throw error
  }
}

const said = ({ events }: Deployment): string => `${events.join('\n')}\n${aws.output().slice(-6000)}`

/** The row that Flyway adds. */
function historyOf42(): string {
  const rows = migrated(MIGRATIONS).split('\n')
  return `INSERT INTO flyway_schema_history VALUES ${(rows.at(-1) ?? '').replace(/;$/u, '')}`
}

test.skipIf('why' in installed)(
  'a migration that ends well and did nothing stops the stack: its error is the finding, and the service is never created',
  async () => {
    const deployment = await deployer.deploy(await ordersApp(['SELECT 1']), 'orders')
    console.log(`create, migration did nothing: ${(deployment.tookMs / 1000).toFixed(1)} s`)
    expect(deployment.status, said(deployment)).toBe('ROLLBACK_COMPLETE')
    const failed = deployment.events.find((event) => event.includes('CREATE_FAILED Custom::DeploywatchMigration')) ?? ''
    expect(failed).toContain('migrate-unconfirmed: orders')
    expect(failed).toMatch(
      /returned without an error; and changed nothing that the release needs: V42__add_status_note/u,
    )
    expect(failed).toContain('aws logs tail')
    expect(deployment.events.filter((event) => / Orders\w* ?/u.test(event))).toEqual([])
    expect(await isDeployed()).toBe(false)
    await deployer.remove('orders')
  },
)

test.skipIf('why' in installed)('a migration that works is confirmed, and then the service is created', async () => {
  const sql = [...(MIGRATIONS[V42] ?? '').split(';\n').filter((statement) => statement.trim() !== ''), historyOf42()]
  const deployment = await deployer.deploy(await ordersApp(sql), 'orders')
  console.log(`create, migrated and confirmed: ${(deployment.tookMs / 1000).toFixed(1)} s`)
  expect(deployment.status, said(deployment)).toBe('CREATE_COMPLETE')
  expect(deployment.outputs['Why']).toMatch(/^confirmed: the function orders-Migration\S* returned without an error$/u)
  const order = deployment.events.filter((event) =>
    /^CREATE_COMPLETE (?:Custom::DeploywatchMigration|AWS::Lambda::Function Orders)/u.test(event),
  )
  expect(order).toEqual([
    expect.stringContaining('Custom::DeploywatchMigration'),
    expect.stringContaining('AWS::Lambda::Function Orders'),
  ])
  expect(await isDeployed()).toBe(true)
})
