import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { OTHER_TOOLS, recogniseOther } from '../../functions/ledgers/other-tools.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const detect = async (files: Files, path = 'migrations', wanted: string | null = null) => {
  const found = await detectTool(projectOf(files), path, wanted)
  return 'problem' in found ? found : { tool: found.tool.name, ...found.detection }
}
const depends = (...names: readonly string[]): Files => ({
  'package.json': JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, '*'])) }),
})
const UP = 'exports.up = async (knex) => {}'

describe('one of the five', () => {
  test.each<[string, Files, string, string]>([
    ['Flyway’s names alone', { 'migrations/V1__a.sql': '' }, 'flyway', 'likely'],
    ['Flyway’s names and its config', { 'migrations/V1__a.sql': '', 'flyway.toml': '' }, 'flyway', 'certain'],
    [
      'Prisma’s lock file',
      { 'migrations/a/migration.sql': '', 'migrations/migration_lock.toml': '' },
      'prisma',
      'certain',
    ],
    ['Prisma by package.json', { 'migrations/a/migration.sql': '', ...depends('prisma') }, 'prisma', 'likely'],
    ['Drizzle’s journal', { 'migrations/meta/_journal.json': '{"entries":[]}' }, 'drizzle', 'certain'],
    [
      'Drizzle 1.x by its snapshot',
      { 'migrations/a/migration.sql': '', 'migrations/a/snapshot.json': '{}' },
      'drizzle',
      'certain',
    ],
    ['Drizzle 1.x by its config', { 'migrations/a/migration.sql': '', 'drizzle.config.ts': '' }, 'drizzle', 'certain'],
    ['golang-migrate’s names alone', { 'migrations/1_a.up.sql': '' }, 'golang-migrate', 'likely'],
    [
      'golang-migrate in a Makefile',
      { 'migrations/1_a.up.sql': '', Makefile: 'up:\n\tmigrate -path migrations up' },
      'golang-migrate',
      'certain',
    ],
    ['a knexfile', { 'migrations/a.js': UP, 'knexfile.ts': '' }, 'knex', 'certain'],
    ['Knex by package.json', { 'migrations/a.ts': UP, ...depends('knex') }, 'knex', 'likely'],
    ['Knex by what the migration takes', { 'migrations/a.js': UP }, 'knex', 'likely'],
  ])('%s', async (_, files, tool, confidence) => {
    expect(await detect(files)).toMatchObject({ tool, confidence })
  })

  test('what is certain beats what is likely', async () => {
    const files = { 'migrations/V1__a.sql': '', 'migrations/1_a.up.sql': '', 'flyway.conf': '' }
    expect(await detect(files)).toMatchObject({ tool: 'flyway' })
  })

  test('a package of a workspace is found by the config files above it', async () => {
    expect(
      await detect({ 'apps/api/db/migrations/a.js': UP, 'apps/api/knexfile.js': '' }, 'apps/api/db/migrations'),
    ).toMatchObject({ tool: 'knex' })
  })
})

test('two that fit equally well are both named, and asked about', async () => {
  const found = await detect({ 'migrations/V1__a.sql': '', 'migrations/1_a.up.sql': '' })
  expect(found).toMatchObject({
    problem: 'ambiguous',
    message: expect.stringMatching(/Flyway .*golang-migrate .*set `migrations\.tool`/) as string,
  })
})

