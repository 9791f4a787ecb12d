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

test('nothing, or a folder without migrations, is no tool', async () => {
  expect(await detect({})).toMatchObject({ problem: 'undetected' })
  expect(await detect({ 'migrations/README.md': '', 'migrations/schema.sql': '' })).toMatchObject({
    problem: 'undetected',
  })
})

describe('a tool that is known and not read yet is named, not misread', () => {
  test.each<[string, Files]>([
    ['Liquibase', { 'migrations/a.sql': '-- liquibase formatted sql\n' }],
    ['Liquibase', { 'migrations/root.xml': '<databaseChangeLog/>' }],
    ['refinery', { 'migrations/V1__a.sql': '', 'Cargo.toml': '[dependencies]\nrefinery = "0.8"\n' }],
    ['sqlx', { 'migrations/1_a.up.sql': '', 'Cargo.toml': '[dependencies]\nsqlx = "0.8"\n' }],
    [
      'Kysely',
      { 'migrations/a.ts': "import { Kysely } from 'kysely'\nexport async function up(db) {}", ...depends('kysely') },
    ],
    ['Laravel', { 'migrations/2025_a.php': '<?php' }],
    ['Atlas', { 'migrations/20250101_a.sql': '', 'migrations/atlas.sum': 'h1:' }],
    ['tern', { 'migrations/001_a.sql': 'SELECT 1\n---- create above / drop below ----\n' }],
    ['Diesel', { 'migrations/2025_a/up.sql': '', 'diesel.toml': '' }],
    ['Prisma 8', { 'migrations/a/migration.json': '{}', 'migrations/a/ops.json': '[]' }],
    ['Supabase', { 'migrations/20250101_a.sql': '', 'supabase/config.toml': '' }],
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
    expect(await detect({}, 'migrations', 'liquibase')).toMatchObject({ problem: 'unsupported' })
    expect(await detect({}, 'migrations', 'EF Core')).toMatchObject({ problem: 'unsupported' })
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
  expect(recogniseOther(table('id', 'migration', 'batch'))?.name).toBe('laravel')
  expect(recogniseOther(table('version', 'name', 'applied_on', 'checksum'))?.name).toBe('refinery')
  expect(recogniseOther(table('id', 'timestamp', 'name', 'body'))).toBeNull()
  expect(recogniseOther(table('id', 'title'))).toBeNull()
  expect(new Set(OTHER_TOOLS.map(({ name }) => name)).size).toBe(OTHER_TOOLS.length)
})
