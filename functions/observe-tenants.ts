/**
 * One look at many schemas of a database that each stand for the same one of the expectation. The server says which are
 * alike; of each kind one is read, as a single schema is.
 */
import type { Connection, Query, ReadOptions } from './connections/connection.ts'
import { DatabaseError } from './connections/connection.ts'
import { BUCKETS, bucketOf, digestOfAll } from './core/catalog.ts'
import { groupBy } from './core/group.ts'
import type { LedgerObservation } from './core/ledger.ts'
import type { CatalogSummary, ExpectedObject, LedgerExpectation } from './core/release.ts'
import type { CandidateTable, Engine } from './engines/engine.ts'
import type { CandidateGroup, TenantClass, TenantsSight, TenantTable } from './engines/tenants.ts'
import type { LedgerReader } from './ledgers/ledger.ts'
import { LEDGER_READERS } from './ledgers/readers.ts'
import { readLedgers } from './ledgers/read-ledgers.ts'
import { TIME } from './ledgers/recognise.ts'
import type { ExpectedCatalog, LedgerSight } from './observe.ts'

/** The schema of the expectation for which each tenant's stands. */
export function tenantSchemaOf(expected: readonly string[]): string {
  return expected.includes('public') ? 'public' : (expected[0] ?? 'public')
}

/** What each tenant has to have, and what all of them share: extensions, and the expectation's other schemas. */
export async function splitExpected(
  catalog: ExpectedCatalog,
  tenantSchema: string,
): Promise<{ readonly own: ExpectedCatalog; readonly shared: ExpectedCatalog }> {
  const objects = await catalog.objects(Array.from({ length: BUCKETS }, (_, bucket) => bucket))
  const grants = await catalog.grants()
  const isOwn = ({ object }: ExpectedObject): boolean => object.schema === tenantSchema
  const part = (keep: (object: ExpectedObject) => boolean): ExpectedCatalog =>
    expectedOf(catalog.summary, objects.filter(keep), grants.filter(keep))
  return { own: part(isOwn), shared: part((object) => !isOwn(object)) }
}

function expectedOf(
  summary: CatalogSummary,
  objects: readonly ExpectedObject[],
  grants: readonly ExpectedObject[],
): ExpectedCatalog {
  const byBucket = groupBy(objects, ({ object }) => bucketOf(object))
  const digest = (some: readonly ExpectedObject[]) => ({
    objects: some.length,
    sum: digestOfAll(some.map(({ object }) => object)),
  })
  return {
    summary: {
      ...summary,
      total: digest(objects),
      buckets: Array.from({ length: BUCKETS }, (_, bucket) => digest(byBucket.get(bucket) ?? [])),
      grants: digest(grants),
    },
    objects: async (buckets) => buckets.flatMap((bucket) => byBucket.get(bucket) ?? []),
    grants: async () => grants,
  }
}

export interface TenantLedgers {
  /** Those that each tenant has of its own. */
  readonly own: readonly LedgerExpectation[]
  /** Their tables and locks, by the names that most tenants have them under. */
  readonly tables: readonly TenantTable[]
  /** One for all tenants. */
  readonly shared: readonly LedgerExpectation[]
}

/** Which ledgers each tenant has of its own, and which one all of them share: seen, not configured. */
export function placeLedgers(ledgers: readonly LedgerExpectation[], sight: TenantsSight): TenantLedgers {
  const placed = ledgers.map((ledger) => ({ ledger, tables: ownOrAlike(ledger, sight) }))
  return {
    own: placed.flatMap(({ ledger, tables }) => (tables.length > 0 ? [ledger] : [])),
    tables: placed.flatMap(({ tables }) => tables),
    shared: placed.flatMap(({ ledger, tables }) => (tables.length > 0 ? [] : [ledger])),
  }
}

/** Where its tool's is neither in the tenants nor beside them, that of a tool whose files are named alike. */
function ownOrAlike(ledger: LedgerExpectation, sight: TenantsSight): readonly TenantTable[] {
  for (const one of [ledger, ...(ledger.otherwise ?? [])]) {
    const tables = ownTables(one, sight)
    if (tables.length > 0 || isBeside(one, sight)) return tables
  }
  return []
}

function isBeside({ tool: name }: LedgerExpectation, sight: TenantsSight): boolean {
  const tool: LedgerReader | undefined = LEDGER_READERS.find((one) => one.name === name)
  return sight.candidates.some(
    ({ tenants, schemas: [schema = ''], ...group }) =>
      !tenants && tool?.recognise({ ...group, schema }, candidatesIn(sight, schema)) != null,
  )
}

