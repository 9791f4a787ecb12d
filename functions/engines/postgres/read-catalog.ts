/** The whole catalog, in pages where answers are limited. */
import type { Connection, Query } from '../../connections/connection.ts'
import { WHOLE_CATALOG } from '../../connections/connection.ts'
import type { CatalogObject, ObjectKind } from '../../core/catalog.ts'
import { BUCKETS, OBJECT_KINDS } from '../../core/catalog.ts'
import type { Scope } from '../engine.ts'
import { BUCKETED, selectedObjects, sizes } from './catalog.ts'
import type { GroupSize } from './catalog.ts'
import type { Selection } from './scope.ts'

const ALL: Selection = { by: 'all' }
/** Sizes are estimates of what an answer's JSON comes to. */
const FILL = 0.75

/**
 * Every object of the scope, grants included. Without a limit that is one statement. With one, sizes are asked first, then pages
 * of buckets; a bucket that is too large alone is read in pages of groups. A group is never split: it is one table's objects.
 */
export async function readCatalog(connection: Connection, scope: Scope): Promise<readonly CatalogObject[]> {
  const { maxAnswerBytes } = connection.traits
  if (maxAnswerBytes === null) {
    const [found] = await connection.read([selectedObjects(scope, ALL, OBJECT_KINDS)], WHOLE_CATALOG)
    return found
  }
  const budget = maxAnswerBytes * FILL
  const [bySize] = await connection.read([sizes(scope, ALL)], WHOLE_CATALOG)
  const large = bySize.filter(({ bytes }) => bytes > budget).map(({ bucket }) => bucket)
  const small = pagesOf(
    bySize.filter(({ bucket }) => !large.includes(bucket)),
    budget,
  ).map((page): Selection => ({ by: 'buckets', buckets: page.map(({ bucket }) => bucket) }))
  return readPages(
    connection,
    scope,
    [...small, ...(await pagesOfGroups(connection, scope, large, budget))],
    OBJECT_KINDS,
  )
}

/** The objects of these groups, without grants, however many they are: in pages where answers are limited. */
export async function readObjects(
  connection: Connection,
  scope: Scope,
  groups: readonly { readonly schema: string; readonly group: string }[],
): Promise<readonly CatalogObject[]> {
  const { maxAnswerBytes } = connection.traits
  const selection: Selection = { by: 'groups', groups }
  if (maxAnswerBytes === null || groups.length === 0) {
    const [found] = await connection.read([selectedObjects(scope, selection)], WHOLE_CATALOG)
    return found
  }
  const [bySize] = await connection.read([sizes(scope, selection)], WHOLE_CATALOG)
  return readPages(connection, scope, groupPages(bySize, maxAnswerBytes * FILL), BUCKETED)
}

/** A role's privileges: up to seven rows a table. So many buckets keep 10,000 tables' under a third of the limit. */
const GRANT_BUCKETS = 8

/** The grants of the scope's role, however many they are. */
export async function readGrants(connection: Connection, scope: Scope): Promise<readonly CatalogObject[]> {
  if (connection.traits.maxAnswerBytes === null) {
    const [found] = await connection.read([selectedObjects(scope, ALL, ['grant'])], WHOLE_CATALOG)
    return found
  }
  const pages = Array.from({ length: BUCKETS / GRANT_BUCKETS }, (_, page): Selection => {
    const buckets = Array.from({ length: GRANT_BUCKETS }, (__, at) => page * GRANT_BUCKETS + at)
    return { by: 'buckets', buckets }
  })
  return readPages(connection, scope, pages, ['grant'])
}

async function pagesOfGroups(
  connection: Connection,
  scope: Scope,
  buckets: readonly number[],
  budget: number,
): Promise<readonly Selection[]> {
  if (buckets.length === 0) return []
  const [bySize] = await connection.read([sizes(scope, { by: 'buckets', buckets })], WHOLE_CATALOG)
  return groupPages(bySize, budget)
}

function groupPages(bySize: readonly GroupSize[], budget: number): readonly Selection[] {
  return pagesOf(bySize, budget).map((page) => ({
    by: 'groups',
    groups: page.flatMap(({ group }) => (group === null ? [] : [group])),
  }))
}

/** One transaction for all pages: DDL in between does not tear the catalog. */
async function readPages(
  connection: Connection,
  scope: Scope,
  pages: readonly Selection[],
  kinds: readonly ObjectKind[],
): Promise<readonly CatalogObject[]> {
  const queries: readonly Query<readonly CatalogObject[]>[] = pages.map((page) => selectedObjects(scope, page, kinds))
  if (queries.length === 0) return []
  return (await connection.read(queries, WHOLE_CATALOG)).flat()
}

/** The SQL of a page of groups holds their names: at most so many, for the request's own limit. */
const MOST_IN_PAGE = 300

function pagesOf<T extends { readonly bytes: number }>(sized: readonly T[], budget: number): readonly (readonly T[])[] {
  const pages: T[][] = []
  let filled = Infinity
  for (const item of sized) {
    const page = pages.at(-1)
    if (page === undefined || filled + item.bytes > budget || page.length === MOST_IN_PAGE) {
      pages.push([item])
      filled = item.bytes
    } else {
      page.push(item)
      filled += item.bytes
    }
  }
  return pages
}
