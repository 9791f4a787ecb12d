/** What every store does with documents that several writers share, and with the index of published releases. */
import { describe, expect, test } from 'vitest'
import { keepRuns, readRuns } from '../../functions/estimate-runs.ts'
import type { KeptRun } from '../../functions/core/estimate-history.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import type { PublishedRelease, PublishedReleases } from '../../functions/stores/published.ts'

const START = Date.parse('2026-11-22T10:00:00.000Z')
const LATER = '2026-11-22T10:05:00.000Z'

export function documentsContract(name: string, makeStore: (now: () => number) => Promise<Documents>): void {
  const make = async (): Promise<Documents> => makeStore(() => START)

  describe(`${name}: documents`, () => {
    test('there is none at first; what is written comes back with a version', async () => {
      const store = await make()
      expect(await store.document('incidents/orders')).toBeNull()
      expect(await store.putDocument('incidents/orders', '{"a":1}', null, null)).toBe(true)
      expect(await store.document('incidents/orders')).toEqual({ text: '{"a":1}', version: expect.any(String) })
    })

    test('each write has another version, and only who knows the present one may write', async () => {
      const store = await make()
      await store.putDocument('a', 'one', null, null)
      const first = await store.document('a')
      expect(await store.putDocument('a', 'two', first?.version ?? '', null)).toBe(true)
      const second = await store.document('a')
      expect(second?.text).toBe('two')
      expect(second?.version).not.toBe(first?.version)
      expect(await store.putDocument('a', 'three', first?.version ?? '', null)).toBe(false)
      expect(await store.putDocument('a', 'three', null, null)).toBe(false)
      expect(await store.putDocument('a', 'three', 'never-was', null)).toBe(false)
      expect(await store.document('a')).toEqual(second)
    })

    test('the same text written again is another version', async () => {
      const store = await make()
      await store.putDocument('a', 'same', null, null)
      const first = await store.document('a')
      await store.putDocument('a', 'same', first?.version ?? '', null)
      expect((await store.document('a'))?.version).not.toBe(first?.version)
    })

    test('one that is not there has no version to write over', async () => {
      const store = await make()
      expect(await store.putDocument('a', 'one', 'v1', null)).toBe(false)
      expect(await store.document('a')).toBeNull()
    })

    test('keys are kept apart, whatever they hold', async () => {
      const store = await make()
      const keys = ['a', 'A', 'a/b', '..', '../a', '', '.a', 'a\u0000', 'ä', 'x'.repeat(300)]
      for (const key of keys) expect(await store.putDocument(key, `of ${key}`, null, null)).toBe(true)
      for (const key of keys) expect((await store.document(key))?.text).toBe(`of ${key}`)
    })

    test('of writers that begin one at the same time, one does', async () => {
      const store = await make()
      const writers = Array.from({ length: 10 }, (_, at) => String(at))
      const written = await Promise.all(writers.map((text) => store.putDocument('a', text, null, null)))
      expect(written.filter(Boolean)).toHaveLength(1)
      expect((await store.document('a'))?.text).toBe(writers[written.indexOf(true)])
    })

    test('of writers that go on from the same version, one does', async () => {
      const store = await make()
      await store.putDocument('a', 'start', null, null)
      const { version = '' } = (await store.document('a')) ?? {}
      const writers = Array.from({ length: 10 }, (_, at) => String(at))
      const written = await Promise.all(writers.map((text) => store.putDocument('a', text, version, null)))
      expect(written.filter(Boolean)).toHaveLength(1)
      expect((await store.document('a'))?.text).toBe(writers[written.indexOf(true)])
    })

    test('who reads again after having lost counts everything, and readers meanwhile always see a whole one', async () => {
      const store = await make()
      await store.putDocument('count', '0', null, null)
      const add = async (): Promise<void> => {
        for (;;) {
          const found = await store.document('count')
          if (found === null) throw new Error('it is gone')
          if (await store.putDocument('count', String(Number(found.text) + 1), found.version, null)) return
        }
      }
      const look = async (): Promise<void> => {
        for (let times = 0; times < 20; times += 1)
          expect((await store.document('count'))?.text ?? 'none').toMatch(/^\d+$/u)
      }
      await Promise.all([...Array.from({ length: 12 }, add), look(), look()])
      expect((await store.document('count'))?.text).toBe('12')
    })

    test('one that has expired counts as absent, and a new one may begin', async () => {
      let now = START
      const store = await makeStore(() => now)
      await store.putDocument('a', 'old', null, LATER)
      const old = await store.document('a')
      expect(old?.text).toBe('old')
      now = Date.parse(LATER) - 1_000
      expect(await store.document('a')).toEqual(old)
      expect(await store.putDocument('a', 'new', null, null)).toBe(false)
      now = Date.parse(LATER)
      expect(await store.document('a')).toBeNull()
      expect(await store.putDocument('a', 'late', old?.version ?? '', null)).toBe(false)
      expect(await store.putDocument('a', 'new', null, null)).toBe(true)
      now += 1_000_000_000
      expect((await store.document('a'))?.text).toBe('new')
    })

    test('of writers that begin anew after it has expired, one does', async () => {
      let now = START
      const store = await makeStore(() => now)
      await store.putDocument('a', 'old', null, LATER)
      now = Date.parse(LATER) + 1
      const writers = Array.from({ length: 10 }, (_, at) => String(at))
      const written = await Promise.all(writers.map((text) => store.putDocument('a', text, null, null)))
      expect(written.filter(Boolean)).toHaveLength(1)
      expect((await store.document('a'))?.text).toBe(writers[written.indexOf(true)])
    })

    test('each write says anew when it expires', async () => {
      let now = START
      const store = await makeStore(() => now)
      await store.putDocument('a', 'one', null, LATER)
      await store.putDocument('a', 'two', (await store.document('a'))?.version ?? '', null)
      now = Date.parse(LATER) + 1
      expect((await store.document('a'))?.text).toBe('two')
    })

    test('one of a million characters is kept as it is, and replaced by a short one', async () => {
      const store = await make()
      const long = 'é'.repeat(1_000_000)
      expect(await store.putDocument('a', long, null, null)).toBe(true)
      const found = await store.document('a')
      expect(found?.text === long).toBe(true)
      expect(await store.putDocument('a', 'short', found?.version ?? '', null)).toBe(true)
      expect((await store.document('a'))?.text).toBe('short')
    })
  })
}

