import type { Reader } from './reader.ts'
import { collationName, deparsed, factsSql, rowsOf, typeName, word } from './sql.ts'

/** pg_attribute.attidentity and attgenerated; v is of PostgreSQL 18. Empty: neither. */
const IDENTITY = { a: 'always', d: 'by default' }
const GENERATED = { s: 'stored', v: 'virtual' }

/**
 * Columns go by name: their order is no fact. A plain default refers to no column and is deparsed without its relation: that
 * is five times faster, and takes no lock, so it does not wait behind an open ALTER TABLE.
 */
export const readColumns: Reader = () => {
  const relation = `CASE WHEN a.attgenerated = '' THEN 0::oid ELSE d.adrelid END`
  // Looked up only where there is one: a join looks for every column's.
  const expression = `SELECT ${deparsed('r.path', `pg_get_expr(d.adbin, ${relation})`)} FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum`
  const facts = factsSql('column', {
    type: typeName('r.path', 'a.atttypid', 'a.atttypmod'),
    nullable: `CASE WHEN a.attnotnull THEN 'no' ELSE 'yes' END`,
    default: `CASE WHEN a.atthasdef THEN (${expression}) END`,
    identity: word('a.attidentity', IDENTITY),
    generated: word('a.attgenerated', GENERATED),
    collation: collationName('r.nsp', 'a.attcollation', 'a.atttypid'),
  })
  return `SELECT r.schema, r.grp, r.bucket, a.attname::text AS name, ${facts} AS facts
    FROM rel r
    CROSS JOIN LATERAL ${rowsOf('pg_attribute', 'attrelid = r.oid AND x.attnum > 0 AND NOT x.attisdropped')} a
    WHERE r.relkind IN ('r', 'p', 'f')`
}
