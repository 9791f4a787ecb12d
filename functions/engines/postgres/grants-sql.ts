import type { GrantsOptions } from '../engine.ts'
import { identifier } from './sql.ts'

/** The SQL that makes the least-privileged role, with a reason above each privilege. */
export function grantsSql(options: GrantsOptions): string {
  const role = identifier(options.role)
  const schemas = [...new Set([...options.schemas, ...options.ledgers.map(({ schema }) => schema)])]
  const ledgers = options.ledgers.map(({ schema, table }) => `${identifier(schema)}.${identifier(table)}`)
  const tables = options.tables.map(qualified)
  return `${[
    `-- The role that Deploywatch looks with: it reads, and cannot write.
-- Give it a way to log in: ALTER ROLE ${role} PASSWORD '…', or GRANT rds_iam TO ${role} on Amazon RDS.
CREATE ROLE ${role} LOGIN;
ALTER ROLE ${role} SET default_transaction_read_only = on;
GRANT CONNECT ON DATABASE ${identifier(options.database)} TO ${role};`,
    ...section(
      'Names are resolved in these schemas: for the catalog, and for preparing statements, which reads no rows. Add the schemas that hold extensions.',
      schemas.map((schema) => `GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${role};`),
    ),
    ...section(
      'Which migrations ran: the rows of the ledgers and their locks.',
      ledgers.map((table) => `GRANT SELECT ON TABLE ${table} TO ${role};`),
    ),
    ...section(
      'Configured queries run, and read these tables.',
      tables.map((table) => `GRANT SELECT ON TABLE ${table} TO ${role};`),
    ),
    ...section(
      'What the application really runs (`record`), and what a session in the way is doing.',
      options.statistics ? [`GRANT pg_read_all_stats TO ${role};`] : [],
    ),
  ].join('\n\n')}\n`
}

function section(reason: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [[`-- ${reason}`, ...lines].join('\n')]
}

/** `orders` or `audit.orders`. */
function qualified(name: string): string {
  return name.split('.').map(identifier).join('.')
}
