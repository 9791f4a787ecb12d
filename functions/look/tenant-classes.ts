/** The kinds of alike tenants of one look, and what is judged of each: by one of them, which stands for all. */
import type { Connection, Query } from '../connections/connection.ts'
import { WHOLE_CATALOG } from '../connections/connection.ts'
import type { LedgerObservation } from '../core/ledger.ts'
import type { Observation, QueryObservation, Seen, Server } from '../core/observation.ts'
import type { Statement } from '../core/release.ts'
import type { TenantJudgement } from '../core/tenants.ts'
import type { BucketDigests, Scope } from '../engines/engine.ts'
import type { TenantClass, TenantPatterns, TenantsSight } from '../engines/tenants.ts'
import type { CatalogSight, ExpectedCatalog, LedgerSight } from '../observe.ts'
import { mapSchemas } from '../engines/scope.ts'
import { observeCatalog } from '../observe.ts'
import type { LedgersInput } from '../observe-tenants.ts'
import {
  alongside,
  joinClasses,
  placeLedgers,
  readOwnLedgers,
  readSharedLedgers,
  splitExpected,
  tenantSchemaOf,
} from '../observe-tenants.ts'
import { EACH_TENANT } from '../unchanged.ts'
import type { CheckInput } from './input.ts'
import { inTenant } from './input.ts'
import { judgeAll, usable } from './judge-all.ts'
import type { Pool } from './pool.ts'
import type { QueriesSight } from './queries.ts'
import { lookAtQueries } from './queries.ts'
import { answersOf } from './sight.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

/** So many relations to a statement: each has its own time, and all travel together. */
const RELATIONS = 25_000

export interface BegunTenants {
  readonly server: Server
  readonly stamp: string
  readonly sight: TenantsSight
}

interface TenantsInput {
  readonly input: CheckInput
  readonly patterns: TenantPatterns
  readonly connection: Connection
  readonly pool: Pool
  readonly timer: Timer
  readonly begun: BegunTenants
}

export interface TenantsContext extends TenantsInput {
  readonly ledgers: LedgersInput
  /** The expectation's name of the schema that each tenant's stands for. */
  readonly schema: string
  /** The ledgers' tables are nobody's expectation. */
  readonly exclude: Scope['exclude']
}

export function tenantsContext(given: TenantsInput): TenantsContext {
  const { environment, release } = given.input
  const { sight, server } = given.begun
  const ledgers = placeLedgers(release.expectation.ledgers, sight)
  return {
    ...given,
    ledgers: { sight, ledgers, searchPath: environment.searchPath, role: server.role },
    schema: tenantSchemaOf(release.expectation.catalog.schemas),
    exclude: ledgers.tables.map(({ table }) => ({ schema: null, table })),
  }
}

export interface DigestedTenants {
  readonly classes: readonly TenantClass[]
  /** The tenant whose own ledgers were read along with the digests, and they. */
  readonly first: { readonly schema: string; readonly observations: readonly LedgerObservation[] }
  readonly sharedLedgers: readonly LedgerObservation[]
  readonly own: ExpectedCatalog
  /** null: there is nothing that tenants share. */
  readonly sharedCatalog: CatalogSight | null
  /** Ledgers with digests of their rows, for the stamp. */
  readonly tables: LedgerSight['tables']
}

type Along =
  | { readonly classes: readonly TenantClass[] }
  | { readonly digest: string }
  | { readonly shared: BucketDigests }

