/**
 * Where everything is in AWS. In the table (pk | sk):
 *
 *     stamps/SERVICE/ENVIRONMENT/EXPECTATION | DATABASE       running/SERVICE | ENVIRONMENT
 *     schemas/SERVICE/ENVIRONMENT/EXPECTATION | DATABASE      good/SERVICE/ENVIRONMENT/EXPECTATION | DATABASE
 *     samples/SERVICE/ENVIRONMENT | GENERATION-HASH           recordings/SERVICE | ENVIRONMENT
 *     published/SERVICE | digest/DIGEST/HASH, version/VERSION/HASH, commit/FIRST7/HASH, label/LABEL/HASH, latest
 *     documents/KEY | document
 *
 * In the bucket: `manifests/SERVICE/DIGEST/{header,catalog}`, `evidence/SERVICE/EXPECTATION/ENVIRONMENT.json`,
 * `reports/SERVICE/ENVIRONMENT/{TIME-HASH.json,NAME.html}`, and `long/TOKEN`: texts that are too long for an item. Both begin with the
 * store's prefix, where it has one, so that several stores share bucket and table.
 */
import type { PublishedReference } from './published-releases.ts'
import { SHORT_COMMIT } from './published-releases.ts'
import type { PublishedRelease } from './published.ts'
import { safeName } from './files.ts'

/** Parts as one key. None runs into the next: a safe name has no slash. */
export function keyOf(prefix: string, ...parts: readonly string[]): string {
  return `${prefix}${parts.map((part) => safeName(part)).join('/')}`
}

/** What the second keys begin with of the records that may be meant. */
export function indexKey(reference: PublishedReference): string {
  switch (reference.by) {
    case 'digest':
      return `digest/${safeName(reference.digest)}/`
    case 'version':
      return `version/${safeName(reference.version)}/`
    case 'commit':
      return `commit/${safeName(reference.commit.slice(0, SHORT_COMMIT).toLowerCase())}/`
    case 'label':
      return `label/${safeName(reference.label)}/`
  }
}

/** The second key of the record that was put last: the other keys begin with what a release is found by. */
export const LATEST = 'latest'

/** Everything that a release is found by; its digest first. */
export function indexKeys({ digest, version, commit, labels }: PublishedRelease): readonly string[] {
  return [
    indexKey({ by: 'digest', digest }),
    indexKey({ by: 'version', version }),
    ...(commit === null ? [] : [indexKey({ by: 'commit', commit })]),
    ...[...new Set(labels)].map((label) => indexKey({ by: 'label', label })),
  ]
}
