/** What statements need is expected of the role, in the words in which the engine reads it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Cache } from '../../functions/release/cache.ts'
import { parseStatement } from '../../functions/release/postgres/parse.ts'
import { privilegesOf } from '../../functions/release/postgres/privileges.ts'
import { build, flywayFiles, makeCache } from './support.ts'

let cache: Cache
let remove: () => Promise<void>

beforeAll(async () => {
  ;({ cache, remove } = await makeCache())
})
afterAll(() => remove())

async function privileges(sql: string): Promise<readonly string[]> {
  const tree = await parseStatement(sql)
  if (tree === null) throw new Error(`does not parse: ${sql}`)
  const needed = privilegesOf(tree).map(
    ({ schema, relation, privilege }) => `${privilege} ${schema === null ? '' : `${schema}.`}${relation}`,
  )
  return [...new Set(needed)].sort()
}

test.each([
  ['SELECT id FROM orders o JOIN s.items i ON i.o = o.id WHERE o.id = $1', ['SELECT orders', 'SELECT s.items']],
  ['WITH orders AS (SELECT 1) SELECT * FROM orders', []],
  ['INSERT INTO orders (a) VALUES ($1)', ['INSERT orders']],
  ['INSERT INTO orders SELECT * FROM old RETURNING id', ['INSERT orders', 'SELECT old', 'SELECT orders']],
  [
    'INSERT INTO orders (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2',
    ['INSERT orders', 'SELECT orders', 'UPDATE orders'],
  ],
  ['UPDATE orders SET a = 1', ['UPDATE orders']],
  ['UPDATE orders SET a = a + 1', ['SELECT orders', 'UPDATE orders']],
  ['DELETE FROM orders WHERE id = $1', ['DELETE orders', 'SELECT orders']],
  ['DELETE FROM orders', ['DELETE orders']],
  [
    'MERGE INTO s.t USING src x ON t.id = x.id WHEN MATCHED AND x.gone THEN DELETE WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT (id) VALUES (x.id)',
    ['DELETE s.t', 'INSERT s.t', 'SELECT s.t', 'SELECT src', 'UPDATE s.t'],
  ],
  ['MERGE INTO t USING src x ON t.id = x.id WHEN MATCHED THEN DO NOTHING', ['SELECT src', 'SELECT t']],
  ['SELECT id FROM orders FOR UPDATE', ['SELECT orders', 'UPDATE orders']],
])('%s', async (sql, expected) => {
  expect(await privileges(sql)).toEqual(expected)
})

test('the grants that statements need are the ones that the migrations would give', async () => {
  const schema =
    'CREATE TABLE "Order" (id serial PRIMARY KEY, note text); CREATE SCHEMA s; CREATE TABLE s.user_ (id int); CREATE TABLE "user" (id int)'
  const grants =
    'GRANT SELECT, INSERT ON "Order" TO app; GRANT USAGE ON SEQUENCE "Order_id_seq" TO app; GRANT USAGE ON SCHEMA s TO app; GRANT UPDATE ON s.user_ TO app; GRANT DELETE ON "user" TO app'
  const queries = [
    'INSERT INTO "Order" (note) VALUES ($1) RETURNING id',
    'UPDATE s.user_ SET id = 1',
    'DELETE FROM "user"',
    'SELECT * FROM nothing',
  ]
  const config = `schema: { role: app }\nqueries:\n${queries.map((sql, at) => `  - { name: q${at}, sql: ${JSON.stringify(sql)} }\n`).join('')}`
  const grantsOf = ({ objects }: Awaited<ReturnType<typeof build>>) =>
    objects.filter(({ object }) => object.kind === 'grant').map(({ object }) => object)
  const needed = await build(flywayFiles([schema]), { cache, config })
  const given = await build(flywayFiles([`${schema};${grants}`]), { cache, config: 'schema: { role: app }' })
  expect(grantsOf(needed)).toEqual(grantsOf(given))
  expect(grantsOf(needed).map(({ name }) => name)).toContain('SELECT on table "Order"')
  expect(needed.expectation.catalog.grants).toEqual(given.expectation.catalog.grants)
})

test('where the migrations give columns, the whole relation is not expected', async () => {
  const files = flywayFiles(['CREATE TABLE t (id int, secret text); GRANT SELECT (id) ON t TO app'])
  const built = await build(files, {
    cache,
    config: 'schema: { role: app }\nqueries: [{ name: q, sql: SELECT id FROM t }, { name: broken, sql: SELEC }]\n',
  })
  const names = built.objects.filter(({ object }) => object.kind === 'grant').map(({ object }) => object.name)
  expect(names).toContain('SELECT (id) on table t')
  expect(names).not.toContain('SELECT on table t')
  expect(built.notes.join('\n')).toMatch(/broken is no statement that can be parsed/)
})
