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
}
