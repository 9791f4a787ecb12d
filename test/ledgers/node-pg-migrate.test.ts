import { describe, expect, test } from 'vitest'
import { dbMigrate } from '../../functions/ledgers/db-migrate.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { nodePgMigrate } from '../../functions/ledgers/node-pg-migrate.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { createDatabase } from '../support/postgres.ts'

type Files = Readonly<Record<string, string>>
const SQL = '-- Up Migration\nSELECT 1;\n-- Down Migration\nSELECT 2;\n'
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(
    names.map((name) => [`migrations/${name}`, name.endsWith('.sql') ? SQL : 'exports.up = (pgm) => {}']),
  )
const scripts = (migrate: string): Files => ({
  'package.json': JSON.stringify({ scripts: { migrate }, devDependencies: { 'node-pg-migrate': '^9.0.0' } }),
})
const discover = (files: Files, path = './migrations/') =>
  nodePgMigrate.discover(projectOf(files), { path, placeholders: {}, table: null })
const subjects = async (files: Files) => (await discover(files)).migrations.map(({ subject }) => subject)
const interpret = async (rows: readonly string[], files: Files) =>
  nodePgMigrate.interpret({
    table: { schema: 'public', table: 'pgmigrations', columns: {}, readable: true },
    rows: rows.map((name): LedgerRow => ({ name, run_on: '2026-11-22 22:55:44.519357' })),
    beside: [],
    migrations: (await discover(files)).migrations,
  })
const statements = (text: string) =>
  nodePgMigrate.script(
    { subject: 'a', key: 'a', kind: 'versioned', file: 'a.sql', checksums: [], digest: '', form: 'sql' },
    text,
    { path: '', placeholders: {}, table: null },
  )?.statements
const table = (name: string) => ({
  schema: 'public',
  table: name,
  columns: { id: 'integer', name: 'character varying(255)', run_on: 'timestamp without time zone' },
  readable: true,
})

describe('order', () => {
  test('by the number of the prefix, a prefix of 17 digits being a time in UTC', async () => {
    expect(await subjects(named('10_c.js', '2_b.sql', '0001_a.ts'))).toEqual(['0001_a', '2_b', '10_c'])
    expect(
      await subjects(
        named('1704153600000_b.js', '20240103000000000_c.sql', '1704067200000_a.js', '1704326400000_d.js'),
      ),
    ).toEqual(['1704067200000_a', '1704153600000_b', '20240103000000000_c', '1704326400000_d'])
  })

  test('then by the name, numbers in it as numbers', async () => {
    expect(await subjects(named('1_step-10.js', '1_step-9.js', '1_Ärger "x".js'))).toEqual([
      '1_Ärger "x"',
      '1_step-9',
      '1_step-10',
    ])
  })

  test('a late one is refused, and runs with --no-check-order', async () => {
    const { late, commands } = await discover(named('1_a.sql'))
    expect({ late, command: commands.migrateLate }).toEqual({
      late: 'refuses',
      command: 'npx node-pg-migrate up --no-check-order',
    })
    const other = await discover({ ...named('1_a.sql'), ...scripts('node-pg-migrate up --no-check-order') })
    expect(other.late).toBe('runs')
    expect(other.commands.migrate).toBe('npx node-pg-migrate up --no-check-order')
  })

  test('rows in another order than the files make it refuse every run, which is said', async () => {
    const files = named('1_a.sql', '2_b.sql', '3_c.sql')
    expect((await interpret(['1_a', '3_c', '2_b'], files)).notes).toEqual([
      expect.stringContaining("row 2 of the ledger is 3_c, and the release's migration in that place is 2_b"),
    ])
    expect((await interpret(['1_a', '2_b'], files)).notes).toEqual([])
    expect((await interpret(['1_a', '2_b', '3_c', '4_newer'], files)).notes).toEqual([])
  })
})

