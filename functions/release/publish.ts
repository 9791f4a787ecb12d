/** A release and what environments showed of it, put into a store where gates and watches find them. */
import type { PublishedRelease, PublishedReleases } from '../stores/published.ts'
import type { Store } from '../stores/store.ts'
import { StoreError } from '../stores/store.ts'
import { parseEvidence, uniteEvidence, writeEvidence } from './evidence.ts'
import type { Evidence } from './evidence.ts'
import { openVerified } from './find-release.ts'
import type { ManifestFiles } from './manifest.ts'

export interface PublishInput {
  readonly store: Pick<Store, 'manifest' | 'putManifest' | 'evidence' | 'putEvidence'> & PublishedReleases
  readonly service: string
  /** Of the expectation. */
  readonly digest: string
  readonly files: ManifestFiles
  /** Of this expectation, one an environment. */
  readonly evidence: readonly Evidence[]
  readonly labels: readonly string[]
  /** Milliseconds since 1970. */
  readonly clock: () => number
}

export interface Published {
  readonly release: PublishedRelease
  /** Whether the manifest was put; false: one of the same expectation is there. */
  readonly isNew: boolean
  /** As they are in the store now. */
  readonly evidence: readonly Evidence[]
  /** Other releases that were published under the same version, newest first: they expect something else. */
  readonly others: readonly PublishedRelease[]
  readonly notes: readonly string[]
}

/**
 * The index comes last: who finds the release finds all of it. Doing it again is fine.
 *
 * @throws {ConfigError} the manifest's content is not what its digest says: nothing is put
 * @throws {StoreError} the store does not take it
 */
export async function publishRelease(input: PublishInput): Promise<Published> {
  const { store, service, digest, files, labels } = input
  const { version, commit } = openVerified(files, digest, service).expectation.release
  const isNew = await putVerified(input)
  const { evidence, notes } = await putEvidence(input)
  const known = await store.published(service, { by: 'version', version })
  // The newest of a version is the one that is meant: a clock that is behind another publisher's must not hide this one.
  const newest = known[0] === undefined ? 0 : Date.parse(known[0].at)
  const isNewest = known[0]?.digest === digest && known[0].commit === commit
  const at = new Date(Math.max(input.clock(), isNewest ? newest : newest + 1)).toISOString()
  const release: PublishedRelease = { version, commit, digest, labels: [...new Set(labels)].sort(), at }
  await store.putPublished(service, release)
  return { release, isNew, evidence, others: known.filter((other) => other.digest !== digest), notes }
}

/**
 * Two releases that expect the same have one manifest, that of the first: their names are in the index. Another content that
 * is no such manifest is damage.
 */
async function putVerified({ store, service, digest, files }: PublishInput): Promise<boolean> {
  if (isSame(await store.manifest(service, digest), files)) return false
  try {
    await store.putManifest(service, digest, files)
    return true
  } catch (error) {
    if (!(error instanceof StoreError) || error.problem !== 'conflict') throw error
    const kept = await store.manifest(service, digest)
    if (kept === null || !isWhole(kept, digest, service)) throw error
    return false
  }
}

function isSame(kept: ManifestFiles | null, files: ManifestFiles): boolean {
  return kept !== null && kept.header.equals(files.header) && kept.catalog.equals(files.catalog)
}

function isWhole(files: ManifestFiles, digest: string, service: string): boolean {
  try {
    openVerified(files, digest, service)
    return true
  } catch {
    return false
  }
}

/** What `record` has put there meanwhile is kept: of two copies nothing is counted twice, and nothing is lost. */
async function putEvidence({
  store,
  service,
  digest,
  evidence,
}: PublishInput): Promise<Pick<Published, 'evidence' | 'notes'>> {
  if (evidence.length === 0) return { evidence, notes: [] }
  const notes: string[] = []
  const kept = (await store.evidence(service, digest)).flatMap((text) => {
    const parsed = parseEvidence(text)
    if (parsed.kind === 'evidence') return [parsed.evidence]
    notes.push(
      `evidence in the store could not be read, and is replaced where it is of these environments: ${parsed.reason}`,
    )
    return []
  })
  const united = evidence.map((own) => {
    const earlier = kept.find(({ environment }) => environment === own.environment)
    return earlier === undefined ? own : uniteEvidence(own, earlier)
  })
  for (const one of united) await store.putEvidence(service, digest, one.environment, writeEvidence(one))
  return { evidence: united, notes }
}
