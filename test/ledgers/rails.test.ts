import { describe, expect, test } from 'vitest'
import type { CandidateTable } from '../../functions/engines/engine.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { rails } from '../../functions/ledgers/rails.ts'
import { placeLedgers } from '../../functions/observe-tenants.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { createDatabase } from '../support/postgres.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'db/migrate'
const TEXT = 'class X < ActiveRecord::Migration[7.1]\nend\n'
const named = (...names: readonly string[]): Files => Object.fromEntries(names.map((name) => [`${PATH}/${name}`, TEXT]))
const discover = (files: Files, path = PATH) =>
  rails.discover(projectOf(files), { path, placeholders: {}, table: null })
const table = (type: string, schema = 'public'): CandidateTable => ({
  schema,
  table: 'schema_migrations',
  columns: { version: type },
  readable: true,
})
const METADATA: CandidateTable = {
  schema: 'public',
  table: 'ar_internal_metadata',
  columns: { key: 'varchar(255)', value: 'varchar(255)', created_at: 'datetime(6)', updated_at: 'datetime(6)' },
  readable: true,
}
const interpret = async (versions: readonly string[], names: readonly string[], metadata: readonly LedgerRow[] = []) =>
  rails.interpret({
    table: table('character varying'),
    rows: versions.map((version) => ({ version })),
    beside: [{ table: METADATA.table, rows: metadata }],
    migrations: (await discover(named(...names))).migrations,
  })

test('files of all folders below, by number; what has another form of name is none', async () => {
  const { migrations, problems } = await discover({
    ...named('20260112_b.rb', '002_create_listings.rb', '2026/10_c.rb', '003_tags.acts_as_taggable_engine.rb'),
    [`${PATH}/concerns/money.rb`]: 'module Money\nend\n',
    [`${PATH}/README.md`]: '',
    [`${PATH}/4_x.sql`]: '',
  })
  expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
    ['002_create_listings.rb', '2'],
    ['003_tags.acts_as_taggable_engine.rb', '3'],
    ['2026/10_c.rb', '10'],
    ['20260112_b.rb', '20260112'],
  ])
  expect(migrations.every(({ form }) => form === 'code')).toBe(true)
  expect(problems).toEqual([])
})

test('a name that Rails refuses, a version and a name that two have are problems', async () => {
  const { problems } = await discover(named('1_CreateHosts.rb', '2_a.rb', '02_b.rb', '3_a.rb'))
  expect(problems.map(({ file, message }) => [file.slice(PATH.length + 1), message.split(' is ')[0]])).toEqual([
    ['1_CreateHosts.rb', '1_CreateHosts.rb'],
    ['2_a.rb', 'version 2'],
    ['3_a.rb', 'the name a'],
  ])
})

test('versions are numbers: the ledger has 1, the file is 001', async () => {
  const { applied } = await interpret(['1', '20260112', '002'], ['001_a.rb', '002_b.rb', '20260112_c.rb', '3_late.rb'])
  expect(applied.map(({ key, label, place }) => [key, label, place])).toEqual([
    ['1', '001_a.rb', 1],
    ['20260112', '20260112_c.rb', 4],
    ['2', '002_b.rb', 2],
  ])
})

test('a row that is no number counts as Ruby reads it, and no look fails of it', async () => {
  const { applied } = await interpret(['x', '12abc', "ü'"], ['12_a.rb'])
  expect(applied.map(({ key, label }) => [key, label])).toEqual([
    ['0', "ü'"],
    ['12', '12_a.rb'],
  ])
})

test('a schema that was loaded from a file is said: its versions need not have run', async () => {
  const loaded = await interpret(['1'], ['1_a.rb'], [{ key: 'schema_sha1', value: 'ab' }])
  expect(loaded.notes).toEqual([
    'public.ar_internal_metadata has schema_sha1: the schema was loaded from a file here, and versions that it was taken to hold are recorded without having run',
  ])
  expect((await interpret(['1'], ['1_a.rb'], [{ key: 'environment', value: 'production' }])).notes).toEqual([])
})