describe('files', () => {
  test('not recursive, hidden ones are none, one without a number is a problem: the tool refuses to start', async () => {
    const { migrations, problems } = await discover(named('1_a.sql', '.2_b.sql', 'sub/3_c.sql', 'README.md'))
    expect(migrations.map(({ subject }) => subject)).toEqual(['1_a'])
    expect(problems).toMatchObject([{ file: 'migrations/README.md' }])
  })

  test('--ignore-pattern passes over what it matches whole', async () => {
    const { migrations, problems } = await discover({
      ...named('1_a.sql', 'helpers.js', '2_helpers.js.map'),
      ...scripts("node-pg-migrate up --ignore-pattern '.*\\.map|helpers.*'"),
    })
    expect(migrations.map(({ subject }) => subject)).toEqual(['1_a'])
    expect(problems).toEqual([])
  })

  test('a name is known without its last extension, a .up.sql with and without its .up', async () => {
    const files = named('1_a.b.js', '2_c.up.sql')
    expect((await interpret(['1_a.b', '2_c.up'], files)).applied.map(({ key }) => key)).toEqual(['1_a.b', '2_c'])
    expect((await interpret(['1_a.b', '2_c'], files)).applied.map(({ key, at }) => [key, at])).toEqual([
      ['1_a.b', '2026-11-22T22:55:44.519Z'],
      ['2_c', '2026-11-22T22:55:44.519Z'],
    ])
  })

  test('a .down.sql is a migration of its own to the command, and two of one name are one to the ledger', async () => {
    const { problems } = await discover(named('1_a.up.sql', '1_a.down.sql', '2_b.js', '2_b.ts'))
    expect(problems.map(({ file }) => file)).toEqual(['migrations/1_a.down.sql', 'migrations/2_b.ts'])
  })
})

describe('what of an .sql file runs', () => {
  test('what is from the mark Up to the mark Down, in either order, with its lines', () => {
    expect(statements('-- Up Migration\r\nSELECT 1;\r\n-- Down Migration\r\nSELECT 2;\r\n')).toEqual([
      { sql: 'SELECT 1', line: 2 },
    ])
    expect(
      statements('SELECT 0;\n---- DOWN MIGRATION\nSELECT 2;\n\n--up migration, twice\nSELECT 1;\nSELECT 3'),
    ).toEqual([
      { sql: 'SELECT 1', line: 6 },
      { sql: 'SELECT 3', line: 7 },
    ])
  })

  test('all of it where there is no mark, also below a mark Down, which is a problem', async () => {
    expect(statements('SELECT 1')).toEqual([{ sql: 'SELECT 1', line: 1 }])
    const text = 'CREATE TABLE t ();\n-- Down Migration\nDROP TABLE t;\n'
    expect(statements(text)).toHaveLength(2)
    const { problems } = await discover({ 'migrations/1_a.sql': text })
    expect(problems).toMatchObject([{ line: 2, message: expect.stringContaining('runs all of it upwards') as string }])
  })
})

describe('how the repository runs it', () => {
  test('table, schema and address are taken from its flags, and stand in the command', async () => {
    const {
      table: name,
      commands,
      schemas,
    } = await discover(
      {
        'db/pg/1_a.sql': SQL,
        ...scripts(
          'dotenv -- node-pg-migrate up -m db/pg --schema="app" --create-schema -t changes -d PG_URL && echo done',
        ),
      },
      'db/pg',
    )
    expect(name).toEqual({ schema: 'app', table: 'changes' })
    expect(schemas).toEqual(['app'])
    expect(commands).toMatchObject({
      addressIn: 'PG_URL',
      migrate:
        'npx node-pg-migrate up -m db/pg --database-url-var PG_URL --migrations-table changes --schema app --create-schema',
    })
  })

  test('the section db of its JSON file wins', async () => {
    const { table: name } = await discover({
      ...named('1_a.sql'),
      ...scripts('node-pg-migrate up -f pg.json -t other'),
      'pg.json': JSON.stringify({ db: { 'migrations-table': 'changes', 'migrations-schema': 'meta' } }),
    })
    expect(name).toEqual({ schema: 'meta', table: 'changes' })
  })

  test('a run of another folder says nothing of this one, and a computed name is asked for', async () => {
    expect((await discover({ ...named('1_a.sql'), ...scripts('node-pg-migrate up -m other -t x') })).table).toBeNull()
    const computed = await discover({ ...named('1_a.sql'), ...scripts('node-pg-migrate up -t "$TABLE"') })
    expect(computed.table).toBeNull()
    expect(computed.notes).toEqual([expect.stringContaining('set `migrations.table`')])
  })
})