/** What all tenants have, in one round trip over the wire with the ledgers of the first; one more for a ledger that they share. */
export async function digestTenants(context: TenantsContext): Promise<DigestedTenants> {
  const { input, patterns } = context
  const { engine, release } = input
  const { tables } = context.ledgers.ledgers
  const { own, shared } = await splitExpected(release.catalog, context.schema)
  const sharedScope = scopeOf(context, null)
  const sharesCatalog = shared.summary.total.objects + shared.summary.grants.objects > 0
  const along = alongside<Along>(
    context.connection,
    [
      ...classQueries(context).map((query) => mapped(query, (classes) => ({ classes }))),
      ...tables.map(({ table }) => mapped(engine.tenants.tableDigest(patterns, table), (digest) => ({ digest }))),
      ...(sharesCatalog ? [mapped(engine.bucketDigests(sharedScope), (digests) => ({ shared: digests }))] : []),
    ],
    WHOLE_CATALOG,
    (error) => engine.classify(error),
  )
  const schema = firstWithLedger(context)
  const observations = await readOwnLedgers(along.connection, engine, context.ledgers, schema)
  const sharedLedgers = await readSharedLedgers(along.connection, engine, context.ledgers)
  const answers = await along.values()
  const digests = answers.flatMap((answer) => ('digest' in answer ? [answer.digest] : []))
  const early = answers.flatMap((answer) => ('shared' in answer ? [answer.shared] : []))[0] ?? null
  return {
    classes: joinClasses(answers.flatMap((answer) => ('classes' in answer ? [answer.classes] : []))),
    first: { schema, observations },
    sharedLedgers: sharedLedgers.observations,
    own,
    sharedCatalog:
      early === null
        ? null
        : await observeCatalog(context.connection, engine, shared, sharedScope, isExact(input), {
            scope: sharedScope,
            digests: early,
          }),
    tables: [
      ...tables.map(({ table }, at) => ({ schema: EACH_TENANT, table, digest: digests[at] ?? '' })),
      ...sharedLedgers.tables,
    ],
  }
}

function mapped<T, U>({ sql, parse }: Query<T>, map: (value: T) => U): Query<U> {
  return { sql, parse: (rows) => map(parse(rows)) }
}

function isExact({ release }: CheckInput): boolean {
  return release.expectation.policy.match === 'exact'
}

function classQueries({
  input,
  patterns,
  begun,
  ledgers,
  schema,
  exclude,
}: TenantsContext): readonly Query<readonly TenantClass[]>[] {
  const { catalog, policy } = input.release.expectation
  const parts = Math.max(1, Math.ceil(begun.sight.relations / RELATIONS))
  return Array.from({ length: parts }, (_, nth) =>
    input.engine.tenants.digests({
      patterns,
      scope: { schemas: [{ expected: schema, actual: schema }], ignore: policy.ignore, exclude, role: policy.role },
      shared: catalog.schemas.filter((name) => name !== schema),
      ledgers: ledgers.ledgers.tables,
      catalog: catalog.mode !== 'none',
      part: { of: parts, nth },
    }),
  )
}

/** Of one tenant; null: of what is no tenant's. */
function scopeOf({ input, schema, exclude, ledgers }: TenantsContext, tenant: string | null): Scope {
  const { catalog, policy } = input.release.expectation
  const others = mapSchemas(
    catalog.schemas.filter((name) => name !== schema),
    ['public'],
  )
  const shared = ledgers.ledgers.shared.flatMap(({ table }) => (table === null ? [] : [table]))
  return {
    schemas: tenant === null ? others : [{ expected: schema, actual: tenant }],
    ignore: policy.ignore,
    exclude: tenant === null ? shared : exclude,
    role: policy.role,
  }
}

/** A tenant that has what most have; the first one where none has a ledger of its own. */
function firstWithLedger({ ledgers }: TenantsContext): string {
  const { sight } = ledgers
  const [table] = ledgers.ledgers.tables
  const group = sight.candidates
    .filter((candidate) => candidate.tenants && candidate.readable && candidate.table === table?.table)
    .toSorted((a, b) => b.schemas.length - a.schemas.length)[0]
  return group?.schemas[0] ?? sight.usable[0] ?? ''
}

/** One judgement a class, each with what it costs to see how it differs; what two classes have in common is seen once. */
export async function judgeClasses(
  context: TenantsContext,
  digested: DigestedTenants,
): Promise<{ readonly judged: readonly TenantJudgement[]; readonly queries: readonly QueryObservation[] }> {
  const { usable } = context.begun.sight
  const first = digested.classes.find(({ schemas }) => schemas.includes(usable[0] ?? ''))
  const asked = first === undefined ? null : kindOf(first)
  const catalogs = remembered((tenant) => seeCatalog(context, digested, tenant))
  const ledgers = remembered((tenant) => seeLedgers(context, digested, tenant))
  const statements = remembered((tenant) => seeStatements(context, tenant))
  const judged: TenantJudgement[] = []
  let queries: readonly QueryObservation[] = []
  for (const { schemas, ...of } of digested.classes) {
    const [representative = ''] = schemas
    const kind = kindOf(of)
    const isAsked = kind === asked
    const sight = await statements(kind, { schema: isAsked ? (usable[0] ?? '') : representative, of, isAsked })
    if (isAsked) queries = answersOf(sight)
    const observation: Observation = {
      server: { seen: true, value: context.begun.server },
      catalog: await catalogs(kind, { schema: representative, of, isAsked }),
      ledgers: await ledgers(of.ledgers, { schema: representative, of, isAsked }),
      ...sight,
    }
    const judgement = await judgeAll(isAsked ? context.input : unasked(context.input), observation)
    judged.push({ schemas, representative, judgement })
  }
  return { judged, queries }
}