describe('whose a table of one column `version` is', () => {
  test('Rails’ where ar_internal_metadata stands beside it, in the same schema and also with a prefix', () => {
    expect(rails.recognise(table('character varying'), [METADATA])).toContain('ar_internal_metadata, which Rails makes')
    expect(
      rails.recognise(table('character varying'), [{ ...METADATA, table: 'shop_ar_internal_metadata' }]),
    ).not.toBeNull()
    expect(rails.recognise(table('character varying'), [{ ...METADATA, schema: 'ops' }])).toBeNull()
    expect(rails.recognise(table('character varying'), [{ ...METADATA, columns: { key: 'text' } }])).toBeNull()
    expect(rails.beside({ schema: 'a', table: 'shop_schema_migrations_v2' })).toEqual([
      { schema: 'a', table: 'shop_ar_internal_metadata_v2' },
    ])
  })

  test('by the length of the column in MySQL, where the two differ', () => {
    expect(rails.recognise(table('varchar(255)'), [])).toContain('varchar(255), as Rails makes it')
    expect(rails.recognise(table('varchar(128)'), [METADATA])).toBeNull()
  })

  test('never that of another tool with more columns or another type', () => {
    for (const columns of [
      { version: 'bigint', dirty: 'boolean' },
      { version: 'bigint', inserted_at: 'timestamp' },
      { version: 'text', statements: 'text[]', name: 'text' },
      { version: 'integer' },
    ]) {
      expect(rails.recognise({ ...table(''), columns }, [METADATA])).toBeNull()
    }
  })
})

test('a version without a file has its place among the numbers', async () => {
  const { applied } = await interpret(['2', '10'], ['1_a.rb', '3_b.rb'])
  expect(applied.map(({ key, place }) => [key, place])).toEqual([
    ['2', 1],
    ['10', 2],
  ])
})

describe('commands', () => {
  test('are those of the repository’s own program, in production', async () => {
    expect((await discover({ ...named('1_a.rb'), 'bin/rails': '' })).commands).toMatchObject({
      addressIn: 'DATABASE_URL',
      migrate: 'bin/rails db:migrate RAILS_ENV=production',
      migrateLate: 'bin/rails db:migrate RAILS_ENV=production',
    })
    // \`rails\` without \`bin/rails\` only makes new applications.
    expect((await discover(named('1_a.rb'))).commands.migrate).toBe('bundle exec rake db:migrate RAILS_ENV=production')
  })

  const YAML = `default: &default
  adapter: postgresql
  pool: <%= ENV.fetch("RAILS_MAX_THREADS") { 5 } %>
<% if ENV["X"] %>
<% end %>
production:
  primary:
    <<: *default
    url: <%= ENV["DATABASE_URL"] %>
  analytics:
    <<: *default
    url: <%= ENV.fetch('EVENTS_URL') %>
    migrations_paths: [db/analytics_migrate, db/engines]
  audit:
    <<: *default
    migrations_paths: db/audit_migrate
`

  test('of a second database name it, with its own folders and address', async () => {
    const files = {
      ...named('1_a.rb'),
      'db/analytics_migrate/2_b.rb': TEXT,
      'db/engines/1_c.rb': TEXT,
      'db/audit_migrate/1_d.rb': TEXT,
      'config/database.yml': YAML,
    }
    const second = await discover(files, 'db/analytics_migrate')
    expect(second.migrations.map(({ file }) => file)).toEqual(['db/engines/1_c.rb', 'db/analytics_migrate/2_b.rb'])
    expect(second.commands).toMatchObject({
      migrate: 'bundle exec rake db:migrate:analytics RAILS_ENV=production',
      addressIn: 'EVENTS_URL',
    })
    const first = await discover(files)
    expect(first.migrations.map(({ file }) => file)).toEqual([`${PATH}/1_a.rb`])
    expect(first.commands.migrate).toBe('bundle exec rake db:migrate:primary RAILS_ENV=production')
    expect((await discover(files, 'db/audit_migrate')).commands.addressIn).toBe('AUDIT_DATABASE_URL')
  })

  test('of an application in a folder enter it', async () => {
    const files = {
      'apps/shop x/db/migrate/1_a.rb': TEXT,
      'apps/shop x/config/database.yml': '',
      'apps/shop x/bin/rails': '',
    }
    expect((await discover(files, 'apps/shop x/db/migrate')).commands.migrate).toBe(
      "cd 'apps/shop x' && bin/rails db:migrate RAILS_ENV=production",
    )
  })

  test('a database.yml that is none is no reason to fail', async () => {
    const files = { ...named('1_a.rb'), 'config/database.yml': 'production: [\n  - {' }
    expect((await discover(files)).commands.migrate).toBe('bundle exec rake db:migrate RAILS_ENV=production')
  })
})

