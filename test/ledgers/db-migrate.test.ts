import { describe, expect, test } from 'vitest'
import { dbMigrate } from '../../functions/ledgers/db-migrate.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const JS = 'exports.up = function (db) {\n  return db.runSql("SELECT 1");\n};\n'
const [A, B, C] = ['20240101000000-a', '20240102000000-b', '20240103000000-c'] as const
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, JS]))
const discover = (files: Files, path = './migrations/') =>
  dbMigrate.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly string[], files: Files, path = 'migrations') =>
  dbMigrate.interpret({
    table: { schema: 'public', table: 'migrations', columns: {}, readable: true },
    rows: rows.map((name) => ({ name, run_on: '2026-11-22 22:55:44' })),
    beside: [],
    migrations: (await discover(files, path)).migrations,
  })

describe('files', () => {
  test('.js only, not those below, in order; a name is what is before its first dot', async () => {
    const { migrations } = await discover(
      named(`${B}.v2.js`, `${A}.js`, `${C}.ts`, `sqls/${A}-up.sql`, `billing/${C}.js`),
    )
    expect(migrations.map(({ subject }) => subject)).toEqual([A, B])
    expect(migrations.every(({ form }) => form === 'code')).toBe(true)
  })

  test('a name of another form is a problem: the tool fails before it runs anything', async () => {
    const { migrations, problems } = await discover(named(`${A}.js`, '9-helpers.js', 'ümlaut "x".js'))
    expect(migrations).toHaveLength(1)
    expect(problems.map(({ file }) => file)).toEqual(['migrations/9-helpers.js', 'migrations/ümlaut "x".js'])
  })
})

describe('rows', () => {
  test('have a / before the name; the first versions wrote none', async () => {
    const { applied } = await interpret([`/${A}`, B, `/${C}`], named(`${A}.js`, `${C}.js`))
    expect(applied.map(({ key, place, at }) => [key, place, at])).toEqual([
      [A, 1, '2026-11-22T22:55:44.000Z'],
      [B, 1, '2026-11-22T22:55:44.000Z'],
      [C, 2, '2026-11-22T22:55:44.000Z'],
    ])
  })

  test('of other folders belong to other lists, and are said', async () => {
    const files = { ...named(`${A}.js`, `billing/${B}.js`), 'migrations/billing/config.json': '{}' }
    const root = await interpret([`/${A}`, `billing/${B}`], files)
    expect(root.applied.map(({ key }) => key)).toEqual([A])
    expect(root.notes).toEqual([
      expect.stringContaining('1 row of the ledger belong to other lists of db-migrate (billing)'),
    ])
    const billing = await interpret([`/${A}`, `billing/${B}`], files, 'migrations/billing')
    expect(billing.applied.map(({ key }) => key)).toEqual([`billing/${B}`])
    expect(billing.notes).toEqual([expect.stringContaining('the migrations folder itself')])
  })
})

test('a late one is run', async () => {
  const { late, commands } = await discover(named(`${A}.js`))
  expect([late, commands.migrateLate]).toEqual(['runs', 'npx db-migrate up'])
})

describe('how the repository runs it', () => {
  const of = async (files: Files, path = 'migrations') => {
    const { table, commands } = await discover({ ...named(`${A}.js`, `billing/${B}.js`), ...files }, path)
    return { table, command: commands.migrate, addressIn: commands.addressIn }
  }
  const scripts = (migrate: string): Files => ({ 'package.json': JSON.stringify({ scripts: { migrate } }) })

  test('table and environment from its flags, schema and variable from database.json', async () => {
    const config = JSON.stringify({ dev: { ENV: 'DEV_URL' }, live: { url: { ENV: 'LIVE_URL' }, schema: 'app' } })
    expect(await of({ ...scripts('db-migrate up --table "Log" -e live'), 'database.json': config })).toEqual({
      table: { schema: 'app', table: 'Log' },
      command: 'npx db-migrate up -e live --table Log',
      addressIn: 'LIVE_URL',
    })
    expect(await of({ 'database.json': config })).toEqual({
      table: null,
      command: 'npx db-migrate up',
      addressIn: 'DEV_URL',
    })
  })

  test('the table of .db-migraterc', async () => {
    expect((await of({ '.db-migraterc': '{ "table": "changes" }' })).table).toEqual({ schema: null, table: 'changes' })
  })

  test('a folder that is run by itself has its own command', async () => {
    const files = scripts('db-migrate up:billing')
    expect((await of(files, 'migrations/billing')).command).toBe('npx db-migrate up:billing')
  })

  test('node-pg-migrate’s runs are not its', async () => {
    expect((await of(scripts('node-pg-migrate up --table x'))).table).toBeNull()
  })
})

test('told from other tools of JavaScript by its own words, with certainty where the repository has it', async () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), 'migrations', null)
    return 'problem' in found ? found.problem : `${found.tool.name} ${found.detection.confidence}`
  }
  expect(await detect(named(`${A}.js`))).toBe('db-migrate likely')
  expect(await detect({ ...named(`${A}.js`), 'database.json': '{}' })).toBe('db-migrate certain')
  expect(await detect({ [`migrations/${A}.js`]: 'exports.up = (knex) => knex' })).toBe('knex likely')
  const pgm = { [`migrations/20240101000000-a.js`]: 'exports.up = (pgm) => {}' }
  expect(await detect({ ...pgm, 'database.json': '{}' })).toBe('node-pg-migrate certain')
})
