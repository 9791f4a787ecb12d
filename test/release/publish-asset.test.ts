import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import type { ManifestAsset } from '../../functions/release/publish-asset.ts'
import { assetOf, publishAsset } from '../../functions/release/publish-asset.ts'
import { buildOrders, storeIn } from '../support/looker.ts'
import type { TestStore } from '../support/looker.ts'
import { configWith, MIGRATIONS } from '../support/project.ts'

const CONFIG = configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n')

let built: BuiltRelease
let store: TestStore
beforeAll(async () => {
  built = await buildOrders(CONFIG, MIGRATIONS)
})
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-publish-'))
  store = storeIn(folder)
  return () => rm(folder, { recursive: true, force: true })
})

async function publishedBy(
  release: BuiltRelease,
  digest = release.expectation.digest,
  service = 'orders',
): Promise<void> {
  const { header, catalog } = encodeManifest(release)
  const asset: ManifestAsset = { digest, bucket: 'assets', header: 'h.json', catalog: 'c.ndjson' }
  await publishAsset(
    {
      service,
      store,
      readObject: async (bucket, key) => {
        expect(bucket).toBe('assets')
        return key === 'h.json' ? header : catalog
      },
      clock: () => Date.UTC(2026, 10, 22),
    },
    asset,
  )
}

test('what a stack brings along is published: it is found by its version, and its manifest is there', async () => {
  await publishedBy(built)
  const { digest } = built.expectation
  expect(await store.published('orders', { by: 'version', version: '1.42.0' })).toEqual([
    { version: '1.42.0', commit: '9f1c2ab', digest, labels: [], at: '2026-11-22T00:00:00.000Z' },
  ])
  expect(await store.manifest('orders', digest)).toEqual(encodeManifest(built))
})

test('a later release that expects the same is published beside it', async () => {
  await publishedBy(built)
  const later = await buildOrders(CONFIG, MIGRATIONS, '1.42.1')
  expect(later.expectation.digest).toBe(built.expectation.digest)
  await publishedBy(later)
  const versions = await store.published('orders', { by: 'digest', digest: built.expectation.digest })
  expect(versions.map(({ version }) => version)).toEqual(['1.42.1', '1.42.0'])
})

test('what is not as its digest says, or of another service, is published nowhere', async () => {
  await expect(publishedBy(built, 'f'.repeat(64))).rejects.toThrow(/its content is not what its digest says/)
  await expect(publishedBy(built, built.expectation.digest, 'billing')).rejects.toThrow(/is of the service orders/)
  expect(await store.published('orders', { by: 'version', version: '1.42.0' })).toEqual([])
})

test('a request names an asset, or brings none; a deletion never does', () => {
  const ResourceProperties = { ReleaseDigest: 'd', ManifestBucket: 'b', ManifestHeader: 'h', ManifestCatalog: 'c' }
  const asset = { digest: 'd', bucket: 'b', header: 'h', catalog: 'c' }
  expect(assetOf({ RequestType: 'Create', ResourceProperties })).toEqual(asset)
  expect(assetOf({ RequestType: 'Delete', ResourceProperties })).toBeNull()
  expect(assetOf({ RequestType: 'Create', ResourceProperties: { ReleaseVersion: '1' } })).toBeNull()
  expect(assetOf(null)).toBeNull()
})
