import type { Reader } from './reader.ts'
import { deparsed, factsSql, flag, quotedName, rowsOf, word } from './sql.ts'

const COMMANDS = { '*': 'all', r: 'select', a: 'insert', w: 'update', d: 'delete' }

export const readPolicies: Reader = () => {
  // Role 0 is everybody.
  const roles = `SELECT string_agg(CASE WHEN u.role = 0 THEN 'public' ELSE ${quotedName('pg_get_userbyid(u.role)')} END, ', '
      ORDER BY pg_get_userbyid(u.role)::text COLLATE "C")
    FROM unnest(p.polroles) u (role)`
  const facts = factsSql('policy', {
    command: word('p.polcmd', COMMANDS),
    permissive: flag('p.polpermissive'),
    roles: `(${roles})`,
    using: `CASE WHEN p.polqual IS NOT NULL THEN ${deparsed('r.path', 'pg_get_expr(p.polqual, p.polrelid)')} END`,
    check: `CASE WHEN p.polwithcheck IS NOT NULL THEN ${deparsed('r.path', 'pg_get_expr(p.polwithcheck, p.polrelid)')} END`,
  })
  return `SELECT r.schema, r.grp, r.bucket, p.polname::text AS name, ${facts} AS facts FROM rel r CROSS JOIN LATERAL ${rowsOf('pg_policy', 'polrelid = r.oid')} p`
}