describe('detection', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), 'migrations', null)
    return 'problem' in found ? found.problem : found.tool.name
  }

  test('by `pgm`, by the mark, by the run, by the dependency', async () => {
    expect(await detect(named('1_a.js'))).toBe('node-pg-migrate')
    expect(await detect(named('1_a.sql'))).toBe('node-pg-migrate')
    expect(await detect({ 'migrations/1_a.sql': 'SELECT 1', ...scripts('node-pg-migrate up') })).toBe('node-pg-migrate')
    expect(await detect({ 'migrations/1_a.sql': 'SELECT 1', ...scripts('true') })).toBe('node-pg-migrate')
  })

  test('never of files that another tool has marked', async () => {
    expect(await detect({ 'migrations/1_a.sql': '-- migrate:up\n-- migrate:down\n', ...scripts('true') })).toBe(
      'dbmate',
    )
    expect(await detect({ 'migrations/1_a.js': 'exports.up = (knex) => {}' })).toBe('knex')
    expect(await detect({ 'migrations/20250101000000-a.js': 'exports.up = (db) => db.runSql("")' })).toBe('db-migrate')
    expect(await detect({ 'migrations/1_a.up.sql': 'SELECT 1' })).toBe('golang-migrate')
  })
})

describe('whose a table of id, name and run_on is', () => {
  test('told by its name where it is one that a tool gives', () => {
    expect(nodePgMigrate.recognise(table('pgmigrations'), [])).toContain('and its name')
    expect(dbMigrate.recognise(table('pgmigrations'), [])).toBeNull()
    expect(nodePgMigrate.recognise(table('migrations'), [])).toBeNull()
    expect(dbMigrate.recognise(table('migrations'), [])).toContain('and its name')
    for (const tool of [nodePgMigrate, dbMigrate]) {
      expect(tool.recognise(table('seeds'), [])).toBeNull()
      expect(tool.recognise(table('changes'), [])).not.toBeNull()
    }
  })

  test('a table that the repository names is read, whatever its name; its rows say whose it is', async () => {
    const database = await createDatabase()
    try {
      await database.run(`CREATE TABLE migrations (id serial, name varchar(255), run_on timestamp, "mehr ü" text);
INSERT INTO migrations (name, run_on) VALUES ('1_a', now()), ('/20250101000000-x', now())`)
      const files = { ...named('1_a.sql', '2_b.sql'), ...scripts('node-pg-migrate up -t migrations') }
      const { observation } = await lookAt(database.url, await expectLedger(projectOf(files), 'migrations'))
      expect(observation).toMatchObject({
        reading: { table: 'public.migrations', applied: [{ key: '1_a' }, { key: '/20250101000000-x' }] },
      })
    } finally {
      await database.drop()
    }
  })

  test('db-migrate’s, which stands there instead, is named', async () => {
    const database = await createDatabase()
    try {
      await database.run(dbMigrate.ledgerDdl)
      const { observation } = await lookAt(database.url, await expectLedger(projectOf(named('1_a.sql')), 'migrations'))
      expect(observation).toMatchObject({
        problem: { problem: 'missing', detail: expect.stringContaining('public.migrations (db-migrate)') as string },
      })
    } finally {
      await database.drop()
    }
  })

  test('a table without run_on is none', () => {
    const { run_on: _, ...columns } = table('pgmigrations').columns
    expect(nodePgMigrate.recognise({ ...table('pgmigrations'), columns }, [])).toBeNull()
  })
})
