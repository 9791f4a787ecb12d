/**
 * What is kept of the last good look, to say later what changed since: digests of the whole schema, and what was not as the
 * release expects it. All else is in the manifest, so that a database that is as expected costs a few kilobytes.
 */
import type { CatalogObject } from './catalog.ts'

/** A schema as a good look found it. Names are the expectation's. */
export interface KeptSchema {
  /** ISO 8601, UTC. */
  readonly at: string
  /** Which part of the database it was, as text: another part is no comparison. */
  readonly scope: string
  /** The server's: another one words expressions otherwise. */
  readonly major: number
  /** Sums in decimal; index = bucket. */
  readonly buckets: readonly string[]
  /** The sum of the grants. */
  readonly grants: string
  /** Every group of the buckets that were not as expected. */
  readonly groups: readonly { readonly schema: string; readonly group: string; readonly sum: string }[]
  /** Of those groups what was read whole, and the grants where they were more than expected: no more than `MOST_KEPT`. */
  readonly objects: readonly CatalogObject[]
  /** Migrations that had run here and that the release does not have, as their findings name them. */
  readonly migrations: readonly string[]
  /** The ledgers' rows, as a text that another one differs from. */
  readonly ledgers: string
}

/** How far it is known that the schema was so, and which changes have been seen since. */
export interface LastGood {
  /** When the latest look began that found it so: ISO 8601, UTC. */
  readonly at: string
  /** Groups that are not as they were, by `groupOf`: when a look first saw it (ISO 8601, UTC). */
  readonly seen: Readonly<Record<string, string>>
}

/** So many objects that are not as expected are kept whole; of what is beyond, it is told that it changed, not how. */
export const MOST_KEPT = 10_000
/** So many groups (tables, views, routines …) that are not as expected are told apart at all. */
export const MOST_GROUPS_KEPT = 50_000
