import type { Query } from '../../connections/connection.ts'
import type { Server } from '../../core/observation.ts'

/**
 * pg_control_system() knows the cluster's identifier, and a service may have revoked it. A query that merely names it is refused
 * as a whole (EXECUTE is checked when a plan starts, not when the function is reached), so it is run as a query of its own,
 * from text, only where the privilege is there. Where it is not, the database's oid and the transaction that made its row tell
 * one database from another well enough: a wrong guess needs two clusters with both alike, and the stamps would differ too.
 */
const SYSTEM_IDENTIFIER = `CASE WHEN has_function_privilege('pg_control_system()', 'EXECUTE')
  THEN regexp_replace(query_to_xml('SELECT system_identifier AS id FROM pg_catalog.pg_control_system()', true, true, '')::text, '^.*<id>|</id>.*$', '', 'g')
  ELSE (SELECT 'database ' || d.oid || ' of transaction ' || d.xmin::text FROM pg_database d WHERE d.datname = current_database()) END`

/** One row, from any role. */
export function identify(): Query<Server> {
  return {
    sql: `SELECT current_setting('server_version'), current_setting('server_version_num'), ${SYSTEM_IDENTIFIER}, current_database()::text, current_user::text`,
    parse: ([row]) => ({
      engine: 'postgres',
      // Packagers add to it: '15.18 (Debian 15.18-0+deb12u1)'.
      version: row?.[0]?.split(' ')[0] ?? '',
      major: Math.floor(Number(row?.[1] ?? 0) / 10_000),
      systemIdentifier: row?.[2] ?? '',
      database: row?.[3] ?? '',
      role: row?.[4] ?? '',
    }),
  }
}
