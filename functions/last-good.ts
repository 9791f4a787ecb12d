/**
 * The last good look, and what changed since. It costs nothing while the digests are the same; else what differs is read: digests
 * of groups where they are not known yet, then the objects of the groups that changed.
 */
import type { Connection } from './connections/connection.ts'
import { BUCKETS, bucketOf, digestOfAll } from './core/catalog.ts'
import type { CatalogObject } from './core/catalog.ts'
import { groupOf } from './core/compare-catalog.ts'
import { groupBy } from './core/group.ts'
import type { KeptSchema } from './core/last-good.ts'
import { MOST_GROUPS_KEPT, MOST_KEPT } from './core/last-good.ts'
import type { CatalogSummary } from './core/release.ts'
import type { ChangedGroup } from './core/schema-changes.ts'
import type { Engine, GroupDigest, Scope } from './engines/engine.ts'
import type { CatalogSight, ExpectedCatalog } from './observe.ts'
import { readGroups } from './observe.ts'

/** What a comparison with the last good look stands on. */
export interface Present {
  readonly connection: Connection
  readonly engine: Engine
  readonly expected: ExpectedCatalog
  readonly scope: Scope
  readonly sight: CatalogSight
}

/** So many groups are read whole: of an extra table each is a few rows, and nobody reads of more. */
const MOST_READ = 300

/** What is not as it was: groups with both sides, as far as they are known. */
export async function observeChanges(present: Present, kept: KeptSchema): Promise<readonly ChangedGroup[]> {
  return withGrants(await changedGroups(present, kept), await changedGrants(present, kept))
}

interface Group {
  readonly schema: string
  readonly group: string
  readonly sum: string
}

async function changedGroups(present: Present, kept: KeptSchema): Promise<readonly ChangedGroup[]> {
  const { expected, sight } = present
  const sums = new Map(sight.digests.buckets.map(({ bucket, sum }) => [bucket, sum]))
  const moved = Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => (sums.get(bucket) ?? '0') !== (kept.buckets[bucket] ?? '0'),
  )
  if (moved.length === 0) return []
  const wanted = groupBy(
    (await expected.objects(moved)).map(({ object }) => object),
    groupOf,
  )
  const then = byKey(groupsThen(kept, expected.summary, moved, [...wanted.values()]))
  const now = byKey(await groupsNow(present, moved))
  const changed = [...new Map([...then, ...now]).values()].filter(
    (one) => then.get(groupOf(one))?.sum !== now.get(groupOf(one))?.sum,
  )
  const before = groupBy(
    kept.objects.filter(({ kind }) => kind !== 'grant'),
    groupOf,
  )
  const after = await objectsNow(
    present,
    changed.filter((one) => now.has(groupOf(one))),
  )
  return changed.map(({ schema, group }) => {
    const key = groupOf({ schema, group })
    const [was, is] = [then.get(key), now.get(key)]
    const asExpected = wanted.get(key)
    const known =
      before.get(key) ?? (asExpected !== undefined && digestOfAll(asExpected) === was?.sum ? asExpected : null)
    return {
      schema,
      group,
      before: was === undefined ? [] : known,
      after: is === undefined ? [] : (after.get(key) ?? null),
    }
  })
}

function byKey(groups: readonly Group[]): ReadonlyMap<string, Group> {
  return new Map(groups.map((one) => [groupOf(one), one]))
}

/** In buckets that were as expected the groups were the expected ones. */
function groupsThen(
  kept: KeptSchema,
  summary: CatalogSummary,
  moved: readonly number[],
  wanted: readonly (readonly CatalogObject[])[],
): readonly Group[] {
  const asExpected = new Set(moved.filter((bucket) => (kept.buckets[bucket] ?? '0') === summary.buckets[bucket]?.sum))
  const expected = wanted.flatMap(([first, ...rest]): readonly Group[] => {
    if (first === undefined || !asExpected.has(bucketOf(first))) return []
    return [{ schema: first.schema, group: first.group, sum: digestOfAll([first, ...rest]) }]
  })
  const all = new Set(moved)
  return [...expected, ...kept.groups.filter((one) => all.has(bucketOf(one)) && !asExpected.has(bucketOf(one)))]
}

/** Of the buckets that are not as expected they are known already. */
async function groupsNow(
  { connection, engine, expected, scope, sight }: Present,
  moved: readonly number[],
): Promise<readonly GroupDigest[]> {
  const known = new Set(differingBuckets(expected.summary, sight))
  const unknown = moved.filter((bucket) => !known.has(bucket))
  const read = unknown.length === 0 ? [] : await readGroups(connection, engine, scope, unknown)
  const all = new Set(moved)
  return [...sight.groups.filter((one) => all.has(bucketOf(one))), ...read]
}

function differingBuckets(summary: CatalogSummary, { digests }: CatalogSight): readonly number[] {
  const sums = new Map(digests.buckets.map(({ bucket, sum }) => [bucket, sum]))
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => (sums.get(bucket) ?? '0') !== (summary.buckets[bucket]?.sum ?? '0'),
  )
}

