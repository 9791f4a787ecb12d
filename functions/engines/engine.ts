/**
 * The port to a database system: everything that is asked of a server, as queries with their parsers, so that callers
 * decide what travels together. Nothing outside an engine and the wire drivers knows a dialect.
 */
import type { Connection, DatabaseError, Query } from '../connections/connection.ts'
import type { CatalogObject, Digest } from '../core/catalog.ts'
import type { Activity, CacheSettings, OpenTransaction } from '../core/estimate-target.ts'
import type { TableVolume } from '../core/migration-evidence.ts'
import type { ObjectSql } from '../core/object-sql.ts'
import type { Server, StatementObservation } from '../core/observation.ts'
import type { Statement } from '../core/release.ts'
import type { LockMode } from '../core/lock-modes.ts'
import type { TenantEngine } from './tenants.ts'

/** Which part of a database a release is about. */
export interface Scope {
  /** The expectation's schema name → the environment's. `public` maps to the tenant's schema where one is configured. */
  readonly schemas: readonly { readonly expected: string; readonly actual: string }[]
  /** Globs over subjects (`audit_*`, `public.tmp_*`): groups that match are on neither side. */
  readonly ignore: readonly string[]
  /** Ledger tables and their locks, by the environment's names: they are nobody's expectation. */
  readonly exclude: readonly {
    /** null: in each schema of the scope. */
    readonly schema: string | null
    readonly table: string
  }[]
  /** The application's role, whose privileges in effect are read; null: no grants. */
  readonly role: string | null
}

/** Names of columns in lower case: what has them all is a candidate. `alone`: and has no other column. */
export interface ColumnSet {
  readonly columns: readonly string[]
  readonly alone?: boolean
}

/** A table that looks like some tool's ledger, by its columns. */
export interface CandidateTable {
  readonly schema: string
  readonly table: string
  /** Column name → type as the server names it, in lower case. */
  readonly columns: Readonly<Record<string, string>>
  /** The role that looks may read it. */
  readonly readable: boolean
}

/** Who holds the lock that a look waited for. */
export interface Blocker {
  readonly pid: string
  readonly role: string
  readonly application: string
  readonly state: string
  /** Seconds since its transaction began. */
  readonly sinceSeconds: number
  /** Its statement's first words, without literals. */
  readonly statement: string
}

export interface Engine {
  readonly name: 'postgres' | 'mysql'

  /** SQL that mends objects, for people to run; `schemaOf` gives the environment's name of an expected schema. Loaded where it is asked for. */
  objectSql(schemaOf: (expected: string) => string): Promise<ObjectSql>

  identify(): Query<Server>
  /**
   * Says "nothing ran DDL here since" when it is unchanged: covers every catalog that the readers below use, for all of
   * the database. ANALYZE, VACUUM and other sessions' temporary tables do not move it.
   */
  stamp(): Query<string>
  /** A digest of a ledger table's rows, to be compared with the one stored beside a verified stamp. */
  tableDigest(table: { readonly schema: string; readonly table: string }): Query<string>

  /** Digests by bucket (256), and of the grants: at most 257 rows. `schemas` present tells which of the scope exist. */
  bucketDigests(scope: Scope): Query<BucketDigests>
  /** Digests of every group in the given buckets. */
  groupDigests(scope: Scope, buckets: readonly number[]): Query<readonly GroupDigest[]>
  /** The objects of the given groups, whole, in one answer: for few groups. */
  objects(
    scope: Scope,
    groups: readonly { readonly schema: string; readonly group: string }[],
  ): Query<readonly CatalogObject[]>
  /** The same for however many groups: in pages that the connection's limits allow. */
  readObjects(
    connection: Connection,
    scope: Scope,
    groups: readonly { readonly schema: string; readonly group: string }[],
  ): Promise<readonly CatalogObject[]>
  /** The grants of the scope's role. */
  grants(scope: Scope): Query<readonly CatalogObject[]>
  /** The same in pages: a role may have seven privileges on each of 10,000 tables. */
  readGrants(connection: Connection, scope: Scope): Promise<readonly CatalogObject[]>
  /** Every object of the scope, in pages that the connection's limits allow. */
  readCatalog(connection: Connection, scope: Scope): Promise<readonly CatalogObject[]>

  /** Tables of any schema that have all columns of one of the sets. */
  candidateTables(columnSets: readonly ColumnSet[]): Query<readonly CandidateTable[]>

  /**
   * Prepares each statement under the search path: resolves names and types, reads no data, leaves no prepared statement
   * and no lock behind. Few round trips: those that prepare together cost one. Nothing that somebody wrote runs: a constant
   * whose type's input could, as an array over a domain with a CHECK, is prepared as a parameter.
   */
  prepareStatements(
    connection: Connection,
    statements: readonly Pick<Statement, 'subject' | 'sql'>[],
    searchPath: string | null,
    options?: Partial<PrepareOptions>,
  ): Promise<readonly StatementObservation[]>
  /**
   * Whether everything that each query can call is harmless. Nothing of them runs, and nothing is prepared: preparing runs
   * the input functions of literals already.
   */
  judgeQueries(
    connection: Connection,
    queries: readonly Pick<Statement, 'sql'>[],
    searchPath: string | null,
  ): Promise<readonly QueryJudgement[]>
  /** The names of the columns of judged queries, in order; a name can occur twice. Nothing of them runs. */
  columnNames(sqls: readonly string[]): Query<readonly (readonly string[])[]>
  /** The types of the named columns, as the server names them, without modifiers. */
  columnTypes(
    queries: readonly { readonly sql: string; readonly columns: readonly string[] }[],
  ): Query<readonly (readonly QueryColumn[])[]>
  /** Runs a judged query. Its rows stay on the server. */
  answerQuery(sql: string, question: AnswerQuestion): Query<QueryAnswer>
  /** Types that have an age. */
  readonly datedTypes: ReadonlySet<string>

