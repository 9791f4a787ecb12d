/**
 * One look at a database: what is there of what the release expects. Reads only, in few round trips, and costs what
 * differs: stamp first, then digests by bucket, by group, then the objects of the groups that differ.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Connection } from './connections/connection.ts'
import { DatabaseError, WHOLE_CATALOG } from './connections/connection.ts'
import { BUCKETS, digestOfAll } from './core/catalog.ts'
import { groupOf } from './core/compare-catalog.ts'
import { groupBy } from './core/group.ts'
import type { LedgerObservation } from './core/ledger.ts'
import type { CatalogComparisonInput, Server } from './core/observation.ts'
import type { CatalogSummary, Expectation, ExpectedObject } from './core/release.ts'
import type { BucketDigests, CandidateTable, Engine, GroupDigest, Scope } from './engines/engine.ts'
import type { LedgerTable } from './ledgers/read-ledgers.ts'
import { LEDGER_COLUMN_SETS, readLedgers } from './ledgers/read-ledgers.ts'

/** The expected objects, read only as far as they are needed. */
export interface ExpectedCatalog {
  readonly summary: CatalogSummary
  objects(buckets: readonly number[]): Promise<readonly ExpectedObject[]>
  grants(): Promise<readonly ExpectedObject[]>
}

export interface Sight {
  readonly server: Server
  readonly stamp: string
  readonly candidates: readonly CandidateTable[]
  /** The catalog's digests, where the scope could be guessed and they travelled along. */
  readonly early: { readonly scope: Scope; readonly digests: BucketDigests } | null
}

/**
 * Who this is, what its catalogs' stamp is, and what looks like a ledger: one round trip over the wire. Where the scope of
 * the last good look is known, the digests travel along: ledgers seldom move.
 */
export async function observeServer(connection: Connection, engine: Engine, guess: Scope | null): Promise<Sight> {
  const who = [engine.identify(), engine.stamp(), engine.candidateTables(LEDGER_COLUMN_SETS)] as const
  if (guess !== null) {
    try {
      const [server, stamp, candidates, digests] = await connection.read(
        [...who, engine.bucketDigests(guess)],
        WHOLE_CATALOG,
      )
      return { server, stamp, candidates, early: { scope: guess, digests } }
    } catch (error) {
      // What is in the way of the catalog is not in the way of the ledger: each is asked alone then.
      if (!(error instanceof DatabaseError)) throw error
    }
  }
  const [server, stamp, candidates] = await connection.read(who)
  return { server, stamp, candidates, early: null }
}

export interface LedgerSight {
  readonly observations: readonly LedgerObservation[]
  /** Ledgers, locks: tables that are nobody's expectation. */
  readonly tables: readonly LedgerTable[]
}

/** What every ledger of the release says. */
export async function observeLedgers(
  connection: Connection,
  engine: Engine,
  expectation: Expectation,
  sight: Sight,
  searchPath: readonly string[],
): Promise<LedgerSight> {
  return readLedgers(connection, engine, {
    ledgers: expectation.ledgers,
    candidates: sight.candidates,
    searchPath,
    role: sight.server.role,
    others: true,
  })
}

export interface CatalogSight {
  readonly input: CatalogComparisonInput
  /** Schemas that exist, but that the role may not use: their names would be deparsed otherwise. */
  readonly unusableSchemas: readonly string[]
  /** The digests that were compared, and those of every group in the buckets that are not as expected. */
  readonly digests: BucketDigests
  readonly groups: readonly GroupDigest[]
}

