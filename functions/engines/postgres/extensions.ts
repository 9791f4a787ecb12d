import type { Reader } from './reader.ts'
import { bucketOf, selected } from './scope.ts'
import { factsSql } from './sql.ts'

/**
 * plpgsql is in every database from template1 on, and no catalog tells so: its oid is below 16384, but not after pg_upgrade,
 * which makes it anew. It is nobody's expectation.
 */
export const readExtensions: Reader = ({ scope, selection }) => {
  const name = 'e.extname::text'
  return `SELECT ''::text AS schema, ${name} AS grp, ${bucketOf(selection, "''::text", name, '0')} AS bucket, ${name} AS name, ${factsSql('extension', {})} AS facts
    FROM pg_extension e WHERE e.extname <> 'plpgsql' ${selection.by === 'tenants' ? 'AND false' : ''} AND ${selected(scope, selection, "''::text", name)}`
}