  /** The SQLSTATEs by which a statement is broken; any other error is a note. */
  readonly breaks: ReadonlySet<string>

  /** Where the server's statistics of statements are (pg_stat_statements); null: it keeps none in this database. */
  statisticsSource(): Query<StatisticsSource | null>
  /**
   * What it counted of these roles' statements in this database, in few round trips.
   *
   * @throws {DatabaseError} the statistics are not collected, or may not be read.
   */
  readStatistics(connection: Connection, source: StatisticsSource, roles: readonly string[]): Promise<Statistics>
  /** The texts of some of them; what is too long, or gone meanwhile, is not among them. */
  readStatisticsTexts(
    connection: Connection,
    source: StatisticsSource,
    statements: Statistics['statements'],
  ): Promise<readonly StatisticsText[]>
  /** The search path that a role's session begins with, where role or database set one; null: nobody did. */
  roleSearchPath(role: string): Query<string | null>
  /** Which schemas have a relation of one of these names: where names are to be found that a search path does not lead to. */
  schemasWith(relations: readonly string[]): Query<readonly SchemaWith[]>

  /**
   * How large these tables are, by the server's own statistics: no row is counted. Those that do not exist are not in the
   * answer. Needs no privilege on them.
   */
  tableSizes(tables: readonly TableName[]): Query<readonly TableSize[]>

  /**
   * Who is at work, and in whose way on these tables (no privilege on them is needed); and what the settings say of memory. Loaded
   * where it is asked for.
   */
  activityQueries(tables: readonly TableName[]): Promise<readonly [Query<ActivitySight>, Query<CacheSettings>]>

  /** Whether the error says that a lock was in the way, that privileges lack, or that time ran out. */
  classify(error: DatabaseError): 'blocked' | 'denied' | 'timeout' | 'missing' | 'other'
  blockers(): Query<readonly Blocker[]>

  /** Many schemas that each stand for the expectation's. */
  readonly tenants: TenantEngine

  /** The SQL that makes the least-privileged role. */
  grantsSql(options: GrantsOptions): string
  literal(text: string): string
  identifier(name: string): string
}

export interface TableName {
  readonly schema: string
  readonly table: string
}

/** As `TableVolume` of the core has it, by the environment's own names. */
export type TableSize = TableName & Omit<TableVolume, 'table' | 'seenAt'>

/** As the core's `Activity` has it, by the environment's own names. */
export interface ActivitySight extends Omit<Activity, 'transactions'> {
  readonly transactions: readonly (Omit<OpenTransaction, 'locks'> & {
    readonly locks: readonly (TableName & { readonly mode: LockMode })[]
  })[]
}

export interface PrepareOptions {
  /** Everything that they can reach was judged harmless: their constants are as well. */
  readonly judged: boolean
}

/** `relations`: which of those that were asked for it has. */
export interface SchemaWith {
  readonly schema: string
  readonly relations: readonly string[]
}

export interface StatisticsSource {
  readonly schema: string
  /** Of the extension: '1.12'. */
  readonly version: string
  readonly columns: readonly string[]
  /** Whether the time of the last reset is known. */
  readonly info: boolean
}

export interface Statistics {
  /** When all of it began anew, as the server writes it; null: it does not say. */
  readonly resetAt: string | null
  /** Statements of these roles whose text is hidden from the role that looks. */
  readonly hidden: number
  /** Those of the roles that exist. */
  readonly roles: readonly string[]
  /** In order of role and id. `totalMs` are milliseconds of all calls, `bytes` the length of its text. */
  readonly statements: readonly {
    readonly role: string
    readonly id: string
    readonly calls: number
    readonly totalMs: number
    readonly bytes: number
  }[]
}

export interface StatisticsText {
  readonly role: string
  readonly id: string
  readonly sql: string
}

export interface BucketDigests {
  readonly buckets: readonly (Digest & { readonly bucket: number })[]
  readonly grants: Digest
  /** Which of the scope's schemas (expected names) exist, and may be used by the role. */
  readonly schemas: readonly { readonly expected: string; readonly usable: boolean }[]
}

export interface GroupDigest extends Digest {
  readonly schema: string
  readonly group: string
}

export interface QueryJudgement {
  /** Why the query must not be run, nor prepared; null: it may. */
  readonly refused: string | null
  /** A name that is not there: preparing says more, and should it prepare all the same, it is not to be run. */
  readonly unknown: string | null
}

export interface QueryColumn {
  readonly name: string
  readonly type: string
}

/** What is asked of a query. Every column that is named here is there, once. */
export interface AnswerQuestion {
  /** Rows are counted no further. */
  readonly mostRows: number
  /** A column of a dated type, of which the greatest value is asked for; null: none. */
  readonly newest: string | null
  /** Columns of which the first row's value is asked for. */
  readonly values: readonly string[]
}

export interface QueryAnswer {
  readonly rows: number
  /** There are more than were counted. */
  readonly more: boolean
  /** On the server, planning and the way there left out. */
  readonly durationMs: number
  /** Since the newest value, by the server's clock; negative where it lies ahead. null: none was asked for, or there is none. */
  readonly newestAgeMs: number | null
  /** Column → JSON text of the first row's value; null: there is no row. */
  readonly values: Readonly<Record<string, string | null>>
}

export interface GrantsOptions {
  readonly role: string
  readonly database: string
  readonly schemas: readonly string[]
  readonly ledgers: readonly { readonly schema: string; readonly table: string }[]
  /** Tables that configured queries read. */
  readonly tables: readonly string[]
  /** `record` reads pg_stat_statements. */
  readonly statistics: boolean
}
