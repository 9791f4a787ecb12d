/** What a server's statistics of statements hold: read when the release that runs is recorded, and never by a look. */
import type { Connection, Row } from '../../connections/connection.ts'
import type { Statistics, StatisticsSource, StatisticsText } from '../engine.ts'
import { identifier, isOneOf, literal } from './sql.ts'

/** The server's own words for a statement that this role may not see; its queryid is NULL then. */
const HIDDEN = '<insufficient privilege>'

/** Answers of the Data API hold 1 MiB: a count is some 100 bytes of it, and 10,000 of them may be kept. */
const PARTS = 4

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
