import type { Reader } from './reader.ts'
import { deparsed, factsSql, flag, quotedName, relativeName, rowsOf } from './sql.ts'

/**
 * One key: column or expression, then what is not the default: collation, operator class, order (pg_index.indoption: 1 DESC,
 * 2 NULLS FIRST). An expression's own collation is not to be had from the catalog: there any but "default" (100) is named.
 */
function keySql(place: string): string {
  // int2vector and oidvector count from 0.
  const at = (vector: string) => `i.${vector}[${place} - 1]`
  const ofColumn = (column: string) =>
    `(SELECT ${column} FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ${at('indkey')})`
  return [
    `CASE WHEN ${at('indkey')} = 0 THEN ${deparsed('r.path', `pg_get_indexdef(i.indexrelid, ${place}::int, false)`)} ELSE ${ofColumn(quotedName('a.attname'))} END`,
    `CASE WHEN ${at('indcollation')} = 0 OR ${at('indcollation')} = CASE WHEN ${at('indkey')} = 0 THEN 100 ELSE ${ofColumn('a.attcollation')} END THEN ''
      ELSE (SELECT ' COLLATE ' || ${relativeName('r.nsp', 'k.collnamespace', 'k.collname')} FROM pg_collation k WHERE k.oid = ${at('indcollation')}) END`,
    `CASE WHEN ${at('indclass')} IN (SELECT oid FROM pg_opclass WHERE opcdefault) THEN '' ELSE (
      SELECT ' ' || o.opcname || coalesce((SELECT ' (' || array_to_string(x.attoptions, ', ') || ')' FROM pg_attribute x
        WHERE x.attrelid = i.indexrelid AND x.attnum = ${place} AND x.attoptions IS NOT NULL), '')
      FROM pg_opclass o WHERE o.oid = ${at('indclass')}) END`,
    `CASE ${at('indoption')} WHEN 1 THEN ' DESC NULLS LAST' WHEN 2 THEN ' NULLS FIRST' WHEN 3 THEN ' DESC' ELSE '' END`,
  ].join(' || ')
}

/** One and two keys, most indexes, need no aggregate: that is a third of the time. */
const KEYS = `CASE i.indnkeyatts WHEN 1 THEN ${keySql('1')} WHEN 2 THEN ${keySql('1')} || ', ' || ${keySql('2')}
  ELSE (SELECT string_agg(${keySql('n')}, ', ' ORDER BY n) FROM generate_series(1, i.indnkeyatts) n) END`

const INCLUDED = `SELECT string_agg(${quotedName('a.attname')}, ', ' ORDER BY n.place)
  FROM unnest(i.indkey::int2[]) WITH ORDINALITY n (number, place) JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.number
  WHERE n.place > i.indnkeyatts`

/**
 * Indexes of tables and materialized views. Those behind a primary key, a unique or an exclusion constraint are the
 * constraint's; a foreign key's conindid is the index that it refers to.
 */
export const readIndexes: Reader = () => {
  const facts = factsSql('index', {
    method: 'm.amname',
    keys: KEYS,
    include: `CASE WHEN i.indnatts > i.indnkeyatts THEN (${INCLUDED}) END`,
    predicate: `CASE WHEN i.indpred IS NOT NULL THEN ${deparsed('r.path', 'pg_get_expr(i.indpred, i.indrelid)')} END`,
    unique: flag('i.indisunique'),
    nullsNotDistinct: flag('i.nulls_not_distinct'),
    valid: flag('i.indisvalid AND i.indisready'),
    options: `array_to_string(c.reloptions, ', ')`,
  })
  return `SELECT r.schema, r.grp, r.bucket, c.relname::text AS name, ${facts} AS facts
    FROM rel r
    CROSS JOIN (SELECT false AS indnullsnotdistinct) fallback
    CROSS JOIN LATERAL ${rowsOf('pg_index', 'indrelid = r.oid', 'x.*, indnullsnotdistinct AS nulls_not_distinct')} i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_am m ON m.oid = c.relam
    WHERE r.relkind IN ('r', 'p', 'm') AND i.indislive
      AND NOT i.indisprimary AND NOT i.indisexclusion AND (NOT i.indisunique OR NOT EXISTS (
        SELECT FROM pg_constraint k WHERE k.conrelid = i.indrelid AND k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')))`
}