describe('the table', () => {
  const tableIn = async (application: string) => {
    const { table, notes } = await discover({ ...named('1_a.rb'), 'config/application.rb': application })
    return { table, notes: notes.length }
  }

  test.each([
    ['', null],
    ['# config.active_record.schema_migrations_table_name = "x"', null],
    ['config.active_record.schema_migrations_table_name = "ops.changes"', { schema: 'ops', table: 'changes' }],
    ["config.active_record.table_name_prefix = 'shop_'", { schema: null, table: 'shop_schema_migrations' }],
  ])('as %j says', async (application, wanted) => {
    expect(await tableIn(application)).toEqual({ table: wanted, notes: 0 })
  })

  test('that is computed is asked about', async () => {
    expect(await tableIn('config.active_record.table_name_prefix = "#{ENV["STAGE"]}_"')).toEqual({
      table: null,
      notes: 1,
    })
  })
})

describe('detection', () => {
  const detect = async (files: Files) => {
    const found = await detectTool(projectOf(files), PATH, null)
    return 'problem' in found ? found.problem : [found.tool.name, found.detection.confidence]
  }

  test('by the text of a migration, else by the Gemfile; Sequel’s files are not Rails’', async () => {
    expect(await detect(named('1_a.rb'))).toEqual(['rails', 'certain'])
    const other = { [`${PATH}/1_a.rb`]: 'class A < ApplicationMigration\nend\n' }
    expect(await detect({ ...other, Gemfile: 'gem "rails", "~> 7.1"\n' })).toEqual(['rails', 'likely'])
    expect(await detect({ [`${PATH}/1_a.rb`]: 'Sequel.migration do\nend\n', Gemfile: 'gem "sequel"\n' })).toBe(
      'undetected',
    )
  })
})

describe('in a database', () => {
  const look = async (sql: string, ...names: readonly string[]) => {
    const database = await createDatabase()
    try {
      await database.run(sql)
      return (await lookAt(database.url, await expectLedger(projectOf(named(...names)), PATH))).observation
    } finally {
      await database.drop()
    }
  }
  const ALONE = 'CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);'

  test('a table without ar_internal_metadata is Rails’ where its rows are this release’s', async () => {
    const sql = `${ALONE} INSERT INTO schema_migrations VALUES ('20240101')`
    expect(await look(sql, '20240101_a.rb', '20240102_b.rb')).toMatchObject({
      reading: {
        applied: [{ key: '20240101' }],
        notes: [expect.stringContaining('it looks like a table of dbmate') as string],
      },
    })
  })

  test('zeros in its rows are dbmate’s: it is not Rails’, though the numbers are the same', async () => {
    expect(
      await look(`${ALONE} INSERT INTO schema_migrations VALUES ('001'), ('002')`, '001_a.rb', '002_b.rb'),
    ).toMatchObject({
      problem: {
        problem: 'missing',
        detail: expect.stringMatching(/it has 001, and Rails records numbers without their zeros$/) as string,
      },
    })
  })

  test('two services with two ledgers: dbmate’s in its own schema does not count', async () => {
    const sql = `${rails.ledgerDdl}; INSERT INTO schema_migrations VALUES ('1');
CREATE SCHEMA billing; CREATE TABLE billing.schema_migrations (version varchar PRIMARY KEY); INSERT INTO billing.schema_migrations VALUES ('001')`
    expect(await look(sql, '001_a.rb')).toMatchObject({
      reading: { table: 'public.schema_migrations', applied: [{ key: '1', label: '001_a.rb' }], notes: [] },
    })
  })
})

test('tenants whose metadata differ in their times alone are alike', async () => {
  const group = { readable: true, tenants: true, schemas: ['tenant_1', 'tenant_2'], locks: 2 }
  const { tables } = placeLedgers([await expectLedger(projectOf(named('1_a.rb')), PATH)], {
    usable: group.schemas,
    unusable: [],
    relations: 4,
    lockRoom: 100,
    candidates: [
      { ...group, table: 'schema_migrations', columns: { version: 'character varying' } },
      {
        ...group,
        table: METADATA.table,
        columns: { ...METADATA.columns, created_at: 'timestamp', updated_at: 'timestamp' },
      },
    ],
  })
  expect(tables).toEqual([
    { table: 'schema_migrations', orderBy: ['version'], incidental: [] },
    { table: 'ar_internal_metadata', orderBy: [], incidental: ['created_at', 'updated_at'] },
  ])
})
