/**
 * What pg_stat_statements counted. The extension's columns follow the version that the database was given, which pg_upgrade
 * leaves as it was: they are taken from the catalog, never from the server's version.
 *
 * - before 1.8: total_time; 1.8 (PostgreSQL 13): total_exec_time
 * - 1.9 (14): toplevel, and pg_stat_statements_info with the time of the last reset
 * - 1.10 to 1.12 (15 to 18): further counters, of which none is needed here
 */
import type { Connection, Query, Row } from '../../connections/connection.ts'
import type { SchemaWith, Statistics, StatisticsSource, StatisticsText } from '../engine.ts'
import { identifier, literal } from './sql.ts'

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

/** The server's own words for a statement that this role may not see; its queryid is NULL then. */
const HIDDEN = '<insufficient privilege>'

/** Answers of the Data API hold 1 MiB: a count is some 100 bytes of it, and 10,000 of them may be kept. */
const PARTS = 4

function isOneOf(expression: string, texts: readonly string[]): string {
  return texts.length === 0 ? 'false' : `${expression} IN (${texts.map(literal).join(', ')})`
}

/** Only statements that a client sent: those in functions are the database's own. */
function fromSource(source: StatisticsSource, roles: readonly string[]): string {
  const toplevel = source.columns.includes('toplevel') ? ' AND s.toplevel' : ''
  return `FROM ${identifier(source.schema)}.pg_stat_statements s JOIN pg_catalog.pg_roles r ON r.oid = s.userid
    WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AND ${isOneOf('r.rolname', roles)}${toplevel}`
}

/**
 * The counts of these roles' statements in this database, without their texts.
 *
 * @throws {DatabaseError} the library is not loaded (55000), or the view may not be read (42501).
 */
export async function readStatistics(
  connection: Connection,
  source: StatisticsSource,
  roles: readonly string[],
): Promise<Statistics> {
  const total = source.columns.includes('total_exec_time') ? 's.total_exec_time' : 's.total_time'
  const parts = connection.traits.maxAnswerBytes === null ? 1 : PARTS
  const hidden = `pg_catalog.count(*) FILTER (WHERE s.query = ${literal(HIDDEN)})`
  const [about, known, ...counts] = await connection.read([
    {
      sql: `SELECT ${source.info ? `(SELECT stats_reset::text FROM ${identifier(source.schema)}.pg_stat_statements_info)` : 'NULL'}, ${hidden}::text ${fromSource(source, roles)}`,
      parse: ([row]: readonly Row[]) => ({ resetAt: row?.[0] ?? null, hidden: Number(row?.[1] ?? 0) }),
    },
    {
      sql: `SELECT rolname::text FROM pg_catalog.pg_roles WHERE ${isOneOf('rolname', roles)} ORDER BY 1`,
      parse: (rows: readonly Row[]) => rows.map(([name]) => name ?? ''),
    },
    ...Array.from({ length: parts }, (_, part) => ({
      sql: `SELECT r.rolname::text, s.queryid::text, s.calls::text, ${total}::text, coalesce(pg_catalog.octet_length(s.query), 0)::text ${fromSource(source, roles)} AND s.queryid IS NOT NULL AND pg_catalog.abs(s.queryid % ${parts}) = ${part}`,
      parse: (rows: readonly Row[]) =>
        rows.map(([role, id, calls, totalMs, bytes]) => ({
          role: role ?? '',
          id: id ?? '',
          calls: Number(calls),
          totalMs: Number(totalMs),
          bytes: Number(bytes),
        })),
    })),
  ] as const)
  return {
    ...about,
    roles: known,
    statements: counts.flat().sort((a, b) => (`${a.role} ${a.id}` < `${b.role} ${b.id}` ? -1 : 1)),
  }
}

/** A row of the Data API holds 64 KB, an answer 1 MiB; texts are read so that neither is reached. */
const MOST_BYTES = 60_000
const PAGE_BYTES = 700_000
const PAGE_ROWS = 1000

/** The texts of these statements; one that is too long to be read, or lost, is not in the answer. */
export async function readStatisticsTexts(
  connection: Connection,
  source: StatisticsSource,
  statements: Statistics['statements'],
): Promise<readonly StatisticsText[]> {
  const pages: Statistics['statements'][number][][] = []
  let bytes = Infinity
  for (const statement of statements.filter((candidate) => candidate.bytes <= MOST_BYTES)) {
    const last = pages.at(-1)
    if (last === undefined || last.length === PAGE_ROWS || bytes + statement.bytes > PAGE_BYTES) {
      pages.push([statement])
      bytes = statement.bytes
    } else {
      last.push(statement)
      bytes += statement.bytes
    }
  }
  const texts = await connection.read(
    pages.map((page) => ({
      sql: `SELECT r.rolname::text, s.queryid::text, s.query ${fromSource(source, [...new Set(page.map(({ role }) => role))])} AND s.queryid IN (${[...new Set(page.map(({ id }) => literal(id)))].join(', ')})`,
      parse: (rows: readonly Row[]) =>
        rows.flatMap(([role, id, sql]) => (sql == null ? [] : [{ role: role ?? '', id: id ?? '', sql }])),
    })),
  )
  return texts.flat()
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
