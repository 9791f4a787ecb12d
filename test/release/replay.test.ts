/** What real projects' migrations ask of a replay, one test a fact. The server is the embedded one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import type { Cache } from '../../functions/release/cache.ts'
import { build as buildFiles, flywayFiles, makeCache, names } from './support.ts'

let cache: Cache
let remove: () => Promise<void>

beforeAll(async () => {
  ;({ cache, remove } = await makeCache())
})
afterAll(() => remove())

async function build(
  texts: readonly string[],
  config = '',
  more: Readonly<Record<string, string>> = {},
): Promise<BuiltRelease> {
  return buildFiles({ ...flywayFiles(texts), ...more }, { cache, config })
}

const subjects = (built: BuiltRelease): readonly string[] => names(built.objects.map(({ object }) => object))
const failures = (built: BuiltRelease): readonly (string | null)[] =>
  built.effects.map(({ failed }) => failed?.reason ?? null)

describe('what runs', () => {
  test('CREATE INDEX CONCURRENTLY runs, in a file with other statements, and after a COMMIT of the file', async () => {
    const built = await build([
      'CREATE TABLE t (id int);\nCREATE INDEX CONCURRENTLY i1 ON t (id);',
      'BEGIN;\nCREATE TABLE u (id int);\nCOMMIT;\nCREATE INDEX CONCURRENTLY i2 ON u (id);',
    ])
    expect(failures(built)).toEqual([null, null])
    expect(names(built.effects[0]?.brought)).toContain('index t.i1')
    expect(names(built.effects[1]?.brought)).toEqual(['column u.id', 'index u.i2', 'table u'])
  })

  test('a value that a migration adds to an enum can be used in it', async () => {
    const built = await build([
      "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e)",
      "ALTER TYPE e ADD VALUE 'b'; ALTER TABLE t ALTER COLUMN x SET DEFAULT 'b'; INSERT INTO t VALUES ('b')",
    ])
    expect(failures(built)).toEqual([null, null])
  })

  test('LOCK TABLE and SET LOCAL find a transaction', async () => {
    const built = await build([
      'CREATE SCHEMA app; SET LOCAL search_path TO app; CREATE TABLE t (id int); LOCK TABLE t',
    ])
    expect(failures(built)).toEqual([null])
    expect(built.objects.find(({ object }) => object.kind === 'table')?.object.schema).toBe('app')
  })

  test('SET search_path and SET ROLE of one file do not reach the next', async () => {
    const built = await build([
      "CREATE SCHEMA app; SET search_path TO app; SET ROLE someone; SET standard_conforming_strings = off; SELECT pg_catalog.set_config('search_path', '', false)",
      'CREATE TABLE t (id int)',
    ])
    expect(failures(built)).toEqual([null, null])
    expect(built.objects.find(({ object }) => object.name === 't')?.object.schema).toBe('public')
  })

  test('roles that GRANT, OWNER TO, POLICY and SET ROLE name are made', async () => {
    const built = await build([
      'CREATE TABLE t (id int); GRANT SELECT ON t TO reader, "Writer"; ALTER TABLE t OWNER TO boss',
      'CREATE POLICY p ON t TO auditor USING (true); ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON TABLES TO reader',
      'SET ROLE deployer; CREATE TABLE made_by_it (id int)',
      'CREATE ROLE deployer LOGIN; CREATE ROLE fresh; GRANT fresh TO deployer',
    ])
    expect(failures(built)).toEqual([null, null, null, null])
    expect(subjects(built)).toContain('table made_by_it')
  })

  test('GRANT CONNECT ON DATABASE finds the database', async () => {
    const built = await build([
      'GRANT CONNECT ON DATABASE orders TO app; ALTER DATABASE "orders" SET timezone TO \'UTC\'; CREATE TABLE t (id int)',
    ])
    expect(failures(built)).toEqual([null])
    expect(subjects(built)).toContain('table t')
  })

  test("the tool's own ledger table is there, and is nobody's expectation", async () => {
    const built = await build([
      'CREATE TABLE t (id int); UPDATE flyway_schema_history SET success = true; ALTER TABLE flyway_schema_history ADD COLUMN note text',
    ])
    expect(failures(built)).toEqual([null])
    expect(subjects(built)).toEqual(['column t.id', 'table t'])
  })

  test('placeholders are replaced', async () => {
    const built = await buildFiles(flywayFiles(['CREATE TABLE ${prefix}_t (id int)']), {
      cache,
      config: 'schema: { match: subset }\nqueries: []\n',
      loaded: (await import('../../functions/config/load.ts')).parseConfig(
        'service: orders\nmigrations: { tool: flyway, path: db/migration, placeholders: { prefix: app } }\n',
        'deploywatch.yaml',
        '/project',
      ),
    })
    expect(subjects(built)).toContain('table app_t')
  })

  test('a prelude makes what a baselined database had, and is no migration’s merit', async () => {
    const config = 'schema: { replay: { before: [db/before.sql] } }\n'
    const built = await build(['ALTER TABLE old ADD COLUMN x int'], config, {
      'db/before.sql': '\\connect orders\nCREATE TABLE old (id int);\nCOPY old FROM stdin;\n1\n\\.\n',
    })
    expect(failures(built)).toEqual([null])
    expect(built.objects.map(({ object, brought }) => [object.name, brought])).toEqual([
      ['id', null],
      ['x', 0],
      ['old', null],
    ])
  })

  test('extensions that are packaged are loaded, pgvector too', async () => {
    const built = await build([
      'CREATE EXTENSION citext; CREATE EXTENSION IF NOT EXISTS "uuid-ossp"; CREATE EXTENSION vector; CREATE TABLE t (id uuid DEFAULT uuid_generate_v4(), e citext, v vector(3)); CREATE INDEX ON t USING hnsw (v vector_l2_ops)',
    ])
    expect(failures(built)).toEqual([null])
    expect(subjects(built)).toEqual(
      expect.arrayContaining(['extension citext', 'extension uuid-ossp', 'extension vector', 'index t.t_v_idx']),
    )
  })

  test('what a default sets when it is computed does not reach the next file either', async () => {
    const built = await build([
      "CREATE SCHEMA s; CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 's', false); RETURN 1; END $$; CREATE TABLE t (id int)",
      'ALTER TABLE t ADD COLUMN x int DEFAULT f()',
      'CREATE TABLE u (id int)',
    ])
    expect(failures(built)).toEqual([null, null, null])
    expect(subjects(built)).toContain('table u')
    expect(built.objects.find(({ object }) => object.kind === 'table' && object.name === 'u')?.object.schema).toBe(
      'public',
    )
  })

  test('a migration of thousands of statements costs one entry for each run of like statements', async () => {
    const inserts = Array.from({ length: 3000 }, (_, at) => `INSERT INTO t VALUES (${at});`).join('\n')
    const tables = Array.from({ length: 300 }, (_, at) => `CREATE TABLE p${at} (id int);`).join('\n')
    const built = await build(['CREATE TABLE t (id int)', inserts, tables])
    expect(failures(built)).toEqual([null, null, null])
    expect(built.effects[1]?.costs).toEqual([
      {
        line: 1,
        class: 'data',
        relations: ['t'],
        concurrently: false,
        rows: { kind: 'given' },
        lock: { mode: 'row-exclusive', relations: ['t'] },
      },
    ])
    expect(built.objects).toHaveLength(602)
  })

  test('a file that cannot run as a whole keeps what of it can', async () => {
    const built = await build([
      'CREATE TABLE t (id int);\nALTER TABLE nothing ADD COLUMN x int;\nCREATE TABLE u (id int);',
      'CREATE TABLE w (id int)',
    ])
    expect(built.effects[0]?.failed).toMatchObject({
      line: 2,
      reason: 'relation "nothing" does not exist',
      follows: null,
    })
    expect(subjects(built)).toEqual(expect.arrayContaining(['table t', 'table u', 'table w']))
  })
})

describe('what cannot be had', () => {
  test('an extension that is not packaged is one failure with its dependants, and the rest goes on', async () => {
    const built = await build([
      'CREATE EXTENSION postgis;',
      'CREATE TABLE places (id int, at geometry);\nCREATE TABLE plain (id int);',
      'CREATE INDEX places_at ON places USING gist (at);\nALTER TABLE plain ADD COLUMN x int;',
    ])
    expect(built.effects[0]?.failed).toMatchObject({ extension: 'postgis', follows: null })
    expect(built.effects[1]?.failed).toMatchObject({ extension: 'postgis', follows: 'postgis', line: 1 })
    expect(names(built.effects[1]?.failed?.unsure)).toEqual(['table places', 'column places.id', 'column places.at'])
    expect(built.effects[2]?.failed).toMatchObject({ extension: 'postgis', follows: 'postgis' })
    expect(names(built.effects[2]?.failed?.unsure)).toEqual(['index places.places_at'])
    expect(subjects(built)).toEqual(expect.arrayContaining(['table plain', 'column plain.x']))
  })

  test('two missing extensions in one file are two failures', async () => {
    const built = await build(['CREATE EXTENSION pg_cron; CREATE EXTENSION aws_s3 CASCADE; SELECT cron.schedule(1)'])
    const failed = built.effects[0]?.failed
    expect([failed, ...(failed?.further ?? [])].map((one) => one?.extension)).toEqual(['pg_cron', 'aws_s3'])
  })

  test('a migration that is code is one failure, and what misses its objects follows from it', async () => {
    const built = await buildFiles(
      {
        ...flywayFiles(['CREATE TABLE t (id int)']),
        'db/migration/V2__code.java': 'class V2__code {}',
        'db/migration/V3__after.sql': 'ALTER TABLE made_by_code ADD COLUMN x int; ALTER TABLE t ADD COLUMN y int',
      },
      { cache },
    )
    expect(built.effects[1]?.failed).toMatchObject({
      line: 1,
      follows: null,
      reason: expect.stringContaining('is code'),
    })
    expect(built.effects[2]?.failed).toMatchObject({ follows: 'V2__code.java' })
    expect(subjects(built)).toContain('column t.y')
  })
})

describe('attribution and cost', () => {
  test('each migration says what it brought, changed and removed', async () => {
    const built = await build([
      'CREATE TABLE t (id int PRIMARY KEY, a int); CREATE VIEW v AS SELECT a FROM t',
      'ALTER TABLE t ADD COLUMN b int; ALTER TABLE t RENAME COLUMN a TO c',
      'DROP VIEW v',
    ])
    expect(names(built.effects[1]?.brought)).toEqual(['column t.b', 'column t.c'])
    expect(names(built.effects[1]?.changed)).toEqual(['view v'])
    expect(names(built.effects[1]?.removed)).toEqual(['column t.a'])
    expect(names(built.effects[2]?.removed)).toEqual(['view v'])
    expect(built.objects.find(({ object }) => object.name === 'b')).toMatchObject({ brought: 1, changed: [] })
  })

  test('the server says what a statement costs a table that was there before', async () => {
    const built = await build([
      'CREATE SCHEMA app; CREATE TABLE t (id int PRIMARY KEY, a int, b int); CREATE TABLE app.u (id int); CREATE INDEX ON t (a)',
      'ALTER TABLE t ALTER a TYPE bigint;\nALTER TABLE t ALTER b SET NOT NULL;\nCREATE INDEX ON app.u (id);\nALTER TABLE t ADD FOREIGN KEY (b) REFERENCES t;\nALTER TABLE t ADD c int;\nCREATE INDEX CONCURRENTLY ON t (b);\nSET client_min_messages = error;\nUPDATE app.u SET id = 1;\nWITH x AS (SELECT 1) DELETE FROM t;\nCREATE MATERIALIZED VIEW m AS SELECT a FROM t;\nCREATE TABLE n (id int PRIMARY KEY);\nALTER TABLE t ALTER b TYPE bigint;',
    ])
    const told = built.effects.map(({ costs }) =>
      costs.map(({ line, class: own, relations, concurrently, lock }) =>
        [
          line,
          own,
          ...relations,
          concurrently ? 'concurrently' : '',
          lock === null ? '' : `${lock.mode} ${lock.relations.join()}`,
        ].filter((part) => part !== ''),
      ),
    )
    expect(told).toEqual([
      [[1, 'instant']],
      [
        [1, 'rewrite', 't', 'access-exclusive t'],
        [2, 'scan', 't', 'access-exclusive t'],
        [3, 'index', 'app.u', 'share app.u'],
        [4, 'foreign-key', 't', 'share-row-exclusive t'],
        [5, 'instant', 'access-exclusive t'],
        [6, 'index', 't', 'concurrently', 'share-update-exclusive t'],
        [7, 'instant'],
        [8, 'data', 'app.u', 'row-exclusive app.u'],
        [9, 'data', 't', 'row-exclusive t'],
        [10, 'query', 't'],
        [11, 'instant'],
        [12, 'rewrite', 't', 'access-exclusive t'],
      ],
    ])
  })

  test('the grants in effect of schema.role are expected', async () => {
    const built = await build(
      ['CREATE TABLE t (id int); GRANT SELECT ON t TO app', 'GRANT INSERT ON t TO app'],
      'schema: { role: app }\n',
    )
    expect(names(built.effects[1]?.brought)).toEqual(['grant t.INSERT on table t'])
    expect(built.expectation.catalog.grants.objects).toBeGreaterThan(1)
  })
})

describe('modes', () => {
  test('dump: the structure file is the expectation, without attribution', async () => {
    const dump =
      "\\restrict x\nSET client_min_messages = warning;\nSELECT pg_catalog.set_config('search_path', '', false);\nCREATE TABLE public.t (id integer);\nCREATE TABLE public.flyway_schema_history (installed_rank integer);\n"
    const built = await build(
      ['CREATE TABLE ignored (id int)'],
      'schema: { replay: { mode: dump, file: db/structure.sql } }\n',
      { 'db/structure.sql': dump },
    )
    expect(built.objects.map(({ object, brought }) => [object.name, brought])).toEqual([
      ['id', null],
      ['t', null],
    ])
    expect(failures(built)).toEqual([null])
  })

  test('none: the ledger alone', async () => {
    const built = await build(['CREATE TABLE t (id int)'], 'schema: { replay: { mode: none } }\n')
    expect(built.objects).toEqual([])
    expect(built.expectation.ledgers[0]?.migrations).toHaveLength(1)
  })
})

describe('the same again', () => {
  test('the same input gives the same bytes, replayed or from the cache', async () => {
    const texts = [
      'CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now())',
      "CREATE TYPE e AS ENUM ('a', 'b'); CREATE EXTENSION nothing",
    ]
    const first = encodeManifest(await build(texts))
    const again = encodeManifest(await build(texts))
    const other = await makeCache()
    const anew = encodeManifest(await buildFiles(flywayFiles(texts), { cache: other.cache }))
    await other.remove()
    expect(again).toEqual(first)
    expect(anew).toEqual(first)
  })

  test('one more migration on a kept prefix gives what a replay of all gives', async () => {
    const texts = Array.from(
      { length: 40 },
      (_, at) => `CREATE TABLE t${at} (id int PRIMARY KEY);\nCREATE VIEW v${at} AS SELECT id FROM t${at};`,
    )
    const own = await makeCache()
    await buildFiles(flywayFiles(texts), { cache: own.cache })
    expect([...(await own.cache.list())].some((name) => name.endsWith('.prefix'))).toBe(true)
    const more = [...texts, 'ALTER TABLE t3 RENAME TO other; ALTER TYPE nothing RENAME TO something']
    const continued = encodeManifest(await buildFiles(flywayFiles(more), { cache: own.cache }))
    await own.remove()
    const whole = encodeManifest(await build(more))
    expect(continued).toEqual(whole)
  })
})
