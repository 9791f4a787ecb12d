import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { afterEach, describe, expect, test } from 'vitest'
import { awsStore } from '../../functions/stores/aws.ts'
import { StoreError } from '../../functions/stores/store.ts'
import { storeContract } from '../contracts/store.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { AwsStoreFake, AwsStoreOptions } from '../support/aws-store/server.ts'

const fakes: AwsStoreFake[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map((fake) => fake.close()))
})

async function start(options: AwsStoreOptions = {}): Promise<AwsStoreFake> {
  const fake = await startAwsStore(options)
  fakes.push(fake)
  return fake
}

/** Requests that fail are sent again at once: tests need not wait. */
function open(fake: AwsStoreFake, now?: () => number, timeoutMs = 5_000) {
  const settings = {
    ...fake.client,
    maxAttempts: 2,
    requestHandler: { requestTimeout: timeoutMs, throwOnRequestTimeout: true },
  }
  const clock = now === undefined ? {} : { now }
  return awsStore({
    bucket: BUCKET,
    table: BUCKET,
    s3: new S3Client(settings),
    dynamo: new DynamoDBClient(settings),
    ...clock,
  })
}

// Pages so small that everything has several.
storeContract('AWS', async (now) => open(await start({ pageBytes: 6_000, pageKeys: 2 }), now))

const KEY = {
  service: 'orders',
  environment: 'production',
  systemIdentifier: '1',
  database: 'orders',
  schemas: 'public',
  expectationDigest: 'e',
  readerVersion: '1',
}
const STAMP = { stamp: 's', ledgers: [], at: '2026-11-22T10:00:00.000Z', notes: [], findings: [] }
const RELEASE = { version: '1', commit: null, manifestDigest: 'm', since: STAMP.at }
const FILES = { header: Buffer.from('header'), catalog: Buffer.from('catalog') }

/** What a store answers, or the error that it throws. */
async function failureOf(work: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (error instanceof StoreError) return error
  throw new Error(`expected a StoreError, found ${String(error)}`)
}

