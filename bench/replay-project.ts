/**
 * A project with years of migrations, as teams write them: tables first, then columns, indexes, foreign keys, views, functions,
 * enum values, data. The same count gives the same texts.
 */

/** Flyway files by path. About 2.5 statements each. */
export function replayProject(count: number): Readonly<Record<string, string>> {
  const files = Array.from({ length: count }, createWriter())
  return Object.fromEntries(files.map((text, at) => [`db/migration/V${at + 1}__change_${at + 1}.sql`, text]))
}

/** A small linear congruential generator: the numbers of Numerical Recipes. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const WORDS = [
  'order',
  'customer',
  'invoice',
  'shipment',
  'product',
  'warehouse',
  'payment',
  'refund',
  'account',
  'ticket',
]
const COLUMNS = [
  'note text',
  'priority int NOT NULL DEFAULT 0',
  'archived_at timestamptz',
  'amount numeric(12, 2)',
  'data jsonb',
  'flag boolean DEFAULT false',
]

function createWriter(): () => string {
  const random = createRandom(3)
  const tables: string[] = []
  let made = 0
  const next = (): number => (made += 1)
  const table = (): string => tables[random(tables.length)] ?? ''

  const newTable = (): string => {
    const at = next()
    const name = `${WORDS[random(WORDS.length)] ?? ''}_${at}`
    const parent = tables.length > 0 ? table() : null
    tables.push(name)
    return `CREATE TABLE ${name} (
  id bigserial PRIMARY KEY,${parent === null ? '' : `\n  parent_id bigint REFERENCES ${parent} (id),`}
  name text NOT NULL,
  state state NOT NULL DEFAULT 'new',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT ${name}_named CHECK (name <> '')
);
CREATE INDEX ${name}_created_at ON ${name} (created_at);
COMMENT ON TABLE ${name} IS 'made by change ${at}';`
  }
  const newColumn = (): string => {
    const [name, at, definition] = [table(), next(), COLUMNS[random(COLUMNS.length)] ?? '']
    const column = `${definition.split(' ')[0] ?? ''}_${at}`
    return `ALTER TABLE ${name} ADD COLUMN ${definition.replace(/^\w+/, column)};
CREATE INDEX ${name}_${column} ON ${name} (${column}${random(2) === 0 ? '' : ', created_at DESC'})${random(3) === 0 ? ` WHERE ${column} IS NOT NULL` : ''};`
  }
  const newKey = (): string => {
    const [name, other, at] = [table(), table(), next()]
    return `ALTER TABLE ${name} ADD COLUMN ref_${at} bigint;
ALTER TABLE ${name} ADD CONSTRAINT ${name}_ref_${at} FOREIGN KEY (ref_${at}) REFERENCES ${other} (id);
CREATE INDEX ON ${name} (ref_${at});`
  }
  const newView = (): string => {
    const [name, other, at] = [table(), table(), next()]
    return `CREATE VIEW overview_${at} AS SELECT a.id, a.name, b.state FROM ${name} a LEFT JOIN ${other} b ON a.id = b.id WHERE a.name <> '';
CREATE OR REPLACE VIEW overview_${at} AS SELECT a.id, a.name, b.state, b.created_at FROM ${name} a LEFT JOIN ${other} b ON a.id = b.id WHERE a.name <> '';`
  }
  const newRoutine = (): string => {
    const [name, at] = [table(), next()]
    return `CREATE OR REPLACE FUNCTION touch_${at}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.created_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch_${at} BEFORE UPDATE ON ${name} FOR EACH ROW EXECUTE FUNCTION touch_${at}();`
  }
  const newValue = (): string => `ALTER TYPE state ADD VALUE IF NOT EXISTS 'state_${next()}';\nSELECT 1;`
  const data = (): string => {
    const [name, at] = [table(), next()]
    return `INSERT INTO ${name} (name) VALUES ('first of ${at}'), ('second of ${at}');
UPDATE ${name} SET state = 'open' WHERE name LIKE 'first%';`
  }
  const change = (): string => {
    const [name, at] = [table(), next()]
    return `ALTER TABLE ${name} ADD COLUMN old_${at} int;
ALTER TABLE ${name} RENAME COLUMN old_${at} TO new_${at};
ALTER TABLE ${name} ALTER COLUMN new_${at} TYPE bigint, ALTER COLUMN new_${at} SET DEFAULT 1;`
  }
  /** In tenths of what projects have: most migrations are columns and tables. */
  const kinds = [newTable, newTable, newColumn, newColumn, newColumn, newKey, newView, newRoutine, data, change]
  return () => {
    if (tables.length === 0) return `CREATE TYPE state AS ENUM ('new', 'open', 'done');\n${newTable()}`
    if (tables.length < 8) return newTable()
    return random(40) === 0 ? newValue() : (kinds[random(kinds.length)] ?? data)()
  }
}
