/** What every store does, whatever it is made of. An adapter's suite calls it with a way to make an empty store. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SAMPLES_KEPT } from '../../functions/core/baseline.ts'
import type { Sample } from '../../functions/core/baseline.ts'
import { BUCKETS } from '../../functions/core/catalog.ts'
import { finding } from '../../functions/core/finding.ts'
import { MOST_GROUPS_KEPT, MOST_KEPT } from '../../functions/core/last-good.ts'
import type { KeptSchema, LastGood } from '../../functions/core/last-good.ts'
import { column } from '../core/builders.ts'
import { StoreError } from '../../functions/stores/store.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import type { PublishedReleases } from '../../functions/stores/published.ts'
import { documentsContract, publishedContract, runsContract } from './store-shared.ts'
import type { Recording, RunningRelease, StampKey, Store, VerifiedStamp } from '../../functions/stores/store.ts'

const KEY: StampKey = {
  service: 'orders',
  environment: 'production',
  systemIdentifier: '7301',
  database: 'orders',
  schemas: 'public',
  expectationDigest: 'e1',
  readerVersion: '1',
}

const STAMP: VerifiedStamp = {
  stamp: 'stamp-1',
  ledgers: [{ schema: 'public', table: 'flyway_schema_history', digest: 'd1' }],
  at: '2026-11-22T10:00:00.000Z',
  notes: ['flyway was recognised by its columns'],
  findings: [
    finding({
      code: 'migration-unknown',
      subject: 'V9',
      expected: 'only migrations of the release',
      found: 'V9 was applied',
    }),
    finding({
      code: 'schema-changed',
      subject: 'orders.note',
      expected: 'no change since the last good look',
      found: 'a new column',
      source: [{ file: 'db/V1.sql', line: 3 }],
      causes: [{ text: 'somebody added it', evidence: null }],
      nextSteps: [{ text: 'ask', command: null }],
      estimate: { class: 'index', lowMs: 1, highMs: 2, multiplier: 1.5, basis: 'rows', beside: ['locks: none'] },
    }),
  ],
}

const KEPT: KeptSchema = {
  at: STAMP.at,
  scope: '{"schemas":[]}',
  major: 18,
  buckets: Array.from({ length: BUCKETS }, (_, at) => String(at)),
  grants: '0',
  groups: [{ schema: 'public', group: 'audit "log"', sum: '1152921504606846975' }],
  objects: [column('audit "log"', 'größe', { default: "'\u001f'" })],
  migrations: ['V43'],
  ledgers: '[]',
}

const LAST_GOOD: LastGood = {
  at: '2026-11-23T10:00:00.000Z',
  seen: { 'public\u001faudit "log"': STAMP.at, ['__proto__ x']: STAMP.at },
}

const RELEASE: RunningRelease = { version: '1.42.0', commit: '9f1c2ab', manifestDigest: 'm1', since: STAMP.at }

const SAMPLE: Sample = {
  check: 'query',
  name: 'recent',
  at: STAMP.at,
  durationMs: 12.5,
  rows: 3,
  resumed: false,
  revision: '1.41.0',
}

/** The nth sample, a second after the one before it. */
const sampleAt = (index: number, name = 'recent'): Sample => ({
  ...SAMPLE,
  name,
  at: new Date(Date.parse(SAMPLE.at) + index * 1_000).toISOString(),
})

const HOSTILE = [
  '../../outside',
  'a/b',
  'a\\b',
  '.',
  '..',
  '',
  '.hidden',
  'con',
  'Ünïcode',
  'a b',
  '%2e',
  'x'.repeat(300),
  'a:b',
  'a\u0000b',
]

const files = (header: string, catalog: string) => ({ header: Buffer.from(header), catalog: Buffer.from(catalog) })

/** All that an adapter is: a store, shared documents, and the index of releases. */
type WholeStore = Store & Documents & PublishedReleases

