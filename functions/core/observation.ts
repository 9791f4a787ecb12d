/** What one look saw. Every part is seen, or not seen with the reason: nothing is silently absent. */
import type { CatalogObject } from './catalog.ts'
import type { Finding } from './finding.ts'
import type { LedgerObservation } from './ledger.ts'
import type { ExpectedObject } from './release.ts'

export type Seen<T> =
  | { readonly seen: true; readonly value: T }
  /** The findings of the could-not-look group that say why. */
  | { readonly seen: false; readonly why: readonly Finding[] }

export interface Server {
  readonly engine: 'postgres' | 'mysql'
  /** As the server says it: '15.18'. */
  readonly version: string
  readonly major: number
  /** Tells one cluster from another. */
  readonly systemIdentifier: string
  readonly database: string
  readonly role: string
}

/** The groups that are not as expected: both sides, whole. Equal groups are in neither list. */
export interface CatalogComparisonInput {
  readonly expected: readonly ExpectedObject[]
  readonly found: readonly CatalogObject[]
  /** Schemas that the release expects and the environment has not. */
  readonly missingSchemas: readonly string[]
}

/** How a statement fared when it was prepared. */
export interface StatementObservation {
  readonly subject: string
  /** null: it prepared. */
  readonly error: PrepareError | null
  /** Why it was not prepared at all; then it is no break. */
  readonly refused: string | null
}

export interface PrepareError {
  readonly sqlState: string
  readonly message: string
  /** Characters from 1, or null. */
  readonly position: number | null
}

export interface Observation {
  readonly server: Seen<Server>
  readonly ledgers: Seen<readonly LedgerObservation[]>
  readonly catalog: Seen<CatalogComparisonInput>
  readonly statements: Seen<readonly StatementObservation[]>
  /** Of the queries with an expectation. One that is not there was not run before the look ended. */
  readonly queries: Seen<readonly QueryObservation[]>
}

/** How a query with an expectation fared when it was run. One that was refused, or did not prepare, has none. */
export interface QueryObservation {
  readonly subject: string
  readonly outcome: QueryOutcome
}

export type QueryOutcome =
  | { readonly kind: 'answered'; readonly answer: AnsweredQuery }
  /** The server ended it with an error. */
  | { readonly kind: 'failed'; readonly error: PrepareError }
  /** It had not ended within its time. */
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  /** A lock was in the way, a privilege lacks: no answer, and no fault of the query. */
  | { readonly kind: 'blocked' | 'denied'; readonly message: string }

export interface AnsweredQuery {
  readonly rows: number
  /** There are more rows than were counted. */
  readonly more: boolean
  /** On the server, without the way there. */
  readonly durationMs: number
  /** The names of all columns, in order; null: nobody asked. */
  readonly columns: readonly string[] | null
  /** The types of the columns that were asked for, where they are there, once. */
  readonly types: Readonly<Record<string, string>>
  /** The first row's values of the columns that were asked for; null: there is no row. */
  readonly values: Readonly<Record<string, string | number | boolean | null>> | null
  /** How old the newest value is; null: none was asked for, or there is none. */
  readonly newestAgeMs: number | null
}
