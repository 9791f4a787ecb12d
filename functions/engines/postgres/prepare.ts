/**
 * Prepares statements: the server parses them, and resolves every name and type, without planning or running anything
 * (PrepareQuery of the server ends with the rewriter). Parameters `$1` get their types from where they stand.
 */
import type { Connection } from '../../connections/connection.ts'
import { DatabaseError } from '../../connections/connection.ts'
import { scanStatement } from '../../connections/single-statement.ts'
import type { PrepareError, StatementObservation } from '../../core/observation.ts'
import type { Statement } from '../../core/release.ts'
import { classify } from './errors.ts'
import { literal } from './sql.ts'

type Preparable = Pick<Statement, 'subject' | 'sql'>

const PREPARE = 'PREPARE deploywatch_statement AS '
const DEALLOCATE = 'DEALLOCATE deploywatch_statement'
/** A private condition: raising it rolls the subtransaction back, and with it the locks that parsing took. */
const DONE = 'DW000'
const RESULT = 'deploywatch.prepared'

/** The RDS Data API takes 65,536 characters of SQL. */
const MOST_CHARACTERS = 60_000
const MOST_TOGETHER = 100
/** Failures that are prepared again alone, to learn where in the statement; each is a round trip. */
const MOST_PLACES = 20

export async function prepareStatements(
  connection: Connection,
  statements: readonly Preparable[],
  searchPath: string | null,
): Promise<readonly StatementObservation[]> {
  const refusals = statements.map((statement) => refusalOf(statement.sql))
  const errors = new Map<number, PrepareError>()
  let places = MOST_PLACES
  const sound = statements.flatMap((_, at) => (refusals[at] === null ? [at] : []))
  for (const batch of batchesOf(sound, statements)) {
    const failed = await prepareTogether(connection, batch, statements, searchPath)
    for (const [at, error] of failed) {
      places -= 1
      const again =
        error === null || places >= 0 ? await prepareAlone(connection, statements[at]?.sql ?? '', searchPath) : error
      if (again !== null) errors.set(at, again)
    }
  }
  return statements.map(({ subject }, at) => ({
    subject,
    error: errors.get(at) ?? null,
    refused: refusals[at] ?? null,
  }))
}

/**
 * EXECUTE of PL/pgSQL runs every statement of its text: what comes behind a `;` would run. So a text is one statement by the
 * server's own lexical rules, or it is not sent. That it is one of SELECT, VALUES, TABLE, INSERT, UPDATE, DELETE and MERGE is
 * for PREPARE to demand, by its grammar.
 */
function refusalOf(sql: string): string | null {
  if (sql.includes('\0')) return 'it holds a NUL character: remove it'
  const scan = scanStatement(sql)
  switch (scan.kind) {
    case 'one':
      return null
    case 'empty':
      return 'it is empty: write one statement'
    case 'unterminated':
      return `it opens a quote or comment that it never closes, at character ${scan.at + 1}`
    case 'several':
      return `it holds more than one statement, the second from character ${scan.at + 1}: write each as a query of its own`
  }
}

/** The statement without what follows it. */
function textOf(sql: string): string {
  const scan = scanStatement(sql)
  return scan.kind === 'one' ? scan.text : sql
}

function batchesOf(positions: readonly number[], statements: readonly Preparable[]): readonly (readonly number[])[] {
  const batches: number[][] = []
  let characters = Infinity
  for (const at of positions) {
    const length = quotedTwice(statements[at]?.sql ?? '').length
    const last = batches.at(-1)
    if (last === undefined || last.length === MOST_TOGETHER || characters + length > MOST_CHARACTERS) {
      batches.push([at])
      characters = length
    } else {
      last.push(at)
      characters += length
    }
  }
  return batches
}

function quotedTwice(sql: string): string {
  return literal(`${literal(sql)}, `)
}

/**
 * Which of the statements fail: their positions, with the error as far as PL/pgSQL tells it (no place in the text); null where
 * nothing is known because they could not be prepared together.
 *
 * DO returns no rows: what it found is left in a setting of the transaction, which the next statement reads.
 */
async function prepareTogether(
  connection: Connection,
  positions: readonly number[],
  statements: readonly Preparable[],
  searchPath: string | null,
): Promise<readonly (readonly [number, PrepareError | null])[]> {
  const texts = positions.map((at) => textOf(statements[at]?.sql ?? ''))
  const nothing = { sql: doBlock(texts), parse: () => null }
  const failures = {
    sql: `SELECT pg_catalog.current_setting('${RESULT}')`,
    parse: (rows: readonly (readonly (string | null)[])[]) => rows[0]?.[0] ?? '',
  }
  try {
    const [, text] = await connection.read([nothing, failures], { searchPath })
    return text.split('\u001e').flatMap((line) => {
      const [at, sqlState = '', message = ''] = line.split('\u001f')
      const position = positions[Number(at) - 1]
      return position === undefined ? [] : [[position, { sqlState, message, position: null }] as const]
    })
  } catch (error) {
    if (!(error instanceof DatabaseError) || !isNotAllowed(error)) throw error
    return positions.map((at) => [at, null] as const)
  }
}

/** PL/pgSQL was revoked (42501), dropped (42704), or the text is too much for one request (54000, 54001). */
function isNotAllowed(error: DatabaseError): boolean {
  return error.facts.statement === 0 && ['42501', '42704', '0A000', '54000', '54001'].includes(error.facts.sqlState)
}

/** A lock that is not to be had is no fault of the statement: it ends the whole look's transaction, and the look says so. */
function doBlock(texts: readonly string[]): string {
  const body = `DECLARE
  texts text[] := ARRAY[${texts.map(literal).join(', ')}]::text[];
  failures text := '';
BEGIN
  FOR i IN 1 .. pg_catalog.cardinality(texts) LOOP
    BEGIN
      EXECUTE pg_catalog.concat('${PREPARE}', texts[i]);
      EXECUTE '${DEALLOCATE}';
      RAISE EXCEPTION USING ERRCODE = '${DONE}';
    EXCEPTION
      WHEN SQLSTATE '${DONE}' THEN NULL;
      WHEN lock_not_available OR deadlock_detected THEN RAISE;
      WHEN OTHERS THEN
        failures := pg_catalog.concat(failures, i, pg_catalog.chr(31), SQLSTATE, pg_catalog.chr(31), pg_catalog."left"(SQLERRM, 500), pg_catalog.chr(30));
    END;
  END LOOP;
  PERFORM pg_catalog.set_config('${RESULT}', failures, true);
END`
  return `DO LANGUAGE plpgsql ${literal(body)}`
}

/** @throws {DatabaseError} a lock was in the way, or time ran out: that says nothing of the statement. */
async function prepareAlone(
  connection: Connection,
  sql: string,
  searchPath: string | null,
): Promise<PrepareError | null> {
  const nothing = () => null
  try {
    await connection.read(
      [
        { sql: `${PREPARE}${textOf(sql)}`, parse: nothing },
        // A prepared statement outlives the transaction's rollback.
        { sql: DEALLOCATE, parse: nothing },
      ],
      { searchPath },
    )
    return null
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const cause = classify(error)
    if (cause === 'blocked' || cause === 'timeout') throw error
    const { sqlState, position } = error.facts
    return {
      sqlState,
      message: error.message,
      position: position === null ? null : Math.max(1, position - PREPARE.length),
    }
  }
}
