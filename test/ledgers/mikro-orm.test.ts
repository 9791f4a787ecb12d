import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { mikroOrm } from '../../functions/ledgers/mikro-orm.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const UP = "import { Migration } from '@mikro-orm/migrations'\nexport class M extends Migration { up() {} }"
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, UP]))
const discover = (files: Files, path = './migrations/') =>
  mikroOrm.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Files) =>
  mikroOrm.interpret({
    table: { schema: 'public', table: 'mikro_orm_migrations', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  })

describe('names', () => {
  test('are those of the files without .ts and .js; .cjs is a part of them', async () => {
    const { migrations } = await discover(
      named('Migration1.ts', 'Migration2.js', 'Migration3.cjs', 'Migration1.d.ts', 'b.mjs', 'sub/c.js'),
    )
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
      ['Migration1', 'Migration1'],
      ['Migration2', 'Migration2'],
      ['Migration3.cjs', 'Migration3.cjs'],
    ])
  })

  test('are stripped in the ledger as well, where older versions wrote the extension', async () => {
    const rows = [
      { id: '1', name: 'Migration1.ts', executed_at: '2026-01-01 00:00:00.5+01' },
      { id: '2', name: 'Migration2.js', executed_at: null },
      { id: '3', name: 'Migration3', executed_at: null },
      { id: '4', name: null, executed_at: null },
    ]
    const { applied } = await interpret(rows, named('Migration1.js', 'Migration2.ts', 'Migration3.ts'))
    expect(applied).toMatchObject([
      { key: 'Migration1', label: 'Migration1.ts', at: '2025-12-31T23:00:00.500Z', place: 1 },
      { key: 'Migration2', at: null, place: 2 },
      { key: 'Migration3', place: 3 },
    ])
  })

  test('are ordered as the files are, where one name begins another', async () => {
    const files = named('a.ts', 'a-b.ts', 'a_b.ts')
    expect((await discover(files)).migrations.map(({ key }) => key)).toEqual(['a-b', 'a', 'a_b'])
    const { applied } = await interpret([{ name: 'a_b' }, { name: 'a' }, { name: 'a-b' }, { name: 'Größe "x"' }], files)
    expect(applied.map(({ place }) => place)).toEqual([3, 2, 1, 0])
  })

  test('of two files are one: that is a problem', async () => {
    expect((await discover(named('a.js', 'a.ts'))).problems).toHaveLength(1)
    expect((await discover(named('a.js', 'a.cjs'))).problems).toEqual([])
  })

  test('of a snapshot are none', async () => {
    const { migrations, problems } = await discover({ ...named('a.ts'), 'migrations/.snapshot-shop.json': '{}' })
    expect(migrations).toHaveLength(1)
    expect(problems).toEqual([])
  })
})

test('both versions’ tables are recognised, and MySQL’s types', () => {
  const table = (columns: Readonly<Record<string, string>>) => ({
    schema: 'app',
    table: 'log',
    columns,
    readable: true,
  })
  const name = 'character varying(255)'
  expect(mikroOrm.recognise(table({ id: 'integer', name, executed_at: 'timestamp with time zone' }), [])).not.toBeNull()
  expect(
    mikroOrm.recognise(table({ id: 'integer', name, executed_at: 'timestamp(6) with time zone' }), []),
  ).not.toBeNull()
  expect(
    mikroOrm.recognise(table({ id: 'int unsigned', name: 'varchar(255)', executed_at: 'datetime' }), []),
  ).not.toBeNull()
  expect(mikroOrm.recognise(table({ id: 'integer', name, run_on: 'timestamp' }), [])).toBeNull()
  expect(mikroOrm.recognise(table({ id: 'integer', name, executed_at: 'timestamp', by: 'text' }), [])).toBeNull()
})

