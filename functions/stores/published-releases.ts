/** What every index of published releases has in common. Pure. */
import { groupBy } from '../core/group.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { PublishedRelease } from './published.ts'

export type PublishedReference = Exclude<ReleaseReference, { readonly by: 'running' }>

/** Whether that reference means this release. */
export function isMeant(release: PublishedRelease, reference: PublishedReference): boolean {
  switch (reference.by) {
    case 'digest':
      return release.digest === reference.digest
    case 'version':
      return release.version === reference.version
    case 'commit':
      return release.commit !== null && isSameCommit(release.commit, reference.commit)
    case 'label':
      return release.labels.includes(reference.label)
  }
}

/** So many digits of a commit are taken for its name: git's own least, unless the repository is larger. */
export const SHORT_COMMIT = 7

/** One may be cut short, as people and deployment tools do. */
function isSameCommit(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()]
  if (a === b) return true
  const isHex = [a, b].every((commit) => /^[0-9a-f]+$/u.test(commit) && commit.length >= SHORT_COMMIT)
  return isHex && (a.startsWith(b) || b.startsWith(a))
}

/** Each release once, newest first: it was published as often as it has records, each time with labels of its own. */
export function unitePublished(records: readonly PublishedRelease[]): readonly PublishedRelease[] {
  const releases = groupBy(records, ({ version, commit, digest }) => JSON.stringify([version, commit, digest]))
  const united = [...releases.values()].flatMap((same) => {
    const newest = same.toSorted((a, b) => compare(b.at, a.at))[0]
    const labels = [...new Set(same.flatMap((record) => record.labels))].sort()
    return newest === undefined ? [] : [{ ...newest, labels }]
  })
  return united.toSorted((a, b) => compare(b.at, a.at) || compare(a.digest, b.digest) || compare(a.version, b.version))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
