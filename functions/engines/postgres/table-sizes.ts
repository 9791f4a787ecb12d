/** How large tables are, from pg_class and the statistics' functions: what every role may ask, and no row is read for. */
import type { Query } from '../../connections/connection.ts'
import type { TableName, TableSize } from '../engine.ts'
import { literal } from './sql.ts'

/**
 * What holds rows: a table or materialized view itself, of a partitioned one all partitions below it. Sizes are NULL for a relation
 * that was dropped meanwhile. reltuples is -1, and relpages 0, until something counts (PostgreSQL 14 and newer); a table without a
 * page has no row, whoever counted. The view pg_stat_all_tables would be computed whole, for all tables, where its functions are
 * asked for one.
 */
const HOLDERS = `WITH RECURSIVE held (oid) AS (
    SELECT c.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN held h ON h.oid = i.inhparent WHERE c.relkind = 'p'
  ), sized AS (
    SELECT l.reltuples, l.relpages, coalesce(pg_relation_size(l.oid), 0) AS heap, coalesce(pg_total_relation_size(l.oid), 0) AS total,
      greatest(pg_stat_get_last_analyze_time(l.oid), pg_stat_get_last_autoanalyze_time(l.oid), pg_stat_get_last_vacuum_time(l.oid), pg_stat_get_last_autovacuum_time(l.oid)) AS counted
    FROM held h JOIN pg_class l ON l.oid = h.oid AND l.relkind IN ('r', 'm')
  ), estimated AS (
    SELECT s.*, CASE WHEN s.heap = 0 THEN 0 WHEN s.reltuples >= 0 AND s.relpages > 0
      THEN s.reltuples::float8 / s.relpages * (s.heap / current_setting('block_size')::float8) END AS live FROM sized s
  )
  SELECT CASE WHEN NOT coalesce(bool_or(e.live IS NULL), false) THEN round(coalesce(sum(e.live), 0)) END AS live,
    coalesce(sum(e.heap), 0) AS heap, coalesce(sum(e.total), 0) AS total,
    CASE WHEN NOT bool_or(e.counted IS NULL AND e.heap > 0) THEN min(e.counted) END AS counted FROM estimated e`

export function tableSizes(tables: readonly TableName[]): Query<readonly TableSize[]> {
  const names = tables.map(({ schema, table }) => `(${literal(schema)}::text, ${literal(table)}::text)`)
  const asked =
    names.length === 0 ? `SELECT ''::text AS nsp, ''::text AS rel WHERE false` : `VALUES ${names.join(', ')}`
  return {
    sql: `SELECT v.nsp, v.rel, t.live::numeric::text, t.heap::text, t.total::text, to_char(t.counted AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
FROM (${asked}) v (nsp, rel) JOIN pg_namespace n ON n.nspname::text = v.nsp
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.rel::name AND c.relname::text = v.rel AND c.relkind IN ('r', 'p', 'm')
CROSS JOIN LATERAL (${HOLDERS}) t`,
    parse: (rows) =>
      rows.map(([schema, table, live, heap, total, counted]) => ({
        schema: schema ?? '',
        table: table ?? '',
        rows: live === null || live === undefined ? null : Number(live),
        heapBytes: Number(heap),
        totalBytes: Number(total),
        countedAt: counted ?? null,
      })),
  }
}
