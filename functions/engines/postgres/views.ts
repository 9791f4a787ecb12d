import type { Reader } from './reader.ts'
import { deparsed, factsSql, word } from './sql.ts'

const FORMS = { v: 'view', m: 'materialized view' }

/** A view's columns are its definition's: they are no objects of their own. Whether a materialized view is filled is data. */
export const readViews: Reader = () => {
  const facts = factsSql('view', {
    form: word('r.relkind', FORMS),
    definition: deparsed('r.path', `rtrim(pg_get_viewdef(r.oid), ';')`),
    options: `array_to_string(r.reloptions, ', ')`,
  })
  return `SELECT r.schema, r.grp, r.bucket, r.grp AS name, ${facts} AS facts FROM rel r WHERE r.relkind IN ('v', 'm')`
}
