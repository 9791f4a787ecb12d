/**
 * What pg_stat_statements counted. The extension's columns follow the version that the database was given, which pg_upgrade
 * leaves as it was: they are taken from the catalog, never from the server's version.
 *
 * - before 1.8: total_time; 1.8 (PostgreSQL 13): total_exec_time
 * - 1.9 (14): toplevel, and pg_stat_statements_info with the time of the last reset
 * - 1.10 to 1.12 (15 to 18): further counters, of which none is needed here
 */
import type { Query } from '../../connections/connection.ts'
import type { SchemaWith, StatisticsSource } from '../engine.ts'
import { identifier, isOneOf, literal } from './sql.ts'

/** One row where the extension is in this database. */
export function statisticsSource(): Query<StatisticsSource | null> {
  const columns = `SELECT string_agg(a.attname::text, ',') FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = n.oid AND c.relname = 'pg_stat_statements' AND a.attnum > 0`
  const info = `EXISTS (SELECT FROM pg_catalog.pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info')`
  return {
    sql: `SELECT n.nspname::text, e.extversion, coalesce((${columns}), ''), ${info}::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'`,
    parse: ([row]) =>
      row === undefined
        ? null
        : {
            schema: row[0] ?? '',
            version: row[1] ?? '',
            columns: (row[2] ?? '').split(',').filter((column) => column !== ''),
            info: row[3] === 'true',
          },
  }
}

/**
 * The search path that a session of the role begins with here, where the role or the database has one of its own; null: neither
 * has. What is set for the role in this database counts most, then the role's, then the database's (PostgreSQL
 * manual, ALTER ROLE).
 */
export function roleSearchPath(role: string): Query<string | null> {
  const setting = `SELECT pg_catalog.substr(c.setting, 13) FROM pg_catalog.pg_db_role_setting s
    CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS c (setting)
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
      AND s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = ${literal(role)}))
      AND c.setting LIKE 'search\\_path=%'
    ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC LIMIT 1`
  return {
    sql: `SELECT (${setting})`,
    // "$user" is the session's own user: a look is another one.
    parse: ([row]) => row?.[0]?.replaceAll(/"?\$user"?/gu, () => identifier(role)) ?? null,
  }
}

/** A schema of a thousand tenants has the same names as the next one: the first by name stand for all. */
const MOST_SCHEMAS = 50

/** Those with most of them first. */
export function schemasWith(relations: readonly string[]): Query<readonly SchemaWith[]> {
  return {
    sql: `SELECT n.nspname::text, pg_catalog.string_agg(DISTINCT c.relname::text, pg_catalog.chr(31)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ${isOneOf('c.relname', relations)} AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    GROUP BY n.nspname ORDER BY pg_catalog.count(*) DESC, n.nspname LIMIT ${MOST_SCHEMAS}`,
    parse: (rows) =>
      rows.map(([schema, names]) => ({ schema: schema ?? '', relations: (names ?? '').split('\u001f') })),
  }
}
