/** Whose an object is, where a tool records its migrations otherwise than one by one, goes back, or uses several connections. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCache } from '../support.ts'
import type { BuiltRelease } from '../../../functions/release/manifest.ts'
import { attributed, buildBy, commandProject, linkServer } from './support.ts'

let cache: Awaited<ReturnType<typeof makeCache>>
beforeAll(async () => {
  cache = await makeCache()
  await linkServer(cache.cache)
})
afterAll(() => cache.remove())

const NAMES = ['1_a.js', '2_b.js', '3_c.js']

/** What writes Knex's ledger as the steps say: `one` and `two` are connections, `record` a statement that adds rows. */
async function buildWith(steps: string, versions = ''): Promise<BuiltRelease> {
  const project = await commandProject({
    'knexfile.js': 'module.exports = { migrations: { directory: "./migrations" } }\n',
    ...Object.fromEntries(NAMES.map((name) => [`migrations/${name}`, 'exports.up = (knex) => knex\n'])),
    'tool.js': `const { Client } = require('pg')
const open = async () => { const client = new Client(process.env.DATABASE_URL); await client.connect(); return client }
const record = (...names) => 'INSERT INTO knex_migrations (name, batch, migration_time) VALUES ' + names.map((name) => "('" + name + "', 1, now())").join(', ')
const main = async () => {
  const one = await open()
  const two = await open()
  await one.query('CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz)')
  await one.query('CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked integer)')
  ${steps}
  await one.end()
  await two.end()
}
main().catch((error) => { console.error(error); process.exit(1) })
`,
  })
  try {
    return await buildBy(project, {
      cache: cache.cache,
      migrations: '{ path: migrations }',
      replay: `command: node tool.js${versions}`,
    })
  } finally {
    await project.remove()
  }
}

test('what migrations brought that were recorded in one statement belongs to none of them, and is told', async () => {
  const built = await buildWith(`
    await one.query('CREATE TABLE a (id int)')
    await one.query(record('1_a.js'))
    await one.query('CREATE TABLE b (id int); CREATE TABLE c (id int)')
    await one.query(record('2_b.js', '3_c.js'))`)
  expect(attributed(built)).toEqual(['1_a.js: column a.id, table a', '2_b.js: ', '3_c.js: '])
  expect(
    built.objects.filter(({ object }) => object.kind === 'table').map(({ object, brought }) => [object.name, brought]),
  ).toEqual([
    ['a', 0],
    ['b', null],
    ['c', null],
  ])
  expect(built.effects.map(({ costs }) => costs.map((cost) => cost.class))).toEqual([
    ['instant'],
    ['unknown'],
    ['unknown'],
  ])
  expect(built.notes).toEqual([
    '`node tool.js` recorded 2_b.js, 3_c.js at once: what they brought is expected, and belongs to none of them',
  ])
})

test('what was rolled back and done again belongs to who did it in the end', async () => {
  const built = await buildWith(`
    await one.query('BEGIN')
    await one.query('CREATE TABLE a (id int); CREATE TABLE never (id int)')
    await one.query(record('1_a.js'))
    await one.query('ROLLBACK')
    await one.query('CREATE TABLE a (id int)')
    await one.query(record('1_a.js'))
    await one.query('BEGIN; CREATE TABLE b (id int); SAVEPOINT s; ALTER TABLE a ADD COLUMN gone int')
    await one.query('ROLLBACK TO SAVEPOINT s')
    await one.query(record('2_b.js') + '; COMMIT')
    await one.query('SELECT no_such_thing').catch(() => {})
    await one.query('CREATE TABLE c (id int)')
    await one.query(record('3_c.js'))`)
  expect(attributed(built)).toEqual([
    '1_a.js: column a.id, table a',
    '2_b.js: column b.id, table b',
    '3_c.js: column c.id, table c',
  ])
})

test('rows that are nobodys here take what came before them, and what comes behind the last row is no migrations', async () => {
  const built = await buildWith(`
    await one.query('CREATE TABLE theirs (id int)')
    await one.query(record('0_theirs.js'))
    await one.query('CREATE TABLE a (id int)')
    await one.query(record('1_a.js'))
    await one.query('CREATE TABLE b (id int)')
    await one.query(record('2_b.js'))
    await one.query(record('3_c.js'))
    await one.query('CREATE TABLE afterwards (id int)')`)
  expect(attributed(built)).toEqual(['1_a.js: column a.id, table a', '2_b.js: column b.id, table b', '3_c.js: '])
  const nobodys = built.objects.filter(({ object, brought }) => object.kind === 'table' && brought === null)
  expect(nobodys.map(({ object }) => object.name)).toEqual(['afterwards', 'theirs'])
})

test('what a client sets for its session hides nothing, and is left as it was', async () => {
  const built = await buildWith(`
    await one.query("CREATE SCHEMA app; SET search_path = app, public; SET client_min_messages = error; SET DateStyle = 'SQL, DMY'; CREATE ROLE plain; GRANT ALL ON SCHEMA app TO plain; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain; SET ROLE plain")
    await one.query('BEGIN')
    for (const name of ['1_a.js', '2_b.js', '3_c.js']) {
      await one.query('CREATE TABLE ' + name[2] + " (id int, CHECK (id > 1))")
      if (name === '3_c.js') await one.query('RESET ROLE; ALTER TABLE app.a ALTER COLUMN id TYPE bigint; SET ROLE plain')
      await one.query(record(name))
      const { rows } = await one.query("SELECT current_setting('search_path') || current_setting('DateStyle') || current_user AS now")
      if (rows[0].now !== 'app, publicSQL, DMYplain') throw new Error('the session is another one: ' + rows[0].now)
    }
    await one.query('COMMIT')`)
  expect(attributed(built)).toEqual([
    '1_a.js: column a.id, constraint a.a_id_check, table a',
    '2_b.js: column b.id, constraint b.b_id_check, table b',
    '3_c.js: column c.id, constraint c.c_id_check, table c, ~column a.id',
  ])
  expect(built.effects[2]?.costs.map((cost) => cost.class)).toContain('rewrite')
})

test('on a real server the rows of one connection do not wait for the locks of another one', async () => {
  const built = await buildWith(
    `
    await one.query('CREATE TABLE a (id int)')
    await one.query(record('1_a.js'))
    await one.query('CREATE TABLE b (id int, CHECK (id > 1))')
    await two.query('BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE; ALTER TABLE b ADD COLUMN later int')
    await one.query(record('2_b.js'))
    await two.query('COMMIT')
    await one.query('CREATE TABLE c (id int)')
    await one.query(record('3_c.js'))`,
    ', versions: [18]',
  )
  const tables = built.objects.filter(({ object }) => object.kind === 'table')
  expect(tables.map(({ object }) => object.name)).toEqual(['a', 'b', 'c'])
  expect(built.objects.some(({ object }) => object.name === 'later')).toBe(true)
  expect(attributed(built)[0]).toBe('1_a.js: column a.id, table a')
})

test('what is recorded in one session and done in another one, which commits later, is the recorded migrations', async () => {
  const built = await buildWith(
    `
    for (const name of ['1_a.js', '2_b.js', '3_c.js']) {
      await two.query('BEGIN; CREATE TABLE ' + name[2] + ' (id int)')
      await one.query(record(name))
      await two.query('COMMIT')
    }`,
    ', versions: [18]',
  )
  expect(attributed(built)).toEqual([
    '1_a.js: column a.id, table a',
    '2_b.js: column b.id, table b',
    '3_c.js: column c.id, table c',
  ])
})
