import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { literal } from '../../functions/engines/postgres/sql.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { supabase } from '../../functions/ledgers/supabase.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'supabase/migrations'
const discover = (files: Files, path = PATH) =>
  supabase.discover(projectOf(files), { path, placeholders: {}, table: null })
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`${PATH}/${name}`, 'SELECT 1;']))
const TABLE = { schema: 'supabase_migrations', table: 'schema_migrations', columns: {}, readable: true }
const interpret = async (rows: readonly LedgerRow[], ...names: readonly string[]) =>
  supabase.interpret({ table: TABLE, rows, beside: [], migrations: (await discover(named(...names))).migrations })

test('files by name; a version is its digits as text; deeper folders are passed over', async () => {
  const { migrations, problems } = await discover(
    named('20250102_short.sql', '20250101000000_a b.sql', '999_x.sql', 'sub/1_x.sql', 'README.md'),
  )
  expect(migrations.map(({ key }) => key)).toEqual(['20250101000000', '20250102', '999'])
  expect(problems).toEqual([])
})

test('what Supabase passes over, and two of one version, are problems', async () => {
  const { problems, migrations } = await discover(named('20200101000000_init.sql', '2_a.sql', '2_b.sql', 'notes.sql'))
  expect(migrations.map(({ subject }) => subject)).toEqual(['2_a.sql'])
  expect(problems.map(({ file, message }) => [file.slice(PATH.length + 1), message.split(':')[0]])).toEqual([
    ['20200101000000_init.sql', 'Supabase passes over it'],
    ['2_b.sql', "version 2 is 2_a.sql's already"],
    ['notes.sql', 'Supabase passes over it'],
  ])
  const later = await discover(named('1_a.sql', '20200101000000_init.sql', '20220101000000_init.sql'))
  expect(later.migrations).toHaveLength(3)
})

test('rows that the dashboard made are said to stop the next push', async () => {
  const { applied, notes } = await interpret(
    [
      { version: '1', statements: null, name: null },
      { version: '5', name: 'remote_hotfix' },
    ],
    '1_a.sql',
    '9_b.sql',
  )
  expect(applied.map(({ key, label, place, checksum }) => [key, label, place, checksum])).toEqual([
    ['1', '1_a.sql', 1, null],
    ['5', '5_remote_hotfix', 1, null],
  ])
  expect(notes).toEqual([expect.stringMatching(/^supabase_migrations\.schema_migrations has 5, of which/) as string])
})

describe('the table', () => {
  const recognise = (columns: Files, schema = 'supabase_migrations', table = 'schema_migrations') =>
    supabase.recognise({ ...TABLE, schema, table, columns }, [])

  test('with the columns of every time, and those that the platform adds', () => {
    const now = { version: 'text', statements: 'text[]', name: 'text' }
    expect(recognise(now)).not.toBeNull()
    expect(recognise({ version: 'text', statements: 'text[]' })).not.toBeNull()
    expect(recognise({ ...now, created_by: 'text', idempotency_key: 'text', rollback: 'text[]' })).not.toBeNull()
    expect(recognise({ version: 'text' })).toContain('its schema')
  })

  test('never another’s', () => {
    expect(recognise({ version: 'text' }, 'public')).toBeNull()
    expect(recognise({ version: 'bigint', dirty: 'boolean' })).toBeNull()
    expect(recognise({ version: 'text', name: 'text' })).toBeNull()
    expect(recognise({ version: 'text', statements: 'text' })).toBeNull()
    expect(recognise({ version: 'text', statements: 'text[]', title: 'text' }, 'app', 'documents')).toBeNull()
  })
})

