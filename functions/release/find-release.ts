/** From what a deployment says of its release to the manifest in the store, checked against its digest. */
import { createHash } from 'node:crypto'
import { ConfigError } from '../config/problem.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { PublishedReleases } from '../stores/published.ts'
import type { Store } from '../stores/store.ts'
import { StoreError } from '../stores/store.ts'
import { digestOfExpectation, manifestOf } from './manifest.ts'
import type { ManifestFiles, ReleaseManifest } from './manifest.ts'

export type FoundRelease =
  /** `digest`: the key under which the store has it. */
  | { readonly found: true; readonly manifest: ReleaseManifest; readonly digest: string }
  /** `why`: one sentence for people. */
  | { readonly found: false; readonly why: string }

export type ReleaseStore = Pick<Store, 'manifest' | 'runningRelease'> & Pick<PublishedReleases, 'published'>

interface Named {
  readonly digest: string
  /** What it is called; null: as its manifest says. */
  readonly name: { readonly version: string; readonly commit: string | null } | null
}

export interface FindInput {
  readonly store: ReleaseStore
  readonly service: string
  readonly environment: string
  readonly reference: ReleaseReference
}

/** The one release that is meant. None and several are both not found: nothing is guessed. */
export async function findRelease(input: FindInput): Promise<FoundRelease> {
  try {
    const named = await digestOf(input)
    if (typeof named === 'string') return { found: false, why: named }
    const files = await input.store.manifest(input.service, named.digest)
    if (files === null)
      return { found: false, why: `the store has no manifest ${short(named.digest)} of ${input.service}: ${PUBLISH}` }
    const manifest = openVerified(files, named.digest, input.service)
    const { expectation } = manifest
    const release = { ...expectation.release, ...named.name }
    return { found: true, manifest: { ...manifest, expectation: { ...expectation, release } }, digest: named.digest }
  } catch (error) {
    if (error instanceof ConfigError || error instanceof StoreError) return { found: false, why: error.message.trim() }
    throw error
  }
}

const PUBLISH = 'run `npx deploywatch publish` where the release is built'

/** The digest, or why there is none. */
async function digestOf({ store, service, environment, reference }: FindInput): Promise<Named | string> {
  if (reference.by === 'running') {
    const running = await store.runningRelease(service, environment)
    if (running === null) return `the store does not say which release of ${service} runs in ${environment}`
    return { digest: running.manifestDigest, name: { version: running.version, commit: running.commit } }
  }
  const published = await store.published(service, reference)
  const [newest] = published
  // A manifest is its own name: who gives the digest has said all.
  if (reference.by === 'digest') return { digest: reference.digest, name: newest === undefined ? null : nameOf(newest) }
  const asked = `${reference.by} ${describeReference(reference)}`
  if (newest === undefined) return `no release of ${service} was published with ${asked}: ${PUBLISH}`
  const digests = new Set(published.map(({ digest }) => digest))
  if (digests.size === 1) return { digest: newest.digest, name: nameOf(newest) }
  return `${digests.size} releases of ${service} that expect different things were published with ${asked}: name one by its digest (${[...digests].map(short).join(', ')})`
}

function nameOf({ version, commit }: NonNullable<Named['name']>): NonNullable<Named['name']> {
  return { version, commit }
}

export function describeReference(reference: ReleaseReference): string {
  switch (reference.by) {
    case 'digest':
      return short(reference.digest)
    case 'version':
      return reference.version
    case 'commit':
      return reference.commit
    case 'label':
      return reference.label
    case 'running':
      return 'the running release'
  }
}

function short(digest: string): string {
  return digest.slice(0, 12)
}

/**
 * A manifest whose content is what its key says, and whose service is this one. The key is the digest of the expectation,
 * under which releases are published, or that of the header, under which `record` keeps what is running.
 *
 * @throws {ConfigError} it is not.
 */
export function openVerified(files: ManifestFiles, key: string, service: string): ReleaseManifest {
  const name = `manifest ${short(key)}`
  const manifest = manifestOf(files, name)
  const { release, digest, ...expectation } = manifest.expectation
  const refuse = (message: string): ConfigError => new ConfigError([{ file: name, line: 0, column: 0, message }])
  const isKey = digest === key || sha256(files.header) === key
  if (!isKey || digestOfExpectation(expectation, manifest.config) !== digest)
    throw refuse('its content is not what its digest says: publish the release again')
  // The header's digest covers the part by this one alone.
  if (sha256(files.catalog) !== expectation.catalog.digest)
    throw refuse('its catalog part is not what its digest says: publish the release again')
  if (release.service !== service)
    throw refuse(`it is of the service ${release.service}, and this is ${service}: publish the release of ${service}`)
  return manifest
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
