import type { Reader } from './reader.ts'
import { deparsed, factsSql, rowsOf, word } from './sql.ts'

/** pg_trigger.tgenabled. */
const ENABLED = { O: 'origin', D: 'disabled', R: 'replica', A: 'always' }

/**
 * The triggers that people make: not those of foreign keys (internal), not a partitioned table's copies on its partitions.
 * The pretty form is the one that writes the table relative to the search_path; the other always qualifies it.
 */
export const readTriggers: Reader = () => {
  const facts = factsSql('trigger', {
    definition: deparsed('r.path', 'pg_get_triggerdef(t.oid, true)'),
    enabled: word('t.tgenabled', ENABLED),
  })
  return `SELECT r.schema, r.grp, r.bucket, t.tgname::text AS name, ${facts} AS facts
    FROM rel r CROSS JOIN LATERAL ${rowsOf('pg_trigger', 'tgrelid = r.oid AND NOT x.tgisinternal')} t
    WHERE t.tgparentid = 0`
}
