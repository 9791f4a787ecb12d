/** The shipped bundle of the dashboard's matrix, as CloudWatch invokes it, against a store that refuses what S3 and DynamoDB refuse. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { MigrationEvidence, MigrationState } from '../../functions/core/migration-evidence.ts'
import { writeEvidence } from '../../functions/release/evidence.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { publishRelease } from '../../functions/release/publish.ts'
import { keepStanding } from '../../functions/standing.ts'
import { awsStore } from '../../functions/stores/aws.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { AwsStoreFake } from '../support/aws-store/server.ts'
import { buildOrders } from '../support/looker.ts'
import { configWith, MIGRATIONS } from '../support/project.ts'
import { invoke } from './shipped.ts'
import type { Invoked } from './shipped.ts'

/** As CloudWatch sends it; what is of no use here is left out. */
const EVENT = { widgetContext: { dashboardName: 'orders', widgetId: 'widget-1', theme: 'dark', params: {}, forms: {} } }
const HOSTILE = 'db/migration/V43__<img src=x onerror=alert(1)>.sql'
const DAY = 86_400_000

let aws: AwsStoreFake
let built: BuiltRelease
let store: ReturnType<typeof awsStore>

beforeAll(async () => {
  aws = await startAwsStore()
  const config = configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n')
  built = await buildOrders(config, { ...MIGRATIONS, [HOSTILE]: 'SELECT 1;\n' })
  store = awsStore({
    bucket: BUCKET,
    table: BUCKET,
    s3: new S3Client(aws.client),
    dynamo: new DynamoDBClient(aws.client),
  })
})
afterAll(() => aws.close())
afterEach(() => aws.fail(() => null))

async function widget(event: unknown = EVENT): Promise<Invoked> {
  return invoke('matrix-widget', aws, { store: { bucket: BUCKET, table: BUCKET }, looker: undefined }, event)
}

function seen(states: readonly MigrationState[], daysAgo: number): MigrationEvidence {
  const [seenAt, at] = [Date.now() - DAY, Date.now() - daysAgo * DAY - 60_000].map((ms) => new Date(ms).toISOString())
  const migrations = built.expectation.ledgers.flatMap((ledger) => ledger.migrations)
  return {
    seenAt: seenAt ?? '',
    server: { engine: 'postgres', version: '15.18' },
    records: migrations.map(({ subject }, nth) => ({
      ledger: 'default',
      subject,
      state: states[nth] ?? 'unknown',
      at: states[nth] === 'applied' ? (at ?? null) : null,
      took: null,
      tables: [],
      seenAt: seenAt ?? '',
    })),
    volumes: [],
    objects: null,
  }
}

test('an empty store is told with what to do, and not an error', async () => {
  const { returned } = await widget()
  expect(returned).toMatch(/^<p>no release of orders was published here yet: run `npx deploywatch publish`/u)
})

test('the matrix of the newest release: what its evidence says of other environments, and the last look of this one', async () => {
  const { digest } = built.expectation
  const evidence = {
    schema: 'deploywatch/evidence/1',
    service: 'orders',
    environment: 'staging',
    release: { version: '1.42.0', commit: null },
    expectation: digest,
    statements: [],
    migrations: seen(['applied', 'applied', 'applied', 'applied'], 21),
  } as const
  await publishRelease({
    store,
    service: 'orders',
    digest,
    files: encodeManifest(built),
    evidence: [{ ...evidence, statements: [] }],
    labels: [],
    clock: Date.now,
  })
  const place = { service: 'orders', environment: 'production' }
  const migrations = seen(['applied', 'applied', 'missing', 'missing'], 40)
  await keepStanding(store, place, { digest, migrations, seenAt: migrations.seenAt })
  aws.calls.length = 0
  const { returned, threw } = await widget()
  expect(threw).toBeUndefined()
  const html = String(returned)
  const rows = [...html.matchAll(/<tr>.*?<\/tr>/gsu)].map(([row]) =>
    row
      .replaceAll(/<br \/>.*?<\/span>/gsu, '')
      .replaceAll(/<[^>]+>/gu, ' ')
      .replaceAll(/\s+/gu, ' ')
      .trim(),
  )
  expect(rows).toEqual([
    'migration staging production',
    'V43__&lt;img src=x onerror=alert(1)&gt;.sql ✓ 21 days ago ✗ never',
    'V42__add_status_note.sql ✓ 21 days ago ✗ never',
    'V41__customers.sql ✓ 21 days ago ✓ 40 days ago',
    'V40__orders.sql ✓ 21 days ago ✓ 40 days ago',
  ])
  expect(html).not.toMatch(/<(?:script|img|iframe|style)|class=/u)
  expect(html).toContain('seen 1 day ago')
  expect(html).toContain('which release runs in production is not known')
  // Text and page colours are the dashboard's own, in both themes.
  expect(html).not.toMatch(/[;"]color:|#[0-9a-f]{3,6}\b/u)
  // It only reads: what its policy allows.
  expect(new Set(aws.calls.map(({ action }) => action))).toEqual(
    new Set(['dynamodb:GetItem', 'dynamodb:Query', 's3:GetObject', 's3:ListBucket']),
  )
  // Evidence that somebody damaged is told, and hides nothing else.
  await store.putEvidence('orders', digest, 'qa', writeEvidence({ ...evidence, statements: [] }).slice(0, 40))
  expect(String((await widget()).returned)).toContain('evidence in the store cannot be read')
})

test('what the widget is, it says in Markdown', async () => {
  expect((await widget({ describe: true })).returned).toMatch(/^# Deploywatch: migrations × environments\n/u)
})

test('a store that cannot be read is a sentence, escaped, and a line in the log', async () => {
  aws.fail(() => ({ code: 'AccessDeniedException', status: 400, message: '<b>no</b>' }))
  const { returned, threw, log } = await widget(null)
  expect(threw).toBeUndefined()
  expect(returned).toMatch(/^<p>the matrix could not be made: .*<\/p>$/u)
  expect(returned).not.toContain('<b>')
  expect(log).toContain('"what":"matrix"')
})
