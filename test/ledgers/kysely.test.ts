import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { kysely } from '../../functions/ledgers/kysely.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const UP = "import type { Kysely } from 'kysely'\nexport async function up(db: Kysely<any>) {}"
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, UP]))
const discover = (files: Files, path = './migrations/') =>
  kysely.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Files) =>
  kysely.interpret({
    table: { schema: 'public', table: 'kysely_migration', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  })
const ran = (name: string, second: number): LedgerRow => ({ name, timestamp: `2026-01-01T00:00:0${second}.000Z` })
const config = (more: string): Files => ({
  'kysely.config.ts': `export default defineConfig({ migrations: { migrationFolder: 'migrations', ${more} } })`,
})

describe('files', () => {
  test('are ordered by their names without extension, in code units; .d.ts, .d.mts and deeper ones are none', async () => {
    const { migrations } = await discover(
      named('a.ts', 'a-b.ts', 'B.mts', 'c.cjs', 'd.d.ts', 'e.d.mts', 'sub/f.ts', 'g.sql'),
    )
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
      ['B', 'B'],
      ['a', 'a'],
      ['a-b', 'a-b'],
      ['c', 'c'],
    ])
  })

  test('without an `up` are passed over, and said', async () => {
    const files = {
      ...named('a.ts'),
      'migrations/names.ts': "export const LABEL = 'up'",
      'migrations/b.js': 'exports.up = async (db) => {}',
    }
    const { migrations, problems } = await discover(files)
    expect(migrations.map(({ key }) => key)).toEqual(['a', 'b'])
    expect(problems).toEqual([expect.objectContaining({ file: 'migrations/names.ts' })])
  })

  test('of JavaScript are none to kysely-ctl, unless it says allowJS', async () => {
    const files = named('a.ts', 'a.js', 'b.js')
    const without = await discover({ ...files, ...config('') })
    expect(without.migrations.map(({ file }) => file)).toEqual(['migrations/a.ts'])
    expect(without.problems).toEqual([expect.objectContaining({ file: 'migrations/b.js' })])
    const { migrations, problems } = await discover({ ...named('a.ts', 'b.js'), ...config('allowJS: true') })
    expect(migrations.map(({ key }) => key)).toEqual(['a', 'b'])
    expect(problems).toEqual([])
  })

  test('of one name but for the extension are a problem', async () => {
    expect((await discover(named('a.js', 'a.ts'))).problems).toHaveLength(1)
  })
})

describe('the order', () => {
  test('is refused where a late one comes before one that has run, which the note names', async () => {
    const { applied, notes } = await interpret([ran('a', 1), ran('c', 2)], named('a.ts', 'b.ts', 'c.ts'))
    expect(applied.map(({ place }) => place)).toEqual([1, 3])
    expect(notes).toEqual([expect.stringMatching(/^c ran before b, .*allowUnorderedMigrations/) as string])
    expect((await discover(named('a.ts'))).late).toBe('refuses')
    expect((await discover(named('a.ts'))).commands.migrateLate).toBeNull()
  })

  test('is refused also where all have run, in another order than that of their names', async () => {
    const { notes } = await interpret([ran('a', 1), ran('c', 2), ran('b', 3)], named('a.ts', 'b.ts', 'c.ts'))
    expect(notes).toEqual([expect.stringMatching(/^c ran before b/) as string])
  })

  test('of one millisecond is that of the names', async () => {
    const { notes } = await interpret([ran('b', 1), ran('a', 1), ran('c', 1)], named('a.ts', 'b.ts', 'c.ts'))
    expect(notes).toEqual([])
  })

  test('does not matter with allowUnorderedMigrations: late ones run', async () => {
    const { late, commands } = await discover({ ...named('a.ts'), ...config('allowUnorderedMigrations: true') })
    expect(late).toBe('runs')
    expect(commands.migrateLate).toBe('npx kysely migrate:latest')
  })

  test('is refused where a row has no file, which the note names', async () => {
    const { notes } = await interpret([ran('a', 1), ran('Ä "x"', 2)], named('a.ts'))
    expect(notes).toEqual([expect.stringMatching(/^Ä "x" has run and has no file here/) as string])
  })

  test('that the project makes itself is said', async () => {
    const { notes } = await discover({ ...named('a.ts'), ...config('nameComparator: byNumber') })
    expect(notes).toEqual([expect.stringContaining('nameComparator') as string])
  })
})