/** A tenant that stands for those of its class. `isAsked`: also queries with an expectation are run in it. */
interface Representative {
  readonly schema: string
  readonly of: Omit<TenantClass, 'schemas'>
  readonly isAsked: boolean
}

function kindOf({ objects, grants }: Pick<TenantClass, 'objects' | 'grants'>): string {
  return JSON.stringify([objects, grants])
}

function remembered<T>(
  see: (tenant: Representative) => Promise<T>,
): (key: string, tenant: Representative) => Promise<T> {
  const seen = new Map<string, Promise<T>>()
  return (key, tenant) => {
    const known = seen.get(key) ?? see(tenant)
    seen.set(key, known)
    return known
  }
}

type Differences = Pick<CatalogSight, 'input' | 'unusableSchemas'>
const NOTHING: Differences = { input: { expected: [], found: [], missingSchemas: [] }, unusableSchemas: [] }

async function seeCatalog(
  context: TenantsContext,
  { own, sharedCatalog }: DigestedTenants,
  { schema, of }: Representative,
): Promise<Observation['catalog']> {
  const { input, connection, timer } = context
  const isWhole = input.release.expectation.catalog.mode !== 'none'
  const isEqual = of.objects.sum === own.summary.total.sum && of.grants.sum === own.summary.grants.sum
  const see = (): Promise<Differences> =>
    observeCatalog(connection, input.engine, own, scopeOf(context, schema), isExact(input), null)
  const seen: Seen<Differences> =
    isEqual || !isWhole
      ? { seen: true, value: NOTHING }
      : await timer.within('schema', see, unseenIn(input, 'schema', connection))
  if (!seen.seen) return seen
  const { input: shared, unusableSchemas } = sharedCatalog ?? NOTHING
  const { expected, found, missingSchemas } = seen.value.input
  const both = {
    expected: [...expected, ...shared.expected],
    found: [...found, ...shared.found],
    missingSchemas: [...missingSchemas, ...shared.missingSchemas],
  }
  return usable(input, context.begun.server, { seen: true, value: { input: both, unusableSchemas } })
}

async function seeLedgers(
  context: TenantsContext,
  { first, classes, sharedLedgers }: DigestedTenants,
  { schema, of }: Representative,
): Promise<Observation['ledgers']> {
  const { input, connection, timer } = context
  const isFirst = classes.some(({ ledgers, schemas }) => ledgers === of.ledgers && schemas.includes(first.schema))
  const read = (): Promise<readonly LedgerObservation[]> =>
    readOwnLedgers(connection, input.engine, context.ledgers, schema)
  const seen: Seen<readonly LedgerObservation[]> = isFirst
    ? { seen: true, value: first.observations }
    : await timer.within('ledger', read, unseenIn(input, 'ledger', connection))
  return seen.seen ? { seen: true, value: [...seen.value, ...sharedLedgers] } : seen
}

async function seeStatements(
  { input, pool, timer }: TenantsContext,
  { schema, isAsked }: Representative,
): Promise<QueriesSight> {
  const asked = isAsked ? input : unasked(input)
  return lookAtQueries(inTenant(asked, schema), pool, timer, asked.release.expectation.statements)
}

/** Queries are only prepared: what they answer is one tenant's own. */
function unasked(input: CheckInput): CheckInput {
  const { release } = input
  const statements = release.expectation.statements.map((statement): Statement => ({ ...statement, expect: null }))
  return { ...input, release: { ...release, expectation: { ...release.expectation, statements } } }
}
