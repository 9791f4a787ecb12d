import { describe, expect, test } from 'vitest'
import { chooseLedger } from '../../functions/ledgers/choose-ledger.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { sequelize } from '../../functions/ledgers/sequelize.ts'

type Files = Readonly<Record<string, string>>
const UP = "module.exports = { up: (queryInterface) => queryInterface.createTable('t', {}) }"
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, UP]))
const depends = (...names: readonly string[]): Files => ({
  'package.json': JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }),
})
const discover = (files: Files, path = './migrations/') =>
  sequelize.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Files) =>
  sequelize.interpret({
    table: { schema: 'public', table: 'SequelizeMeta', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  })
const table = (name: string, columns: Readonly<Record<string, string>>) => ({
  schema: 'public',
  table: name,
  columns,
  readable: true,
})
const NAME = { name: 'character varying(255)' }

test('files in order of their names by code unit; .d.ts, maps, SQL and deeper folders are none', async () => {
  const { migrations } = await discover(
    named('b.ts', 'B.js', 'a_2.cjs', 'a-1.js', 'd.d.ts', 'e.js.map', 'sub/f.js', 'g.sql'),
  )
  expect(migrations.map(({ subject }) => subject)).toEqual(['B.js', 'a-1.js', 'a_2.cjs', 'b.ts'])
  expect(migrations.every(({ form }) => form === 'code')).toBe(true)
})

describe('the extension', () => {
  test('of what a compiler made is another, and the migration the same, which is said', async () => {
    const { applied, notes } = await interpret([{ name: 'ä 1.js' }, { name: 'b.cjs' }], named('ä 1.ts', 'b.cts'))
    expect(applied.map(({ key }) => key)).toEqual(['ä 1.js', 'b.cjs'])
    expect((await discover(named('ä 1.ts', 'b.cts'))).migrations.map(({ key }) => key)).toEqual(['b.cjs', 'ä 1.js'])
    expect(notes).toEqual([expect.stringContaining('ä 1.js is ä 1.ts in the repository, and 1 more like it') as string])
  })

  test('that no compiler changes makes another migration: Sequelize runs it again', async () => {
    const { applied, notes } = await interpret([{ name: 'a.js' }], named('a.cjs'))
    const [migration] = (await discover(named('a.cjs'))).migrations
    expect(applied[0]?.key).not.toBe(migration?.key)
    expect(notes).toEqual([])
  })

  test('of a file beside its own compilation is a problem', async () => {
    expect((await discover(named('a.js', 'a.ts'))).problems).toHaveLength(1)
  })
})

describe('the table', () => {
  test('is told by its one column under a name that says so, and seeders and lists of names are not', () => {
    expect(sequelize.recognise(table('SequelizeMeta', NAME), [])).toMatch(/columns/)
    expect(sequelize.recognise(table('orders_migrations', NAME), [])).not.toBeNull()
    expect(sequelize.recognise(table('SequelizeData', NAME), [])).toBeNull()
    expect(sequelize.recognise(table('flags', NAME), [])).toBeNull()
    expect(sequelize.recognise(table('SequelizeMeta', { ...NAME, id: 'integer' }), [])).toBeNull()
    expect(sequelize.recognise(table('SequelizeMeta', { name: 'integer' }), [])).toBeNull()
  })

  test('with timestamps is recognised with both of them, and tells when', async () => {
    const time = 'timestamp with time zone'
    const timed = { ...NAME, createdAt: time, updatedAt: time }
    expect(sequelize.recognise(table('SequelizeMeta', timed), [])).not.toBeNull()
    expect(sequelize.recognise(table('SequelizeMeta', { ...NAME, createdAt: time }), [])).toBeNull()
    const { applied } = await interpret([{ name: 'a.js', createdat: '2026-01-01 00:00:00.5+01' }], named('a.js'))
    expect(applied).toMatchObject([{ at: '2025-12-31T23:00:00.500Z', place: 1 }])
  })

  test('under any name is taken where the repository names it', () => {
    const candidates = [table('log', NAME), table('SequelizeData', NAME)]
    const question = { tool: sequelize, candidates, searchPath: ['public'] }
    expect(chooseLedger({ ...question, table: { schema: null, table: 'log' } })).toMatchObject({ certain: true })
    expect(chooseLedger({ ...question, table: null })).toMatchObject({ problem: { problem: 'missing' } })
  })
})

describe('the config file', () => {
  const read = async (text: string, more: Files = {}) => {
    const { table: found, notes, commands } = await discover({ ...named('a.js'), ...more, 'config/config.js': text })
    return { table: found, notes: notes.length, ...commands }
  }

  test('names table and schema, the production part first', async () => {
    const text = (name: string) => `{ dialect: 'postgres', migrationStorageTableName: '${name}' }`
    expect(await read(`module.exports = { development: ${text('a')}, production: ${text('b')} }`)).toMatchObject({
      table: { schema: null, table: 'b' },
      notes: 0,
      migrate: 'npx sequelize-cli db:migrate --env production',
    })
    expect(await read(`module.exports = { dialect: 'postgres', migrationStorageTableSchema: 'ops' }`)).toMatchObject({
      table: { schema: 'ops', table: 'SequelizeMeta' },
      notes: 0,
      migrate: 'npx sequelize-cli db:migrate',
    })
    expect(await read(`module.exports = { production: { dialect: 'postgres' } }`)).toMatchObject({
      table: null,
      notes: 0,
    })
  })

  test('that computes the table, or has several, is asked about', async () => {
    expect(await read('module.exports = { migrationStorageTableName: process.env.T }')).toMatchObject({
      table: null,
      notes: 1,
    })
    const staging = "staging: { migrationStorageTableName: 'a' }, live: { migrationStorageTableName: 'b' }"
    expect(await read(`module.exports = { ${staging} }`)).toMatchObject({ table: null, notes: 1 })
    const spread = `const base = { migrationStorageTableName: T }\nmodule.exports = { production: { ...base } }`
    expect(await read(spread)).toMatchObject({ table: null, notes: 1 })
  })

  test('names the variable that holds the address', async () => {
    const of = (name: string) => `{ use_env_variable: '${name}' }`
    expect(await read(`module.exports = { development: ${of('DEV')}, production: ${of('PROD_URL')} }`)).toMatchObject({
      addressIn: 'PROD_URL',
    })
    expect(await read('module.exports = { url: process.env.DATABASE_URL }')).toMatchObject({
      addressIn: 'DATABASE_URL',
    })
  })

  test('of a workspace, and a migrations folder of another name, are in the command', async () => {
    const files = {
      'apps/api/.sequelizerc': "module.exports = { config: require('path').resolve('db', 'config.json') }",
      'apps/api/db/config.json':
        '{ "production": { "use_env_variable": "API_URL", "migrationStorageTableName": "log" } }',
      'apps/api/db/steps/a.js': UP,
    }
    const { table: found, commands } = await discover(files, 'apps/api/db/steps')
    expect(found).toEqual({ schema: null, table: 'log' })
    expect(commands).toMatchObject({
      addressIn: 'API_URL',
      migrate: 'cd apps/api && npx sequelize-cli db:migrate --migrations-path db/steps --env production',
    })
  })
})

test('a path of .sequelizerc is the team’s own: no option says another, and one that leads elsewhere is said', async () => {
  const files = (path: string): Files => ({
    ...named('a.ts'),
    '.sequelizerc': `module.exports = { 'migrations-path': path.resolve('${path}') }`,
  })
  const compiled = await discover(files('dist/migrations'))
  expect(compiled.commands.migrate).toBe('npx sequelize-cli db:migrate')
  expect(compiled.notes).toEqual([])
  expect((await discover(files('db/changes'))).notes).toEqual([expect.stringContaining('names db/changes') as string])
})

describe('umzug', () => {
  const umzug = (storage: string): Files => ({
    ...named('a.js'),
    'package.json': JSON.stringify({ dependencies: { umzug: '3' }, scripts: { 'db:migrate': 'node src/umzug.js up' } }),
    'src/umzug.js': `const storage = new SequelizeStorage(${storage})`,
  })

  test('has its table in code, and its own script', async () => {
    const { table: found, commands, notes } = await discover(umzug("{ sequelize, tableName: 'log', schema: 'ops' }"))
    expect(found).toEqual({ schema: 'ops', table: 'log' })
    expect(commands.migrate).toBe('npm run db:migrate')
    expect(notes).toEqual([])
    expect(await discover(umzug('{ sequelize }'))).toMatchObject({ table: null, notes: [] })
  })

  test('whose table is computed, or a model of its own, is asked about', async () => {
    for (const storage of ['{ sequelize, tableName: T }', "{ sequelize, modelName: 'Step' }", '{ model: Step }']) {
      expect((await discover(umzug(storage))).notes).toEqual([expect.stringContaining('migrations.table') as string])
    }
  })

  test('whose glob leads below the folder takes the files there too, in the order of their paths', async () => {
    const files = umzug('{ sequelize }')
    const code = `${files['src/umzug.js'] ?? ''}\nnew Umzug({ migrations: { glob: 'migrations/**/*.js' }, storage })`
    const deep = { ...files, 'src/umzug.js': code, 'migrations/2025/z.js': UP, 'migrations/b/c.js': UP }
    const { migrations } = await discover(deep)
    expect(migrations.map(({ subject }) => subject)).toEqual(['z.js', 'a.js', 'c.js'])
    const { applied } = await interpret([{ name: 'c.js' }, { name: 'z.js' }], deep)
    expect(applied.map(({ place }) => place)).toEqual([3, 1])
  })

  test('that names migrations by itself is said', async () => {
    const files = umzug('{ sequelize }')
    const code = `${files['src/umzug.js'] ?? ''}\nnew Umzug({ migrations: { glob: 'x', resolve: ({ name, path }) => ({ name: name.slice(2), up }) }, storage })`
    expect((await discover({ ...files, 'src/umzug.js': code })).notes).toEqual([
      expect.stringContaining('resolve') as string,
    ])
  })
})

describe('the folder', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), 'migrations', null)
    return 'problem' in found ? found : { tool: found.tool.name, ...found.detection }
  }

  test('is told by what its files take', async () => {
    expect(await detect(named('a.js'))).toMatchObject({ tool: 'sequelize', confidence: 'likely' })
    expect(await detect({ ...named('a.js'), ...depends('sequelize') })).toMatchObject({
      tool: 'sequelize',
      confidence: 'certain',
    })
    const typed = "/** @type {import('sequelize-cli').Migration} */\nmodule.exports = { async up(q, S) {} }"
    expect(await detect({ 'migrations/a.js': typed, ...depends('sequelize-cli', 'knex') })).toMatchObject({
      tool: 'sequelize',
      confidence: 'certain',
    })
  })

  test('of Knex is not taken for it, nor its own for Knex’s, whatever else the repository has', async () => {
    const both = { ...depends('sequelize', 'knex'), 'knexfile.js': '', '.sequelizerc': '' }
    expect(await detect({ ...named('a.js'), ...both })).toMatchObject({ tool: 'sequelize' })
    const knex = "exports.up = (knex) => knex.schema.dropTable('SequelizeMeta')"
    expect(await detect({ 'migrations/a.js': knex, ...both })).toMatchObject({ tool: 'knex' })
  })

  test('that does not say whose it is, where both could run it, is asked about', async () => {
    const files = { 'migrations/a.js': 'exports.up = async (q) => {}', ...depends('sequelize-cli', 'knex') }
    expect(await detect(files)).toMatchObject({ problem: 'ambiguous' })
  })
})