/** `makeStore` answers an empty store each time. `now`: its clock, in milliseconds; the tests set it. */
export function storeContract(name: string, makeStore: (now?: () => number) => Promise<WholeStore>): void {
  documentsContract(name, makeStore)
  publishedContract(name, makeStore)
  runsContract(name, makeStore)

  describe(`${name}: verified stamps`, () => {
    test('an empty store has none', async () => {
      expect(await (await makeStore()).verifiedStamps(KEY)).toEqual([])
    })

    test('what was put is found, with its key', async () => {
      const store = await makeStore()
      await store.putVerifiedStamp(KEY, STAMP)
      expect(await store.verifiedStamps(KEY)).toEqual([{ ...STAMP, key: KEY }])
    })

    test('a later stamp of the same database replaces the earlier one', async () => {
      const store = await makeStore()
      await store.putVerifiedStamp(KEY, STAMP)
      await store.putVerifiedStamp(KEY, { ...STAMP, stamp: 'stamp-2' })
      expect((await store.verifiedStamps(KEY)).map(({ stamp }) => stamp)).toEqual(['stamp-2'])
    })

    test('every database of an environment keeps its own', async () => {
      const store = await makeStore()
      await store.putVerifiedStamp(KEY, STAMP)
      await store.putVerifiedStamp({ ...KEY, systemIdentifier: '7302' }, STAMP)
      await store.putVerifiedStamp({ ...KEY, database: 'other' }, STAMP)
      const found = await store.verifiedStamps(KEY)
      expect(found.map(({ key }) => `${key.systemIdentifier} ${key.database}`).sort()).toEqual([
        '7301 orders',
        '7301 other',
        '7302 orders',
      ])
    })

    test.each(['service', 'environment', 'schemas', 'expectationDigest', 'readerVersion'] as const)(
      'one for another %s is not found',
      async (part) => {
        const store = await makeStore()
        await store.putVerifiedStamp({ ...KEY, [part]: `${KEY[part]}X` }, STAMP)
        await store.putVerifiedStamp(
          { ...KEY, [part]: KEY[part].toUpperCase() === KEY[part] ? 'x' : KEY[part].toUpperCase() },
          STAMP,
        )
        expect(await store.verifiedStamps(KEY)).toEqual([])
      },
    )

    test('parts of a key never run into each other, whatever they hold', async () => {
      const store = await makeStore()
      const part = fc.oneof(
        fc.constantFrom(...HOSTILE),
        fc.string({ maxLength: 6 }),
        fc.constantFrom('a', 'A', 'aa', '/'),
      )
      const keys = fc.uniqueArray(fc.tuple(part, part, part), {
        minLength: 2,
        maxLength: 4,
        selector: (parts) => JSON.stringify(parts),
      })
      let run = 0
      await fc.assert(
        fc.asyncProperty(keys, async (all) => {
          run += 1
          const readerVersion = String(run)
          const full = all.map(([service, environment, schemas]) => ({
            ...KEY,
            service,
            environment,
            schemas,
            readerVersion,
          }))
          for (const [index, one] of full.entries())
            await store.putVerifiedStamp(one, { ...STAMP, stamp: String(index) })
          for (const [index, one] of full.entries()) {
            expect((await store.verifiedStamps(one)).map(({ stamp }) => stamp)).toEqual([String(index)])
          }
        }),
        { numRuns: 40 },
      )
    })

    test('writers at the same time leave one whole stamp', async () => {
      const store = await makeStore()
      const stamps = Array.from({ length: 20 }, (_, index) => `${index}-${'x'.repeat(10_000)}`)
      await Promise.all(stamps.map((stamp) => store.putVerifiedStamp(KEY, { ...STAMP, stamp })))
      const found = await store.verifiedStamps(KEY)
      expect(found).toHaveLength(1)
      expect(stamps).toContain(found[0]?.stamp)
    })
  })

  describe(`${name}: the last good look`, () => {
    test('an empty store has none', async () => {
      const store = await makeStore()
      expect([await store.keptSchema(KEY), await store.lastGood(KEY)]).toEqual([null, null])
    })

    test('what was put is found as it was, and the latest counts', async () => {
      const store = await makeStore()
      await store.putKeptSchema(KEY, { ...KEPT, at: '2026-11-01T00:00:00.000Z', groups: [], objects: [] })
      await store.putKeptSchema(KEY, KEPT)
      await store.putLastGood(KEY, { at: KEPT.at, seen: {} })
      await store.putLastGood(KEY, LAST_GOOD)
      expect(await store.keptSchema(KEY)).toEqual(KEPT)
      expect(await store.lastGood(KEY)).toEqual(LAST_GOOD)
    })

    test('of 50,000 groups and 10,000 objects, more than an item of DynamoDB holds, all come back', async () => {
      const store = await makeStore()
      const sum = (at: number): string => String((BigInt(at) * 0x9e3779b97f4a7c15n) & 0xfffffffffffffffn)
      const many: KeptSchema = {
        ...KEPT,
        groups: Array.from({ length: MOST_GROUPS_KEPT }, (_, at) => ({
          schema: 'public',
          group: `t_${at}`,
          sum: sum(at),
        })),
        objects: Array.from({ length: MOST_KEPT }, (_, at) => column(`t_${at}`, 'note', { default: `'${sum(at)}'` })),
      }
      await store.putKeptSchema(KEY, many)
      expect(await store.keptSchema(KEY)).toEqual(many)
    })

    test.each(Object.keys(KEY) as (keyof StampKey)[])('that of another %s is not found', async (part) => {
      const store = await makeStore()
      await store.putKeptSchema({ ...KEY, [part]: `${KEY[part]}X` }, KEPT)
      await store.putLastGood({ ...KEY, [part]: `${KEY[part]}X` }, LAST_GOOD)
      expect([await store.keptSchema(KEY), await store.lastGood(KEY)]).toEqual([null, null])
    })

    test('of writers at the same time one wins, whole', async () => {
      const store = await makeStore()
      const all = Array.from({ length: 10 }, (_, at) => ({ ...KEPT, migrations: [`V${at}`] }))
      await Promise.all(all.map((one) => store.putKeptSchema(KEY, one)))
      expect(all).toContainEqual(await store.keptSchema(KEY))
    })
  })

  describe(`${name}: the running release`, () => {
    test('there is none at first, then the last one', async () => {
      const store = await makeStore()
      expect(await store.runningRelease('orders', 'production')).toBeNull()
      await store.putRunningRelease('orders', 'production', { ...RELEASE, version: '1.41.0' })
      await store.putRunningRelease('orders', 'production', RELEASE)
      expect(await store.runningRelease('orders', 'production')).toEqual(RELEASE)
      expect(await store.runningRelease('orders', 'staging')).toBeNull()
      expect(await store.runningRelease('Orders', 'production')).toBeNull()
    })

    test.each(HOSTILE)('a service of the name %j is kept apart', async (hostile) => {
      const store = await makeStore()
      await store.putRunningRelease('orders', 'production', RELEASE)
      await store.putRunningRelease(hostile, hostile, { ...RELEASE, version: 'other', commit: null })
      expect((await store.runningRelease(hostile, hostile))?.version).toBe('other')
      expect(await store.runningRelease('orders', 'production')).toEqual(RELEASE)
    })
  })

  describe(`${name}: manifests`, () => {
    test('bytes come back as they were', async () => {
      const store = await makeStore()
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      await store.putManifest('orders', 'abc', { header: bytes, catalog: Buffer.alloc(0) })
      expect(await store.manifest('orders', 'abc')).toEqual({ header: bytes, catalog: Buffer.alloc(0) })
      expect(await store.manifest('orders', 'abd')).toBeNull()
      expect(await store.manifest('other', 'abc')).toBeNull()
    })

    test('the same content again is fine, another is refused and changes nothing', async () => {
      const store = await makeStore()
      await store.putManifest('orders', 'abc', files('h', 'c'))
      await store.putManifest('orders', 'abc', files('h', 'c'))
      await expect(store.putManifest('orders', 'abc', files('h', 'other'))).rejects.toThrow(StoreError)
      await expect(store.putManifest('orders', 'abc', files('other', 'c'))).rejects.toMatchObject({
        problem: 'conflict',
      })
      expect(await store.manifest('orders', 'abc')).toEqual(files('h', 'c'))
    })

    test('of writers at the same time one wins, and the others are told', async () => {
      const store = await makeStore()
      const all = Array.from({ length: 10 }, (_, index) => files(`h${index}`, `c${index}`))
      const results = await Promise.allSettled(all.map((one) => store.putManifest('orders', 'abc', one)))
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const winner = results.findIndex(({ status }) => status === 'fulfilled')
      expect(await store.manifest('orders', 'abc')).toEqual(all[winner])
    })

    test('writers of the same content at the same time all succeed', async () => {
      const store = await makeStore()
      await Promise.all(Array.from({ length: 10 }, () => store.putManifest('orders', 'abc', files('h', 'c'))))
      expect(await store.manifest('orders', 'abc')).toEqual(files('h', 'c'))
    })
  })

  describe(`${name}: samples`, () => {
    test('an empty store has none, and none is fine to put', async () => {
      const store = await makeStore()
      await store.putSamples('orders', 'production', [])
      expect(await store.samples('orders', 'production')).toEqual([])
    })

    test('what was put is found as it was, oldest first, whatever it was put in', async () => {
      const store = await makeStore()
      const endpoint: Sample = { ...sampleAt(1), check: 'endpoint', rows: null, revision: null, resumed: true }
      await store.putSamples('orders', 'production', [sampleAt(2), endpoint])
      await store.putSamples('orders', 'production', [sampleAt(0)])
      expect(await store.samples('orders', 'production')).toEqual([sampleAt(0), endpoint, sampleAt(2)])
    })

    test('services and environments keep their own', async () => {
      const store = await makeStore()
      await store.putSamples('orders', 'production', [SAMPLE])
      for (const [service, environment] of [
        ['orders', 'staging'],
        ['Orders', 'production'],
        ['orders/production', ''],
      ] as const) {
        expect(await store.samples(service, environment)).toEqual([])
      }
    })

    test('the same samples put again are there once', async () => {
      const store = await makeStore()
      await store.putSamples('orders', 'production', [SAMPLE, sampleAt(1)])
      await store.putSamples('orders', 'production', [sampleAt(1), SAMPLE])
      expect(await store.samples('orders', 'production')).toEqual([SAMPLE, sampleAt(1)])
    })

    test('of each name the latest are kept, and a busy name does not push out a quiet one', async () => {
      const store = await makeStore()
      await store.putSamples('orders', 'production', [sampleAt(0, 'quiet')])
      for (let from = 1; from <= SAMPLES_KEPT + 80; from += 7) {
        await store.putSamples(
          'orders',
          'production',
          Array.from({ length: 7 }, (_, at) => sampleAt(from + at)),
        )
      }
      const found = await store.samples('orders', 'production')
      expect(found.filter(({ name }) => name === 'quiet')).toEqual([sampleAt(0, 'quiet')])
      const busy = found.filter(({ name }) => name === 'recent')
      expect(busy).toHaveLength(SAMPLES_KEPT)
      expect(busy.at(-1)).toEqual(sampleAt(280))
    })

    test('writers at the same time lose nothing, and readers meanwhile miss nothing that was there before', async () => {
      const store = await makeStore()
      await store.putSamples('orders', 'production', [sampleAt(0)])
      const all = Array.from({ length: 120 }, (_, index) => sampleAt(index + 1))
      const [reads] = await Promise.all([
        Promise.all(Array.from({ length: 30 }, () => store.samples('orders', 'production'))),
        Promise.all(all.map((sample) => store.putSamples('orders', 'production', [sample]))),
      ])
      for (const read of reads) expect(read).toContainEqual(sampleAt(0))
      expect(await store.samples('orders', 'production')).toEqual([sampleAt(0), ...all])
    })
  })

  test(`${name}: reports are taken, also two of one moment`, async () => {
    const store = await makeStore()
    await store.putReport('orders', '../production', '{"a":1}', STAMP.at)
    await store.putReport('orders', '../production', '{"a":2}', STAMP.at)
  })

  test(`${name}: the page of a report has a place of its own by its name, and is written again there`, async () => {
    const store = await makeStore()
    const first = await store.putReportPage('orders', '../production', 'watch 1', '<p>fail</p>')
    expect(await store.putReportPage('orders', '../production', 'watch 1', '<p>pass</p>')).toBe(first)
    expect(await store.putReportPage('orders', '../production', 'watch 2', '<p>pass</p>')).not.toBe(first)
    expect(await store.putReportPage('orders', 'production', 'watch 1', '<p>pass</p>')).not.toBe(first)
    expect(first).toMatch(/^(?:https|file):\/\/.*reports.*watch.*\.html$/u)
  })

  describe(`${name}: evidence and recordings`, () => {
    const RECORDING: Recording = {
      manifestDigest: 'm1',
      systemIdentifier: '7301',
      database: 'orders',
      at: STAMP.at,
      resetAt: null,
      counts: { 'app 42': [3, 1.5], '__proto__ 1': [1, 0] },
    }

    test('an empty store has neither', async () => {
      const store = await makeStore()
      expect(await store.evidence('orders', 'e1')).toEqual([])
      expect(await store.recording('orders', 'production')).toBeNull()
    })

    test('evidence is kept by expectation, one document an environment, the latest', async () => {
      const store = await makeStore()
      await store.putEvidence('orders', 'e1', 'staging', 'one')
      await store.putEvidence('orders', 'e1', 'staging', 'two')
      await store.putEvidence('orders', 'e1', 'Staging', 'other case')
      await store.putEvidence('orders', 'e2', 'staging', 'other expectation')
      await store.putEvidence('billing', 'e1', 'staging', 'other service')
      expect([...(await store.evidence('orders', 'e1'))].sort()).toEqual(['other case', 'two'])
    })

    test('evidence of many environments, and a recording of more than an item of DynamoDB holds, come back whole', async () => {
      const store = await makeStore()
      const names = Array.from({ length: 7 }, (_, at) => `tenant-${at}`)
      for (const name of names) await store.putEvidence('orders', 'e1', name, name)
      expect([...(await store.evidence('orders', 'e1'))].sort()).toEqual(names)
      const counts = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`app ${at}`, [at, at / 2] as const]))
      await store.putRecording('orders', 'production', { ...RECORDING, counts })
      expect(await store.recording('orders', 'production')).toEqual({ ...RECORDING, counts })
    })

    test('a recording is kept whole, and the latest counts', async () => {
      const store = await makeStore()
      await store.putRecording('orders', 'production', { ...RECORDING, counts: {} })
      await store.putRecording('orders', 'production', RECORDING)
      await store.putRecording('orders', 'staging', { ...RECORDING, at: 'other' })
      expect(await store.recording('orders', 'production')).toEqual(RECORDING)
    })
  })
}
