/**
 * One look at a database: what is there of what the release expects. Reads only, in few round trips, and costs what
 * differs: stamp first, then digests by bucket, by group, then the objects of the groups that differ.
 */
import type { Connection, Query, QueryValues } from './connections/connection.ts'
import { BUCKETS, digestOfAll } from './core/catalog.ts'
import { groupOf } from './core/compare-catalog.ts'
import { groupBy } from './core/group.ts'
import type { LedgerObservation } from './core/ledger.ts'
import type { CatalogComparisonInput, Server, StatementObservation } from './core/observation.ts'
import type { CatalogSummary, Expectation, ExpectedObject, Statement } from './core/release.ts'
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
}

/** Who this is, what its catalogs' stamp is, and what looks like a ledger: one round trip over the wire. */
export async function observeServer(connection: Connection, engine: Engine): Promise<Sight> {
  const [server, stamp, candidates] = await connection.read([
    engine.identify(),
    engine.stamp(),
    engine.candidateTables(LEDGER_COLUMN_SETS),
  ])
  return { server, stamp, candidates }
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
  })
}

/** Which schemas of the environment stand for the expected ones. The first of the search path stands for `public`. */
export function mapSchemas(expected: readonly string[], searchPath: readonly string[]): Scope['schemas'] {
  const [first] = searchPath
  const renames = first !== undefined && first !== 'public' && !expected.includes(first)
  return expected.map((schema) => ({ expected: schema, actual: schema === 'public' && renames ? first : schema }))
}

export interface CatalogSight {
  readonly input: CatalogComparisonInput
  /** Schemas that exist, but that the role may not use: their names would be deparsed otherwise. */
  readonly unusableSchemas: readonly string[]
  /** The stamp after the last read of the catalogs. */
  readonly stampAfter: string
}

/** What of the catalog differs. Equal schemas cost one round trip, a difference two more. */
export async function observeCatalog(
  connection: Connection,
  engine: Engine,
  expected: ExpectedCatalog,
  scope: Scope,
  exact: boolean,
): Promise<CatalogSight> {
  const [digests, stampAfter] = await connection.read([engine.bucketDigests(scope), engine.stamp()])
  const present = {
    missingSchemas: scope.schemas
      .filter((schema) => !digests.schemas.some((there) => there.expected === schema.expected))
      .map((schema) => schema.expected),
    unusableSchemas: digests.schemas.filter((schema) => !schema.usable).map((schema) => schema.expected),
  }
  const buckets = differingBuckets(expected.summary, digests)
  const grantsDiffer = digests.grants.sum !== expected.summary.grants.sum
  if (present.unusableSchemas.length > 0 || (buckets.length === 0 && !grantsDiffer)) {
    const input = { expected: [], found: [], missingSchemas: present.missingSchemas }
    return { input, unusableSchemas: present.unusableSchemas, stampAfter }
  }
  const differing = await readDifferences(connection, engine, expected, scope, { buckets, exact, grantsDiffer })
  return {
    input: { ...differing.input, missingSchemas: present.missingSchemas },
    unusableSchemas: [],
    stampAfter: differing.stampAfter,
  }
}

function differingBuckets(summary: CatalogSummary, digests: BucketDigests): readonly number[] {
  const sums = new Map(digests.buckets.map(({ bucket, sum }) => [bucket, sum]))
  return Array.from({ length: BUCKETS }, (_, bucket) => bucket).filter(
    (bucket) => (sums.get(bucket) ?? '0') !== (summary.buckets[bucket]?.sum ?? '0'),
  )
}

interface Differing {
  readonly buckets: readonly number[]
  readonly exact: boolean
  readonly grantsDiffer: boolean
}

async function readDifferences(
  connection: Connection,
  engine: Engine,
  expected: ExpectedCatalog,
  scope: Scope,
  { buckets, exact, grantsDiffer }: Differing,
): Promise<{ readonly input: Omit<CatalogComparisonInput, 'missingSchemas'>; readonly stampAfter: string }> {
  const wanted = buckets.length === 0 ? [] : await expected.objects(buckets)
  const groups = buckets.length === 0 ? [] : await readGroups(connection, engine, scope, buckets)
  const differing = differingGroups(wanted, groups, exact)
  const [found, grants, stampAfter] = await readAll(connection, [
    engine.objects(
      scope,
      differing.filter((group) => group.there),
    ),
    engine.grants(grantsDiffer ? scope : { ...scope, role: null }),
    engine.stamp(),
  ])
  const names = new Set(differing.map(groupOf))
  return {
    stampAfter,
    input: {
      expected: [
        ...wanted.filter(({ object }) => names.has(groupOf(object))),
        ...(grantsDiffer ? await expected.grants() : []),
      ],
      found: [...found, ...grants],
    },
  }
}

async function readGroups(
  connection: Connection,
  engine: Engine,
  scope: Scope,
  buckets: readonly number[],
): Promise<readonly GroupDigest[]> {
  const [groups] = await connection.read([engine.groupDigests(scope, buckets)])
  return groups
}

async function readAll<const Q extends readonly Query<unknown>[]>(
  connection: Connection,
  queries: Q,
): Promise<QueryValues<Q>> {
  return connection.read(queries)
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

/** How the release's statements prepare here. Texts that are no single statement are refused, not sent. */
export async function observeStatements(
  connection: Connection,
  engine: Engine,
  statements: readonly Statement[],
  searchPath: string | null,
): Promise<readonly StatementObservation[]> {
  return statements.length === 0 ? [] : engine.prepareStatements(connection, statements, searchPath)
}
