/** How SQL text is written: literals, names, and the canonical text of an object's facts. */
import { KINDS } from '../../core/catalog.ts'
import type { FactName, ObjectKind } from '../../core/catalog.ts'

/** A string constant. Backslashes are escaped, so that it means the same whatever standard_conforming_strings is. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return text.includes('\\') ? ` E${quoted}` : quoted
}

/** A quoted name. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `IN (…)` of text constants; of none, a condition that never holds. */
export function isOneOf(expression: string, texts: readonly string[]): string {
  return texts.length === 0 ? 'false' : `${expression} IN (${texts.map(literal).join(', ')})`
}

/**
 * The facts of a kind as one text, each given by an SQL expression of type text: `factsText` of the core, on the server.
 * A missing fact is a type error.
 */
export function factsSql<K extends ObjectKind>(kind: K, facts: Readonly<Record<FactName<K>, string>>): string {
  const expressions = KINDS[kind].facts.map((fact) => (facts as Readonly<Record<string, string>>)[fact] ?? 'NULL')
  if (expressions.length === 0) return "''::text"
  return `concat_ws(chr(31), ${expressions.map((sql) => `coalesce((${sql})::text, chr(1))`).join(', ')})`
}

export function flag(condition: string): string {
  return `CASE WHEN ${condition} THEN 'yes' ELSE 'no' END`
}

/** A catalog letter as a word. */
export function word(expression: string, words: Readonly<Record<string, string>>): string {
  const cases = Object.entries(words).map(([letter, text]) => `WHEN ${literal(letter)} THEN ${literal(text)}`)
  return `CASE ${expression} ${cases.join(' ')} END`
}

/**
 * Deparses with the search_path of the object's own schema, so that names come out relative to it. `path` is a column of the
 * row at hand, and CASE evaluates its condition first: the path is in force when `expression` runs. It is set only where it
 * is not in force already: setting it drops the server's cache of namespaces, 2 µs a row.
 *
 * The path stays behind for the rest of the transaction. pg_catalog is searched before it, implicitly, so that the unqualified
 * functions and operators of these queries cannot be captured by a schema of the database.
 */
export function deparsed(path: string, expression: string): string {
  return `CASE WHEN current_setting('search_path') = ${path} OR set_config('search_path', ${path}, true) IS NOT NULL THEN ${expression} END`
}

/**
 * A type's name. Objects below 16384 (FirstNormalObjectId) came with initdb: their names depend on no path, and most columns
 * are of such types.
 */
export function typeName(path: string, type: string, modifier: string): string {
  const name = `format_type(${type}, ${modifier})`
  return `CASE WHEN ${type} < 16384 THEN ${name} ELSE ${deparsed(path, name)} END`
}

/**
 * A name as SQL would write it. quote_ident follows each major's own list of keywords: json (16), json_table, merge_action (17)
 * became ones, and would be quoted on one server and not on the other.
 */
export function quotedName(expression: string): string {
  // What begins like none of them is not matched against the pattern: at 100,000 names the matching is 70 ms.
  const like = `(${expression}::text ^@ 'json' OR ${expression}::text IN ('merge_action', 'system_user'))`
  return `CASE WHEN ${like} AND ${expression} ~ '^(json(_[a-z]+)?|merge_action|system_user)$' THEN ${expression}::text ELSE quote_ident(${expression}) END`
}

/** An object's name, with its schema where that is neither `own` nor pg_catalog (11). Schemas of the scope go by the names of the expectation. */
export function relativeName(own: string, namespace: string, name: string): string {
  return `CASE WHEN ${namespace} IN (${own}, 11) THEN '' ELSE coalesce((SELECT ${quotedName('known.schema')} FROM scope known WHERE known.nsp = ${namespace}), (SELECT ${quotedName('other.nspname')} FROM pg_namespace other WHERE other.oid = ${namespace})) || '.' END || ${quotedName(name)}`
}

/** The collation's name where it is not the default of the column's type. 100 is "default" (pg_collation.dat). */
export function collationName(own: string, collation: string, type: string): string {
  const other = `SELECT ${relativeName(own, 'k.collnamespace', 'k.collname')} FROM pg_collation k, pg_type y WHERE k.oid = ${collation} AND y.oid = ${type} AND y.typcollation <> k.oid`
  // 19 is `name`, the one type of initdb whose own collation is not "default".
  return `CASE WHEN ${collation} = 0 OR (${collation} = 100 AND ${type} < 16384 AND ${type} <> 19) THEN NULL ELSE (${other}) END`
}

/**
 * The rows of a catalog that belong to a relation of `rel`, found by the catalog's index on it. OFFSET 0 keeps the planner from
 * turning the join round: on catalogs without statistics, as after a migration that made thousands of tables, it takes every
 * filter for a strict one, and walks `rel` or some other index once a row (measured: 30 s instead of 0.3 s). A
 * filter that another index knows belongs behind it.
 */
export function rowsOf(catalog: string, condition: string, columns = 'x.*'): string {
  return `(SELECT ${columns} FROM ${catalog} x WHERE x.${condition} OFFSET 0)`
}

/** The bucket of a group (`bucketOf` of the core). */
export function bucketSql(schema: string, group: string): string {
  return `('x' || left(${md5Sql(`${schema} || chr(31) || ${group}`)}, 2))::bit(8)::int`
}

/** The digest of an object (`digestOf` of the core): 60 bits, so that it is positive as a bigint. */
export function digestSql(kind: ObjectKind, row: string): string {
  const text = `concat_ws(chr(31), ${row}.schema, ${row}.grp, ${literal(kind)}, ${row}.name, ${row}.facts)`
  return `('x' || left(${md5Sql(text)}, 15))::bit(60)::bigint`
}

/** md5 hashes the bytes of the database's own encoding; the digest is of UTF-8. The subquery is evaluated once a statement. */
function md5Sql(text: string): string {
  return `CASE WHEN (SELECT getdatabaseencoding() = 'UTF8') THEN md5(${text}) ELSE md5(convert_to(${text}, 'UTF8')) END`
}
