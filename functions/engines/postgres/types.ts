import type { Reader } from './reader.ts'
import { bucketOf, inSchemas, notOfExtension, selected } from './scope.ts'
import { collationName, deparsed, factsSql, quotedName, typeName, word } from './sql.ts'

/** pg_type.typtype. Not read: b (base types need C), m (a range's multirange), p (pseudo); c only without a table behind it. */
const FORMS = { e: 'enum', d: 'domain', c: 'composite', r: 'range' }

const LABELS = `SELECT string_agg(e.enumlabel, chr(10) ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid`

/** typdefault is text as deparsed when it was set, under whatever search_path; typdefaultbin is deparsed now. */
const DOMAIN = [
  typeName('s.path', 't.typbasetype', 't.typtypmod'),
  `coalesce(' COLLATE ' || ${collationName('s.nsp', 't.typcollation', 't.typbasetype')}, '')`,
  `CASE WHEN t.typdefaultbin IS NULL THEN '' ELSE ' DEFAULT ' || ${deparsed('s.path', 'pg_get_expr(t.typdefaultbin, 0)')} END`,
  `CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END`,
  // 17 lists NOT NULL as a constraint of the domain too.
  `coalesce((SELECT string_agg(chr(10) || 'CONSTRAINT ' || ${quotedName('k.conname')} || ' CHECK (' || ${deparsed('s.path', 'pg_get_expr(k.conbin, 0)')} || ')'
      || CASE WHEN k.convalidated THEN '' ELSE ' NOT VALID' END, '' ORDER BY k.conname)
    FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '')`,
].join(' || ')

const ATTRIBUTES = `SELECT string_agg(${quotedName('a.attname')} || ' ' || ${typeName('s.path', 'a.atttypid', 'a.atttypmod')}
    || coalesce(' COLLATE ' || ${collationName('s.nsp', 'a.attcollation', 'a.atttypid')}, ''), chr(10) ORDER BY a.attnum)
  FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped`

const RANGE = `SELECT concat_ws(chr(10), 'subtype = ' || ${typeName('s.path', 'g.rngsubtype', 'NULL')},
    (SELECT 'subtype_opclass = ' || o.opcname FROM pg_opclass o WHERE o.oid = g.rngsubopc AND NOT o.opcdefault),
    'collation = ' || ${collationName('s.nsp', 'g.rngcollation', 'g.rngsubtype')},
    CASE WHEN g.rngcanonical <> 0 THEN 'canonical = ' || ${deparsed('s.path', 'g.rngcanonical::text')} END,
    CASE WHEN g.rngsubdiff <> 0 THEN 'subtype_diff = ' || ${deparsed('s.path', 'g.rngsubdiff::text')} END)
  FROM pg_range g WHERE g.rngtypid = t.oid`

export const readTypes: Reader = ({ scope, selection }) => {
  const group = 't.typname::text'
  const facts = factsSql('type', {
    form: word('t.typtype', FORMS),
    definition: `CASE t.typtype WHEN 'e' THEN (${LABELS}) WHEN 'd' THEN ${DOMAIN} WHEN 'c' THEN (${ATTRIBUTES}) ELSE (${RANGE}) END`,
  })
  return `SELECT s.schema, ${group} AS grp, ${bucketOf(selection, 's.schema', group, 's.nsp')} AS bucket, ${group} AS name, ${facts} AS facts
    FROM scope s JOIN ${inSchemas(selection, 'pg_type')} t ON t.typnamespace = s.nsp ${selection.by === 'groups' ? 'AND t.typname IN (SELECT w.grp::name FROM wanted w)' : ''}
    WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (
        SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c' AND ${notOfExtension('pg_class', 'c.oid')})))
      AND ${notOfExtension('pg_type', 't.oid')} AND ${selected(scope, selection, 's.schema', group)}`
}
