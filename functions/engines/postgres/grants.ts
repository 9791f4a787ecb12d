import type { Reader } from './reader.ts'
import { bucketOf, selected } from './scope.ts'
import { factsSql, literal, quotedName } from './sql.ts'
import { routinesSql } from './routines.ts'

const TABLE_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
const COLUMN_PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']
const SEQUENCE_PRIVILEGES = ['USAGE', 'SELECT', 'UPDATE']
/** CREATE on public is everybody's before 15, and nobody's later: it says nothing of a release. */
const SCHEMA_PRIVILEGES = ['USAGE', 'CREATE']

function oneOf(privileges: readonly string[]): string {
  return `(VALUES ${privileges.map((privilege) => `(${literal(privilege)})`).join(', ')}) v (privilege)`
}

/** Grants are pasted, and public is the one schema that everybody's search_path has. */
function schemaBefore(row: string): string {
  return `CASE WHEN ${row}.schema = 'public' THEN '' ELSE ${quotedName(`${row}.schema`)} || '.' END || `
}

/**
 * What the application's role may do, whoever it has it from: directly, as a member, through PUBLIC, as the owner. `GRANT`, the
 * privilege, `ON` and the object paste into the statement that gives it. No rows where the role does not exist.
 */
export const readGrants: Reader = ({ scope, selection }) => {
  if (scope.role === null)
    return `SELECT ''::text AS schema, ''::text AS grp, 0 AS bucket, ''::text AS name, ''::text AS facts WHERE false`
  const facts = factsSql('grant', { role: literal(scope.role), privilege: 'g.privilege', on: 'g.object' })
  return `SELECT g.schema, g.grp, g.bucket, g.privilege || ' on ' || g.object AS name, ${facts} AS facts
    FROM (SELECT oid AS role FROM pg_roles WHERE rolname = ${literal(scope.role)}) a
    CROSS JOIN LATERAL (
      SELECT r.schema, r.grp, r.bucket, v.privilege, 'table ' || ${schemaBefore('r')}${quotedName('r.grp')} AS object FROM rel r, ${oneOf(TABLE_PRIVILEGES)}
      WHERE r.relkind IN ('r', 'p', 'f', 'v', 'm') AND has_table_privilege(a.role, r.oid, v.privilege)
      UNION ALL
      SELECT r.schema, r.grp, r.bucket, v.privilege || ' (' || ${quotedName('c.attname')} || ')', 'table ' || ${schemaBefore('r')}${quotedName('r.grp')}
      FROM rel r JOIN pg_attribute c ON c.attrelid = r.oid AND c.attnum > 0 AND NOT c.attisdropped AND c.attacl IS NOT NULL, ${oneOf(COLUMN_PRIVILEGES)}
      WHERE has_column_privilege(a.role, r.oid, c.attnum, v.privilege) AND NOT has_table_privilege(a.role, r.oid, v.privilege)
      UNION ALL
      SELECT r.schema, r.grp, r.bucket, v.privilege, 'sequence ' || ${schemaBefore('r')}${quotedName('r.grp')} FROM rel r, ${oneOf(SEQUENCE_PRIVILEGES)}
      WHERE r.relkind = 'S' AND has_sequence_privilege(a.role, r.oid, v.privilege)
      UNION ALL
      SELECT s.schema, s.schema, ${bucketOf(selection, 's.schema', 's.schema', 's.nsp')}, v.privilege, 'schema ' || ${quotedName('s.schema')} FROM scope s, ${oneOf(SCHEMA_PRIVILEGES)}
      WHERE (v.privilege <> 'CREATE' OR s.schema <> 'public') AND has_schema_privilege(a.role, s.nsp, v.privilege) AND ${selected(scope, selection, 's.schema', 's.schema')}
      UNION ALL
      SELECT p.schema, p.grp, ${bucketOf(selection, 'p.schema', 'p.grp', 'p.pronamespace')}, 'EXECUTE', 'routine ' || ${schemaBefore('p')}${quotedName('p.proname')} || substr(p.grp, length(p.proname) + 1) FROM (${routinesSql(selection)}) p
      WHERE ${selected(scope, selection, 'p.schema', 'p.grp')} AND has_function_privilege(a.role, p.oid, 'EXECUTE')
    ) g`
}
