/** Reading only what a migration touched gives the catalog that reading everything gives, whatever the DDL. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgres } from '../../functions/engines/postgres/index.ts'
import type { Cache } from '../../functions/release/cache.ts'
import { startPglite } from '../../functions/release/postgres/pglite.ts'
import { replay } from '../../functions/release/replay.ts'
import type { Replayed } from '../../functions/release/replay.ts'
import { makeCache } from './support.ts'

let cache: Cache
let remove: () => Promise<void>

beforeAll(async () => {
  ;({ cache, remove } = await makeCache())
})
afterAll(() => remove())

const table = fc.constantFrom('a', 'b', 'c')
const column = fc.constantFrom('x', 'y', 'z', 'n')
const type = fc.constantFrom('int', 'text', 'bigint', 'e', 'd', 'a')

/** Statements of every kind; those that do not fit the state of the moment fail, which is part of the game. */
const statement: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(table, column, type).map(([t, c, y]) => `CREATE TABLE ${t} (id serial PRIMARY KEY, ${c} ${y})`),
  fc.tuple(table, column, type).map(([t, c, y]) => `ALTER TABLE ${t} ADD COLUMN ${c} ${y}`),
  fc.tuple(table, column).map(([t, c]) => `ALTER TABLE ${t} DROP COLUMN ${c} CASCADE`),
  fc.tuple(table, column, column).map(([t, c, to]) => `ALTER TABLE ${t} RENAME COLUMN ${c} TO ${to}`),
  fc.tuple(table, table).map(([t, to]) => `ALTER TABLE ${t} RENAME TO ${to}`),
  fc.tuple(table, column, type).map(([t, c, y]) => `ALTER TABLE ${t} ALTER COLUMN ${c} TYPE ${y} USING NULL`),
  fc.tuple(table, column).map(([t, c]) => `ALTER TABLE ${t} ALTER COLUMN ${c} SET NOT NULL`),
  fc.tuple(table, table).map(([t, to]) => `ALTER TABLE ${t} ADD COLUMN r int REFERENCES ${to}`),
  fc.tuple(table, column).map(([t, c]) => `CREATE INDEX ON ${t} (${c})`),
  fc.tuple(table, column).map(([t, c]) => `CREATE INDEX i ON ${t} (${c}) WHERE ${c} IS NOT NULL`),
  fc.constantFrom(
    'DROP INDEX i',
    'ALTER INDEX i RENAME TO j',
    'DROP INDEX CONCURRENTLY j',
    'CREATE SCHEMA s',
    'ALTER SCHEMA s RENAME TO s2',
    'DROP SCHEMA s CASCADE',
  ),
  table.map((t) => `DROP TABLE ${t} CASCADE`),
  table.map((t) => `ALTER TABLE ${t} SET SCHEMA s`),
  table.map((t) => `CREATE TABLE s.${t} (LIKE public.${t} INCLUDING ALL)`),
  table.map((t) => `CREATE VIEW v_${t} AS SELECT * FROM ${t}`),
  fc.tuple(table, table).map(([t, u]) => `CREATE VIEW w AS SELECT a1.id FROM ${t} a1 JOIN ${u} b1 ON a1.id = b1.id`),
  table.map((t) => `CREATE MATERIALIZED VIEW m AS SELECT id FROM ${t}`),
  table.map((t) => `CREATE TABLE k_${t} () INHERITS (${t})`),
  fc.constantFrom(
    'CREATE TABLE p (i int, w e) PARTITION BY RANGE (i)',
    'CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)',
    'ALTER TABLE p DETACH PARTITION p1',
    'ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (9)',
    'ALTER TABLE p ADD q int',
    'CREATE INDEX pi ON p (i)',
  ),
  fc.constantFrom(
    "CREATE TYPE e AS ENUM ('one')",
    "ALTER TYPE e ADD VALUE 'two'",
    "ALTER TYPE e RENAME VALUE 'one' TO 'uno'",
    'ALTER TYPE e RENAME TO e2',
    'DROP TYPE e CASCADE',
    'CREATE DOMAIN d AS int',
    'ALTER DOMAIN d ADD CHECK (VALUE > 0)',
    'ALTER DOMAIN d RENAME TO d2',
    'DROP DOMAIN d CASCADE',
  ),
  fc.constantFrom(
    "ALTER TABLE a ADD COLUMN st e DEFAULT 'one'",
    'ALTER TABLE b ADD CHECK (id > 0)',
    'ALTER TABLE b RENAME CONSTRAINT b_pkey TO b_key',
    'ALTER TABLE a ADD COLUMN ar e[]',
  ),
  fc.constantFrom(
    'CREATE FUNCTION f(t a, k e) RETURNS int LANGUAGE sql AS $$SELECT 1$$',
    'CREATE FUNCTION g(i int) RETURNS int LANGUAGE sql IMMUTABLE AS $$SELECT i$$',
    'ALTER FUNCTION g(int) RENAME TO h',
    'ALTER TABLE a ADD COLUMN gg int DEFAULT g(1)',
    'CREATE INDEX gi ON a (g(id))',
    'DROP FUNCTION g CASCADE',
    "CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    'CREATE TRIGGER tt BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION tr()',
    'ALTER FUNCTION tr() RENAME TO tr2',
    'ALTER TABLE a DISABLE TRIGGER tt',
    'DROP FUNCTION tr CASCADE',
  ),
  fc.constantFrom(
    'CREATE POLICY po ON a USING (id > 0)',
    'ALTER POLICY po ON a RENAME TO pp',
    'ALTER TABLE a ENABLE ROW LEVEL SECURITY',
    'DROP POLICY po ON a',
    'CREATE POLICY pr ON a TO someone USING (EXISTS (SELECT FROM b))',
    'ALTER ROLE someone RENAME TO another',
  ),
  fc.constantFrom(
    'CREATE SEQUENCE q',
    'ALTER SEQUENCE q INCREMENT 5',
    'ALTER SEQUENCE q OWNED BY a.id',
    'DROP SEQUENCE q CASCADE',
    'ALTER SEQUENCE a_id_seq RENAME TO a_ids',
  ),
  fc.constantFrom(
    'CREATE EXTENSION citext',
    'CREATE EXTENSION citext SCHEMA s',
    'DROP EXTENSION citext CASCADE',
    'ALTER TABLE c ADD ci citext',
    'GRANT SELECT ON a TO app',
    'REVOKE ALL ON a FROM app',
    'ALTER TABLE b OWNER TO app',
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app',
  ),
  fc.constantFrom(
    'DO $$BEGIN CREATE TABLE c (id int PRIMARY KEY); ALTER TABLE c ADD CHECK (id > 1); END$$',
    'SELECT 1 AS one INTO sel',
    'CREATE TABLE ctas AS SELECT 1 AS one',
    'ALTER TABLE ctas ADD z int; DROP TABLE sel',
    'ALTER TABLE a SET UNLOGGED',
    'ALTER TABLE a SET LOGGED',
    "CREATE FUNCTION meddle() RETURNS int LANGUAGE sql AS $$SELECT 1 FROM set_config('search_path', 's', false)$$",
    'ALTER TABLE b ADD COLUMN me int DEFAULT meddle()',
  ),
)

