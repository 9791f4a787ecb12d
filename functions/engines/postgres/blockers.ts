import type { Query } from '../../connections/connection.ts'
import type { Blocker } from '../engine.ts'

/** Lock modes that a look, or a prepared UPDATE, has to wait for; ACCESS EXCLUSIVE alone stops a mere read. */
const STRONG = `'AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock'`
const MOST = 5

/**
 * Sessions with a strong lock on a relation of this database, held or waited for (who waits for one makes those behind it wait),
 * and whoever these wait for in turn. The holders come first, ACCESS EXCLUSIVE before the rest, then the oldest transaction.
 * pg_locks is open to every role; what others do is hidden from one without pg_read_all_stats, and comes out empty.
 */
export function blockers(): Query<readonly Blocker[]> {
  return {
    sql: `WITH strong AS MATERIALIZED (
  SELECT l.pid, bool_or(l.granted) AS holds, bool_or(l.mode = 'AccessExclusiveLock') AS exclusive
  FROM pg_locks l
  WHERE l.locktype = 'relation' AND l.mode IN (${STRONG}) AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  GROUP BY l.pid
), suspects AS (
  SELECT s.pid, s.holds, s.exclusive FROM strong s
  UNION ALL SELECT b.pid, true, s.exclusive FROM strong s CROSS JOIN LATERAL unnest(pg_blocking_pids(s.pid)) b (pid) WHERE NOT s.holds AND b.pid <> 0
)
SELECT a.pid::text, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
  coalesce(extract(epoch FROM clock_timestamp() - a.xact_start)::bigint, 0)::text, left(coalesce(a.query, ''), 300)
FROM (SELECT pid, bool_or(holds) AS holds, bool_or(exclusive) AS exclusive FROM suspects GROUP BY pid) s
JOIN pg_stat_activity a ON a.pid = s.pid
ORDER BY s.holds DESC, s.exclusive DESC, a.xact_start NULLS LAST LIMIT ${MOST}`,
    parse: (rows) =>
      rows.map(([pid, role, application, state, seconds, query]) => ({
        pid: pid ?? '',
        role: role ?? '',
        application: application ?? '',
        state: state ?? '',
        sinceSeconds: Number(seconds ?? 0),
        statement: firstWords(query ?? ''),
      })),
  }
}

const WORDS = 8

/**
 * Enough to recognise a statement, and no data in it. Dollar quotes, E'…' and a text that was cut in the middle are closed at the
 * end: rather too little than a value.
 */
export function firstWords(statement: string): string {
  const bare = statement
    .replaceAll(/--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g, ' ')
    .replaceAll(/\$([A-Za-z_]\w*)?\$[\s\S]*$/g, '…')
    .replaceAll(/[Ee]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/g, '…')
    .replaceAll(/'(?:[^']|'')*(?:'|$)/g, '…')
    .replaceAll(/(?<![\w$"])\d[\w.]*/g, '…')
  return bare.trim().split(/\s+/).slice(0, WORDS).join(' ')
}
