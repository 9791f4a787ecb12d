/** Who is at work, and what the server's settings say of memory: what every role may ask, though not of everybody. */
import type { Query } from '../../connections/connection.ts'
import type { CacheSettings } from '../../core/estimate-target.ts'
import { LOCK_MODES } from '../../core/lock-modes.ts'
import type { LockMode } from '../../core/lock-modes.ts'
import type { ActivitySight, TableName } from '../engine.ts'
import { literal } from './sql.ts'

const MOST = 20

export function activityQueries(tables: readonly TableName[]): readonly [Query<ActivitySight>, Query<CacheSettings>] {
  return [activity(tables), memorySettings()]
}

/**
 * Sessions of this database with an open transaction, or with a lock on one of the tables: pg_locks is open to every role, what
 * others do since when is hidden from one without pg_read_all_stats. An autovacuum gives way by itself, and is left out.
 */
function activity(tables: readonly TableName[]): Query<ActivitySight> {
  const names = tables.map(({ schema, table }) => `(${literal(schema)}::text, ${literal(table)}::text)`)
  const asked =
    names.length === 0 ? `SELECT ''::text AS nsp, ''::text AS rel WHERE false` : `VALUES ${names.join(', ')}`
  return {
    sql: `WITH own AS MATERIALIZED (SELECT a.* FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
    AND coalesce(a.backend_type, 'client backend') IN ('client backend', 'parallel worker')),
  held AS (SELECT l.pid, json_agg(json_build_array(v.nsp, v.rel, l.mode))::text AS locks
    FROM (${asked}) v (nsp, rel) JOIN pg_namespace n ON n.nspname::text = v.nsp
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = v.rel::name AND c.relname::text = v.rel
    JOIN pg_locks l ON l.relation = c.oid AND l.locktype = 'relation' AND l.granted
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    GROUP BY l.pid),
  open AS (SELECT a.pid::text, coalesce(a.usename::text, '') AS role, coalesce(a.application_name, '') AS application, coalesce(a.state, '') AS state,
      floor(extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint::text AS since, h.locks
    FROM own a LEFT JOIN held h ON h.pid = a.pid WHERE a.xact_start IS NOT NULL OR h.pid IS NOT NULL
    ORDER BY h.pid IS NULL, a.xact_start NULLS FIRST LIMIT ${MOST})
SELECT t.hidden::text, t.active::text, o.* FROM (SELECT count(*) FILTER (WHERE own.backend_type IS NULL) AS hidden,
  count(*) FILTER (WHERE own.state = 'active' AND own.backend_type = 'client backend') AS active FROM own) t LEFT JOIN open o ON true`,
    parse: (rows) => ({
      hidden: Number(rows[0]?.[0] ?? 0),
      active: Number(rows[0]?.[1] ?? 0),
      transactions: rows.flatMap(([, , pid, role, application, state, since, locks]) =>
        pid === null || pid === undefined
          ? []
          : [
              {
                pid,
                role: role ?? '',
                application: application ?? '',
                state: state ?? '',
                sinceMs: since === null || since === undefined ? null : Math.max(0, Number(since)),
                locks: locksIn(locks ?? '[]'),
              },
            ],
      ),
    }),
  }
}

const MODES: ReadonlyMap<string, LockMode> = new Map(
  LOCK_MODES.map((mode) => [`${mode.replaceAll('-', '')}lock`, mode]),
)

function locksIn(json: string): ActivitySight['transactions'][number]['locks'] {
  const locks = JSON.parse(json) as readonly (readonly [string, string, string])[]
  return locks.flatMap(([schema, table, name]) => {
    const mode = MODES.get(name.toLowerCase())
    return mode === undefined ? [] : [{ schema, table, mode }]
  })
}

/** effective_cache_size is what somebody told the planner; its default of 4 GB tells nothing. */
function memorySettings(): Query<CacheSettings> {
  return {
    sql: `SELECT pg_size_bytes(current_setting('shared_buffers'))::text, (SELECT pg_size_bytes(current_setting('effective_cache_size')) FROM pg_settings s
  WHERE s.name = 'effective_cache_size' AND s.source <> 'default')::text`,
    parse: (rows) => {
      const [shared, cache] = rows[0] ?? []
      return {
        sharedBuffersBytes: Number(shared ?? 0),
        cacheBytes: cache === null || cache === undefined ? null : Number(cache),
      }
    },
  }
}