async function run(
  migrations: readonly (readonly string[])[],
  verifies: 'each time' | 'at the end' = 'each time',
  role: string | null = 'app',
): Promise<Replayed> {
  const server = await startPglite({ extensions: ['citext'], cache, state: null })
  try {
    return await replay({
      server,
      engine: postgres,
      before: [],
      migrations: migrations.map((texts, at) => ({
        subject: `V${at + 1}`,
        statements: texts.map((sql, index) => ({ sql, line: index + 1 })),
      })),
      ignore: [],
      ledgerTables: [],
      role,
      attributes: true,
      verifies,
      from: null,
      checkpoint: null,
    })
  } finally {
    await server.close()
  }
}

const START = [
  ["CREATE TYPE e AS ENUM ('one', 'x')", 'CREATE DOMAIN d AS int', 'CREATE SCHEMA s'],
  ['CREATE TABLE a (id serial PRIMARY KEY, x int, st e)', 'CREATE TABLE b (id serial PRIMARY KEY, y text)'],
]

const RUNS = Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 1)

test('after any DDL the catalog that was kept up to date is the one that reading everything finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(statement, { minLength: 1, maxLength: 3 }), { minLength: 20, maxLength: 40 }),
      // Without a role nothing is read at once because it may be about privileges.
      fc.constantFrom('app', null),
      async (migrations, role) => {
        const { corrections, effects, objects } = await run([...START, ...migrations], 'each time', role)
        expect(corrections).toEqual([])
        await expectSameTogether([...START, ...migrations], { effects, objects }, role)
      },
    ),
    { numRuns: RUNS, endOnFailure: process.env['DEPLOYWATCH_PROPERTY_RUNS'] === undefined },
  )
}, 600_000)

