/**
 * Asks a query that was judged harmless. Its rows stay on the server: it runs once, into a work table of the statement, and what
 * comes back is a count, the times, and the scalars that were asked for.
 *
 * Everything around the query's own text is qualified and uses no operator: the search_path is the query's.
 */
import type { Query } from '../../connections/connection.ts'
import { scanStatement } from '../../connections/single-statement.ts'
import type { AnswerQuestion, QueryAnswer, QueryColumn } from '../engine.ts'
import { identifier } from './sql.ts'

/** The query as a relation. Behind a line break: it may end in a line comment. */
function relation(sql: string): string {
  const scan = scanStatement(sql)
  return `(\n${scan.kind === 'one' ? scan.text : sql}\n)`
}

/** One row of nulls with the query's columns. Joined on false, the planner leaves the query out: nothing of it runs. */
function emptyRow(sql: string): string {
  return `(SELECT deploywatch_query.* FROM (VALUES (1)) AS deploywatch_one LEFT JOIN ${relation(sql)} AS deploywatch_query ON false)`
}

/** The names of each query's columns, in order; a name can occur twice. */
export function columnNames(sqls: readonly string[]): Query<readonly (readonly string[])[]> {
  const selects = sqls.map(
    (sql, at) => `SELECT '${at}'::pg_catalog.text, (
SELECT pg_catalog.json_agg(deploywatch_key.name)::pg_catalog.text FROM pg_catalog.json_object_keys(deploywatch_json.value) AS deploywatch_key (name))
FROM (SELECT pg_catalog.to_json(deploywatch_row) FROM ${emptyRow(sql)} AS deploywatch_row) AS deploywatch_json (value)`,
  )
  return {
    sql: selects.join('\nUNION ALL\n'),
    parse: (rows) => {
      const byQuery = new Map(rows.map(([at, names]) => [Number(at), JSON.parse(names ?? '[]') as readonly string[]]))
      return sqls.map((_, at) => byQuery.get(at) ?? [])
    },
  }
}

/** The types of some columns, as the server names them, without modifiers. Each name stands for one column only. */
export function columnTypes(
  queries: readonly { readonly sql: string; readonly columns: readonly string[] }[],
): Query<readonly (readonly QueryColumn[])[]> {
  const selects = queries.map(({ sql, columns }, at) => {
    const types = columns.map(
      (column) =>
        `pg_catalog.format_type(pg_catalog.pg_typeof(deploywatch_row.${identifier(column)})::pg_catalog.oid, NULL)`,
    )
    return `SELECT '${at}'::pg_catalog.text, pg_catalog.json_build_array(${types.join(', ')})::pg_catalog.text FROM ${emptyRow(sql)} AS deploywatch_row`
  })
  return {
    sql: selects.join('\nUNION ALL\n'),
    parse: (rows) => {
      const byQuery = new Map(rows.map(([at, types]) => [Number(at), JSON.parse(types ?? '[]') as readonly string[]]))
      return queries.map(({ columns }, at) =>
        columns.map((name, index) => ({ name, type: byQuery.get(at)?.[index] ?? '' })),
      )
    },
  }
}

/** A scalar of more bytes is cut off to 200 characters: who asks for one compares it, and does not read it. */
const LONGEST_VALUE = 8000

/** Types of which "how old" can be said. Without a zone, the time is taken as UTC, the zone of a look. */
export const DATED_TYPES: ReadonlySet<string> = new Set([
  'timestamp with time zone',
  'timestamp without time zone',
  'date',
])

/** Runs the query, and counts its rows as far as `question.mostRows`. Times are of the server's own clock, planning left out. */
export function answerQuery(sql: string, question: AnswerQuestion): Query<QueryAnswer> {
  const { mostRows, newest, values } = question
  // The expressions of a select list are evaluated in order, and a subquery that depends on no row when it is first needed.
  const now = `pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())::pg_catalog.text`
  const parts = [
    now,
    '(SELECT pg_catalog.count(*)::pg_catalog.text FROM deploywatch_rows)',
    now,
    newest === null
      ? 'NULL'
      : `(SELECT pg_catalog.date_part('epoch', pg_catalog.max(deploywatch_rows.${identifier(newest)}::pg_catalog.timestamptz))::pg_catalog.text FROM deploywatch_rows)`,
    ...values.map((name) => firstValue(identifier(name))),
  ]
  return {
    sql: `WITH deploywatch_rows AS MATERIALIZED (SELECT * FROM ${relation(sql)} AS deploywatch_query LIMIT ${mostRows + 1})
SELECT ${parts.join(',\n')}`,
    parse: ([row = []]) => {
      const [before, count, after, latest, ...texts] = row
      const rows = Number(count)
      return {
        rows: Math.min(rows, mostRows),
        more: rows > mostRows,
        durationMs: Math.max(0, (Number(after) - Number(before)) * 1000),
        newestAgeMs: latest === null || latest === undefined ? null : (Number(after) - Number(latest)) * 1000,
        values: Object.fromEntries(values.map((name, at) => [name, texts[at] ?? null])),
      }
    },
  }
}

/** The column's value in the first row as JSON text; NULL where there is no row. */
function firstValue(column: string): string {
  return `(SELECT CASE WHEN pg_catalog.int4le(pg_catalog.octet_length(deploywatch_value.json), ${LONGEST_VALUE}) THEN deploywatch_value.json
ELSE pg_catalog.to_json(pg_catalog."left"(deploywatch_value.json, 200))::pg_catalog.text END
FROM (SELECT coalesce(pg_catalog.to_json(deploywatch_rows.${column})::pg_catalog.text, 'null') FROM deploywatch_rows LIMIT 1) AS deploywatch_value (json))`
}
