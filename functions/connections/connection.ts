/**
 * The port to a database: one verb, which reads. Whoever holds a connection cannot forget that a look is read-only,
 * short, and rolled back, because there is no other way to use it.
 */
import type { CouldNotLookCode } from '../core/finding.ts'

/** One value of a row, as the server writes it in text: numbers, booleans ('t', 'f') and timestamps too. */
export type Value = string | null
export type Row = readonly Value[]

/**
 * One statement with what turns its rows into a value. Exactly one SQL statement, no parameters: literals are written
 * by `literal()` of the engine. Every column is cast to text in the SQL, so that the three connections agree.
 */
export interface Query<T> {
  readonly sql: string
  readonly parse: (rows: readonly Row[]) => T
}

export type QueryValues<Q extends readonly Query<unknown>[]> = {
  readonly [I in keyof Q]: Q[I] extends Query<infer T> ? T : never
}

export interface ReadOptions {
  /** For each statement, in milliseconds. */
  readonly statementTimeoutMs: number
  /** At most 1000: a look must not stand in anyone's way. */
  readonly lockTimeoutMs: number
  /** The search_path of this transaction; null: `pg_catalog` alone. Written as the server takes it. */
  readonly searchPath: string | null
}

/**
 * The options of a statement that reads all of a large catalog: seconds at 10,000 tables, on a busy server more. The RDS Data API
 * ends a call at 45 s.
 */
export const WHOLE_CATALOG = { statementTimeoutMs: 40_000 } as const satisfies Partial<ReadOptions>

/** What the connection cost so far. Connecting and authenticating are not counted. */
export interface Usage {
  /** A request and its answer, however many statements it carries; begin, settings and rollback counted. */
  readonly roundTrips: number
  readonly bytesRead: number
  /** How long a paused cluster kept requests waiting, in milliseconds: what was measured meanwhile says nothing of a release. */
  readonly resumeMs: number
}

export interface ConnectionTraits {
  readonly engine: 'postgres' | 'mysql'
  /** Several statements travel in one request. */
  readonly batches: boolean
  /** The largest answer in bytes, or null where there is no limit. */
  readonly maxAnswerBytes: number | null
  /** The largest row in bytes, or null. */
  readonly maxRowBytes: number | null
}

export interface Connection {
  readonly traits: ConnectionTraits
  /**
   * Runs the statements, in order, in one read-only REPEATABLE READ transaction with pinned settings and both timeouts,
   * and rolls it back, whatever happens.
   *
   * @throws {DatabaseError} the server refused a statement: `statement` is its index.
   * @throws {ConnectionError} there is no answer to be had: its code is a could-not-look finding's.
   */
  read<const Q extends readonly Query<unknown>[]>(queries: Q, options?: Partial<ReadOptions>): Promise<QueryValues<Q>>
  usage(): Usage
  close(): Promise<void>
  /**
   * Closes at once, because nobody waits any more: what runs is cancelled on the server, as far as that can be told, and its read
   * rejects; so do reads that wait for their turn, and later ones. Does not wait, and never throws.
   */
  abandon(): void
}

/** The server's own refusal of one statement, with its facts as fields. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
  constructor(
    message: string,
    readonly facts: {
      readonly sqlState: string
      /** Characters from 1 in the statement, or null. */
      readonly position: number | null
      readonly detail: string | null
      readonly hint: string | null
      /** Index of the statement in the batch. */
      readonly statement: number
    },
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** No look is possible: unreachable, refused, resuming, timed out. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  constructor(
    message: string,
    readonly code: CouldNotLookCode,
    /** Whether waiting a little may help: a paused cluster, a fail-over. */
    readonly transient: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** How an environment's database is reached, after `${VAR}` has been expanded. */
export type DatabaseTarget =
  | { readonly kind: 'url'; readonly url: string; readonly ca: string | null }
  | {
      readonly kind: 'host'
      readonly host: string
      readonly port: number
      readonly name: string
      readonly user: string | null
      /** Secrets Manager secret with `username` and `password`, or null. */
      readonly secret: string | null
      readonly iam: boolean
      /** 'rds' for the bundle that is shipped, or a PEM file; null: the system's roots. */
      readonly ca: string | null
      readonly region: string | null
    }
  | {
      readonly kind: 'data-api'
      readonly cluster: string
      readonly secret: string
      readonly name: string
      readonly region: string | null
      /** Of the Data API, where it is not the region's own. */
      readonly endpoint: string | null
    }
  /** PGlite: a folder, or null for memory. URL form: `pglite:DIR`, `pglite:memory`. */
  | { readonly kind: 'embedded'; readonly folder: string | null }
