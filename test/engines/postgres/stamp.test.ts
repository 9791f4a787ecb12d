import { readFile } from 'node:fs/promises'
import { assert, asyncProperty, shuffledSubarray } from 'fast-check'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { OBJECT_KINDS } from '../../../functions/core/catalog.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { READERS } from '../../../functions/engines/postgres/readers.ts'
import { scopeSql } from '../../../functions/engines/postgres/scope.ts'
import { CATALOGS_BY_COLUMNS, CATALOGS_BY_VERSION } from '../../../functions/engines/postgres/stamp.ts'
import type { OpenDatabase } from './database.ts'
import { openDatabase, scopeOf, undisturbed } from './database.ts'
import { DDL, GLOBAL_DDL } from './ddl.ts'

const scope = scopeOf(['public', 'audit', 'Odd.schema'], { role: 'orders_app' })
const everyKind = readFile(new URL('../../fixtures/schemas/every-kind.sql', import.meta.url), 'utf8')

interface State {
  readonly stamp: string
  readonly digest: string
}

async function stateOf(database: OpenDatabase, seen = scope): Promise<State> {
  const [stamp, digest] = await database.connection.read([postgres.stamp(), postgres.bucketDigests(seen)])
  return {
    stamp,
    digest: JSON.stringify([digest.buckets.toSorted((a, b) => a.bucket - b.bucket), digest.grants, digest.schemas]),
  }
}

/** The statements that hid a change: the digest moved, and the stamp did not. */
async function hiddenChanges(database: OpenDatabase, statements: readonly string[], seen = scope) {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  const hidden: string[] = []
  const moved: string[] = []
  let before = await stateOf(database, seen)
  for (const statement of statements) {
    const ran = await client.query(`SET LOCAL search_path = public; ${statement}`).then(
      () => true,
      () => false,
    )
    if (!ran) continue
    const after = await stateOf(database, seen)
    if (after.digest !== before.digest && after.stamp === before.stamp) hidden.push(statement)
    if (after.stamp !== before.stamp) moved.push(statement)
    before = after
  }
  await client.end()
  return { hidden, moved }
}

test('each kind of DDL moves the stamp', async () => {
  expect(DDL.length).toBeGreaterThan(90)
  const sql = await everyKind
  // A database for each few, so that they find what they alter as it was made.
  const still: string[] = []
  for (const part of [0, 1, 2]) {
    const database = await openDatabase(sql)
    const statements = DDL.filter((_, at) => at % 3 === part)
    const { hidden, moved } = await hiddenChanges(database, statements)
    expect(hidden).toEqual([])
    still.push(...statements.filter((statement) => !moved.includes(statement)))
    await database.close()
  }
  expect(still).toEqual([])
}, 180_000)

test('roles and settings that lie outside of the database move the stamp', async () => {
  const database = await openDatabase('CREATE TABLE t (id int)')
  const role = `watched_${database.name}`
  await database.run(`CREATE ROLE ${role}; CREATE ROLE ${role}_team; GRANT SELECT ON t TO ${role}_team`)
  const statements = GLOBAL_DDL.map((text) => text.replaceAll('%ROLE%', role).replaceAll('%DATABASE%', database.name))
  const { hidden, moved } = await hiddenChanges(database, statements, scopeOf(['public'], { role }))
  expect(hidden).toEqual([])
  expect(moved).toEqual(statements)
  await database.run(
    `ALTER DATABASE ${database.name} OWNER TO CURRENT_USER; DROP OWNED BY ${role}_team; DROP ROLE ${role}, ${role}_team`,
  )
  await database.close()
})

test('whatever DDL runs, in whatever order: when the digest moved, the stamp moved', async () => {
  const sql = await everyKind
  await assert(
    asyncProperty(shuffledSubarray([...DDL], { minLength: 8, maxLength: 20 }), async (statements) => {
      const database = await openDatabase(sql)
      try {
        expect((await hiddenChanges(database, statements)).hidden).toEqual([])
      } finally {
        await database.close()
      }
    }),
    { numRuns: 3 },
  )
}, 180_000)