const RELEASE: PublishedRelease = {
  version: '1.42.0',
  commit: '9f1c2ab4d5e6f708192a3b4c5d6e7f8091a2b3c4',
  digest: 'd1',
  labels: ['sha256:abc'],
  at: '2026-11-22T10:00:00.000Z',
}

const at = (second: number): string => new Date(START + second * 1_000).toISOString()

export function publishedContract(name: string, makeStore: () => Promise<PublishedReleases>): void {
  describe(`${name}: published releases`, () => {
    test('an empty store has none', async () => {
      expect(await (await makeStore()).published('orders', { by: 'version', version: '1.42.0' })).toEqual([])
    })

    test('one is found by its digest, version, commit and each label, and by nothing else', async () => {
      const store = await makeStore()
      await store.putPublished('orders', { ...RELEASE, labels: ['fn:7', 'sha256:abc'] })
      const found = [{ ...RELEASE, labels: ['fn:7', 'sha256:abc'] }]
      expect(await store.published('orders', { by: 'digest', digest: 'd1' })).toEqual(found)
      expect(await store.published('orders', { by: 'version', version: '1.42.0' })).toEqual(found)
      expect(await store.published('orders', { by: 'commit', commit: RELEASE.commit ?? '' })).toEqual(found)
      expect(await store.published('orders', { by: 'label', label: 'fn:7' })).toEqual(found)
      expect(await store.published('orders', { by: 'label', label: 'sha256:abc' })).toEqual(found)
      expect(await store.published('orders', { by: 'digest', digest: 'd' })).toEqual([])
      expect(await store.published('orders', { by: 'version', version: '1.42' })).toEqual([])
      expect(await store.published('orders', { by: 'version', version: 'd1' })).toEqual([])
      expect(await store.published('orders', { by: 'label', label: '1.42.0' })).toEqual([])
      expect(await store.published('Orders', { by: 'version', version: '1.42.0' })).toEqual([])
    })

    test('a commit may be cut short on either side, down to seven digits', async () => {
      const store = await makeStore()
      const commit = RELEASE.commit ?? ''
      await store.putPublished('orders', RELEASE)
      await store.putPublished('orders', { ...RELEASE, version: 'short', commit: commit.slice(0, 10) })
      const versions = async (asked: string): Promise<readonly string[]> =>
        (await store.published('orders', { by: 'commit', commit: asked })).map(({ version }) => version).sort()
      expect(await versions(commit)).toEqual(['1.42.0', 'short'])
      expect(await versions(commit.slice(0, 7).toUpperCase())).toEqual(['1.42.0', 'short'])
      expect(await versions(commit.slice(0, 6))).toEqual([])
      expect(await versions(`${commit.slice(0, 9)}0`)).toEqual([])
    })

    test('a commit that is no hexadecimal number is taken as it is', async () => {
      const store = await makeStore()
      await store.putPublished('orders', { ...RELEASE, commit: 'revision-17' })
      await store.putPublished('orders', { ...RELEASE, version: 'none', commit: null })
      expect(await store.published('orders', { by: 'commit', commit: 'revision-17' })).toHaveLength(1)
      expect(await store.published('orders', { by: 'commit', commit: 'revision-1' })).toEqual([])
      expect(await store.published('orders', { by: 'commit', commit: '' })).toEqual([])
    })

    test('published again it is one, at its latest time, with the labels of all times', async () => {
      const store = await makeStore()
      await store.putPublished('orders', RELEASE)
      await store.putPublished('orders', { ...RELEASE, at: at(5) })
      await store.putPublished('orders', { ...RELEASE, labels: ['fn:7'], at: at(3) })
      const found = [{ ...RELEASE, labels: ['fn:7', 'sha256:abc'], at: at(5) }]
      expect(await store.published('orders', { by: 'version', version: '1.42.0' })).toEqual(found)
      expect(await store.published('orders', { by: 'label', label: 'fn:7' })).toEqual(found)
    })

    test('the one that was published last is known, of each service', async () => {
      const store = await makeStore()
      expect(await store.latestPublished('orders')).toBeNull()
      await store.putPublished('orders', RELEASE)
      await store.putPublished('orders', { ...RELEASE, version: '1.43.0', digest: 'd2', at: at(1) })
      expect(await store.latestPublished('orders')).toMatchObject({ version: '1.43.0', digest: 'd2' })
      // A rollback that is published again is the last one.
      await store.putPublished('orders', { ...RELEASE, at: at(2) })
      expect(await store.latestPublished('orders')).toMatchObject({ version: '1.42.0', digest: 'd1' })
      expect(await store.latestPublished('Orders')).toBeNull()
    })

    test('two with one version are both answered, the newest first', async () => {
      const store = await makeStore()
      await store.putPublished('orders', { ...RELEASE, at: at(2) })
      await store.putPublished('orders', { ...RELEASE, digest: 'd2', at: at(3) })
      await store.putPublished('orders', { ...RELEASE, digest: 'd0', at: at(1) })
      const digests = async (): Promise<readonly string[]> =>
        (await store.published('orders', { by: 'version', version: '1.42.0' })).map(({ digest }) => digest)
      expect(await digests()).toEqual(['d2', 'd1', 'd0'])
      await store.putPublished('orders', { ...RELEASE, digest: 'd0', at: at(4) })
      expect(await digests()).toEqual(['d0', 'd2', 'd1'])
    })

    test('two versions that expect the same are both answered for the digest', async () => {
      const store = await makeStore()
      await store.putPublished('orders', RELEASE)
      await store.putPublished('orders', { ...RELEASE, version: '1.43.0', commit: null, labels: [], at: at(1) })
      const found = await store.published('orders', { by: 'digest', digest: 'd1' })
      expect(found.map(({ version, labels }) => [version, labels])).toEqual([
        ['1.43.0', []],
        ['1.42.0', ['sha256:abc']],
      ])
    })

    test('names of services, versions and labels are kept apart, whatever they hold', async () => {
      const store = await makeStore()
      const names = ['a', 'A', 'a/b', '..', '', 'a/', 'ä', 'x'.repeat(300), 'a#b', 'a b']
      for (const name of names) {
        await store.putPublished(name, { ...RELEASE, version: name, digest: name, labels: [name] })
        await store.putPublished('all', { ...RELEASE, version: name, digest: name, labels: [name] })
      }
      for (const name of names) {
        for (const service of [name, 'all']) {
          const byVersion = await store.published(service, { by: 'version', version: name })
          expect(byVersion.map(({ digest }) => digest)).toEqual([name])
          expect(await store.published(service, { by: 'label', label: name })).toEqual(byVersion)
          expect(await store.published(service, { by: 'digest', digest: name })).toEqual(byVersion)
        }
      }
    })

    test('publishers at the same time lose nothing', async () => {
      const store = await makeStore()
      const labels = Array.from({ length: 20 }, (_, index) => `label-${String(index).padStart(2, '0')}`)
      await Promise.all(labels.map((label) => store.putPublished('orders', { ...RELEASE, labels: [label] })))
      expect(await store.published('orders', { by: 'version', version: '1.42.0' })).toEqual([{ ...RELEASE, labels }])
    })

    test('of a hundred releases the one that is meant is found', async () => {
      const store = await makeStore()
      const releases = Array.from({ length: 100 }, (_, index) => ({
        ...RELEASE,
        version: `1.${index}.0`,
        digest: `d${index}`,
        labels: ['latest'],
        at: at(index),
      }))
      for (const release of releases) await store.putPublished('orders', release)
      expect(await store.published('orders', { by: 'version', version: '1.57.0' })).toEqual([releases[57]])
      const all = await store.published('orders', { by: 'label', label: 'latest' })
      expect(all.map(({ version }) => version)).toEqual(releases.map(({ version }) => version).toReversed())
    })
  })
}

