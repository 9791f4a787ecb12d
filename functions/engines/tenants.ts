/**
 * The part of an engine that looks at many schemas of one database at once, each of which stands for the same schema of the
 * expectation: what is alike is told together, by the server, so that a thousand schemas cost as many round trips as one.
 */
import type { Query } from '../connections/connection.ts'
import type { Digest } from '../core/catalog.ts'
import type { ColumnSet, Scope } from './engine.ts'

/** Which schemas of the database are tenants': globs over names, where `*` is any run of characters. */
export interface TenantPatterns {
  readonly schemas: readonly string[]
  readonly except: readonly string[]
}

/** A table that looks like some tool's ledger, and the schemas that have one alike. */
export interface CandidateGroup {
  readonly table: string
  readonly columns: Readonly<Record<string, string>>
  readonly readable: boolean
  /** It stands in schemas of tenants; else in others. */
  readonly tenants: boolean
  readonly schemas: readonly string[]
  /** How many locks a transaction holds that has read all of these: a table's and its indexes', each until its end. */
  readonly locks: number
}

export interface TenantsSight {
  /** In order of name. */
  readonly usable: readonly string[]
  /** Those that the role may not use. */
  readonly unusable: readonly string[]
  /** How many relations the usable ones have: what the digests will cost. */
  readonly relations: number
  /** How many locks all sessions of the server can hold together, beside the few that each has of its own. */
  readonly lockRoom: number
  readonly candidates: readonly CandidateGroup[]
}

/** A table in each tenant's schema of which the rows count. */
export interface TenantTable {
  readonly table: string
  /** Rows are told in this order. */
  readonly orderBy: readonly string[]
  /** Columns that two runs of the same migrations fill differently: only whether they are null counts. */
  readonly incidental: readonly string[]
}

/** Tenants that are alike in all that is digested. */
export interface TenantClass {
  readonly objects: Digest
  readonly grants: Digest
  /** Of the rows of the ledgers; tenants without one, or with one that may not be read, are in classes of their own. */
  readonly ledgers: string
  /** In order of name. */
  readonly schemas: readonly string[]
}

export interface TenantDigestsInput {
  readonly patterns: TenantPatterns
  /** Its one schema: the expectation's name, for which each tenant's stands. Tables of `exclude` without a schema are every tenant's. */
  readonly scope: Scope
  /** The expectation's other schemas, which are no tenant's. */
  readonly shared: readonly string[]
  readonly ledgers: readonly TenantTable[]
  /** false: the ledgers alone. */
  readonly catalog: boolean
  /** The tenants of one part of so many, when all of them are too much for one statement. */
  readonly part: { readonly of: number; readonly nth: number }
}

export interface TenantEngine {
  sight(patterns: TenantPatterns, columnSets: readonly ColumnSet[]): Query<TenantsSight>
  /** One row for so many alike tenants, whatever their number of tables. */
  digests(input: TenantDigestsInput): Query<readonly TenantClass[]>
  /** One digest of that table's rows in all tenants, to be compared with the one stored beside a verified stamp. */
  tableDigest(patterns: TenantPatterns, table: string): Query<string>
}