describe('files of SQL that begin with a number are many tools’', () => {
  const CARGO = { 'Cargo.toml': '[dependencies]\nsqlx = "0.9"\n' }
  test.each<[string, Files, string]>([
    ['dbmate by its marks', { 'migrations/1_a.sql': '-- migrate:up\n' }, 'dbmate'],
    ['dbmate by its marks, in a program with sqlx', { 'migrations/1_a.sql': '-- migrate:up\n', ...CARGO }, 'dbmate'],
    ['goose by its marks', { 'migrations/1_a.sql': '-- +goose Up\n' }, 'goose'],
    ['goose by its marks, in a program with sqlx', { 'migrations/1_a.sql': '-- +goose Up\n', ...CARGO }, 'goose'],
    ['goose in Go', { 'migrations/1_a.go': 'func init() { goose.AddMigrationContext(up, down) }' }, 'goose'],
    ['Atlas by its hashes', { 'migrations/1_a.sql': '', 'migrations/atlas.sum': 'h1:' }, 'atlas'],
    ['Atlas by its config', { 'migrations/1_a.sql': '', 'atlas.hcl': 'env "ci" {\n}\n' }, 'atlas'],
    ['sqlx by Cargo.toml', { 'migrations/1_a.sql': '', ...CARGO }, 'sqlx'],
    [
      'sqlx by Cargo.toml, up and down',
      { 'migrations/1_a.up.sql': '', 'migrations/1_a.down.sql': '', ...CARGO },
      'sqlx',
    ],
    ['sqlx by its config', { 'migrations/1_a.sql': '', 'sqlx.toml': '' }, 'sqlx'],
    ['Diesel by its config', { 'migrations/1_a/up.sql': '', 'diesel.toml': '' }, 'diesel'],
    ['Diesel by Cargo.toml', { 'migrations/1_a/up.sql': '', 'Cargo.toml': '[dependencies.diesel]\n' }, 'diesel'],
    ['Diesel by its form of name', { 'migrations/2024-01-01-000000_a/up.sql': '' }, 'diesel'],
  ])('%s', async (_, files, tool) => {
    expect(await detect(files)).toMatchObject({ tool })
  })

  test('Supabase by its folder, also in a program with sqlx', async () => {
    const files = { 'supabase/migrations/1_a.sql': '', 'supabase/config.toml': '', ...CARGO }
    expect(await detect(files, 'supabase/migrations')).toMatchObject({ tool: 'supabase', confidence: 'certain' })
    expect(await detect({ 'supabase/migrations/1_a.sql': '' }, 'supabase/migrations')).toMatchObject({
      tool: 'supabase',
      confidence: 'likely',
    })
  })

  test('Atlas’ hashes in a program with sqlx are asked about, and so are files that Atlas writes for others to run', async () => {
    const sum = { 'migrations/atlas.sum': 'h1:' }
    expect(await detect({ 'migrations/1_a.sql': '', ...sum, ...CARGO })).toMatchObject({ problem: 'ambiguous' })
    for (const name of ['1_a.up.sql', 'V1__a.sql']) {
      const files = { [`migrations/${name}`]: '', ...sum }
      const found = await detect(files)
      expect(found).toMatchObject({ problem: 'ambiguous' })
      expect(JSON.stringify(found)).toMatch(/Atlas .*(?:golang-migrate|Flyway)/)
      const runs = { Makefile: 'up:\n\tatlas migrate apply --dir file://migrations --url "$(URL)"\n' }
      expect(await detect({ ...files, ...runs })).toMatchObject({ tool: 'atlas', confidence: 'certain' })
      expect(await detect(files, 'migrations', 'atlas')).toMatchObject({ tool: 'atlas' })
    }
    for (const mark of ['-- migrate:up\n', '-- +goose Up\n']) {
      expect(await detect({ 'migrations/1_a.sql': mark, ...sum })).toMatchObject({ problem: 'ambiguous' })
    }
  })

  test('a folder that Drizzle writes and Supabase reads is either’s', async () => {
    const journal = { 'supabase/migrations/meta/_journal.json': '{"entries":[]}' }
    const files = { ...journal, 'supabase/migrations/0000_a.sql': '', 'supabase/config.toml': '' }
    expect(await detect(files, 'supabase/migrations')).toMatchObject({ problem: 'ambiguous' })
  })

  test('without any sign they are possibly sqlx’s, unless the repository is of another language', async () => {
    const bare = { 'migrations/1_a.sql': '', 'migrations/2_b.sql': '' }
    expect(await detect(bare)).toMatchObject({ tool: 'sqlx', confidence: 'possible' })
    for (const file of ['go.mod', 'package.json', 'pyproject.toml', 'Gemfile']) {
      expect(await detect({ ...bare, [file]: '{}' })).toMatchObject({ problem: 'undetected' })
    }
    expect(await detect({ 'migrations/1_a/up.sql': '' })).toMatchObject({ problem: 'undetected' })
  })

  test('tern’s and refinery’s are never taken for golang-migrate’s, Flyway’s or sqlx’s', async () => {
    const mark = 'SELECT 1\n---- create above / drop below ----\nSELECT 2\n'
    for (const files of [
      { 'migrations/001_a.sql': mark },
      { 'migrations/001_a.sql': mark, ...CARGO },
      { 'migrations/001_a.sql': '', 'tern.conf': '' },
      { 'migrations/001_a.up.sql': mark },
      { 'migrations/V1__a.sql': '', 'Cargo.toml': '[dependencies]\nrefinery = { version = "0.8" }\n' },
      { 'migrations/V1__a.sql': '', 'refinery.toml': '' },
      { 'migrations/V1__a.sql': '', 'Cargo.toml': '[dependencies]\nsqlx = "0.9"\nrefinery = "0.8"\n' },
    ]) {
      expect(await detect(files)).toMatchObject({
        problem: 'unsupported',
        message: expect.stringMatching(/tern|refinery/) as string,
      })
    }
  })
})

