/** Prepares many statements in one request, each in a subtransaction of its own: names and types are resolved, nothing else. */
import type { Connection, Row } from '../../connections/connection.ts'
import { DatabaseError } from '../../connections/connection.ts'
import type { PrepareError } from '../../core/observation.ts'
import { classify } from './errors.ts'
import { mayHoldConstants, RISKY_TYPES } from './prepare-constants.ts'
import { literal } from './sql.ts'

const PREPARE = 'PREPARE deploywatch_statement AS '
const DEALLOCATE = 'DEALLOCATE deploywatch_statement'
/** A private condition: raising it rolls the subtransaction back, and with it the locks that parsing took. */
const DONE = 'DW000'
const RESULT = 'deploywatch.prepared'
const PATH = 'deploywatch.path'

/** The RDS Data API takes 65,536 characters of SQL. */
const MOST_CHARACTERS = 55_000
const MOST_TOGETHER = 100

/**
 * - `guarded`: a statement with text constants is left alone where preparing it could run a CHECK
 * - `typed`: also asks for the types of the parameters
 * - `plain`: neither
 */
export type Manner = 'guarded' | 'typed' | 'plain'

export type Outcome =
  /** `risky`: of each parameter, whether its type's input could run what somebody wrote; empty where that was not asked. */
  | { readonly kind: 'prepared'; readonly risky: readonly boolean[] }
  /** Not prepared: it holds text constants, and this database has types whose input could run what somebody wrote. */
  | { readonly kind: 'left' }
  /** As far as PL/pgSQL tells it: without the place. */
  | { readonly kind: 'failed'; readonly error: PrepareError; readonly placed: boolean }

/**
 * One round trip for a hundred of them, or one for each where PL/pgSQL is not to be had.
 *
 * @throws {DatabaseError} a lock was in the way, or time ran out: that says nothing of the statements.
 */
export async function prepareTogether(
  connection: Connection,
  texts: readonly string[],
  searchPath: string | null,
  manner: Manner,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const batch of batchesOf(texts)) {
    outcomes.push(
      ...((await prepareBatch(connection, batch, searchPath, manner)) ??
        (await prepareEach(connection, batch, searchPath, manner))),
    )
  }
  return outcomes
}

function batchesOf(texts: readonly string[]): readonly (readonly string[])[] {
  const batches: string[][] = []
  let characters = Infinity
  for (const text of texts) {
    // It is quoted twice: as an element of the list, and with the block that it is in.
    const { length } = literal(`${literal(text)}, `)
    const last = batches.at(-1)
    if (last === undefined || last.length === MOST_TOGETHER || characters + length > MOST_CHARACTERS) {
      batches.push([text])
      characters = length
    } else {
      last.push(text)
      characters += length
    }
  }
  return batches
}

/**
 * null: nothing is known, because they could not be prepared together.
 *
 * DO returns no rows: what it found is left in a setting of the transaction, which the next statement reads.
 */
async function prepareBatch(
  connection: Connection,
  texts: readonly string[],
  searchPath: string | null,
  manner: Manner,
): Promise<readonly Outcome[] | null> {
  const found = {
    sql: `SELECT pg_catalog.current_setting('${RESULT}')`,
    parse: (rows: readonly Row[]) => rows[0]?.[0] ?? '',
  }
  try {
    const [, text] = await connection.read([{ sql: doBlock(texts, manner), parse: () => null }, found], { searchPath })
    const lines = text.split('\u001e').map((line) => line.split('\u001f'))
    const byNumber = new Map(lines.map(([number, ...rest]) => [Number(number), rest]))
    return texts.map((_, at) => outcomeOf(byNumber.get(at + 1)))
  } catch (error) {
    if (!(error instanceof DatabaseError) || !isNotAllowed(error)) throw error
    return null
  }
}

function outcomeOf([what, text = '', message = '']: readonly string[] = []): Outcome {
  if (what === 'left') return { kind: 'left' }
  if (what === 'failed') {
    return { kind: 'failed', error: { sqlState: text, message, position: null }, placed: false }
  }
  return { kind: 'prepared', risky: [...text].map((flag) => flag === '1') }
}

/** PL/pgSQL was revoked (42501), dropped (42704), or the text is too much for one request (54000, 54001). */
function isNotAllowed(error: DatabaseError): boolean {
  return error.facts.statement === 0 && ['42501', '42704', '0A000', '54000', '54001'].includes(error.facts.sqlState)
}

/**
 * A lock that is not to be had is no fault of the statement: it ends the whole look's transaction, and the look says so.
 *
 * What stands in the block itself is qualified, or runs while pg_catalog alone is searched; raising puts the path back.
 */
