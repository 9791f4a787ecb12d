/** Tables of which rows count: ledgers. */
import type { Query } from '../../connections/connection.ts'
import type { CandidateTable, ColumnSet } from '../engine.ts'
import { identifier, literal } from './sql.ts'

/**
 * Rows and the sum of their hashes: the order of rows, and where they stand, do not matter.
 *
 * The query is refused where the table does not exist (42P01) or may not be read (42501).
 */
export function tableDigest(table: { readonly schema: string; readonly table: string }): Query<string> {
  const name = `${identifier(table.schema)}.${identifier(table.table)}`
  return {
    sql: `SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5((t.*)::text), 15))::bit(60)::bigint), 0) FROM ${name} t`,
    parse: (rows) => rows[0]?.[0] ?? '',
  }
}

/** A bit for each name, so many to a bigint: what a table has is the bits of its columns together, however many sets are asked for. */
const WORD = 62

function bitsOf(word: readonly string[], set: readonly string[]): bigint {
  return word.reduce((bits, name, at) => (set.includes(name) ? bits | (1n << BigInt(at)) : bits), 0n)
}

function hasAll(bits: string, wanted: bigint): string {
  return `${bits} & ${wanted} = ${wanted}`
}

const COLUMNS_OF_ALL =
  'SELECT count(*) FROM pg_attribute y WHERE y.attrelid = x.attrelid AND y.attnum > 0 AND NOT y.attisdropped'

/**
 * Tables and views `c`, in the schema `n`, that have all columns of one of the sets, and no other where it stands alone. Upper and lower case are not told apart: a set
 * is written in lower case. Temporary and system relations are no ledgers; neither are partitions.
 */
export function candidateRelationsSql(columnSets: readonly ColumnSet[]): string {
  const names = [...new Set(columnSets.flatMap(({ columns }) => columns))]
  const words = Array.from({ length: Math.ceil(names.length / WORD) }, (_, at) =>
    names.slice(at * WORD, (at + 1) * WORD),
  )
  const complete = columnSets.map(({ columns, alone = false }) =>
    [
      ...words.flatMap((word, at) =>
        bitsOf(word, columns) === 0n ? [] : hasAll(`bit_or(v.word${at})`, bitsOf(word, columns)),
      ),
      // Asked of those alone that have the names: a table of one column `name` among thousands that have one among others.
      ...(alone ? [`(${COLUMNS_OF_ALL}) = ${columns.length}`] : []),
    ].join(' AND '),
  )
  const known = names.map(
    (name) => `(${[literal(name), ...words.map((word) => `${bitsOf(word, [name])}::int8`)].join(', ')})`,
  )
  const columns = ['name', ...words.map((_, at) => `word${at}`)].join(', ')
  // The names are looked at first, once for all of the database; only what has them all is looked at closer.
  return `(
  SELECT x.attrelid FROM pg_attribute x JOIN (VALUES ${known.length === 0 ? `('')` : known.join(', ')}) v (${columns}) ON v.name = lower(x.attname::text)
  WHERE x.attnum > 0 AND NOT x.attisdropped GROUP BY x.attrelid HAVING ${complete.length === 0 ? 'false' : complete.join(' OR ')}
) found
JOIN pg_class c ON c.oid = found.attrelid AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND c.relpersistence <> 't'
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`
}

/** Each of them whole, one row a column. */
export function candidateTables(columnSets: readonly ColumnSet[]): Query<readonly CandidateTable[]> {
  return {
    sql: `SELECT n.nspname::text, c.relname::text, (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))::text,
  a.attname::text, lower(format_type(a.atttypid, a.atttypmod))
FROM ${candidateRelationsSql(columnSets)}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY n.nspname, c.relname, a.attnum`,
    parse: (rows) => {
      const tables = new Map<string, CandidateTable & { readonly columns: Record<string, string> }>()
      for (const [schema, table, readable, column, type] of rows) {
        const key = `${schema ?? ''}\u001f${table ?? ''}`
        const known = tables.get(key) ?? {
          schema: schema ?? '',
          table: table ?? '',
          readable: readable === 'true',
          columns: {},
        }
        known.columns[column ?? ''] = type ?? ''
        tables.set(key, known)
      }
      return [...tables.values()]
    },
  }
}
