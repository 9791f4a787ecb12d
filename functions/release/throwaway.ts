/**
 * The port to the server on which a release is replayed: empty at first, ours alone, gone afterwards. Unlike a
 * `Connection` it may write, which is why nothing but a replay gets to see one.
 */
import type { Connection, Row } from '../connections/connection.ts'

/** What one statement answered. Notices are the texts, in order, with their severity in front: `DEBUG rewriting table "t"`. */
export interface StatementResult {
  readonly rows: readonly Row[]
  readonly notices: readonly string[]
}

/** `exchange` runs whole messages of the protocol in the one session that there is; a real server has a port, on loopback. */
export type Reach =
  | { readonly kind: 'embedded'; readonly exchange: (messages: Uint8Array) => Promise<Uint8Array> }
  | { readonly kind: 'server'; readonly port: number }

export interface Throwaway {
  /** As the server says it: '18.6'. */
  readonly version: string
  /**
   * Runs one statement in the session. Every column of its rows has to be text.
   *
   * @throws {DatabaseError} the server refused it.
   */
  run(sql: string): Promise<StatementResult>
  /** Whether `connection` reads in the session of `run`, and so sees what that has prepared. */
  readonly oneSession: boolean
  /** Reads what has been committed. */
  readonly connection: Connection
  /** How others than its owner get in. */
  readonly reach: Reach
  /** Copies the server's files as they are now; what is answered packs them into what it can be started from. null: it cannot be saved. */
  save(): Promise<(() => Promise<Uint8Array>) | null>
  close(): Promise<void>
}
