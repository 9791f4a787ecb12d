/** From what a system says of a deployment to what a release may be published under. */
import type { ReleaseReference } from '../../core/look-order.ts'

type Named = Exclude<ReleaseReference, { readonly by: 'running' }>

/**
 * What a deployment carries, the surest first: the first group of which something was published decides, and its members must
 * agree.
 */
export type Carried = readonly (readonly Named[])[]

const label = (value: string): Named => ({ by: 'label', label: value })

/**
 * A stack's tag or output: `digest:…`, `version:…`, `commit:…` or `label:…`; bare, 64 hexadecimal digits are a digest, 40 a
 * commit, and the rest is a version.
 */
export function referenceOfText(written: string): Named {
  const value = written.trim()
  const [, by, rest = ''] = /^(digest|version|commit|label):(.+)$/u.exec(value) ?? []
  if (by === 'digest') return { by, digest: rest }
  if (by === 'version') return { by, version: rest }
  if (by === 'commit') return { by, commit: rest }
  if (by === 'label') return { by, label: rest }
  if (/^[0-9a-f]{64}$/u.test(value)) return { by: 'digest', digest: value }
  if (/^[0-9a-f]{40}$/u.test(value)) return { by: 'commit', commit: value }
  return { by: 'version', version: value }
}

/** The revision of a source: a commit, an image's digest, or the version of an object. */
export function referencesOfRevision(revision: string): readonly Named[] {
  return /^[0-9a-f]{40}$/u.test(revision) ? [{ by: 'commit', commit: revision }] : [label(revision)]
}

/** An object of S3, with and without its version: only a version says for sure which content it had. */
export function referencesOfObject(object: {
  readonly bucket: string
  readonly key: string
  readonly version: string | null
}): Carried {
  const place = `s3://${object.bucket}/${object.key}`
  const version = object.version === null ? [] : [[label(`${place}?versionId=${object.version}`)]]
  return [...version, [label(place), label(object.key)]]
}

export interface Image {
  /** As in a task definition: `repository:tag`, `repository@sha256:…`. */
  readonly image: string | null
  /** `sha256:…`: what the tag meant when it was deployed. */
  readonly digest: string | null
}

/**
 * Images of all containers: a sidecar's were not published, and so decide nothing. A digest is surer than a tag, which may have
 * been moved.
 */
export function referencesOfImages(images: readonly Image[]): Carried {
  const digests = images.flatMap(({ image, digest }) => [digest, image?.split('@')[1]])
  const names = images.flatMap(({ image }) => (image === null || image.includes('@') ? [] : [image]))
  // A colon before the last slash is a registry's port.
  const tags = names.flatMap((name) => /:([^/:]+)$/u.exec(name)?.[1] ?? [])
  return [
    digests.filter((digest) => digest !== undefined && digest !== null).map(label),
    [
      ...names.map(label),
      ...tags.flatMap((tag): readonly Named[] => [
        label(tag),
        { by: 'version', version: tag },
        ...(/^[0-9a-f]{7,40}$/u.test(tag) ? [{ by: 'commit', commit: tag } as const] : []),
      ]),
    ],
  ]
}

export function referencesOfFunctions(functions: readonly string[]): readonly Named[] {
  return functions.map(label)
}

export { label as labelled }
