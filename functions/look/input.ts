/** What a look is given: everything of the world comes in here. */
import type { Connection } from '../connections/connection.ts'
import type { TextComparer } from '../core/compare-catalog.ts'
import type { Expectation, MigrationEffect } from '../core/release.ts'
import type { EndpointsContext } from '../endpoints/endpoints.ts'
import type { PreparedEndpoints } from '../endpoints/prepare.ts'
import type { Engine } from '../engines/engine.ts'
import type { TenantPatterns } from '../engines/tenants.ts'
import type { ExpectedCatalog } from '../observe.ts'
import type { Store } from '../stores/store.ts'

export interface CheckInput {
  readonly environment: {
    readonly name: string
    /** For people: the database's name or address, without secrets. */
    readonly database: string
    /** Schemas in order, bare; at least one. */
    readonly searchPath: readonly string[]
    /** Many schemas that each have to be as the release expects; left out or null: the search path says which one has. */
    readonly tenants?: TenantPatterns | null
  }
  readonly release: {
    readonly expectation: Expectation
    readonly catalog: ExpectedCatalog
    effects(): Promise<readonly MigrationEffect[]>
  }
  /** The release is deployed: its endpoints are judged, and what is measured is its own. */
  readonly deployed: boolean
  /**
   * What changed since the last good look is told. Where it is accepted, as by the watch after a deployment, what is there when the
   * release passes is what later looks compare with.
   */
  readonly changes: 'told' | 'accepted'
  /** null: the release has none. */
  readonly endpoints: {
    readonly prepared: PreparedEndpoints
    readonly context: Omit<EndpointsContext, 'deployed'>
  } | null
  readonly engine: Engine
  /** Called once, and once more for each query that runs beside others. */
  connect(): Promise<Connection>
  /** How many queries run side by side on the database, each on a connection of its own; 1: on the one that there is. */
  readonly concurrency: number
  /** null: nothing is remembered, and every look is a full one. */
  readonly store: Store | null
  createTextComparer(): Promise<TextComparer>
  /** The environment variable that holds the address of its database, as the config names it; null where none is known. */
  readonly variable: string | null
  readonly clock: () => number
  /** When the command began, in milliseconds: loading the manifest counts. */
  readonly startedAt: number
  /** For the whole look. What has not ended then is `check-timeout`, unsure. */
  readonly deadlineMs: number
  /** Aborted when nobody waits any more: the look ends as at its deadline, at once. null: that never happens. */
  readonly signal: AbortSignal | null
}

/** The same look in one tenant: its schema comes first. */
export function inTenant<I extends CheckInput>(input: I, schema: string): I {
  const { environment } = input
  return { ...input, environment: { ...environment, searchPath: [schema, ...environment.searchPath] } }
}

/** The search path as the server takes it. */
export function searchPathText({ engine, environment }: CheckInput): string {
  return environment.searchPath.map((schema) => engine.identifier(schema)).join(', ')
}
