import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../functions/config/load.ts'
import { deploywatch, folderWith } from './deploywatch.ts'

const SQL = 'CREATE TABLE orders (id int);\n'
const SQITCH_PLAN =
  '%syntax-version=1.0.0\n%project=orders\n\norders 2026-01-02T03:04:05Z Dana <dana@example.com> # Orders.\n'

const PROJECTS: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  { readonly tool: string; readonly path: string },
])[] = [
  [
    'Flyway in a Java project',
    { 'src/main/resources/db/migration/V1__init.sql': SQL, 'pom.xml': '<project/>' },
    { tool: 'flyway', path: 'src/main/resources/db/migration' },
  ],
  [
    'Flyway in db/migration',
    { 'db/migration/V1__init.sql': SQL, 'db/migration/R__views.sql': SQL },
    { tool: 'flyway', path: 'db/migration' },
  ],
  [
    'Prisma',
    {
      'package.json': '{"devDependencies":{"prisma":"6"}}',
      'prisma/schema.prisma': 'datasource db { provider = "postgresql" }',
      'prisma/migrations/migration_lock.toml': 'provider = "postgresql"\n',
      'prisma/migrations/20240101000000_init/migration.sql': SQL,
    },
    { tool: 'prisma', path: 'prisma/migrations' },
  ],
  [
    'Drizzle',
    {
      'drizzle.config.ts': "export default { dialect: 'postgresql', out: './drizzle' }",
      'drizzle/0000_init.sql': SQL,
      'drizzle/meta/_journal.json':
        '{"version":"7","dialect":"postgresql","entries":[{"idx":0,"version":"7","when":1700000000000,"tag":"0000_init","breakpoints":true}]}',
    },
    { tool: 'drizzle', path: 'drizzle' },
  ],
  [
    'golang-migrate',
    {
      'go.mod': 'module example.com/team/orders/v2\n',
      'migrations/000001_init.up.sql': SQL,
      'migrations/000001_init.down.sql': 'DROP TABLE orders;',
    },
    { tool: 'golang-migrate', path: 'migrations' },
  ],
  [
    'Knex',
    {
      'package.json': '{"dependencies":{"knex":"3"}}',
      'knexfile.js': 'module.exports = {}',
      'migrations/20240101000000_init.js':
        'exports.up = (knex) => knex.schema.createTable("orders", () => {})\nexports.down = () => {}\n',
    },
    { tool: 'knex', path: 'migrations' },
  ],
  [
    'Django, whose apps have a folder each',
    {
      'manage.py': 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")\n',
      'settings.py': 'INSTALLED_APPS = ["shop", "bills"]\n',
      ...djangoApp('bills'),
      ...djangoApp('shop'),
    },
    { tool: 'django', path: '.' },
  ],
  [
    'sqitch, at the top',
    {
      'sqitch.conf': '[core]\n\tengine = pg\n',
      'sqitch.plan': SQITCH_PLAN,
      'deploy/orders.sql': SQL,
      'revert/orders.sql': 'DROP TABLE orders;',
    },
    { tool: 'sqitch', path: '.' },
  ],
  [
    'sqitch, with a folder of its own',
    {
      'sqitch.conf': '[core]\n\tengine = pg\n\ttop_dir = db\n',
      'db/sqitch.plan': SQITCH_PLAN,
      'db/deploy/orders.sql': SQL,
    },
    { tool: 'sqitch', path: 'db' },
  ],
  [
    'Alembic',
    {
      'alembic.ini': '[alembic]\nscript_location = %(here)s/alembic\n',
      'alembic/versions/1_init.py': "from alembic import op\nrevision = '1'\ndown_revision = None\n",
    },
    { tool: 'alembic', path: 'alembic' },
  ],
  [
    'Flask-Migrate',
    {
      'migrations/alembic.ini': '[alembic]\n',
      'migrations/versions/1_init.py': "from alembic import op\nrevision = '1'\ndown_revision = None\n",
    },
    { tool: 'alembic', path: 'migrations' },
  ],
]

function djangoApp(name: string): Readonly<Record<string, string>> {
  return {
    [`${name}/__init__.py`]: '',
    [`${name}/migrations/__init__.py`]: '',
    [`${name}/migrations/0001_initial.py`]:
      'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = []\n',
  }
}

