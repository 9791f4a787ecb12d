import type { Query } from '../../connections/connection.ts'
import { REPLAY_SCHEMA } from './touches.ts'

/** Every schema that is there and not the system's; `public` always. Sorted. */
export function schemasOf(): Query<readonly string[]> {
  return {
    sql: `SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${REPLAY_SCHEMA}')`,
    parse: (rows) => [...new Set(['public', ...rows.map((row) => row[0] ?? '')])].sort(),
  }
}