describe('what is where', () => {
  test('the bucket has manifests, evidence and reports, the table the rest, and nothing else is called', async () => {
    const fake = await start()
    const store = open(fake)
    await store.putManifest('orders', 'd', FILES)
    await store.putEvidence('orders', 'e', 'staging', 'evidence')
    await store.putReport('orders', 'production', '{}', STAMP.at)
    await store.putVerifiedStamp(KEY, STAMP)
    await store.putRunningRelease('orders', 'production', RELEASE)
    await store.putDocument('incidents/orders', 'text', null, STAMP.at)
    expect([...fake.buckets.objects(BUCKET).keys()].sort()).toEqual([
      'evidence/orders/e/staging.json',
      'manifests/orders/d/catalog',
      'manifests/orders/d/header',
      expect.stringMatching(/^reports\/orders\/production\/20261122100000000-[0-9a-f]{12}\.json$/),
    ])
    const items = fake.tables.items(BUCKET)
    expect(items.map(({ pk }) => pk)).toEqual([
      { S: expect.stringMatching(/^stamps\/orders\/production\/[0-9a-f]{40}$/) },
      { S: 'running/orders' },
      { S: 'documents/incidents%2forders' },
    ])
    // DynamoDB's time to live counts in seconds.
    expect(items.at(-1)?.['expiresAt']).toEqual({ N: String(Date.parse(STAMP.at) / 1000) })
    expect(new Set(fake.calls.map(({ action }) => action))).toEqual(new Set(['s3:PutObject', 'dynamodb:PutItem']))
  })

  test('two stores of one bucket and table are kept apart by their prefixes', async () => {
    const fake = await start()
    const [s3, dynamo] = [new S3Client(fake.client), new DynamoDBClient(fake.client)]
    const of = (prefix: string) => awsStore({ bucket: BUCKET, table: BUCKET, prefix, s3, dynamo })
    await of('teams/a/').putRunningRelease('orders', 'production', RELEASE)
    await of('teams/a/').putEvidence('orders', 'e', 'staging', 'of a')
    await of('teams/a/').putManifest('orders', 'd', FILES)
    for (const other of [of('teams/b/'), of('')]) {
      expect(await other.runningRelease('orders', 'production')).toBeNull()
      expect(await other.evidence('orders', 'e')).toEqual([])
      expect(await other.manifest('orders', 'd')).toBeNull()
    }
    expect([...fake.buckets.objects(BUCKET).keys()].every((key) => key.startsWith('teams/a/'))).toBe(true)
    expect(await of('teams/a/').runningRelease('orders', 'production')).toEqual(RELEASE)
  })

  test('a text that an item cannot hold is an object, and none is left behind when it is replaced or refused', async () => {
    const fake = await start()
    const store = open(fake)
    const long = 'x'.repeat(500_000)
    const objects = (): readonly string[] => [...fake.buckets.objects(BUCKET).keys()]
    await store.putDocument('a', long, null, null)
    expect(objects()).toEqual([expect.stringMatching(/^long\//)])
    expect(await store.putDocument('a', `${long}2`, 'another', null)).toBe(false)
    expect(objects()).toHaveLength(1)
    const { version = '' } = (await store.document('a')) ?? {}
    expect(await store.putDocument('a', `${long}3`, version, null)).toBe(true)
    expect(objects()).toHaveLength(1)
    expect((await store.document('a'))?.text).toBe(`${long}3`)
    fake.buckets.objects(BUCKET)
    const [only = ''] = objects()
    ;(fake.buckets.objects(BUCKET) as Map<string, Buffer>).delete(only)
    expect((await failureOf(store.document('a'))).problem).toBe('unreadable')
  })

  test('pages of one item and of two keys are all read', async () => {
    const fake = await start({ pageBytes: 1, pageKeys: 2 })
    const store = open(fake)
    for (let at = 0; at < 5; at += 1) {
      await store.putVerifiedStamp({ ...KEY, database: `d${at}` }, STAMP)
      await store.putEvidence('orders', 'e', `env-${at}`, String(at))
    }
    expect(await store.verifiedStamps(KEY)).toHaveLength(5)
    expect(await store.evidence('orders', 'e')).toEqual(['0', '1', '2', '3', '4'])
    expect(fake.calls.filter(({ action }) => action === 'dynamodb:Query')).toHaveLength(6)
    expect(fake.calls.filter(({ action }) => action === 's3:ListBucket')).toHaveLength(3)
  })

  test('samples do not pile up, and who died while putting them together is waited for a minute', async () => {
    let now = Date.parse(STAMP.at)
    const fake = await start()
    const store = open(fake, () => now)
    const put = async (from: number, to: number): Promise<void> => {
      for (let at = from; at < to; at += 1) {
        const time = new Date(Date.parse(STAMP.at) + at * 1000).toISOString()
        await store.putSamples('orders', 'production', [
          { check: 'query', name: 'q', at: time, durationMs: at, rows: 1, resumed: false, revision: null },
        ])
      }
    }
    await put(0, 32)
    fake.fail(({ action }) =>
      action === 'dynamodb:DeleteItem' ? { code: 'AccessDeniedException', status: 400 } : null,
    )
    await failureOf(put(32, 33))
    await put(33, 40)
    // The claim, what was put together, and what stayed behind.
    expect(fake.tables.items(BUCKET)).toHaveLength(42)
    fake.fail(() => null)
    now += 61_000
    await put(40, 41)
    expect(fake.tables.items(BUCKET)).toHaveLength(1)
    expect((await store.samples('orders', 'production')).map(({ durationMs }) => durationMs)).toEqual(
      Array.from({ length: 41 }, (_, at) => at),
    )
  })

  test('samples that are put together stand behind all that they replace: a query that is under way meets them', async () => {
    const fake = await start()
    const store = open(fake)
    for (let at = 0; at < 80; at += 1) {
      const time = new Date(Date.parse(STAMP.at) + at * 1000).toISOString()
      await store.putSamples('orders', 'production', [
        { check: 'query', name: 'q', at: time, durationMs: at, rows: 1, resumed: false, revision: null },
      ])
    }
    const keys = fake.calls.flatMap(({ action, about }) => {
      const body = JSON.parse(about) as Record<'Item' | 'Key', Record<'pk' | 'sk', { S: string }> | undefined>
      const { pk, sk } = body.Item ?? body.Key ?? {}
      return pk?.S === 'samples/orders/production' && sk !== undefined ? [{ action, sk: sk.S }] : []
    })
    let together = ''
    let removed = 0
    for (const { action, sk } of keys) {
      if (action === 'dynamodb:PutItem' && !sk.startsWith('000000000000-')) {
        expect(sk > together).toBe(true)
        together = sk
      }
      if (action !== 'dynamodb:DeleteItem') continue
      removed += 1
      expect(sk < together).toBe(true)
    }
    expect(removed).toBeGreaterThan(60)
    expect(await store.samples('orders', 'production')).toHaveLength(80)
  })

  test('a stamp that nobody renewed for three months is none, whether or not DynamoDB has deleted it', async () => {
    let now = Date.parse(STAMP.at)
    const fake = await start()
    const store = open(fake, () => now)
    await store.putVerifiedStamp(KEY, STAMP)
    now += 89 * 86_400_000
    expect(await store.verifiedStamps(KEY)).toHaveLength(1)
    now += 2 * 86_400_000
    expect(await store.verifiedStamps(KEY)).toEqual([])
    fake.tables.reap(now)
    expect(await store.verifiedStamps(KEY)).toEqual([])
  })
})

describe('lost answers', () => {
  test('a document whose write was answered to nobody is written once, and its writer knows', async () => {
    const fake = await start()
    const store = open(fake)
    const loseFirst = (): void => {
      let lost = false
      fake.fail(({ action }) => {
        if (action !== 'dynamodb:PutItem' || lost) return null
        lost = true
        return 'lost-answer'
      })
    }
    loseFirst()
    expect(await store.putDocument('a', 'one', null, null)).toBe(true)
    const { version = '' } = (await store.document('a')) ?? {}
    loseFirst()
    expect(await store.putDocument('a', 'two', version, null)).toBe(true)
    expect((await store.document('a'))?.text).toBe('two')
    loseFirst()
    expect(await store.putDocument('a', 'three', version, null)).toBe(false)
  })

  test('a manifest whose write was answered to nobody is no conflict', async () => {
    const fake = await start()
    const store = open(fake)
    const seen = new Set<string>()
    fake.fail(({ action, about }) => {
      if (action !== 's3:PutObject' || seen.has(about)) return null
      seen.add(about)
      return 'lost-answer'
    })
    await store.putManifest('orders', 'd', FILES)
    expect(await store.manifest('orders', 'd')).toEqual(FILES)
  })

  test('S3 that answers 409 to one of two writers is asked again', async () => {
    const fake = await start()
    let conflicts = 0
    fake.fail(({ action }) => {
      if (action !== 's3:PutObject' || conflicts === 2) return null
      conflicts += 1
      return { code: 'ConditionalRequestConflict', status: 409 }
    })
    await open(fake).putManifest('orders', 'd', FILES)
    expect(conflicts).toBe(2)
  })

  test('a header that was never written is no manifest, and the same publisher finishes it', async () => {
    const fake = await start()
    const store = open(fake)
    fake.fail(({ about }) => (about.endsWith('/header') ? { code: 'SlowDown', status: 503 } : null))
    expect((await failureOf(store.putManifest('orders', 'd', FILES))).problem).toBe('unavailable')
    fake.fail(() => null)
    expect(await store.manifest('orders', 'd')).toBeNull()
    await store.putManifest('orders', 'd', FILES)
    expect(await store.manifest('orders', 'd')).toEqual(FILES)
  })
})

describe('failures say what to do', () => {
  test.each([
    [
      'AccessDenied',
      403,
      'denied',
      /s3:GetObject on the bucket orders-deploywatch.*allow s3:GetObject and s3:ListBucket/,
    ],
    ['InvalidAccessKeyId', 403, 'denied', /check the AWS credentials/],
    ['NoSuchBucket', 404, 'missing', /there is no such bucket/],
    ['PermanentRedirect', 301, 'missing', /another region: add \?region=REGION/],
    ['SlowDown', 503, 'unavailable', /throttles/],
    ['InternalError', 500, 'unavailable', /try again/],
  ] as const)('S3 that answers %s', async (code, status, problem, text) => {
    const fake = await start()
    fake.fail(() => ({ code, status }))
    const failure = await failureOf(open(fake).manifest('orders', 'd'))
    expect(failure.problem).toBe(problem)
    expect(failure.message).toMatch(text)
  })

  test.each([
    ['AccessDeniedException', 'denied', /dynamodb:GetItem on the table orders-deploywatch.*allow dynamodb:GetItem on/],
    ['UnrecognizedClientException', 'denied', /check the AWS credentials/],
    ['ResourceNotFoundException', 'missing', /there is no such table in this region.*\?table=NAME/],
    ['ProvisionedThroughputExceededException', 'unavailable', /throttles/],
    ['ThrottlingException', 'unavailable', /throttles/],
  ] as const)('DynamoDB that answers %s', async (code, problem, text) => {
    const fake = await start()
    fake.fail(() => ({ code, status: 400 }))
    const failure = await failureOf(open(fake).runningRelease('orders', 'production'))
    expect(failure.problem).toBe(problem)
    expect(failure.message).toMatch(text)
  })

  test('a bucket and a table that are not there', async () => {
    const fake = await start({ buckets: [], tables: [] })
    expect((await failureOf(open(fake).putReport('orders', 'production', '{}', STAMP.at))).problem).toBe('missing')
    expect((await failureOf(open(fake).verifiedStamps(KEY))).problem).toBe('missing')
  })

  test('silence, a connection that is closed, and an answer that stops in its middle end in time', async () => {
    const fake = await start()
    const store = open(fake, Date.now, 150)
    fake.fail(() => 'silence')
    expect((await failureOf(store.manifest('orders', 'd'))).message).toMatch(/no answer in time/)
    expect((await failureOf(store.document('a'))).problem).toBe('unavailable')
    fake.fail(() => 'hang-up')
    expect((await failureOf(store.manifest('orders', 'd'))).problem).toBe('unavailable')
    await fake.close()
    expect((await failureOf(store.document('a'))).message).toMatch(/check region, endpoint and network/)
  })

  test('a running release and a record of a release that are damaged are not taken for none', async () => {
    const fake = await start()
    const store = open(fake)
    await store.putRunningRelease('orders', 'production', RELEASE)
    await store.putPublished('orders', { version: '1', commit: null, digest: 'd', labels: [], at: STAMP.at })
    for (const item of fake.tables.items(BUCKET)) Object.assign(item, { text: { S: '{' } })
    expect((await failureOf(store.runningRelease('orders', 'production'))).message).toMatch(
      /running\/orders production/,
    )
    expect((await failureOf(store.published('orders', { by: 'digest', digest: 'd' }))).problem).toBe('unreadable')
    expect((await failureOf(store.published('orders', { by: 'version', version: '1' }))).problem).toBe('unreadable')
    expect((await failureOf(store.latestPublished('orders'))).problem).toBe('unreadable')
  })
})
