/**
 * A whole look as one request of the simple query protocol: begin, settings, statements, rollback. Shared by the wire and
 * the embedded server, which answer with the same messages.
 *
 * The server parses the whole text before it runs any of it, runs the statements one by one, each under its own
 * statement_timeout (PostgreSQL 13 and later), and drops the rest of the text at the first error.
 */
import { ConnectionError, DatabaseError } from './connection.ts'
import type { Query, ReadOptions, Row } from './connection.ts'
import { connectionFailureOfState } from './connection-errors.ts'
import { BEGIN_READ_ONLY, settingsSql } from './postgres-settings.ts'
import { statementToSend } from './single-statement.ts'

/** The fields of an ErrorResponse that a look needs, as `pg` and PGlite name them. */
export interface ServerRefusal {
  readonly message: string
  readonly severity?: string | undefined
  readonly code?: string | undefined
  readonly position?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

export interface Batch {
  readonly text: string
  onRow(row: Row): void
  /** At each CommandComplete: a statement's rows are parsed here, so that they can be let go before the next one's come. */
  onComplete(): void
  /** The error that a caller is to see. */
  refusal(error: ServerRefusal): DatabaseError | ConnectionError
  /** The parsed values, in order. @throws what a parser threw */
  values(): readonly unknown[]
}

/** Statements in front of the caller's own: begin and settings. */
const PRELUDE = 2

/** Behind a line break: a statement may end in a line comment. */
const SEPARATOR = '\n;\n'

/** What the statements stand between, one statement each. */
export interface Frame {
  readonly begin: string
  readonly end: string
}

const TRANSACTION: Frame = { begin: BEGIN_READ_ONLY, end: 'ROLLBACK' }

/** @throws {DatabaseError} a text is not one statement */
export function createBatch(
  queries: readonly Query<unknown>[],
  options: ReadOptions,
  { begin, end }: Frame = TRANSACTION,
): Batch {
  const texts = queries.map((query, index) => statementToSend(query.sql, index))
  const parts = [begin, settingsSql(options), ...texts, end]
  const values: unknown[] = []
  let completed = 0
  let rows: Row[] = []
  let failure: { readonly error: unknown } | null = null

  function complete(): void {
    const query = queries[completed - PRELUDE]
    completed += 1
    const seen = rows
    rows = []
    if (query === undefined || failure !== null) return
    try {
      values.push(query.parse(seen))
    } catch (error) {
      // Thrown once the server is done with the request: the connection has to stay in step with it.
      failure = { error }
    }
  }

  return {
    text: parts.join(SEPARATOR),
    onRow: (row) => {
      rows.push(row)
    },
    onComplete: complete,
    refusal: (error) => refusalOf(error, parts, completed),
    values: () => {
      if (failure !== null) throw failure.error
      return values
    },
  }
}

/** Which part of the request a position points into, and where in it; both texts counted in characters. */
function placeOf(parts: readonly string[], position: number): { readonly part: number; readonly position: number } {
  let start = 1
  for (const [part, text] of parts.entries()) {
    const length = Array.from(text).length
    const next = start + length + SEPARATOR.length
    if (position < next) return { part, position: Math.min(position - start + 1, length + 1) }
    start = next
  }
  return { part: parts.length - 1, position: 1 }
}

function refusalOf(error: ServerRefusal, parts: readonly string[], completed: number): DatabaseError | ConnectionError {
  const sqlState = error.code ?? 'XX000'
  const lost = connectionFailureOfState(sqlState, error.message)
  if (lost !== null) return lost
  // A syntax error comes before anything has run: there only the position says whose it is. Afterwards the count does, and
  // a position in another part is one in the text of a prepared statement.
  const pointed = error.position === undefined ? null : placeOf(parts, Number(error.position))
  const part = completed === 0 ? (pointed?.part ?? 0) : completed
  const place = pointed?.part === part ? pointed : null
  const statement = part - PRELUDE
  if (statement < 0 || statement >= parts.length - PRELUDE - 1) {
    return new ConnectionError(
      `the server refused the look's own settings (SQLSTATE ${sqlState}): ${error.message}; check \`searchPath\` and the role's settings`,
      sqlState === '42501' ? 'permission-denied' : sqlState === '57014' ? 'check-timeout' : 'database-unreachable',
      false,
    )
  }
  const atEnd = place !== null && place.position > Array.from(parts[part] ?? '').length
  return new DatabaseError(
    // The separator is ours: alone the statement would have ended here.
    atEnd ? error.message.replace('at or near ";"', 'at end of input') : error.message,
    { sqlState, position: place?.position ?? null, detail: error.detail ?? null, hint: error.hint ?? null, statement },
  )
}