describe('a starter config', () => {
  test.each(PROJECTS)('%s is found, and what is written loads', async (_, files, expected) => {
    const cwd = await folderWith(files)
    const { code, stdout, stderr } = await deploywatch(['init'], { cwd })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(expected.path)
    const { config } = await loadConfig('deploywatch.yaml', cwd)
    expect(config.migrations).toMatchObject([{ name: 'default', ...expected }])
    expect(config.service).toBe('orders')
    expect(Object.keys(config.environments)).toEqual(['staging', 'production'])
  })

  test('for migrations that are code their own command is proposed, as a comment that loads once it is none', async () => {
    const cwd = await folderWith(PROJECTS.find(([name]) => name === 'Knex')?.[1] ?? {})
    await deploywatch(['init'], { cwd })
    const text = await readFile(join(cwd, 'deploywatch.yaml'), 'utf8')
    const schema = /(?:^# .*\n)*^# schema:\n(?:^#.*\n)*/mu.exec(text)?.[0] ?? ''
    const uncommented = text.replace(schema, schema.replaceAll(/^# /gmu, ''))
    await writeFile(join(cwd, 'deploywatch.yaml'), uncommented)
    const { config } = await loadConfig('deploywatch.yaml', cwd)
    expect(config.schema.replay).toMatchObject({ mode: 'command', command: 'npx knex migrate:latest' })
  })

  test('it begins with the line by which editors find the schema', async () => {
    const cwd = await folderWith({})
    await deploywatch(['init'], { cwd })
    expect(await readFile(join(cwd, 'deploywatch.yaml'), 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=\.\/node_modules\/deploywatch\/deploywatch\.schema\.json\n/u,
    )
  })

  test('a folder without anything still gets one that loads, and is told what to fill in', async () => {
    const cwd = await folderWith({}, 'My: folder #1')
    const { code, stdout } = await deploywatch(['init'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('none found: name their folder in the file')
    const { config } = await loadConfig('deploywatch.yaml', cwd)
    expect(config).toMatchObject({ service: 'My: folder #1', migrations: [], pipelines: null })
  })

  test.each(['@team/orders', 'no', '123', 'a: b', "it's", 'x'.repeat(200)])(
    'a service called %j is written so that it is read',
    async (name) => {
      const cwd = await folderWith({ 'package.json': JSON.stringify({ name }) }, 'folder')
      await deploywatch(['init'], { cwd })
      expect((await loadConfig('deploywatch.yaml', cwd)).config.service).toBe(name.split('/').at(-1))
    },
  )

  test('pipelines are those that deploy', async () => {
    const cwd = await folderWith({
      '.github/workflows/lint.yml': 'on: push\njobs: { lint: {} }\n',
      '.github/workflows/ship.yaml': 'jobs: { production: {} }\n',
      '.gitlab-ci.yml': 'stages: []\n',
      'buildspec.yml': 'version: 0.2\n',
      'node_modules/x/.gitlab-ci.yml': 'a: 1\n',
    })
    await deploywatch(['init'], { cwd })
    expect((await loadConfig('deploywatch.yaml', cwd)).config.pipelines).toEqual([
      '.github/workflows/ship.yaml',
      '.gitlab-ci.yml',
      'buildspec.yml',
    ])
  })

  test('of several folders the likeliest is taken, and the others are named', async () => {
    const cwd = await folderWith({
      'tools/old-migrations/V1__old.sql': SQL,
      'db/migration/V1__init.sql': SQL,
    })
    await deploywatch(['init'], { cwd })
    const text = await readFile(join(cwd, 'deploywatch.yaml'), 'utf8')
    expect(text).toContain('  path: db/migration\n# also found: tools/old-migrations, Flyway')
  })

  test('one that is there is kept, unless --force says otherwise', async () => {
    const cwd = await folderWith({ 'deploywatch.yaml': 'service: mine\n' })
    const kept = await deploywatch(['init'], { cwd })
    expect(kept).toEqual({
      code: 64,
      stdout: '',
      stderr: 'error: deploywatch.yaml is there already: keep it, or overwrite it with --force\n',
    })
    expect(await readFile(join(cwd, 'deploywatch.yaml'), 'utf8')).toBe('service: mine\n')
    expect((await deploywatch(['init', '--force'], { cwd })).code).toBe(0)
    expect((await loadConfig('deploywatch.yaml', cwd)).config.service).toBe('orders')
  })

  test('--config writes it elsewhere, and looks there', async () => {
    const cwd = await folderWith({ 'services/orders/db/migration/V1__init.sql': SQL })
    await deploywatch(['init', '--config', 'services/orders/watch.yaml'], { cwd })
    expect((await loadConfig('services/orders/watch.yaml', cwd)).config.migrations[0]?.path).toBe('db/migration')
    const nowhere = await deploywatch(['init', '--config', 'no/folder/watch.yaml'], { cwd })
    expect(nowhere).toMatchObject({ code: 64, stdout: '' })
  })
})
