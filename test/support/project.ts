/** A small release for journeys: orders, with the migration that an environment may lack. */
import { flywayHistory } from './looks.ts'

export const MIGRATIONS: Readonly<Record<string, string>> = {
  'db/migration/V40__orders.sql':
    'CREATE TABLE orders (id bigint PRIMARY KEY, total numeric NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());\n',
  'db/migration/V41__customers.sql': 'CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);\n',
  'db/migration/V42__add_status_note.sql':
    'ALTER TABLE orders ADD COLUMN status_note text;\nCREATE INDEX orders_status_note_idx ON orders (status_note);\n',
}

export const V42 = 'db/migration/V42__add_status_note.sql'

/** The migrations that come first, `count` of them. */
export function first(count: number): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(MIGRATIONS).slice(0, count))
}

/** What Flyway leaves behind after these. */
export function migrated(files: Readonly<Record<string, string>>): string {
  return `${Object.values(files).join('')}${flywayHistory(files)}`
}

/** deploywatch.yaml of the release; `environments` as YAML below that key. */
export function configWith(environments: string, more = ''): string {
  return `service: orders
migrations: { path: db/migration }
queries:
  - name: recent-order-updates
    sql: SELECT id, status_note FROM orders LIMIT 5
${more}environments:
${environments}`
}
