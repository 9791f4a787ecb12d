/** The looker's bundle as Lambda runs it: what it loads only when a look needs it has to be whole too. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LookAnswer } from '../../functions/core/look-order.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import { awsStore } from '../../functions/stores/aws.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import type { AwsStoreFake } from '../support/aws-store/server.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import { buildOrders, orderOf } from '../support/looker.ts'
import { flywayHistory } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { configWith, first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import { untilUnchanged } from '../support/unchanged.ts'
import { invoke } from './shipped.ts'

const CLUSTER = 'arn:aws:rds:eu-west-1:111111111111:cluster:orders'
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch'
/** A query that is run, and an endpoint: both are read only by what is loaded later. */
const CONFIG = configWith(
  '  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n',
  `  - name: orders-there
    sql: SELECT count(*) AS orders FROM orders
    expect: { minRows: 1 }
endpoints:
  - name: order-page
    url: http://127.0.0.1:1/health
`,
)

let aws: AwsStoreFake
let database: TestDatabase
let dataApi: Awaited<ReturnType<typeof startDataApi>>

beforeAll(async () => {
  ;[aws, database] = await Promise.all([startAwsStore(), createDatabase()])
  dataApi = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  const clients = { s3: new S3Client(aws.client), dynamo: new DynamoDBClient(aws.client) }
  const store = awsStore({ bucket: BUCKET, table: BUCKET, ...clients })
  const built = await buildOrders(CONFIG, MIGRATIONS)
  const { digest, release } = built.expectation
  await store.putManifest('orders', digest, encodeManifest(built))
  await store.putPublished('orders', { ...release, digest, labels: [], at: new Date().toISOString() })
})
afterAll(async () => {
  await dataApi.close()
  await Promise.all([aws.close(), database.drop()])
})

async function look(target: object, deployed = false): Promise<LookAnswer> {
  const settings = { looker: undefined, config: { database: target }, store: { bucket: BUCKET, table: BUCKET } }
  const said = await invoke('looker', aws, settings, orderOf({ by: 'version', version: '1.42.0' }, { deployed }))
  expect(said.threw, said.log).toBeUndefined()
  return said.returned as LookAnswer
}

test('over the Data API it names what is missing, passes once that ran, and remembers it', async () => {
  const target = { cluster: CLUSTER, secret: SECRET, name: database.name, endpoint: dataApi.endpoint }
  await database.run(migrated(first(2)))
  const before = await look(target)
  expect(before).toMatchObject({ proceed: false, report: { verdict: 'fail' } })
  expect(before.report.findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
    'migration-missing V42__add_status_note.sql',
  ])
  await database.run(`${MIGRATIONS[V42]} DROP TABLE flyway_schema_history; ${flywayHistory(MIGRATIONS)}`)
  const after = await look(target)
  expect(after.report.findings).toEqual([])
  const outcomes = Object.fromEntries(after.report.checks.map(({ name, outcome }) => [name, outcome]))
  expect(outcomes).toEqual({ ledger: 'pass', schema: 'pass', queries: 'pass', endpoints: 'skipped' })
  const again = await untilUnchanged(
    () => look(target),
    ({ report }) => report.notes,
  )
  expect(again).toMatchObject({ proceed: true, report: { verdict: 'pass' } })
  expect(again.report.notes.join(' ')).toContain('nothing ran DDL here')
})

test('over the wire it refuses a server without TLS, by its own driver, and asks the endpoint', async () => {
  const { hostname, port, username } = new URL(database.url)
  const { report } = await look({ host: hostname, port: Number(port), name: database.name, user: username }, true)
  expect(report.findings.map(({ code }) => code)).toEqual(
    expect.arrayContaining(['database-unreachable', 'endpoint-failed']),
  )
  expect(JSON.stringify(report.findings)).toContain('the server does not speak TLS')
})