describe('the config', () => {
  const read = async (options: string, more: Files = {}, file = 'mikro-orm.config.ts') => {
    const text = `export default defineConfig({ clientUrl: process.env.DATABASE_URL, ${options} })`
    const { table, notes, migrations, commands } = await discover({ ...named('a.ts'), [file]: text, ...more })
    return { table, notes: notes.length, count: migrations.length, ...commands }
  }

  test('names the table, with its schema in one or by itself', async () => {
    expect(await read("migrations: { tableName: 'ops.log' }")).toMatchObject({
      table: { schema: 'ops', table: 'log' },
      notes: 0,
    })
    expect(await read("migrations: { tableName: 'log' }")).toMatchObject({
      table: { schema: null, table: 'log' },
      notes: 0,
    })
    expect(await read("schema: 'ops', migrations: { tableName: 'log' }")).toMatchObject({
      table: { schema: 'ops', table: 'log' },
    })
    expect(await read("migrations: { schema: 'ops' }")).toMatchObject({
      table: { schema: 'ops', table: 'mikro_orm_migrations' },
    })
    expect(await read("migrations: { path: './migrations' }")).toMatchObject({ table: null, notes: 0 })
  })

  test('that computes it is asked about', async () => {
    expect(await read('migrations: { tableName: TABLE }')).toMatchObject({ table: null, notes: 1 })
    expect(await read('migrations')).toMatchObject({ table: null, notes: 1 })
  })

  test('of several is the one that has these migrations', async () => {
    const of = (path: string, table: string) =>
      `defineConfig({ migrations: { path: '${path}', tableName: '${table}' } })`
    const text = `export default [${of('./migrations', 'a')}, ${of('./others', 'b')}]`
    expect(await discover({ ...named('a.ts'), 'mikro-orm.config.ts': text })).toMatchObject({
      table: { schema: null, table: 'a' },
      notes: [],
    })
    const same = `export default [${of('./migrations', 'a')}, ${of('./migrations', 'b')}]`
    expect((await discover({ ...named('a.ts'), 'mikro-orm.config.ts': same })).notes).toHaveLength(1)
  })

  test('whose glob takes other files is followed by its extensions', async () => {
    expect(await read("migrations: { glob: '!(*.d).{js,ts,mjs}' }", named('b.mjs'))).toMatchObject({
      count: 2,
      notes: 0,
    })
    expect(await read("migrations: { glob: '**/*.ts' }", { 'migrations/2025/b.ts': UP })).toMatchObject({
      count: 2,
      notes: 0,
    })
    expect(await read("migrations: { glob: 'Migration*.ts' }")).toMatchObject({ count: 1, notes: 1 })
  })

  test('with names in code is said', async () => {
    expect(await read('migrations: { migrationsList: [{ name: NAME, class: A }] }')).toMatchObject({ notes: 1 })
  })

  test('gives the command: by package.json’s script, its own program, its folder, its place', async () => {
    expect(await read('migrations: {}')).toMatchObject({
      migrate: 'npx mikro-orm migration:up',
      addressIn: 'DATABASE_URL',
    })
    const scripts = { 'package.json': '{ "scripts": { "db:up": "mikro-orm migration:up" } }' }
    expect(await read('migrations: {}', scripts)).toMatchObject({ migrate: 'npm run db:up' })
    const module = { 'package.json': '{ "type": "module", "dependencies": { "@mikro-orm/core": "^6.6.0" } }' }
    expect(await read('migrations: {}', module)).toMatchObject({
      migrate: 'npx mikro-orm-esm migration:up',
      record: null,
    })
    const seven = { 'package.json': '{ "type": "module", "dependencies": { "@mikro-orm/core": "^7.1.0" } }' }
    expect(await read('migrations: {}', seven, 'src/config/mikro-orm.config.ts')).toMatchObject({
      migrate: 'npx mikro-orm migration:up --config src/config/mikro-orm.config.ts',
      record: {
        command: 'npx mikro-orm migration:log --config src/config/mikro-orm.config.ts --name NAME',
        each: true,
      },
    })
  })
})

describe('the folder', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), 'migrations', null)
    return 'problem' in found ? found.problem : { tool: found.tool.name, confidence: found.detection.confidence }
  }
  const depends = (...names: readonly string[]): Files => ({
    'package.json': JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }),
  })

  test('is told by what its files import, and with certainty by the config or package.json', async () => {
    expect(await detect(named('a.ts'))).toEqual({ tool: 'mikro-orm', confidence: 'likely' })
    const all = depends('@mikro-orm/core', 'knex', 'typeorm', 'kysely', 'sequelize')
    expect(await detect({ ...named('a.ts'), ...all, 'knexfile.js': '' })).toEqual({
      tool: 'mikro-orm',
      confidence: 'certain',
    })
  })

  test('of TypeORM, whose classes are exported too, is not', async () => {
    const text =
      "import { MigrationInterface, QueryRunner } from 'typeorm'\nexport class A1741079702000 implements MigrationInterface { async up(q: QueryRunner) {} }"
    expect(
      await detect({ 'migrations/a.ts': text, ...depends('@mikro-orm/core', 'typeorm'), 'mikro-orm.config.ts': '' }),
    ).toMatchObject({
      tool: 'typeorm',
    })
  })
})