/** Several migrations read together say of each what reading everything after each says. */
async function expectSameTogether(
  migrations: readonly (readonly string[])[],
  { effects, objects }: Pick<Replayed, 'effects' | 'objects'>,
  role: string | null = 'app',
): Promise<void> {
  const together = await run(migrations, 'at the end', role)
  expect(together.corrections).toEqual([])
  expect(together.effects).toEqual(effects)
  expect(together.objects).toEqual(objects)
}

test('migrations that are read together are told apart', async () => {
  const migrations = [
    ...START,
    ['CREATE VIEW v AS SELECT x FROM a', 'CREATE TABLE k () INHERITS (b)', 'GRANT SELECT ON b TO app'],
    ['ALTER TABLE a ADD COLUMN n int'],
    ['CREATE INDEX i ON a (n)', "COMMENT ON TABLE b IS 'b'"],
    ['ALTER TABLE b ADD COLUMN z int'],
    ['CREATE TABLE c (id int REFERENCES a, st e)', 'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$'],
    ["ALTER TYPE e ADD VALUE 'two'"],
    ['CREATE SEQUENCE q', 'CREATE POLICY po ON c USING (id > 0)'],
    // Nothing in the text says what these touch.
    ["DO $$BEGIN EXECUTE 'ALTER TABLE ' || 'c RENAME id TO ident'; END$$"],
    ['CREATE FUNCTION ddl(t text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE t; END$$'],
    ["SELECT ddl('ALTER TABLE a ADD COLUMN hidden int')"],
    ["SELECT ddl('ALTER TABLE a RENAME hid' || 'den TO seen')"],
    ["SELECT ddl('DR' || 'OP INDEX i')", 'CREATE TABLE late (id serial PRIMARY KEY)'],
    ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app'],
    ['CREATE TABLE granted (id int)'],
    ['CREATE TABLE granted2 (id int)', 'ALTER TABLE granted ADD COLUMN x int'],
    ['CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 2$$'],
    ['ALTER TABLE b ADD COLUMN r int REFERENCES granted2 (nothing)'],
    ['DROP TABLE granted'],
    ['CREATE TABLE granted (id int)'],
  ]
  const apart = await run(migrations)
  expect(apart.corrections).toEqual([])
  await expectSameTogether(migrations, apart)
  expect(apart.effects.at(-1)?.brought.map(({ kind, name }) => `${kind} ${name}`)).toContain(
    'grant SELECT on table granted',
  )
}, 300_000)

