import { describe, expect, test } from 'vitest'
import { diesel } from '../../functions/ledgers/diesel.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const discover = (files: Files, path = 'migrations') =>
  diesel.discover(projectOf(files), { path, placeholders: {}, table: null })
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}/up.sql`, 'SELECT 1;']))
const TABLE = { schema: 'public', table: '__diesel_schema_migrations', columns: {}, readable: true }

test('folders are ordered by their versions as text, dashes left out, whatever their names', async () => {
  const { migrations, problems } = await discover({
    ...named(
      '9_nine',
      '10_ten',
      '2024-01-02-000000-0000_b',
      '00000000000000_diesel_initial_setup',
      'b',
      "2024-01-01-000000_it's ö",
    ),
    'migrations/.keep': '',
    'migrations/.hidden/x.sql': '',
    'migrations/README.md': '',
    'migrations/9_nine/down.sql': '',
    'migrations/9_nine/metadata.toml': 'run_in_transaction = false',
  })
  expect(migrations.map(({ subject, key, file }) => [subject, key, file])).toEqual([
    ['00000000000000_diesel_initial_setup', '00000000000000', 'migrations/00000000000000_diesel_initial_setup/up.sql'],
    ['10_ten', '10', 'migrations/10_ten/up.sql'],
    ["2024-01-01-000000_it's ö", '20240101000000', "migrations/2024-01-01-000000_it's ö/up.sql"],
    ['2024-01-02-000000-0000_b', '202401020000000000', 'migrations/2024-01-02-000000-0000_b/up.sql'],
    ['9_nine', '9', 'migrations/9_nine/up.sql'],
    ['b', 'b', 'migrations/b/up.sql'],
  ])
  expect(problems).toEqual([])
})

test('a folder without up.sql breaks every command; deeper ones are such', async () => {
  const { problems, migrations } = await discover({
    ...named('1_a'),
    'migrations/2_b/down.sql': '',
    'migrations/2025/3_c/up.sql': 'SELECT 1',
  })
  expect(problems.map(({ file }) => file)).toEqual(['migrations/2025', 'migrations/2_b'])
  expect(migrations).toHaveLength(1)
})

test('two folders of one version, and one without a statement, are problems', async () => {
  const { problems } = await discover({
    ...named('2024-01-01-000000_a', '20240101000000_twin'),
    'migrations/3_c/up.sql': '-- nothing yet\r\n',
  })
  expect(problems.map(({ file, message }) => [file, message.split(/[:,]/)[0]])).toEqual([
    ['migrations/20240101000000_twin/up.sql', "version 20240101000000 is 2024-01-01-000000_a's already"],
    ['migrations/3_c/up.sql', 'it has no statement'],
  ])
})

test('rows: the version tells, an unknown one has its place as text', async () => {
  const { migrations } = await discover(named('10_ten', '2024-01-02-000000_b', '9_nine'))
  const rows = ['10', '2023', '20240102000000'].map((version) => ({ version, run_on: '2026-11-23 01:56:15.6771' }))
  const { applied } = diesel.interpret({ table: TABLE, rows, beside: [], migrations })
  expect(applied.map(({ key, label, place, at }) => [key, label, place, at])).toEqual([
    ['10', '10_ten', 1, '2026-11-23T01:56:15.677Z'],
    ['2023', '2023', 1, '2026-11-23T01:56:15.677Z'],
    ['20240102000000', '2024-01-02-000000_b', 2, '2026-11-23T01:56:15.677Z'],
  ])
})

test('two such columns among others are anybody’s table, and Kysely’s or Ecto’s are not Diesel’s', () => {
  const columns = { version: 'character varying(50)', run_on: 'timestamp without time zone' }
  expect(diesel.recognise({ ...TABLE, columns }, [])).not.toBeNull()
  expect(diesel.recognise({ ...TABLE, columns: { ...columns, note: 'text' } }, [])).toBeNull()
  expect(diesel.recognise({ ...TABLE, columns: { version: 'bigint', run_on: 'timestamp' } }, [])).toBeNull()
  expect(diesel.recognise({ ...TABLE, columns: { version: 'bigint', inserted_at: 'timestamp' } }, [])).toBeNull()
})

describe('commands', () => {
  const command = async (files: Files, path?: string) => (await discover(files, path)).commands.migrate

  test('with the folder where Diesel would not find it', async () => {
    expect(await command(named('1_a'))).toBe('diesel migration run')
    expect(await command({ 'db/my sql/1_a/up.sql': 'SELECT 1' }, 'db/my sql')).toBe(
      "diesel migration run --migration-dir 'db/my sql'",
    )
    const config = { 'diesel.toml': '[print_schema]\nfile = "s.rs"\n\n[migrations_directory]\ndir = "db"\n' }
    expect(await command({ ...config, 'db/1_a/up.sql': 'SELECT 1' }, 'db')).toBe('diesel migration run')
  })

  test('of a package of a workspace with its config file', async () => {
    const files = { 'crates/db/migrations/1_a/up.sql': 'SELECT 1', 'crates/db/diesel.toml': '' }
    expect(await command(files, 'crates/db/migrations')).toBe(
      'diesel migration run --migration-dir crates/db/migrations --config-file crates/db/diesel.toml',
    )
  })
})