const runOf = (at: number): KeptRun => ({
  environment: 'production',
  ledger: 'default',
  subject: `V${at}.sql`,
  class: 'index',
  teaches: true,
  centreMs: 1_000.5,
  lowMs: 450,
  highMs: 2_000,
  actualMs: 900,
  at: new Date(START + at * 1_000).toISOString(),
})

export function runsContract(name: string, makeStore: (now: () => number) => Promise<Documents>): void {
  describe(`${name}: estimates that were followed by a run`, () => {
    test('are kept for each service, whoever writes at the same time, each run once', async () => {
      const store = await makeStore(() => START)
      expect(await readRuns(store, 'orders')).toEqual([])
      await keepRuns(store, 'orders', [runOf(1)])
      await Promise.all([2, 3, 4].map((at) => keepRuns(store, 'orders', [runOf(1), runOf(at)])))
      expect(await readRuns(store, 'orders')).toEqual([1, 2, 3, 4].map(runOf))
      expect(await readRuns(store, 'baskets')).toEqual([])
    })

    test('of another version count as none, and are begun anew', async () => {
      const store = await makeStore(() => START)
      await store.putDocument('["estimates","orders"]', '{"of":"a later version"}', null, null)
      expect(await readRuns(store, 'orders')).toEqual([])
      await keepRuns(store, 'orders', [runOf(1)])
      expect(await readRuns(store, 'orders')).toEqual([runOf(1)])
    })
  })
}
