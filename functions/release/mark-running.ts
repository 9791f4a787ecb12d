/** Says in the store which release runs in an environment: a later check prepares its statements before the next one is deployed. */
import { createHash } from 'node:crypto'
import type { Release } from '../core/release.ts'
import type { Store } from '../stores/store.ts'
import type { ManifestFiles } from './manifest.ts'

/** How a manifest is known in a store: by its header's bytes. */
export function manifestDigestOf(files: Pick<ManifestFiles, 'header'>): string {
  return createHash('sha256').update(files.header).digest('hex')
}

export interface MarkInput {
  readonly store: Pick<Store, 'putManifest' | 'runningRelease' | 'putRunningRelease'>
  readonly environment: string
  readonly release: Release
  readonly files: ManifestFiles
  /** ISO 8601, UTC. */
  readonly at: string
}

/**
 * Answers whether it was news. One that is marked already keeps the time since when it runs. The manifest is put first, so that
 * the mark never leads nowhere.
 *
 * @throws {StoreError} another content stands under the manifest's digest.
 */
export async function markRunning({ store, environment, release, files, at }: MarkInput): Promise<boolean> {
  const manifestDigest = manifestDigestOf(files)
  await store.putManifest(release.service, manifestDigest, files)
  return markStored(store, environment, { release, manifestDigest, at })
}

/** The same for a release whose manifest the store has. */
export async function markStored(
  store: Pick<Store, 'runningRelease' | 'putRunningRelease'>,
  environment: string,
  { release, manifestDigest, at }: Pick<MarkInput, 'release' | 'at'> & { readonly manifestDigest: string },
): Promise<boolean> {
  const { service, version, commit } = release
  // A mark that cannot be read is written anew.
  const known = await store.runningRelease(service, environment).catch(() => null)
  if (known?.manifestDigest === manifestDigest) return false
  await store.putRunningRelease(service, environment, { version, commit, manifestDigest, since: at })
  return true
}
