/** The common table expressions that every reader stands on: the schemas of the scope, and the relations that count. */
import type { Scope } from '../engine.ts'
import type { TenantPatterns } from '../tenants.ts'
import { bucketSql, isOneOf, literal } from './sql.ts'

/** What of the scope is read. It is applied where rows are cheap: before anything is deparsed. */
export type Selection =
  | { readonly by: 'all' }
  | { readonly by: 'buckets'; readonly buckets: readonly number[] }
  | { readonly by: 'groups'; readonly groups: readonly { readonly schema: string; readonly group: string }[] }
  /** Every tenant's schema stands for the scope's one. The bucket of an object is its namespace then. */
  | {
      readonly by: 'tenants'
      readonly patterns: TenantPatterns
      /** The expectation's schemas that are no tenant's. */
      readonly shared: readonly string[]
      readonly part: { readonly of: number; readonly nth: number }
    }

/**
 * - `scope`: `schema` (expected name), `nsp` (oid), `nspname`, `path` (the search_path for deparsing).
 * - `rel`: relations that are objects or hold some, with `schema`, `grp`, `bucket`, `nsp`, `path`, and pg_class's own columns.
 * - `wanted`: the groups of a selection by groups.
 */
export function scopeSql(scope: Scope, selection: Selection): string {
  const wanted = selection.by === 'groups' ? [`wanted AS MATERIALIZED (${wantedSql(selection.groups)})`] : []
  return [
    `scope AS MATERIALIZED (${selection.by === 'tenants' ? tenantsSql(scope, selection) : schemasSql(scope)})`,
    ...wanted,
    `rel AS MATERIALIZED (${relationsSql(scope, selection)})`,
  ].join(',\n')
}

/** The condition that picks a row of a reader that does not read from `rel`: by its schema and group. */
export function selected(scope: Scope, selection: Selection, schema: string, group: string): string {
  const conditions = [`NOT (${ignored(scope.ignore, schema, group)})`]
  if (selection.by === 'buckets') conditions.push(inBuckets(selection.buckets, bucketSql(schema, group)))
  if (selection.by === 'groups')
    conditions.push(`EXISTS (SELECT FROM wanted w WHERE w.schema = ${schema} AND w.grp = ${group})`)
  return conditions.join(' AND ')
}

/** In which part of a whole an object counts: its group's bucket, or its tenant. */
export function bucketOf(selection: Selection, schema: string, group: string, namespace: string): string {
  return selection.by === 'tenants' ? `${namespace}::int8` : bucketSql(schema, group)
}

/**
 * A catalog whose rows are joined to the schemas of the scope. Its index begins with the name, so that each schema's walk of it is one
 * of all schemas' rows: with many tenants it is read once instead. OFFSET 0 keeps the planner from the index, which it takes where
 * subqueries in the conditions make rows seem dear (measured with 560 tenants: 14 ms each).
 */
export function inSchemas(selection: Selection, catalog: 'pg_class' | 'pg_type' | 'pg_proc'): string {
  return selection.by === 'tenants' ? `(SELECT x.* FROM ${catalog} x OFFSET 0)` : catalog
}

/** Members of an extension are the extension's, not the release's. */
export function notOfExtension(catalog: 'pg_class' | 'pg_type' | 'pg_proc', oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e WHERE e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e' AND e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.objsubid = 0)`
}

/** Whether the relation is a table that is nobody's expectation. */
export function isExcluded(scope: Scope, namespace: string, relation: string): string {
  if (scope.exclude.length === 0) return 'false'
  const named = scope.exclude.flatMap(({ schema, table }) =>
    schema === null ? [] : [`(${literal(schema)}, ${literal(table)})`],
  )
  const everywhere = scope.exclude.flatMap(({ schema, table }) => (schema === null ? [table] : []))
  return [
    ...(named.length === 0 ? [] : [`(${namespace}::text, ${relation}::text) IN (${named.join(', ')})`]),
    ...(everywhere.length === 0 ? [] : [isOneOf(`${relation}::text`, everywhere)]),
  ].join(' OR ')
}

/**
 * Whether a schema is a tenant's. The system's own never are, whatever the pattern. Within CASE the planner takes half of all schemas for
 * tenants', and joins what is in them by hashing. From the bare conditions it expects one, and walks an index that does not
 * begin with the namespace once a tenant (measured: 15 ms each).
 */
export function tenantCondition({ schemas, except }: TenantPatterns, name: string): string {
  const like = (patterns: readonly string[]): string =>
    `${name}::text LIKE ANY (ARRAY[${patterns.map(likePattern).join(', ')}]::text[])`
  const own = String.raw`${name}::text LIKE 'pg\_%' OR ${name}::text = 'information_schema'`
  return `CASE WHEN ${own} OR ${like(except)} THEN false ELSE ${like(schemas)} END`
}

