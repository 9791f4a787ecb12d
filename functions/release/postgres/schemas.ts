import type { Query } from '../../connections/connection.ts'
import { REPLAY_SCHEMA } from './touches.ts'

/** Every schema that is there and not the system's; `public` always. Sorted. */
export function schemasOf(): Query<readonly string[]> {
  return {
    sql: `SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${REPLAY_SCHEMA}')`,
    parse: (rows) => [...new Set(['public', ...rows.map((row) => row[0] ?? '')])].sort(),
  }
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

export function createSchemas(schemas: readonly string[]): readonly string[] {
  return schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`)
}

/** Names without a schema go into this one first; what is found elsewhere is found as before. */
export function enterSchema(schema: string): string {
  return `SET search_path TO ${identifier(schema)}, "$user", public`
}