test('nothing, or a folder without migrations, is no tool', async () => {
  expect(await detect({})).toMatchObject({ problem: 'undetected' })
  expect(await detect({ 'migrations/README.md': '', 'migrations/schema.sql': '' })).toMatchObject({
    problem: 'undetected',
  })
})

describe('a tool that is known and not read yet is named, not misread', () => {
  test.each<[string, Files]>([
    ['refinery', { 'migrations/V1__a.sql': '', 'Cargo.toml': '[dependencies]\nrefinery = "0.8"\n' }],
    ['tern', { 'migrations/001_a.sql': 'SELECT 1\n---- create above / drop below ----\n' }],
    ['Prisma 8', { 'migrations/a/migration.json': '{}', 'migrations/a/ops.json': '[]' }],
  ])('%s', async (title, files) => {
    const found = await detect(files)
    expect(found).toMatchObject({ problem: 'unsupported', message: expect.stringContaining(title) as string })
    expect(found).toMatchObject({
      message: expect.stringMatching(/Drizzle, .*Flyway, .*golang-migrate, .*Knex, .*Prisma/) as string,
    })
  })
})

describe('`migrations.tool`', () => {
  test('is believed, in any case', async () => {
    expect(await detect({ 'migrations/1_a.up.sql': '' }, 'migrations', 'Flyway')).toMatchObject({
      tool: 'flyway',
      confidence: 'certain',
    })
  })

  test('of a known tool that is not read yet is answered clearly', async () => {
    expect(await detect({}, 'migrations', 'tern')).toMatchObject({ problem: 'unsupported' })
    expect(await detect({}, 'migrations', 'Prisma 8')).toMatchObject({ problem: 'unsupported' })
  })

  test('of no tool at all says which there are', async () => {
    expect(await detect({}, 'migrations', 'flywya')).toMatchObject({
      problem: 'unknown',
      message: expect.stringContaining('flywya') as string,
    })
  })
})

test('another tool’s table is recognised by its whole set of columns only', () => {
  const table = (...names: readonly string[]) => ({
    schema: 'public',
    table: 't',
    columns: Object.fromEntries(names.map((name) => [name, 'text'])),
    readable: true,
  })
  expect(recogniseOther(table('id', 'timestamp', 'name'))).toBeNull()
  expect(recogniseOther(table('version', 'name', 'applied_on', 'checksum'))?.name).toBe('refinery')
  expect(recogniseOther(table('id', 'timestamp', 'name', 'body'))).toBeNull()
  expect(recogniseOther(table('id', 'title'))).toBeNull()
  expect(new Set(OTHER_TOOLS.map(({ name }) => name)).size).toBe(OTHER_TOOLS.length)
})