function tenantsSql({ schemas }: Scope, selection: Selection & { readonly by: 'tenants' }): string {
  const { patterns, shared, part } = selection
  const share =
    part.of === 1 ? 'true' : `(hashint8(n.oid::int8) & 2147483647) % ${Math.trunc(part.of)} = ${Math.trunc(part.nth)}`
  return `SELECT ${literal(schemas[0]?.expected ?? 'public')}::text AS schema, n.oid AS nsp, n.nspname, concat_ws(', ', quote_ident(n.nspname), x.path) AS path
    FROM pg_namespace n CROSS JOIN (
      SELECT string_agg(DISTINCT quote_ident(k.nspname), ', ') AS path FROM pg_extension e JOIN pg_namespace k ON k.oid = e.extnamespace
      WHERE NOT (${isOneOf('k.nspname::text', ['pg_catalog', ...shared])}) AND NOT (${tenantCondition(patterns, 'k.nspname')})
    ) x
    WHERE CASE WHEN ${tenantCondition(patterns, 'n.nspname')} AND ${share} THEN has_schema_privilege(n.oid, 'USAGE') ELSE false END`
}

/**
 * The path is the object's own schema, then those of the extensions that are not in the scope themselves: citext is citext,
 * whether it was installed into the schema at hand or, as some services do, into one of its own.
 */
function schemasSql(scope: Scope): string {
  const columns = 'v.expected AS schema, n.oid AS nsp, n.nspname'
  if (scope.schemas.length === 0) {
    return `SELECT v.expected AS schema, n.oid AS nsp, n.nspname, ''::text AS path FROM (SELECT ''::text AS expected) v, pg_namespace n WHERE false`
  }
  const pairs = scope.schemas.map(({ expected, actual }) => `(${literal(expected)}::text, ${literal(actual)}::text)`)
  const actual = scope.schemas.map((schema) => literal(schema.actual)).join(', ')
  return `SELECT ${columns}, concat_ws(', ', quote_ident(n.nspname), x.path) AS path
    FROM (VALUES ${pairs.join(', ')}) v (expected, actual)
    JOIN pg_namespace n ON n.nspname = v.actual
    CROSS JOIN (
      SELECT string_agg(DISTINCT quote_ident(k.nspname), ', ') AS path FROM pg_extension e JOIN pg_namespace k ON k.oid = e.extnamespace
      WHERE k.nspname NOT IN ('pg_catalog', ${actual})
    ) x`
}

function wantedSql(groups: readonly { readonly schema: string; readonly group: string }[]): string {
  if (groups.length === 0) return `SELECT ''::text AS schema, ''::text AS grp WHERE false`
  const rows = groups.map(({ schema, group }) => `(${literal(schema)}::text, ${literal(group)}::text)`)
  return `SELECT DISTINCT v.schema, v.grp FROM (VALUES ${rows.join(', ')}) v (schema, grp)`
}

/**
 * Left out, by what the catalog says of them: partitions (they come and go, their parent counts), temporary relations,
 * members of extensions, and the sequences behind identity columns (deptype i; a serial's is a).
 */
function relationsSql(scope: Scope, selection: Selection): string {
  // A cast to name cuts at 63 bytes: the second comparison is the exact one, the first can use pg_class's index.
  const wanted =
    selection.by === 'groups'
      ? 'JOIN wanted w ON w.schema = s.schema JOIN pg_class c ON c.relnamespace = s.nsp AND c.relname = w.grp::name AND c.relname::text = w.grp'
      : `JOIN ${inSchemas(selection, 'pg_class')} c ON c.relnamespace = s.nsp`
  const bucket = bucketOf(selection, 's.schema', 'c.relname::text', 's.nsp')
  return `SELECT s.schema, c.relname::text AS grp, ${bucket} AS bucket, s.nsp, s.path, c.oid, c.relkind, c.relpersistence,
      c.relrowsecurity, c.relforcerowsecurity, c.reloptions
    FROM scope s ${wanted}
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND ${notOfExtension('pg_class', 'c.oid')}
      AND (c.relkind <> 'S' OR NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid
        AND i.objsubid = 0 AND i.refclassid = 'pg_class'::regclass AND i.deptype = 'i'))
      AND NOT (${isExcluded(scope, 's.nspname', 'c.relname')}) AND NOT (${ignored(scope.ignore, 's.schema', 'c.relname::text')})
      ${selection.by === 'buckets' ? `AND ${inBuckets(selection.buckets, bucket)}` : ''}
      ${selection.by === 'tenants' ? BY_NAMESPACE : ''}`
}

/** The path is set anew for every other schema, which drops the server's cache of names: one after the other, that is once a tenant. */
const BY_NAMESPACE = 'ORDER BY s.nsp'

function inBuckets(buckets: readonly number[], bucket: string): string {
  return buckets.length === 0 ? 'false' : `${bucket} IN (${buckets.map((number) => Math.trunc(number)).join(', ')})`
}

/** `isIgnored` of the core, on the server: globs with `*`; a bare subject speaks of public. */
function ignored(patterns: readonly string[], schema: string, group: string): string {
  if (patterns.length === 0) return 'false'
  const likes = patterns.map(likePattern)
  const subject = `CASE WHEN ${schema} IN ('', 'public') THEN ${group} ELSE ${schema} || '.' || ${group} END`
  const full = `CASE WHEN position('.' in ${subject}) > 0 THEN ${subject} ELSE 'public.' || ${subject} END`
  const any = `ANY (ARRAY[${likes.join(', ')}])`
  return `(${subject}) LIKE ${any} OR (${full}) LIKE ${any}`
}

/** A glob as a pattern of LIKE. */
function likePattern(glob: string): string {
  return literal(glob.replaceAll(/[\\%_]/g, String.raw`\$&`).replaceAll('*', '%'))
}
