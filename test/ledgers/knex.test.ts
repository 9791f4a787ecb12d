import { describe, expect, test } from 'vitest'
import { knex } from '../../functions/ledgers/knex.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const UP = 'exports.up = (knex) => knex.schema.createTable("t")'
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, UP]))
const discover = (files: Files) =>
  knex.discover(projectOf(files), { path: './migrations/', placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Files, lock: LedgerRow | null = null) =>
  knex.interpret({
    table: { schema: 'ops', table: 'changelog', columns: {}, readable: true },
    rows,
    beside: lock === null ? [] : [{ table: 'changelog_lock', rows: [lock] }],
    migrations: (await discover(files)).migrations,
  })

test('files in order of their names by code unit; .mjs, .d.ts, maps and deeper folders are none', async () => {
  const { migrations } = await discover(
    named('b.ts', 'B.js', 'a_2.cjs', 'a-1.js', 'c.mjs', 'd.d.ts', 'e.js.map', 'sub/f.js', 'g.sql'),
  )
  expect(migrations.map(({ subject }) => subject)).toEqual(['B.js', 'a-1.js', 'a_2.cjs', 'b.ts'])
  expect(migrations.every(({ form }) => form === 'code')).toBe(true)
})

test('.mjs counts where the knexfile says so', async () => {
  const { migrations } = await discover({
    ...named('a.js', 'c.mjs'),
    'knexfile.js': "module.exports = { migrations: { loadExtensions: ['.mjs'] } }",
  })
  expect(migrations.map(({ subject }) => subject)).toEqual(['a.js', 'c.mjs'])
})

test('a file beside its own compilation is a problem: to Knex they are two', async () => {
  expect((await discover(named('a.js', 'a.ts'))).problems).toHaveLength(1)
})

test('several directories are one list', async () => {
  const config = "module.exports = { migrations: { directory: ['./migrations', './seeds/later'] } }"
  const { migrations } = await discover({ ...named('b.js'), 'seeds/later/a.js': UP, 'knexfile.js': config })
  expect(migrations.map(({ file }) => file)).toEqual(['seeds/later/a.js', 'migrations/b.js'])
})

test('an applied one is known without its extension, and that it is another one is said', async () => {
  const { applied, notes } = await interpret(
    [{ name: 'a.b.js', migration_time: '2026-01-01 00:00:00.5+01' }],
    named('a.b.ts'),
  )
  expect(applied).toMatchObject([{ key: 'a.b', label: 'a.b.js', at: '2025-12-31T23:00:00.500Z', place: 1 }])
  expect(notes).toEqual([expect.stringContaining('a.b.js is a.b.ts in the repository')])
})

test('the lock is held where is_locked is 1', async () => {
  const held = await interpret([], named('a.js'), { index: '1', is_locked: '1' })
  expect(held.lock).toMatchObject({ table: 'ops.changelog_lock' })
  expect((await interpret([], named('a.js'), { index: '1', is_locked: '0' })).lock).toBeNull()
})

describe('knexfile', () => {
  const table = async (text: string, name = 'knexfile.js') => {
    const found = await discover({ ...named('a.js'), [name]: text })
    return { table: found.table, notes: found.notes.length }
  }

  test('table and schema are read where they are literals', async () => {
    const literal = "migrations: { directory: './migrations', tableName: 'changelog', schemaName: 'ops' }"
    expect(await table(`module.exports = { ${literal} }`)).toEqual({
      table: { schema: 'ops', table: 'changelog' },
      notes: 0,
    })
    expect(
      await table(`const config: Knex.Config = { ${literal} } as const\nexport default config`, 'knexfile.ts'),
    ).toEqual({ table: { schema: 'ops', table: 'changelog' }, notes: 0 })
    expect(await table('module.exports = { migrations: { directory: "./migrations" } }')).toEqual({
      table: null,
      notes: 0,
    })
  })

  test('environments that agree are one; those that do not are asked about', async () => {
    const of = (name: string): string => `{ client: 'pg', migrations: { tableName: '${name}' } }`
    expect(await table(`module.exports = { staging: ${of('a')}, production: ${of('a')} }`)).toEqual({
      table: { schema: null, table: 'a' },
      notes: 0,
    })
    expect(await table(`module.exports = { staging: ${of('a')}, production: ${of('b')} }`)).toEqual({
      table: null,
      notes: 1,
    })
    expect(await table('module.exports = { migrations: { tableName: process.env.T } }')).toEqual({
      table: null,
      notes: 1,
    })
  })
})

describe('a folder beside a knexfile', () => {
  const PLAIN = 'export const up = async (db) => db.query("SELECT 1")'
  const OWN = 'exports.up = (knex) => knex.raw("SELECT 1")'
  const detect = (text: string, knexfile: string, path = 'db/steps'): Promise<unknown> =>
    knex.detect(
      projectOf({ [`${path}/1.js`]: text, 'knexfile.js': knexfile, 'package.json': '{"dependencies":{"knex":"3"}}' }),
      path,
    )

  test('is Knex’s where the knexfile names it, whatever its files say', async () => {
    for (const directory of ["'./db/steps'", "'db/steps/'", "['./other', './db/steps']"])
      expect(await detect(PLAIN, `module.exports = { migrations: { directory: ${directory} } }`)).toMatchObject({
        confidence: 'certain',
      })
    expect(await detect(PLAIN, 'module.exports = {}', 'migrations')).toMatchObject({ confidence: 'certain' })
    const above = {
      'db/steps/1.js': PLAIN,
      'db/config/knexfile.js': "module.exports = { migrations: { directory: '../steps' } }",
    }
    expect(await knex.detect(projectOf(above), 'db/steps')).toBeNull()
  })

  test('is none of Knex’s where it names another, and its files do not say so', async () => {
    expect(await detect(PLAIN, "module.exports = { migrations: { directory: './db/knex' } }")).toBeNull()
    expect(await detect(PLAIN, 'module.exports = {}')).toBeNull()
    expect(await detect(OWN, "module.exports = { migrations: { directory: './src/migrations' } }")).toMatchObject({
      confidence: 'likely',
    })
  })

  test('that is computed is told by its files', async () => {
    const computed = "module.exports = { migrations: { directory: path.join(__dirname, 'db/steps') } }"
    expect(await detect(OWN, computed)).toMatchObject({ confidence: 'certain' })
    expect(await detect(PLAIN, computed)).toMatchObject({ confidence: 'likely' })
    expect(await detect(PLAIN, 'module.exports = { migrations: shared }')).toMatchObject({ confidence: 'likely' })
  })
})