function doBlock(texts: readonly string[], manner: Manner): string {
  const guarded = manner === 'guarded' && texts.some(mayHoldConstants)
  const holds = texts.map((text) => String(guarded && mayHoldConstants(text)))
  const body = `DECLARE
  texts text[] := ARRAY[${texts.map(literal).join(', ')}]::text[];
  holds bool[] := ARRAY[${holds.join(', ')}];
  risky oid[] := '{}';
  types text;
  found text := '';
BEGIN
${guarded || manner === 'typed' ? FIND_RISKY : ''}  FOR i IN 1 .. pg_catalog.cardinality(texts) LOOP
    IF holds[i] AND risky[1] IS NOT NULL THEN
      found := pg_catalog.concat(found, i, pg_catalog.chr(31), 'left', pg_catalog.chr(30));
      CONTINUE;
    END IF;
    BEGIN
      types := NULL;
      EXECUTE pg_catalog.concat('${PREPARE}', texts[i]);
${manner === 'typed' ? `      PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);\n      types := (${flagsSql('risky')});\n` : ''}      EXECUTE '${DEALLOCATE}';
      RAISE EXCEPTION USING ERRCODE = '${DONE}';
    EXCEPTION
      WHEN SQLSTATE '${DONE}' THEN
        IF types IS NOT NULL THEN
          found := pg_catalog.concat(found, i, pg_catalog.chr(31), 'prepared', pg_catalog.chr(31), types, pg_catalog.chr(30));
        END IF;
      WHEN lock_not_available OR deadlock_detected THEN RAISE;
      WHEN OTHERS THEN
        found := pg_catalog.concat(found, i, pg_catalog.chr(31), 'failed', pg_catalog.chr(31), SQLSTATE, pg_catalog.chr(31), pg_catalog."left"(SQLERRM, 500), pg_catalog.chr(30));
    END;
  END LOOP;
  PERFORM pg_catalog.set_config('${RESULT}', found, true);
END`
  return `DO LANGUAGE plpgsql ${literal(body)}`
}

const FIND_RISKY = `  PERFORM pg_catalog.set_config('${PATH}', pg_catalog.current_setting('search_path'), true);
  PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
  risky := ${RISKY_TYPES};
  PERFORM pg_catalog.set_config('search_path', pg_catalog.current_setting('${PATH}'), true);
`

/** One letter a parameter, in their order. */
function flagsSql(risky: string): string {
  return `SELECT string_agg(CASE WHEN p.type = ANY (${risky}) THEN '1' ELSE '0' END, '' ORDER BY p.nth) FROM pg_prepared_statements s CROSS JOIN LATERAL unnest(s.parameter_types::oid[]) WITH ORDINALITY AS p (type, nth) WHERE s.name = 'deploywatch_statement'`
}

async function prepareEach(
  connection: Connection,
  texts: readonly string[],
  searchPath: string | null,
  manner: Manner,
): Promise<readonly Outcome[]> {
  const guarded = manner === 'guarded' && texts.some(mayHoldConstants) && (await hasRiskyTypes(connection))
  const outcomes: Outcome[] = []
  for (const text of texts) {
    outcomes.push(
      guarded && mayHoldConstants(text)
        ? { kind: 'left' }
        : await prepareAlone(connection, text, searchPath, manner === 'typed'),
    )
  }
  return outcomes
}

async function hasRiskyTypes(connection: Connection): Promise<boolean> {
  const [count] = await connection.read([
    { sql: `SELECT cardinality(${RISKY_TYPES})::text`, parse: ([row]: readonly Row[]) => Number(row?.[0] ?? 0) },
  ])
  return count > 0
}

/**
 * One, which is harmless to prepare, with the place of what is wrong in it.
 *
 * @throws {DatabaseError} a lock was in the way, or time ran out.
 */
export async function prepareAlone(
  connection: Connection,
  text: string,
  searchPath: string | null,
  typed = false,
): Promise<Outcome> {
  const nothing = { parse: () => null }
  const asked = typed
    ? [
        { sql: "SELECT pg_catalog.set_config('search_path', 'pg_catalog', true)", ...nothing },
        { sql: flagsSql(RISKY_TYPES), parse: ([row]: readonly Row[]) => row?.[0] ?? '' },
      ]
    : []
  try {
    const answers = await connection.read(
      // A prepared statement outlives the transaction's rollback.
      [{ sql: `${PREPARE}${text}`, ...nothing }, ...asked, { sql: DEALLOCATE, ...nothing }],
      { searchPath },
    )
    return { kind: 'prepared', risky: [...(answers[2] ?? '')].map((flag) => flag === '1') }
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    const cause = classify(error)
    if (cause === 'blocked' || cause === 'timeout') throw error
    const { sqlState, position } = error.facts
    const place = position === null ? null : Math.max(1, position - PREPARE.length)
    return { kind: 'failed', error: { sqlState, message: error.message, position: place }, placed: true }
  }
}
