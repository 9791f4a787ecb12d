/** Many schemas at once: which there are, what is a ledger in them, and the digests by which they are alike. */
import type { Query, Row } from '../../connections/connection.ts'
import type { ColumnSet } from '../engine.ts'
import type {
  CandidateGroup,
  TenantClass,
  TenantDigestsInput,
  TenantEngine,
  TenantPatterns,
  TenantsSight,
  TenantTable,
} from '../tenants.ts'
import { BUCKETED, digested } from './catalog.ts'
import { scopeSql, tenantCondition } from './scope.ts'
import type { Selection } from './scope.ts'
import { literal } from './sql.ts'
import { candidateRelationsSql } from './tables-as-data.ts'

/** Names to a row: a name has 63 bytes at most, and a row of the Data API 64 KB. */
const NAMES = 400

/** A JSON array of names: a name may hold any character that a separator could be. */
const NAME_LIST = 'json_agg(name ORDER BY name COLLATE "C")::text'

function numbered(partition: string): string {
  return `(row_number() OVER (PARTITION BY ${partition} ORDER BY name COLLATE "C") - 1) / ${NAMES}`
}

/** The size of the shared lock table (PostgreSQL manual, max_locks_per_transaction). */
const LOCK_ROOM = `current_setting('max_locks_per_transaction')::int8 * (current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8)`

function sight(patterns: TenantPatterns, columnSets: readonly ColumnSet[]): Query<TenantsSight> {
  return {
    sql: `WITH tenant AS MATERIALIZED (
  SELECT n.oid, n.nspname::text AS name, has_schema_privilege(n.oid, 'USAGE') AS usable FROM pg_namespace n WHERE ${tenantCondition(patterns, 'n.nspname')}
), candidate AS MATERIALIZED (
  SELECT c.relname::text AS relation, n.nspname::text AS name, t.oid IS NOT NULL AS tenants,
    has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
    (SELECT json_object_agg(a.attname, lower(format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)::text FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    1 + (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) AS locks
  FROM ${candidateRelationsSql(columnSets)}
  LEFT JOIN tenant t ON t.oid = n.oid
)
SELECT 'schema', CASE WHEN usable THEN 'usable' ELSE 'unusable' END, '', '', '', ${NAME_LIST}
FROM (SELECT usable, name, ${numbered('usable')} AS chunk FROM tenant) x GROUP BY usable, chunk
UNION ALL SELECT 'relations', count(*)::text, '', '', (${LOCK_ROOM})::text, '' FROM pg_class c JOIN tenant t ON t.oid = c.relnamespace AND t.usable WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
UNION ALL SELECT CASE WHEN tenants THEN 'tenants' ELSE 'others' END, readable::text, relation, columns, sum(locks)::text, ${NAME_LIST}
FROM (SELECT relation, tenants, readable, columns, locks, name, ${numbered('relation, tenants, readable, columns')} AS chunk FROM candidate) x
GROUP BY relation, tenants, readable, columns, chunk`,
    parse: (rows) => {
      const relations = rows.find((row) => row[0] === 'relations')
      return {
        usable: namesOf(rows.filter((row) => row[0] === 'schema' && row[1] === 'usable')),
        unusable: namesOf(rows.filter((row) => row[0] === 'schema' && row[1] === 'unusable')),
        relations: Number(relations?.[1] ?? 0),
        lockRoom: Number(relations?.[4] ?? 0),
        candidates: candidatesOf(rows.filter((row) => row[0] === 'tenants' || row[0] === 'others')),
      }
    },
  }
}

