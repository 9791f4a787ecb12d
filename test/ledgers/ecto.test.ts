import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { ecto } from '../../functions/ledgers/ecto.ts'
import { golangMigrate } from '../../functions/ledgers/golang-migrate.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'priv/repo/migrations'
const TEXT = 'defmodule A do\n  use Ecto.Migration\nend\n'
const named = (...names: readonly string[]): Files => Object.fromEntries(names.map((name) => [`${PATH}/${name}`, TEXT]))
const discover = (files: Files, path = PATH) => ecto.discover(projectOf(files), { path, placeholders: {}, table: null })
const interpret = async (rows: readonly (readonly [string, string | null])[], files: Files) =>
  ecto.interpret({
    table: { schema: 'public', table: 'schema_migrations', columns: {}, readable: true },
    rows: rows.map(([version, at]) => ({ version, inserted_at: at })),
    beside: [],
    migrations: (await discover(files)).migrations,
  })
const table = (columns: Readonly<Record<string, string>>, name = 'schema_migrations') => ({
  schema: 'public',
  table: name,
  columns,
  readable: true,
})

test('.exs files at any depth, by their number, of which leading zeros do not count', async () => {
  const { migrations } = await discover(
    named('10_b.exs', '009_a.exs', 'sub/11_größe "x".exs', 'helpers.exs', '.formatter.exs'),
  )
  expect(migrations.map(({ key, subject }) => [key, subject])).toEqual([
    ['9', '009_a.exs'],
    ['10', '10_b.exs'],
    ['11', '11_größe "x".exs'],
  ])
})

test('one that ends in .ex is passed over, and two of one version or name are refused', async () => {
  const { migrations, problems } = await discover(named('1_a.ex', '2_b.exs', '02_c.exs', '3_b.exs'))
  expect(migrations.map(({ key }) => key)).toEqual(['2', '3'])
  expect(problems.map(({ file }) => file)).toEqual([`${PATH}/1_a.ex`, `${PATH}/2_b.exs`, `${PATH}/3_b.exs`])
})

test('inserted_at is a time in UTC; a late one is run', async () => {
  const { applied } = await interpret(
    [
      ['20250304091502', '2025-09-01 08:00:00'],
      ['20250407080942', null],
    ],
    named('20250304091502_a.exs', '20250318141127_b.exs'),
  )
  expect(applied.map(({ key, label, at, place }) => [key, label, at, place])).toEqual([
    ['20250304091502', '20250304091502_a.exs', '2025-09-01T08:00:00.000Z', 1],
    ['20250407080942', '20250407080942', null, 2],
  ])
  const { late, commands } = await discover(named('1_a.exs'))
  expect([late, commands.migrateLate]).toEqual(['runs', 'mix ecto.migrate'])
})

describe('whose the table schema_migrations is', () => {
  test('Ecto’s by a bigint version and inserted_at, whatever its name, and with nothing beside them', () => {
    const own = { version: 'bigint', inserted_at: 'timestamp(0) without time zone' }
    expect(ecto.recognise(table(own), [])).not.toBeNull()
    expect(golangMigrate.recognise(table(own), [])).toBeNull()
    expect(ecto.recognise(table({ version: 'bigint(20)', inserted_at: 'datetime' }), [])).not.toBeNull()
    expect(ecto.recognise(table({ ...own, title: 'text' }), [])).toBeNull()
  })

  test('never golang-migrate’s, Rails’ or dbmate’s', () => {
    expect(ecto.recognise(table({ version: 'bigint', dirty: 'boolean' }), [])).toBeNull()
    expect(ecto.recognise(table({ version: 'character varying' }), [])).toBeNull()
    expect(ecto.recognise(table({ version: 'character varying', inserted_at: 'timestamp' }), [])).toBeNull()
  })
})

describe('config', () => {
  const mix = { 'mix.exs': '{:ecto_sql, "~> 3.10"}' }

  test('the source of the repo whose folder it is', async () => {
    const config = [
      'config :shop, ecto_repos: [Shop.Repo, Shop.AnalyticsRepo]',
      'config :shop, Shop.Repo, migration_source: "a" # migration_source: "c"',
      'config :shop, Shop.AnalyticsRepo,\n  url: System.get_env("ANALYTICS_URL"),\n  migration_source: "b"',
    ].join('\n')
    const files = {
      ...mix,
      'config/config.exs': config,
      'priv/analytics_repo/migrations/1_a.exs': TEXT,
      ...named('1_a.exs'),
    }
    const found = await discover(files, 'priv/analytics_repo/migrations')
    expect(found.table).toEqual({ schema: null, table: 'b' })
    expect(found.commands).toMatchObject({
      migrate: 'mix ecto.migrate -r Shop.AnalyticsRepo',
      addressIn: 'ANALYTICS_URL',
    })
    expect((await discover(files)).table).toEqual({ schema: null, table: 'a' })
  })

  test('one that is computed is asked for', async () => {
    const config = 'config :shop, Shop.Repo, migration_source: System.get_env("T")'
    const { table: name, notes } = await discover({ ...mix, ...named('1_a.exs'), 'config/config.exs': config })
    expect(name).toBeNull()
    expect(notes).toEqual([expect.stringContaining('set `migrations.table`')])
  })

  test('an application below, another folder and a prefix stand in the command', async () => {
    const files = {
      'apps/shop/mix.exs': '{:ecto_sql, "~> 3.10"}',
      'apps/shop/priv/repo/tenants/1_a.exs': TEXT,
      'apps/shop/Makefile': 'up:\n\tmix ecto.migrate --prefix tenant_a\n',
    }
    const { table: name, commands } = await discover(files, 'apps/shop/priv/repo/tenants')
    expect(commands.migrate).toBe(
      'cd apps/shop && mix ecto.migrate --migrations-path priv/repo/tenants --prefix tenant_a',
    )
    expect(name).toEqual({ schema: 'tenant_a', table: 'schema_migrations' })
  })
})

test('told by `use Ecto.Migration`, or by the form of the name where mix.exs has Ecto', async () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), PATH, null)
    return 'problem' in found ? found.problem : `${found.tool.name} ${found.detection.confidence}`
  }
  expect(await detect(named('1_a.exs'))).toBe('ecto certain')
  const own = { [`${PATH}/1_a.exs`]: '# use Ecto.Migration\nuse Shop.Migration' }
  expect(await detect({ ...own, 'mix.exs': '{:ecto_sql, "~> 3"}' })).toBe('ecto likely')
  expect(await detect(own)).toBe('undetected')
})
