import type { Reader } from './reader.ts'
import { isExcluded } from './scope.ts'
import { factsSql, flag, quotedName, relativeName, rowsOf, word } from './sql.ts'

const PERSISTENCE = { p: 'permanent', u: 'unlogged' }

/** Where a sequence stands is data, and never read. Those behind identity columns are the column's (see `rel`). */
export const readSequences: Reader = ({ scope }) => {
  const facts = factsSql('sequence', {
    type: 'format_type(q.seqtypid, NULL)',
    start: 'q.seqstart',
    increment: 'q.seqincrement',
    minimum: 'q.seqmin',
    maximum: 'q.seqmax',
    cycle: flag('q.seqcycle'),
    cache: 'q.seqcache',
    ownedBy: `CASE WHEN o.relname IS NOT NULL THEN ${relativeName('r.nsp', 'o.relnamespace', 'o.relname')} || '.' || ${quotedName('o.attname')} END`,
    persistence: word('r.relpersistence', PERSISTENCE),
  })
  return `SELECT r.schema, r.grp, r.bucket, r.grp AS name, ${facts} AS facts
    FROM rel r
    CROSS JOIN LATERAL ${rowsOf('pg_sequence', 'seqrelid = r.oid')} q
    LEFT JOIN LATERAL (
      SELECT c.relname, c.relnamespace, a.attname, n.nspname
      FROM pg_depend d
      JOIN pg_class c ON c.oid = d.refobjid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
      WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
    ) o ON true
    WHERE r.relkind = 'S' AND (o.relname IS NULL OR NOT (${isExcluded(scope, 'o.nspname', 'o.relname')}))`
}