function namesOf(rows: readonly Row[]): readonly string[] {
  return rows.flatMap((row) => JSON.parse(row.at(-1) ?? '[]') as readonly string[]).toSorted(byCodeUnit)
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function candidatesOf(rows: readonly Row[]): readonly CandidateGroup[] {
  const groups = new Map<string, readonly Row[]>()
  for (const row of rows) {
    const key = JSON.stringify(row.slice(0, 4))
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return [...groups.values()].flatMap((group): readonly CandidateGroup[] => {
    const [first] = group
    if (first === undefined) return []
    const [where, readable, table, columns] = first
    return [
      {
        table: table ?? '',
        columns: JSON.parse(columns ?? '{}') as CandidateGroup['columns'],
        readable: readable === 'true',
        tenants: where === 'tenants',
        schemas: namesOf(group),
        locks: group.reduce((sum, row) => sum + Number(row[4]), 0),
      },
    ]
  })
}

/**
 * Rows as JSON, whatever columns a tenant's table has: one of another version of the tool is another class, and no error. Columns
 * that are incidental tell only whether they are null.
 */
function rowsDigestSql({ table, orderBy, incidental }: TenantTable): string {
  const nulls = incidental.map((column) => `${literal(column)}, r ->> ${literal(column)} IS NULL`).join(', ')
  const row =
    incidental.length === 0 ? 'r' : `r - ARRAY[${incidental.map(literal).join(', ')}] || jsonb_build_object(${nulls})`
  const order = [...orderBy.map((column) => `r -> ${literal(column)}`), 'told'].join(', ')
  // OFFSET 0: each row is made once, not once for every use of it.
  const rows = `SELECT r, (${row})::text AS told FROM (SELECT to_jsonb(l) AS r FROM %I.%I l OFFSET 0) l OFFSET 0`
  return fromEach(table, `SELECT md5(string_agg(told, chr(10) ORDER BY ${order})) AS rows FROM (${rows}) l`)
}

/**
 * A query from text, run for each tenant's table inside one statement: names of tables cannot be computed otherwise without a
 * function of one's own. CASE asks for the privilege first: a query that names a forbidden table fails as a whole. The name is
 * compared twice: as a name, which an index knows and a cast cuts at 63 bytes, and as it is.
 */
function fromEach(table: string, sql: string): string {
  return `coalesce((SELECT CASE WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'denied'
    ELSE md5(query_to_xml(format(${literal(sql)}, s.nspname, c.relname), true, true, '')::text) END
    FROM pg_class c WHERE c.relnamespace = s.nsp AND c.relname = ${literal(table)}::name AND c.relname::text = ${literal(table)} AND c.relkind IN ('r', 'p', 'v')), 'none')`
}

function digests({
  patterns,
  scope,
  shared,
  ledgers,
  catalog,
  part,
}: TenantDigestsInput): Query<readonly TenantClass[]> {
  const selection: Selection = { by: 'tenants', patterns, shared, part }
  const byTenant = (sql: string): string =>
    `SELECT o.bucket AS nsp, count(*) AS objects, sum(o.digest) AS sum FROM (${sql}) o GROUP BY o.bucket`
  const none = 'SELECT 0::int8 AS nsp, 0::int8 AS objects, 0::numeric AS sum WHERE false'
  const rows = ledgers.map((table) => rowsDigestSql(table))
  const columns = 'objects, sum, granted, grants, ledgers'
  return {
    sql: `WITH ${scopeSql(scope, selection)},
owned AS MATERIALIZED (${catalog ? byTenant(digested(BUCKETED, scope, selection)) : none}),
granted AS MATERIALIZED (${catalog && scope.role !== null ? byTenant(digested(['grant'], scope, selection)) : none}),
tenant AS MATERIALIZED (
  SELECT s.nspname::text AS name, coalesce(o.objects, 0)::text AS objects, coalesce(o.sum, 0)::text AS sum,
    coalesce(g.objects, 0)::text AS granted, coalesce(g.sum, 0)::text AS grants, ${rows.length === 0 ? "''" : `concat_ws(' ', ${rows.join(', ')})`} AS ledgers
  FROM scope s LEFT JOIN owned o ON o.nsp = s.nsp::int8 LEFT JOIN granted g ON g.nsp = s.nsp::int8
)
SELECT ${columns}, ${NAME_LIST} FROM (SELECT t.*, ${numbered(columns)} AS chunk FROM tenant t) x GROUP BY ${columns}, chunk`,
    parse: (all) =>
      all.map((row) => ({
        objects: { objects: Number(row[0]), sum: row[1] ?? '0' },
        grants: { objects: Number(row[2]), sum: row[3] ?? '0' },
        ledgers: row[4] ?? '',
        schemas: namesOf([row]),
      })),
  }
}

function tableDigest(patterns: TenantPatterns, table: string): Query<string> {
  const rows = fromEach(
    table,
    `SELECT count(*) AS rows, sum(('x' || left(md5((t.*)::text), 15))::bit(60)::bigint) AS sum FROM %I.%I t`,
  )
  return {
    sql: `SELECT md5(string_agg(s.nspname::text || ' ' || ${rows}, chr(10) ORDER BY s.nspname))
FROM (SELECT n.oid AS nsp, n.nspname FROM pg_namespace n WHERE ${tenantCondition(patterns, 'n.nspname')} AND has_schema_privilege(n.oid, 'USAGE')) s`,
    parse: (found) => found[0]?.[0] ?? '',
  }
}

export const tenants = { sight, digests, tableDigest } as const satisfies TenantEngine