/** What of the catalog differs. Equal schemas cost one round trip, none where the digests came early; a difference two more. */
export async function observeCatalog(
  connection: Connection,
  engine: Engine,
  expected: ExpectedCatalog,
  scope: Scope,
  exact: boolean,
  early: Sight['early'],
): Promise<CatalogSight> {
  const digests =
    early !== null && isDeepStrictEqual(early.scope, scope)
      ? early.digests
      : (await connection.read([engine.bucketDigests(scope)], WHOLE_CATALOG))[0]
  const missingSchemas = scope.schemas
    .filter((schema) => !digests.schemas.some((there) => there.expected === schema.expected))
    .map((schema) => schema.expected)
  const unusableSchemas = digests.schemas.filter((schema) => !schema.usable).map((schema) => schema.expected)
  if (unusableSchemas.length > 0)
    return { input: { expected: [], found: [], missingSchemas }, unusableSchemas, digests, groups: [] }
  const objects = await differingObjects(
    connection,
    engine,
    expected,
    scope,
    differingBuckets(expected.summary, digests),
    exact,
  )
  const grants =
    digests.grants.sum === expected.summary.grants.sum
      ? NOTHING
      : await differingGrants(connection, engine, expected, scope)
  return {
    input: {
      expected: [...objects.expected, ...grants.expected],
      found: [...objects.found, ...grants.found],
      missingSchemas,
    },
    unusableSchemas,
    digests,
    groups: objects.groups,
  }
}

type Sides = Pick<CatalogComparisonInput, 'expected' | 'found'>
const NOTHING = { expected: [], found: [], groups: [] } satisfies Sides & Pick<CatalogSight, 'groups'>

function differingBuckets(summary: CatalogSummary, digests: BucketDigests): readonly number[] {
  const sums = new Map(digests.buckets.map(({ bucket, sum }) => [bucket, sum]))
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => (sums.get(bucket) ?? '0') !== (summary.buckets[bucket]?.sum ?? '0'),
  )
}

async function differingObjects(
  connection: Connection,
  engine: Engine,
  expected: ExpectedCatalog,
  scope: Scope,
  buckets: readonly number[],
  exact: boolean,
): Promise<Sides & Pick<CatalogSight, 'groups'>> {
  if (buckets.length === 0) return NOTHING
  const wanted = await expected.objects(buckets)
  const groups = await readGroups(connection, engine, scope, buckets)
  const differing = differingGroups(wanted, groups, exact)
  const there = differing.filter((group) => group.there)
  const names = new Set(differing.map(groupOf))
  return {
    expected: wanted.filter(({ object }) => names.has(groupOf(object))),
    found: there.length === 0 ? [] : await engine.readObjects(connection, scope, there),
    groups,
  }
}

/** A group's digest is some 100 bytes of an answer: where answers are limited, so many buckets at a time. */
const BUCKETS_A_PAGE = 32

/** Digests of every group of these buckets. */
export async function readGroups(
  connection: Connection,
  engine: Engine,
  scope: Scope,
  buckets: readonly number[],
): Promise<readonly GroupDigest[]> {
  const size = connection.traits.maxAnswerBytes === null ? BUCKETS : BUCKETS_A_PAGE
  const pages = Array.from({ length: Math.ceil(buckets.length / size) }, (_, at) =>
    buckets.slice(at * size, (at + 1) * size),
  )
  return (
    await connection.read(
      pages.map((page) => engine.groupDigests(scope, page)),
      WHOLE_CATALOG,
    )
  ).flat()
}

async function differingGrants(
  connection: Connection,
  engine: Engine,
  expected: ExpectedCatalog,
  scope: Scope,
): Promise<Sides> {
  return { expected: await expected.grants(), found: await engine.readGrants(connection, scope) }
}

interface DifferingGroup {
  readonly schema: string
  readonly group: string
  readonly there: boolean
}

/** Groups whose digest is not the expected one. Groups that nobody expects count only in an exact comparison. */
function differingGroups(
  wanted: readonly ExpectedObject[],
  found: readonly GroupDigest[],
  exact: boolean,
): readonly DifferingGroup[] {
  const sums = new Map(found.map((group) => [groupOf(group), group.sum]))
  const byGroup = groupBy(
    wanted.map(({ object }) => object),
    groupOf,
  )
  const changed = [...byGroup].flatMap(([key, [first, ...rest]]) => {
    if (first === undefined || sums.get(key) === digestOfAll([first, ...rest])) return []
    return [{ schema: first.schema, group: first.group, there: sums.has(key) }]
  })
  const extra = exact ? found.filter((group) => !byGroup.has(groupOf(group))) : []
  return [...changed, ...extra.map(({ schema, group }) => ({ schema, group, there: true }))]
}
