/** The schema that is measured: tables of ten columns, each with a primary key, foreign keys and an index of its own. */

export const TABLES = 10_000
export const COLUMNS = 10
/** Files of the ledger: as many tables each. */
export const MIGRATIONS = 200

/** What a table of a business looks like: several types, some with modifiers, some defaults. Two foreign keys, one index beside the primary key. */
function tableSql(number: number): string {
  const name = nameOf(number)
  // Every table refers to earlier ones, the first ten to themselves.
  const [parent, owner] = [number - 1, Math.floor(number / 2)].map((other) => nameOf(Math.max(other, 1)))
  return `CREATE TABLE ${name} (
  id bigint PRIMARY KEY,
  parent_id bigint NOT NULL REFERENCES ${parent} (id),
  owner_id bigint REFERENCES ${owner} (id) ON DELETE CASCADE,
  code varchar(40) NOT NULL,
  title text,
  amount numeric(12,2) DEFAULT 0,
  is_open boolean DEFAULT true NOT NULL,
  payload jsonb,
  valid_on date,
  created_at timestamptz DEFAULT now() NOT NULL
);
CREATE INDEX ${name}_code_idx ON ${name} (code, created_at DESC);`
}

export function nameOf(number: number): string {
  return `table_${String(number).padStart(5, '0')}`
}

export interface MigrationFile {
  readonly name: string
  readonly sql: string
}

/** The migrations, in order. */
export function listMigrations(tables: number): readonly MigrationFile[] {
  const each = Math.ceil(tables / MIGRATIONS)
  return Array.from({ length: MIGRATIONS }, (_, at) => {
    const numbers = Array.from({ length: each }, (_, index) => at * each + index + 1).filter(
      (number) => number <= tables,
    )
    return {
      name: `V${at + 1}__tables_${String(at + 1).padStart(3, '0')}.sql`,
      sql: `${numbers.map(tableSql).join('\n')}\n`,
    }
  })
}
