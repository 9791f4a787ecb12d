/** Publishes the release that a stack brings along: its manifest is an asset of the template, and named by a custom resource. */
import * as z from 'zod'
import type { PublishedReleases } from '../stores/published.ts'
import type { Store } from '../stores/store.ts'
import { StoreError } from '../stores/store.ts'
import { openVerified } from './find-release.ts'
import { manifestOf } from './manifest.ts'

const properties = z.lazy(() =>
  z.object({
    ReleaseDigest: z.string().min(1),
    ManifestBucket: z.string().min(1),
    ManifestHeader: z.string().min(1),
    ManifestCatalog: z.string().min(1),
  }),
)

/** Where the two files lie. */
export interface ManifestAsset {
  readonly digest: string
  readonly bucket: string
  readonly header: string
  readonly catalog: string
}

/** The asset that a custom resource's request names; null: it brings none, or nothing is deployed by it. */
export function assetOf(event: unknown): ManifestAsset | null {
  const request = (event ?? {}) as { readonly RequestType?: unknown; readonly ResourceProperties?: unknown }
  if (request.RequestType === 'Delete') return null
  const parsed = properties.safeParse(request.ResourceProperties)
  if (!parsed.success) return null
  const { ReleaseDigest, ManifestBucket, ManifestHeader, ManifestCatalog } = parsed.data
  return { digest: ReleaseDigest, bucket: ManifestBucket, header: ManifestHeader, catalog: ManifestCatalog }
}

export interface PublishAssetInput {
  readonly service: string
  readonly store: Pick<Store, 'putManifest' | 'manifest'> & PublishedReleases
  /** @throws what the service answers where the object cannot be read */
  readonly readObject: (bucket: string, key: string) => Promise<Buffer>
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

/**
 * @throws {ConfigError} the files are not what the digest says
 * @throws {StoreError} the store does not take them
 */
export async function publishAsset(
  { service, store, readObject, clock }: PublishAssetInput,
  asset: ManifestAsset,
): Promise<void> {
  const [header, catalog] = await Promise.all([
    readObject(asset.bucket, asset.header),
    readObject(asset.bucket, asset.catalog),
  ])
  const files = { header, catalog }
  openVerified(files, asset.digest, service)
  // Of this header: another release may expect the same, and be the one whose manifest is in the store.
  const { version, commit } = manifestOf(files, asset.header).expectation.release
  await store.putManifest(service, asset.digest, files).catch(async (error: unknown) => {
    if (!(error instanceof StoreError) || error.problem !== 'conflict') throw error
    const kept = await store.manifest(service, asset.digest)
    if (kept === null) throw error
    openVerified(kept, asset.digest, service)
  })
  const at = new Date(clock()).toISOString()
  await store.putPublished(service, { version, commit, digest: asset.digest, labels: [], at })
}