test('rows, statistics, VACUUM and TRUNCATE move neither stamp nor digest', async () => {
  const database = await openDatabase(await everyKind)
  const statements = [
    `INSERT INTO public.cache SELECT n::text, '' FROM generate_series(1, 3000) n`,
    'ANALYZE',
    "DELETE FROM public.cache WHERE key LIKE '1%'",
    'VACUUM ANALYZE',
    'VACUUM (FREEZE)',
    'VACUUM FULL public.cache',
    'VACUUM FULL pg_catalog.pg_attribute',
    'TRUNCATE public.cache',
    'REFRESH MATERIALIZED VIEW public.order_counts',
    `SELECT nextval('public.invoice_number')`,
    'CHECKPOINT',
  ]
  for (const statement of statements) {
    await undisturbed(async () => {
      const before = await stateOf(database)
      await database.run(statement)
      expect([statement, await stateOf(database)]).toEqual([statement, before])
    })
  }
  await database.close()
})

test("another session's temporary objects move neither stamp nor digest", async () => {
  const database = await openDatabase(await everyKind)
  await undisturbed(async () => {
    const before = await stateOf(database)
    const other = new Client({ connectionString: database.url })
    await other.connect()
    await other.query(`CREATE TEMPORARY TABLE passing (id serial PRIMARY KEY, at int GENERATED ALWAYS AS IDENTITY, kind public.order_status DEFAULT 'new', note text CHECK (note <> ''));
      CREATE INDEX ON passing (lower(note)); CREATE TEMPORARY VIEW passing_view AS SELECT * FROM passing; CREATE TEMPORARY SEQUENCE passing_seq;
      CREATE TYPE pg_temp.passing_enum AS ENUM ('a'); CREATE TEMPORARY TABLE parts (a int) PARTITION BY LIST (a);
      CREATE TEMPORARY TABLE parts_1 PARTITION OF parts FOR VALUES IN (1); CREATE FUNCTION pg_temp.passing_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER passing_t BEFORE INSERT ON passing FOR EACH ROW EXECUTE FUNCTION pg_temp.passing_f(); CREATE POLICY passing_p ON passing USING (true);
      ANALYZE passing`)
    expect(await stateOf(database)).toEqual(before)
    await other.query('DROP TABLE passing CASCADE')
    expect(await stateOf(database)).toEqual(before)
    await other.end()
    expect(await stateOf(database)).toEqual(before)
  })
  await database.close()
})

test('every catalog that a reader names is on the list', () => {
  const context = { scope: scopeOf(['public'], { role: 'r', exclude: [{ schema: 's', table: 't' }], ignore: ['x'] }) }
  const sql = [
    scopeSql(context.scope, { by: 'groups', groups: [{ schema: 'a', group: 'b' }] }),
    ...OBJECT_KINDS.map((kind) => READERS[kind]({ ...context, selection: { by: 'all' } })),
  ].join('\n')
  // What follows a FROM, a JOIN or a comma; the rest are functions.
  const catalogs = new Set([...sql.matchAll(/(?:FROM|JOIN|,)\s+(pg_[a-z_]+)(?![a-z_(])/g)].map((match) => match[1]))
  expect(catalogs.size).toBeGreaterThan(20)
  const covered = new Set([...Object.keys(CATALOGS_BY_VERSION), ...Object.keys(CATALOGS_BY_COLUMNS)])
  expect([...catalogs].filter((name) => name !== undefined && !covered.has(name))).toEqual([])
})

test('the stamp is one row of one value', async () => {
  const database = await openDatabase()
  const rows: unknown[] = []
  const stamp = await database.connection.read([
    { sql: postgres.stamp().sql, parse: (found) => rows.push(...found) },
    postgres.stamp(),
  ])
  expect(rows).toEqual([[stamp[1]]])
  expect(stamp[1]).toMatch(/^[0-9a-f]{32}$/)
  await database.close()
})
