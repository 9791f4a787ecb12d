import type { Reader } from './reader.ts'
import { deparsed, factsSql, relativeName, word } from './sql.ts'

/** pg_class.relkind. Not tables: v, m (views), S (sequence), c (composite type), i, I (indexes), t (TOAST). */
const FORMS = { r: 'table', p: 'partitioned', f: 'foreign' }
const PERSISTENCE = { p: 'permanent', u: 'unlogged' }

/** Row security: no | yes | forced. FORCE without ENABLE has no effect, and says no. */
export const readTables: Reader = () => {
  const parents = `SELECT string_agg(${relativeName('r.nsp', 'p.relnamespace', 'p.relname')}, ', ' ORDER BY h.inhseqno)
    FROM pg_inherits h JOIN pg_class p ON p.oid = h.inhparent WHERE h.inhrelid = r.oid`
  const facts = factsSql('table', {
    form: word('r.relkind', FORMS),
    persistence: word('r.relpersistence', PERSISTENCE),
    partitionKey: `CASE WHEN r.relkind = 'p' THEN ${deparsed('r.path', 'pg_get_partkeydef(r.oid)')} END`,
    // Partitions are no objects of their own: they come and go while the release stays.
    partitionBound: 'NULL',
    inherits: parents,
    rowSecurity: `CASE WHEN NOT r.relrowsecurity THEN 'no' WHEN r.relforcerowsecurity THEN 'forced' ELSE 'yes' END`,
    server: `CASE WHEN r.relkind = 'f' THEN (SELECT v.srvname FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver WHERE f.ftrelid = r.oid) END`,
  })
  return `SELECT r.schema, r.grp, r.bucket, r.grp AS name, ${facts} AS facts FROM rel r WHERE r.relkind IN ('r', 'p', 'f')`
}