/** By group. Those that the look has read are not read again. */
async function objectsNow(
  { connection, engine, scope, sight }: Present,
  groups: readonly Group[],
): Promise<ReadonlyMap<string, readonly CatalogObject[]>> {
  const known = groupBy(
    sight.input.found.filter(({ kind }) => kind !== 'grant'),
    groupOf,
  )
  const wanted = groups.filter((one) => !known.has(groupOf(one))).slice(0, MOST_READ)
  const read = wanted.length === 0 ? [] : await engine.readObjects(connection, scope, wanted)
  return new Map([...known, ...groupBy(read, groupOf)])
}

async function changedGrants(
  { connection, engine, expected, scope, sight }: Present,
  kept: KeptSchema,
): Promise<readonly ChangedGroup[]> {
  const { sum } = sight.digests.grants
  if (sum === kept.grants) return []
  const wanted = expected.summary.grants.sum
  const then = kept.grants === wanted ? await grantsOf(expected) : kept.objects.filter(({ kind }) => kind === 'grant')
  if (digestOfAll(then) !== kept.grants)
    return [{ schema: '', group: `grants of ${scope.role ?? 'nobody'}`, before: null, after: null }]
  const read = sight.input.found.filter(({ kind }) => kind === 'grant')
  const now =
    sum === wanted ? await grantsOf(expected) : read.length > 0 ? read : await engine.readGrants(connection, scope)
  const [before, after] = [groupBy(then, groupOf), groupBy(now, groupOf)]
  return [...new Map([...before, ...after]).values()].flatMap(([first]): readonly ChangedGroup[] => {
    if (first === undefined) return []
    const [was, is] = [before.get(groupOf(first)) ?? [], after.get(groupOf(first)) ?? []]
    return digestOfAll(was) === digestOfAll(is)
      ? []
      : [{ schema: first.schema, group: first.group, before: was, after: is }]
  })
}

async function grantsOf(expected: ExpectedCatalog): Promise<readonly CatalogObject[]> {
  return (await expected.grants()).map(({ object }) => object)
}

/** A table's grants are told with the table. */
function withGrants(groups: readonly ChangedGroup[], grants: readonly ChangedGroup[]): readonly ChangedGroup[] {
  const own = new Map(grants.map((one) => [groupOf(one), one]))
  const keys = new Set(groups.map(groupOf))
  const join = (a: ChangedGroup['before'], b: ChangedGroup['before']): ChangedGroup['before'] =>
    a === null || b === null ? null : [...a, ...b]
  return [
    ...groups.map((one) => {
      const also = own.get(groupOf(one))
      return also === undefined
        ? one
        : { ...one, before: join(one.before, also.before), after: join(one.after, also.after) }
    }),
    ...grants.filter((one) => !keys.has(groupOf(one))),
  ]
}

/**
 * What is kept of a look that was good: little where the database is as expected, and of bounded size however much is not. null:
 * there is more in it that is not the release's than can be kept.
 */
export async function keepSchema(
  present: Present,
  known: Pick<KeptSchema, 'at' | 'scope' | 'major' | 'migrations' | 'ledgers'>,
): Promise<KeptSchema | null> {
  const { digests, groups, input } = present.sight
  if (groups.length > MOST_GROUPS_KEPT) return null
  const sums = new Map(digests.buckets.map(({ bucket, sum }) => [bucket, sum]))
  return {
    ...known,
    buckets: Array.from({ length: BUCKETS }, (_, bucket) => sums.get(bucket) ?? '0'),
    grants: digests.grants.sum,
    groups: groups.map(({ schema, group, sum }) => ({ schema, group, sum })),
    objects: wholeGroups([...input.found, ...(await extraObjects(present))], MOST_KEPT),
  }
}

/** Objects of groups that nobody expects: where extras are no findings, the look has not read them. */
async function extraObjects(present: Present): Promise<readonly CatalogObject[]> {
  const { expected, sight } = present
  const wanted = await expected.objects(differingBuckets(expected.summary, sight))
  const known = new Set([...wanted.map(({ object }) => object), ...sight.input.found].map(groupOf))
  const extras = sight.groups.filter((one) => !known.has(groupOf(one)))
  return [...(await objectsNow(present, extras))].flatMap(([key, objects]) => (known.has(key) ? [] : objects))
}

/** Of a group all objects or none: half a table would look as if the other half had come later. */
function wholeGroups(objects: readonly CatalogObject[], most: number): readonly CatalogObject[] {
  const kept: CatalogObject[] = []
  // Grants are compared with all grants or with none.
  const groups = groupBy(objects, (one) => (one.kind === 'grant' ? 'grants' : groupOf(one)))
  for (const group of groups.values()) if (kept.length + group.length <= most) kept.push(...group)
  return kept
}