test('a file of thousands of statements, of which the server tells less, is told apart too', async () => {
  const many = Array.from({ length: 1_001 }, () => 'SELECT 1')
  const migrations = [
    ...START,
    [
      'CREATE TABLE c (id serial PRIMARY KEY)',
      'CREATE VIEW v AS SELECT x FROM a',
      ...many,
      'ALTER TABLE a RENAME x TO xx',
    ],
    ['ALTER TABLE c RENAME TO cc', 'ALTER TABLE a ADD COLUMN n int'],
    [...many, 'DROP VIEW v', 'CREATE INDEX i ON cc (id)', 'ALTER TABLE cc ADD COLUMN z int'],
    ['ALTER TABLE cc RENAME COLUMN z TO zz', 'DROP INDEX i'],
  ]
  for (const role of ['app', null]) {
    const apart = await run(migrations, 'each time', role)
    expect(apart.corrections).toEqual([])
    expect(apart.effects.map(({ failed }) => failed)).toEqual(migrations.map(() => null))
    await expectSameTogether(migrations, apart, role)
  }
}, 300_000)

/** Changes that reach objects which no event names: each has to be found without reading everything. */
const REACHES: readonly (readonly [string, readonly string[], string])[] = [
  ['a renamed column in a view', ['CREATE VIEW v AS SELECT x FROM a'], 'ALTER TABLE a RENAME COLUMN x TO xx'],
  ['a renamed table in a foreign key', ['ALTER TABLE b ADD r int REFERENCES a'], 'ALTER TABLE a RENAME TO aa'],
  [
    'a renamed type in a column and a routine',
    ['CREATE FUNCTION f(e) RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'ALTER TABLE b ADD l e[]'],
    'ALTER TYPE e RENAME TO ee',
  ],
  [
    'a renamed enum value in a default and a check',
    ["ALTER TABLE a ALTER st SET DEFAULT 'one'", "ALTER TABLE b ADD s e CHECK (s <> 'one')"],
    "ALTER TYPE e RENAME VALUE 'one' TO 'uno'",
  ],
  [
    'a renamed function in a trigger and a default',
    ['CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'ALTER TABLE b ADD n int DEFAULT g()'],
    'ALTER FUNCTION g() RENAME TO h',
  ],
  ['a column of an inheriting table', ['CREATE TABLE k () INHERITS (a)'], 'ALTER TABLE a ADD COLUMN z int'],
  [
    'a table that becomes a partition',
    ['CREATE TABLE p (i int) PARTITION BY RANGE (i)', 'CREATE TABLE p1 (i int)'],
    'ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (1)',
  ],
  [
    'a partition that becomes a table',
    ['CREATE TABLE p (i int) PARTITION BY RANGE (i)', 'CREATE TABLE p1 PARTITION OF p DEFAULT'],
    'ALTER TABLE p DETACH PARTITION p1',
  ],
  ['a table that takes its sequence to another schema', [], 'ALTER TABLE a SET SCHEMA s'],
  ['a type that takes its columns along', [], 'DROP TYPE e CASCADE'],
  ['a schema that is renamed', ['CREATE TABLE s.t (id int)'], 'ALTER SCHEMA s RENAME TO s2'],
  [
    'a role that a policy names',
    ['CREATE ROLE someone', 'CREATE POLICY p ON a TO someone'],
    'ALTER ROLE someone RENAME TO another',
  ],
  ['an index that is dropped by its name', ['CREATE INDEX i ON a (x)'], 'DROP INDEX i'],
  [
    'a grant by default privileges',
    ['ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app'],
    'CREATE TABLE granted (id int)',
  ],
  [
    'a row type in the arguments of a routine',
    ['CREATE FUNCTION f(a) RETURNS int LANGUAGE sql AS $$SELECT 1$$'],
    'ALTER TABLE a RENAME TO aa',
  ],
]

test('what no event names is found by what depends on what', async () => {
  for (const [what, before, statement] of REACHES) {
    const { corrections, effects } = await run([...START, before, [statement]])
    expect([what, effects.map(({ failed }) => failed)]).toEqual([what, [null, null, null, null]])
    expect([what, corrections]).toEqual([what, []])
  }
}, 300_000)