describe('commands', () => {
  test('name the database, and for a late one --include-all', async () => {
    expect(await discover(named('1_a.sql'))).toMatchObject({
      late: 'refuses',
      table: null,
      commands: {
        migrate: 'npx supabase db push --db-url "$DATABASE_URL"',
        migrateLate: 'npx supabase db push --include-all --db-url "$DATABASE_URL"',
        record: { command: 'npx supabase migration repair --status applied KEY --db-url "$DATABASE_URL"', each: true },
      },
    })
  })

  test('enter the folder that has supabase/', async () => {
    const { commands } = await discover(
      { 'apps/my shop/supabase/migrations/1_a.sql': '' },
      'apps/my shop/supabase/migrations',
    )
    expect(commands.migrate).toBe(`npx supabase db push --workdir 'apps/my shop' --db-url "$DATABASE_URL"`)
  })
})

describe('the recorded statements, in a database', () => {
  const HEAD = `CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, statements text[], name text);`
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase()
    await database.run(HEAD)
  })
  afterAll(() => database.drop())

  const codes = async (text: string, statements: readonly string[] | null) => {
    const list = statements === null ? 'NULL' : `ARRAY[${statements.map(literal).join(', ')}]::text[]`
    await database.run(
      `TRUNCATE supabase_migrations.schema_migrations; INSERT INTO supabase_migrations.schema_migrations VALUES ('1', ${list}, 'a')`,
    )
    const expectation = await expectLedger(projectOf({ [`${PATH}/1_a.sql`]: text }), PATH)
    const { observation } = await lookAt(database.url, expectation)
    return compareLedger(expectation, observation).findings.map(({ code }) => code)
  }
  const TEXT = `-- head; comment
create table a(id int, "we;ird" text default ';'); -- tail
insert into a values (1, E'\\'x\\' "ü" {a,b}\\\\');;

create function g() returns int language sql begin atomic select 1; select 2; end;
-- last; comment
`
  // As the CLI recorded it.
  const RECORDED = [
    `-- head; comment\ncreate table a(id int, "we;ird" text default ';')`,
    `-- tail\ninsert into a values (1, E'\\'x\\' "ü" {a,b}\\\\')`,
    `create function g() returns int language sql begin atomic select 1; select 2; end`,
    `-- last; comment`,
  ]

  test('the same text is unchanged, however it was split; also in a CRLF checkout', async () => {
    expect(await codes(TEXT, RECORDED)).toEqual([])
    expect(await codes(TEXT.replaceAll('\n', '\r\n'), RECORDED)).toEqual([])
    // The dashboard and branches record a file as one statement.
    expect(await codes(TEXT, [TEXT])).toEqual([])
  })

  test('an edit is told, also behind the first 4,000 characters', async () => {
    expect(await codes(TEXT.replace("'x", "'y"), RECORDED)).toEqual(['migration-edited'])
    const long = Array.from({ length: 500 }, (_, at) => `INSERT INTO a VALUES (${at})`)
    expect(await codes(`${long.join(';\n')};\n`, long)).toEqual([])
    expect(await codes(`${long.join(';\n')};\n`.replace('(499)', '(500)'), long)).toEqual(['migration-edited'])
  })

  test('a row without statements is not compared', async () => {
    expect(await codes(TEXT, null)).toEqual([])
    expect(await codes(TEXT, [])).toEqual([])
  })

  test('any text is equal to its own pieces', async () => {
    const piece = fc.stringMatching(/^[a-z0-9 '"$\\{},ü\t\n\r;-]{1,40}$/)
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), async (pieces) => {
        expect(
          await codes(
            pieces.join(';\n'),
            pieces.map((text) => text.trim()),
          ),
        ).toEqual([])
      }),
      { numRuns: 25 },
    )
  })

  test('a first ledger of one column is read without them', async () => {
    const other = await createDatabase()
    try {
      await other.run(
        `CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY); INSERT INTO supabase_migrations.schema_migrations VALUES ('1')`,
      )
      const { observation } = await lookAt(other.url, await expectLedger(projectOf(named('1_a.sql')), PATH))
      expect(observation).toMatchObject({ reading: { applied: [{ key: '1', checksum: null }] } })
    } finally {
      await other.drop()
    }
  })
})
