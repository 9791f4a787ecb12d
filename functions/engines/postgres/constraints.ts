import type { Reader } from './reader.ts'
import { deparsed, factsSql, flag, quotedName, relativeName, rowsOf, word } from './sql.ts'

/**
 * pg_constraint.contype. Not constraints here: n (NOT NULL, of 18: the column tells), t (constraint triggers: the trigger
 * tells). Domains' are part of their type.
 */
const FORMS = { p: 'primary key', u: 'unique', f: 'foreign key', c: 'check', x: 'exclusion' }
const ACTIONS = { r: 'RESTRICT', c: 'CASCADE', n: 'SET NULL', d: 'SET DEFAULT' }

/** The names of a relation's columns by their numbers, in the array's order. One column, the usual case, needs no sorting. */
function columnNames(relation: string, numbers: string): string {
  const one = `SELECT ${quotedName('a.attname')} FROM pg_attribute a WHERE a.attrelid = ${relation} AND a.attnum = (${numbers})[1]`
  const several = `SELECT string_agg(${quotedName('a.attname')}, ', ' ORDER BY n.place)
    FROM unnest(${numbers}) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = n.number`
  return `CASE WHEN cardinality(${numbers}) = 1 THEN (${one}) ELSE (${several}) END`
}

function foreignKey(): string {
  const action = (event: string, column: string) =>
    `CASE WHEN ${column} IN ('a', ' ') THEN '' ELSE ' ON ${event} ' || ${word(column, ACTIONS)} END`
  return [
    `'FOREIGN KEY (' || ${columnNames('c.conrelid', 'c.conkey')} || ') REFERENCES '`,
    `(SELECT ${relativeName('r.nsp', 'f.relnamespace', 'f.relname')} FROM pg_class f WHERE f.oid = c.confrelid)`,
    `'(' || ${columnNames('c.confrelid', 'c.confkey')} || ')'`,
    `CASE c.confmatchtype WHEN 'f' THEN ' MATCH FULL' WHEN 'p' THEN ' MATCH PARTIAL' ELSE '' END`,
    action('UPDATE', 'c.confupdtype'),
    action('DELETE', 'c.confdeltype'),
    // ON DELETE SET NULL (some columns): 15 and later.
    `CASE WHEN cardinality(c.delete_columns) > 0 THEN ' (' || ${columnNames('c.conrelid', 'c.delete_columns')} || ')' ELSE '' END`,
  ].join(' || ')
}

/** indkey is an int2vector, which counts from 0; its slice counts from 1 again. */
function uniqueKey(): string {
  const included = 'i.indkey[i.indnkeyatts:]::int2[]'
  return [
    `CASE c.contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END`,
    `CASE WHEN i.nulls_not_distinct THEN ' NULLS NOT DISTINCT' ELSE '' END`,
    `' (' || ${columnNames('c.conrelid', 'c.conkey')} || ')'`,
    `CASE WHEN i.indnatts > i.indnkeyatts THEN ' INCLUDE (' || ${columnNames('c.conrelid', included)} || ')' ELSE '' END`,
  ].join(' || ')
}

/**
 * What pg_get_constraintdef writes behind the definition. Exclusion constraints, and keys with WITHOUT OVERLAPS or PERIOD
 * (18), are rare: they are the server's text without it.
 */
const SUFFIX = `CASE WHEN c.condeferrable THEN ' DEFERRABLE' ELSE '' END || CASE WHEN c.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END
  || CASE WHEN NOT c.enforced THEN ' NOT ENFORCED' WHEN NOT c.convalidated THEN ' NOT VALID' ELSE '' END`
const SERVER_TEXT = `left(pg_get_constraintdef(c.oid), length(pg_get_constraintdef(c.oid)) - length(${SUFFIX}))`

export const readConstraints: Reader = () => {
  const facts = factsSql('constraint', {
    form: word('c.contype', FORMS),
    definition: `CASE
      WHEN c.contype = 'x' OR c.period THEN ${deparsed('r.path', SERVER_TEXT)}
      WHEN c.contype = 'f' THEN ${foreignKey()}
      WHEN c.contype = 'c' THEN 'CHECK (' || ${deparsed('r.path', 'pg_get_expr(c.conbin, c.conrelid)')} || ')' || CASE WHEN c.connoinherit THEN ' NO INHERIT' ELSE '' END
      ELSE ${uniqueKey()} END`,
    deferrable: `CASE WHEN NOT c.condeferrable THEN 'no' WHEN c.condeferred THEN 'initially deferred' ELSE 'initially immediate' END`,
    validated: flag('c.convalidated'),
    enforced: flag('c.enforced'),
  })
  // Columns that a major has not yet are looked up by their bare name: where the catalog lacks one, the name means the
  // fallback's, one query level up.
  return `SELECT r.schema, r.grp, r.bucket, c.conname::text AS name, ${facts} AS facts
    FROM rel r
    CROSS JOIN (SELECT true AS conenforced, false AS conperiod, NULL::int2[] AS confdelsetcols, false AS indnullsnotdistinct) fallback
    CROSS JOIN LATERAL ${rowsOf('pg_constraint', 'conrelid = r.oid', 'x.*, conenforced AS enforced, conperiod AS period, confdelsetcols AS delete_columns')} c
    LEFT JOIN LATERAL (
      SELECT x.indkey, x.indnatts, x.indnkeyatts, indnullsnotdistinct AS nulls_not_distinct
      FROM pg_index x WHERE x.indexrelid = c.conindid AND c.contype IN ('p', 'u')
    ) i ON true
    WHERE c.contype IN ('p', 'u', 'f', 'c', 'x') AND c.conparentid = 0`
}
