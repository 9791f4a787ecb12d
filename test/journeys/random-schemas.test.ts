/** Random schemas, made with DDL, are read alike over every connection, and so compare equal to themselves. */
import { PGlite } from '@electric-sql/pglite'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import { embeddedConnection } from '../../functions/connections/embedded.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { amiss, flywayHistory, look, releaseOf } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

let pglite: PGlite
let database: TestDatabase
let server: DataApiServer

beforeAll(async () => {
  pglite = await PGlite.create()
  database = await createDatabase()
  server = await startDataApi({ backend: { url: database.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  process.env['AWS_ACCESS_KEY_ID'] ??= 'local'
  process.env['AWS_SECRET_ACCESS_KEY'] ??= 'local'
})

afterAll(async () => {
  await server.close()
  await database.drop()
  await pglite.close()
})

const columnType = fc.constantFrom(
  'integer',
  'bigint',
  'text',
  'varchar(40)',
  'numeric(9, 2)',
  'timestamptz',
  'jsonb',
  'text[]',
  'boolean',
  'uuid',
  'date',
)
const DEFAULTS: Readonly<Record<string, string>> = {
  integer: '7',
  bigint: '-1',
  text: "'it''s'",
  'varchar(40)': "'x'",
  'numeric(9, 2)': '1.5',
  timestamptz: 'now()',
  jsonb: `'{"a": [1]}'`,
  'text[]': "'{}'",
  boolean: 'true',
  uuid: 'gen_random_uuid()',
  date: "'2020-02-29'",
}
const column = fc.record({ type: columnType, notNull: fc.boolean(), hasDefault: fc.boolean(), odd: fc.boolean() })
const table = fc.record({
  columns: fc.array(column, { minLength: 1, maxLength: 5 }),
  unlogged: fc.boolean(),
  checked: fc.boolean(),
  indexes: fc.array(fc.record({ column: fc.nat(4), unique: fc.boolean(), desc: fc.boolean(), partial: fc.boolean() }), {
    maxLength: 3,
  }),
  references: fc.option(fc.nat(3), { nil: null }),
  viewed: fc.boolean(),
  triggered: fc.boolean(),
  secured: fc.boolean(),
})
const schema = fc.record({
  tables: fc.array(table, { minLength: 1, maxLength: 4 }),
  labels: fc.uniqueArray(fc.constantFrom('new', 'paid', "it's", 'größer', 'a b'), { minLength: 1 }),
})

type Schema = typeof schema extends fc.Arbitrary<infer T> ? T : never

const nameOf = (at: number, odd: boolean): string => (odd ? `"Odd ${at}"` : `c${at}`)

function ddlOf({ tables, labels }: Schema): string {
  const parts = [
    `CREATE TYPE status AS ENUM (${labels.map((label) => `'${label.replaceAll("'", "''")}'`).join(', ')});`,
  ]
  parts.push('CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;')
  for (const [at, one] of tables.entries()) parts.push(...tableDdl(one, at, at === tables.length - 1))
  return `${parts.join('\n')}\n`
}

function tableDdl(one: Schema['tables'][number], at: number, isLast: boolean): readonly string[] {
  const columns = one.columns.map(
    ({ type, notNull, hasDefault, odd }, index) =>
      `${nameOf(index, odd)} ${type}${hasDefault ? ` DEFAULT ${DEFAULTS[type] ?? 'NULL'}` : ''}${notNull ? ' NOT NULL' : ''}`,
  )
  const reference =
    one.references !== null && one.references < at ? `, ref bigint REFERENCES t${one.references} (id)` : ''
  const check = one.checked ? `, CONSTRAINT t${at}_check CHECK (id > 0 AND s IS NOT NULL)` : ''
  // A permanent table may reference permanent ones only.
  const persistence = one.unlogged && isLast && reference === '' ? 'UNLOGGED ' : ''
  const made = `CREATE ${persistence}TABLE t${at} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s status, ${columns.join(', ')}${reference}${check});`
  const indexes = one.indexes.map(({ column: which, unique, desc, partial }, index) => {
    const target = one.columns[which % one.columns.length]
    const key = target === undefined || target.type === 'jsonb' ? 'id' : nameOf(which % one.columns.length, target.odd)
    return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX t${at}_i${index} ON t${at} (${key}${desc ? ' DESC' : ''})${partial ? ' WHERE id > 10' : ''};`
  })
  return [
    made,
    ...indexes,
    ...(one.viewed ? [`CREATE VIEW v${at} AS SELECT id, s::text AS label FROM t${at} WHERE id > 1 ORDER BY id;`] : []),
    ...(one.triggered ? [`CREATE TRIGGER g${at} BEFORE UPDATE ON t${at} FOR EACH ROW EXECUTE FUNCTION touch();`] : []),
    ...(one.secured
      ? [`ALTER TABLE t${at} ENABLE ROW LEVEL SECURITY; CREATE POLICY p${at} ON t${at} USING (id > 0);`]
      : []),
  ]
}

const RESET = 'DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC;'

test('a schema is equal to itself, and one column less is found, over every connection', async () => {
  const connections: readonly (() => Promise<Connection>)[] = [
    () => connect({ kind: 'url', url: database.url, ca: null }),
    async () => embeddedConnection(pglite),
    () => connect({ ...dataApiTarget(server.endpoint, database.name), region: 'eu-west-1' }),
  ]
  await fc.assert(
    fc.asyncProperty(schema, async (random) => {
      const files = { 'db/migration/V1__random.sql': ddlOf(random) }
      const sql = `${RESET} ${ddlOf(random)} ${flywayHistory(files)}`
      await database.run(sql)
      await pglite.exec(sql)
      const release = await releaseOf({
        config: 'migrations: { path: db/migration }\nschema: { match: exact }\n',
        files,
      })
      for (const open of connections) expect(amiss(await look(release, open))).toEqual([])
      const drop = 'ALTER TABLE t0 DROP COLUMN s CASCADE'
      await database.run(drop)
      await pglite.exec(drop)
      for (const open of connections) expect(amiss(await look(release, open))).toEqual(['column-missing t0.s'])
    }),
    { numRuns: 6, seed: 20261122 },
  )
}, 120_000)