function ownTables(ledger: LedgerExpectation, sight: TenantsSight): readonly TenantTable[] {
  const tool: LedgerReader | undefined = LEDGER_READERS.find(({ name }) => name === ledger.tool)
  if (tool === undefined || (ledger.table !== null && ledger.table.schema !== null)) return []
  const groups = sight.candidates.filter((group) => {
    const [schema] = group.schemas
    if (!group.tenants || schema === undefined) return false
    if (ledger.table !== null) return group.table === ledger.table.table
    return tool.recognise({ ...group, schema }, candidatesIn(sight, schema)) !== null
  })
  const count = (some: readonly CandidateGroup[]): number => some.reduce((sum, { schemas }) => sum + schemas.length, 0)
  const [named] = [...groupBy(groups, ({ table }) => table).values()].toSorted((a, b) => count(b) - count(a))
  const [first] = named ?? []
  if (first === undefined) return []
  const { orderBy, incidental = [] } = tool.read
  const beside = tool.beside({ schema: first.schemas[0] ?? '', table: first.table })
  return [
    { table: first.table, orderBy, incidental: [...new Set([...timesOf(first), ...incidental])] },
    ...beside.map(({ table }) => {
      const group = sight.candidates.find((other) => other.tenants && other.table === table)
      return { table, orderBy: [], incidental: group === undefined ? [] : timesOf(group) }
    }),
  ]
}

function timesOf({ columns }: CandidateGroup): readonly string[] {
  return Object.entries(columns).flatMap(([column, type]) => (TIME.test(type) ? [column] : []))
}

/** What looks like a ledger in one schema. */
function candidatesIn({ candidates }: TenantsSight, schema: string): readonly CandidateTable[] {
  return candidates.flatMap(({ table, columns, readable, schemas }) =>
    schemas.includes(schema) ? [{ schema, table, columns, readable }] : [],
  )
}

export interface LedgersInput {
  readonly sight: TenantsSight
  readonly ledgers: TenantLedgers
  readonly searchPath: readonly string[]
  readonly role: string
}

/** The ledgers that one tenant has of its own. */
export async function readOwnLedgers(
  connection: Connection,
  engine: Engine,
  { sight, ledgers, role }: LedgersInput,
  schema: string,
): Promise<readonly LedgerObservation[]> {
  if (ledgers.own.length === 0) return []
  const candidates = candidatesIn(sight, schema)
  const read = await readLedgers(connection, engine, { ledgers: ledgers.own, candidates, searchPath: [schema], role })
  return read.observations
}

export async function readSharedLedgers(
  connection: Connection,
  engine: Engine,
  { sight, ledgers, searchPath, role }: LedgersInput,
): Promise<LedgerSight> {
  if (ledgers.shared.length === 0) return { observations: [], tables: [] }
  const candidates = sight.candidates.flatMap(({ table, columns, readable, tenants, schemas }) =>
    tenants ? [] : schemas.map((schema) => ({ schema, table, columns, readable })),
  )
  return readLedgers(connection, engine, { ledgers: ledgers.shared, candidates, searchPath, role })
}

/** Parts of a whole are told apart; what is alike in several of them is one class. */
export function joinClasses(parts: readonly (readonly TenantClass[])[]): readonly TenantClass[] {
  const groups = groupBy(parts.flat(), ({ objects, grants, ledgers }) => JSON.stringify([objects, grants, ledgers]))
  return [...groups.values()].flatMap((members): readonly TenantClass[] => {
    const [first] = members
    return first === undefined ? [] : [{ ...first, schemas: members.flatMap(({ schemas }) => schemas) }]
  })
}

/**
 * The connection whose next read takes these queries along: one request for both. Where that is refused each is asked alone, so
 * that each is refused for its own reason.
 */
export function alongside<T>(
  connection: Connection,
  queries: readonly Query<T>[],
  options: Partial<ReadOptions>,
  classify: Engine['classify'],
): { readonly connection: Connection; values(): Promise<readonly T[]> } {
  let taken: readonly T[] | null = null
  let tried = false
  const read = async (own: readonly Query<unknown>[], ownOptions?: Partial<ReadOptions>): Promise<unknown> => {
    if (tried || queries.length === 0) return connection.read(own, ownOptions)
    tried = true
    try {
      const all = await connection.read([...own, ...queries], { ...ownOptions, ...options })
      taken = all.slice(own.length) as readonly T[]
      return all.slice(0, own.length)
    } catch (error) {
      if (!(error instanceof DatabaseError) || classify(error) !== 'denied') throw error
      return connection.read(own, ownOptions)
    }
  }
  return {
    connection: { ...connection, read: read as Connection['read'] },
    values: async () => taken ?? (await connection.read(queries, options)),
  }
}