test('the lock table tells of no lock: Kysely neither writes nor reads `is_locked`', () => {
  const lock = { schema: 'ops', table: 'kysely_migration_lock', columns: {}, readable: true }
  const table = {
    schema: 'ops',
    table: 'log',
    columns: { name: 'text', timestamp: 'character varying(255)' },
    readable: true,
  }
  expect(kysely.beside(table)).toEqual([
    { schema: 'ops', table: 'log_lock' },
    { schema: 'ops', table: 'kysely_migration_lock' },
  ])
  expect(kysely.recognise(table, [lock])).toContain('kysely_migration_lock stands beside it')
  const read = kysely.interpret({
    table,
    rows: [],
    beside: [{ table: lock.table, rows: [{ id: 'migration_lock', is_locked: '1' }] }],
    migrations: [],
  })
  expect(read.lock).toBeNull()
})

test('a table is told by both types, and by having no other column', () => {
  const table = (columns: Readonly<Record<string, string>>) => ({
    schema: 'public',
    table: 'kysely_migration',
    columns,
    readable: true,
  })
  const text = 'character varying(255)'
  expect(kysely.recognise(table({ name: text, timestamp: text }), [])).not.toBeNull()
  expect(kysely.recognise(table({ name: text, timestamp: 'timestamp with time zone' }), [])).toBeNull()
  expect(kysely.recognise(table({ name: text, timestamp: text, id: 'integer' }), [])).toBeNull()
})

describe('the repository', () => {
  test('names table and schema in kysely.config, and the command runs beside it', async () => {
    const text =
      "export default defineConfig({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) }), migrations: { migrationTableName: 'log', migrationTableSchema: 'ops' } })"
    const { table, commands, notes } = await discover(
      { 'apps/api/.config/kysely.config.ts': text, 'apps/api/migrations/a.ts': UP },
      'apps/api/migrations',
    )
    expect(table).toEqual({ schema: 'ops', table: 'log' })
    expect(commands).toMatchObject({ migrate: 'cd apps/api && npx kysely migrate:latest', addressIn: 'DATABASE_URL' })
    expect(notes).toEqual([])
  })

  test('names them in a Migrator of its own, run by its script', async () => {
    const files = {
      ...named('a.ts'),
      'package.json': JSON.stringify({ scripts: { 'migrate:down': 'x', 'db:migrate': 'tsx src/migrate.ts' } }),
      'src/migrate.ts':
        "new Migrator({ db, provider: new FileMigrationProvider({ fs, path, migrationFolder }), migrationTableName: 'log' })",
    }
    const { table, commands, notes } = await discover(files)
    expect(table).toEqual({ schema: null, table: 'log' })
    expect(commands.migrate).toBe('npm run db:migrate')
    expect(notes).toEqual([])
  })

  test('that computes the table is asked about', async () => {
    const { table, notes } = await discover({ ...named('a.ts'), ...config('migrationTableName: TABLE') })
    expect(table).toBeNull()
    expect(notes).toEqual([expect.stringContaining('migrations.table') as string])
  })

  test('with a provider of its own is said: its names are code', async () => {
    const { notes } = await discover({ ...named('a.ts'), ...config('provider: new BundledProvider()') })
    expect(notes).toEqual([expect.stringContaining('provider') as string])
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

  test('is told by what its files import, and with certainty by the config file or package.json', async () => {
    expect(await detect(named('a.ts'))).toEqual({ tool: 'kysely', confidence: 'likely' })
    expect(await detect({ ...named('a.ts'), ...depends('kysely', 'knex') })).toEqual({
      tool: 'kysely',
      confidence: 'certain',
    })
    const plain = {
      'migrations/a.js': 'exports.up = async (db) => {}',
      'kysely.config.ts': "migrationFolder: 'migrations', allowJS: true",
    }
    expect(await detect(plain)).toEqual({ tool: 'kysely', confidence: 'certain' })
  })

  test('of Knex in a repository that has both is Knex’s', async () => {
    const knex = { 'migrations/a.js': "exports.up = (knex) => knex.schema.dropTable('kysely_migration')" }
    expect(await detect({ ...knex, ...depends('kysely', 'knex'), 'knexfile.js': '' })).toMatchObject({ tool: 'knex' })
  })
})
