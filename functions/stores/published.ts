/** Releases that were published, and how a deployment's event or gate finds the manifest of one. */
import type { ReleaseReference } from '../core/look-order.ts'

export interface PublishedRelease {
  readonly version: string
  readonly commit: string | null
  /** Of the expectation: the key of its manifest and evidence in the store. */
  readonly digest: string
  /** What else it is known by: an image digest, a function's version. */
  readonly labels: readonly string[]
  /** ISO 8601, UTC. */
  readonly at: string
}

export interface PublishedReleases {
  putPublished(service: string, release: PublishedRelease): Promise<void>
  /** All that fit, newest first: two with one version are both answered, and a caller says so instead of guessing. */
  published(
    service: string,
    reference: Exclude<ReleaseReference, { readonly by: 'running' }>,
  ): Promise<readonly PublishedRelease[]>
  /** The release that was published last; null: none, or none since stores keep it. */
  latestPublished(service: string): Promise<PublishedRelease | null>
}
