import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { CandidateTable } from '../../functions/engines/engine.ts'
import { dbmate } from '../../functions/ledgers/dbmate.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { expectLedger, lookAt } from '../support/ledgers.ts'
import { createDatabase } from '../support/postgres.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'db/migrations'
const DOWN = '-- migrate:down\nDROP TABLE t;\n'
const TEXT = `-- migrate:up\nCREATE TABLE t (id int);\n${DOWN}`
const named = (...names: readonly string[]): Files => Object.fromEntries(names.map((name) => [`${PATH}/${name}`, TEXT]))
const discover = (files: Files, path = PATH) =>
  dbmate.discover(projectOf(files), { path, placeholders: {}, table: null })
const table = (columns: Readonly<Record<string, string>>, schema = 'public'): CandidateTable => ({
  schema,
  table: 'schema_migrations',
  columns,
  readable: true,
})
const interpret = async (versions: readonly string[], ...names: readonly string[]) =>
  dbmate.interpret({
    table: table({ version: 'character varying' }),
    rows: versions.map((version): LedgerRow => ({ version })),
    beside: [],
    migrations: (await discover(named(...names))).migrations,
  })

test('files are ordered by their names, not by their numbers; other names and deeper folders are passed over', async () => {
  const { migrations, problems } = await discover(
    named('9_b.sql', '10_c.sql', '008.sql', 'x_1.sql', '7_a.SQL', 'sub/1_a.sql', '2_b.sql.bak'),
  )
  expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
    ['008.sql', '008'],
    ['10_c.sql', '10'],
    ['9_b.sql', '9'],
  ])
  expect(problems).toEqual([])
})

test('a version is its digits as text: 001 and 1 are two', async () => {
  const { applied, notes } = await interpret(['1'], '001_a.sql')
  expect(applied.map(({ key }) => key)).toEqual(['1'])
  expect(notes).toEqual([
    'the ledger has 1, and the file is 001_a.sql: dbmate tells 1 from 001; Rails records a number without its zeros',
  ])
  expect((await interpret(['001', '2'], '001_a.sql', '2_b.sql')).notes).toEqual([])
})

test('what is replayed is the part between the marks, with its lines; also in a CRLF checkout', async () => {
  const { migrations } = await discover(named('1_a.sql'))
  const [first] = migrations
  if (first === undefined) throw new Error('no migration')
  const text = '-- note\n-- migrate:up transaction:false\n\nSELECT 1;\nSELECT 2;\n--migrate:down\nSELECT 3;\n'
  const settings = { path: PATH, placeholders: {}, table: null }
  const wanted = [
    { sql: 'SELECT 1', line: 4 },
    { sql: 'SELECT 2', line: 5 },
  ]
  expect(dbmate.script(first, text, settings)).toEqual({ statements: wanted })
  expect(dbmate.script(first, text.replaceAll('\n', '\r\n'), settings)).toEqual({ statements: wanted })
})

test.each([
  ['CREATE TABLE t (id int);', 'it has no line `-- migrate:up`'],
  ['  -- migrate:up\nSELECT 1;\n-- migrate:down\n', 'it has no line `-- migrate:up`'],
  ['-- migrate:up\nSELECT 1;\n', 'it has no line `-- migrate:down`'],
  ['-- note\nSELECT 0;\n-- migrate:up\nSELECT 1;\n-- migrate:down\n', 'it has a statement in line 2 before'],
])('a file that dbmate refuses is a problem: %j', async (text, message) => {
  const { problems, migrations } = await discover({ ...named('1_a.sql'), [`${PATH}/2_b.sql`]: text })
  expect(problems).toEqual([{ file: `${PATH}/2_b.sql`, line: 1, message: expect.stringContaining(message) as string }])
  expect(migrations).toHaveLength(2)
})

test('two files of one version are a problem', async () => {
  const { problems, migrations } = await discover(named('4_c.sql', '4_d.sql'))
  expect(migrations.map(({ subject }) => subject)).toEqual(['4_c.sql'])
  expect(problems).toMatchObject([{ file: `${PATH}/4_d.sql`, message: expect.stringContaining('4_c.sql') as string }])
})

describe('a late one', () => {
  const late = async (files: Files) => {
    const { late, commands } = await discover({ ...named('1_a.sql'), ...files })
    return { late, command: commands.migrateLate }
  }

  test('is run', async () => {
    expect(await late({})).toEqual({ late: 'runs', command: 'dbmate --no-dump-schema up' })
    expect(await late({ Makefile: 'up:\n\tdbmate up --strict=false\n' })).toMatchObject({ late: 'runs' })
  })

  test('is refused where the repository says --strict, and runs without', async () => {
    const refused = { late: 'refuses', command: 'dbmate --no-dump-schema up --strict=false' }
    expect(await late({ Makefile: 'up:\n\tdbmate --wait up --strict\n' })).toEqual(refused)
    expect(await late({ '.env': 'export DBMATE_STRICT="true" # in order\r\n' })).toEqual(refused)
  })
})

test('a table and directories that `.env` names are dbmate’s own, and stand in the commands', async () => {
  const { table, commands, migrations } = await discover({
    ...named('1_a.sql'),
    'db/billing/0_x.sql': TEXT,
    'db/other/3_y.sql': TEXT,
    '.env': 'DBMATE_MIGRATIONS_DIR=./db/migrations,db/billing\nDBMATE_MIGRATIONS_TABLE=ops.changes\n',
  })
  expect(table).toEqual({ schema: 'ops', table: 'changes' })
  expect(migrations.map(({ file }) => file)).toEqual(['db/billing/0_x.sql', `${PATH}/1_a.sql`])
  expect(commands.migrate).toBe(
    'dbmate --no-dump-schema --migrations-dir db/migrations --migrations-dir db/billing --migrations-table ops.changes up',
  )
})

test('a table whose name is made of variables is not guessed', async () => {
  const { table } = await discover({ ...named('1_a.sql'), '.env': 'DBMATE_MIGRATIONS_TABLE=${STAGE}_changes\n' })
  expect(table).toBeNull()
})

describe('whose a table of one column `version` is', () => {
  const METADATA = {
    schema: 'public',
    table: 'ar_internal_metadata',
    columns: { key: 'character varying', value: 'character varying', created_at: 'timestamp', updated_at: 'timestamp' },
    readable: true,
  }
  const recognise = (type: string, others: readonly CandidateTable[] = [], schema = 'public') =>
    dbmate.recognise(table({ version: type }, schema), others)

  test('dbmate’s where Rails’ ar_internal_metadata does not stand beside it, in the same schema', () => {
    expect(recognise('character varying')).toContain(
      'ar_internal_metadata, which Rails makes, does not stand beside it',
    )
    expect(recognise('character varying', [METADATA])).toBeNull()
    expect(recognise('character varying', [METADATA], 'ops')).not.toBeNull()
  })

  test('by the column’s length where it has one: 128 is dbmate’s, 255 Rails’', () => {
    expect(recognise('varchar(128)', [METADATA])).toContain('varchar(128), as dbmate makes it')
    expect(recognise('varchar(255)')).toBeNull()
  })

  test('never golang-migrate’s, Ecto’s, tern’s or Supabase’s', () => {
    expect(dbmate.recognise(table({ version: 'bigint', dirty: 'boolean' }), [])).toBeNull()
    expect(dbmate.recognise(table({ version: 'bigint', inserted_at: 'timestamp' }), [])).toBeNull()
    expect(recognise('integer')).toBeNull()
    expect(dbmate.recognise(table({ version: 'text', statements: 'text[]', name: 'text' }), [])).toBeNull()
    expect(recognise('character varying', [], 'supabase_migrations')).toBeNull()
  })
})

test('a version without a file has its place among the names', async () => {
  const { applied } = await interpret(['12', '9'], '100_a.sql', '11_b.sql', '8_c.sql')
  expect(applied.map(({ key, place }) => [key, place])).toEqual([
    ['12', 2],
    ['9', 3],
  ])
})

describe('in a database', () => {
  const RAILS = `CREATE TABLE schema_migrations (version varchar NOT NULL PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);`
  const look = async (sql: string) => {
    const database = await createDatabase()
    try {
      await database.run(sql)
      const expectation = await expectLedger(projectOf(named('20240101_a.sql', '20240102_b.sql')), PATH)
      return (await lookAt(database.url, expectation)).observation
    } finally {
      await database.drop()
    }
  }

  test('Rails’ table, with none of this release’s rows, is not dbmate’s', async () => {
    expect(await look(`${RAILS} INSERT INTO schema_migrations VALUES ('1'), ('2')`)).toMatchObject({
      problem: {
        problem: 'missing',
        lookedFor: 'public.schema_migrations',
        detail:
          "public.schema_migrations is there, and it looks like a table of Rails: ar_internal_metadata, which Rails makes, stands beside it; none of the 2 migrations in it is this release's",
      },
    })
  })

  test('a table that Rails made once and dbmate goes on with is told by its rows', async () => {
    expect(await look(`${RAILS} INSERT INTO schema_migrations VALUES ('1'), ('20240101')`)).toMatchObject({
      reading: {
        applied: [{ key: '1' }, { key: '20240101' }],
        notes: [expect.stringContaining("its rows are this release's") as string],
      },
    })
  })

  test('another table of one such column does no harm', async () => {
    const sql = `${dbmate.ledgerDdl}; INSERT INTO schema_migrations VALUES ('20240101'); CREATE TABLE app_version (version varchar)`
    expect(await look(sql)).toMatchObject({
      reading: { table: 'public.schema_migrations', applied: [{ key: '20240101', place: 1 }] },
    })
  })

  test('tern’s table, which has one column of that name too, is not taken for it', async () => {
    expect(await look('CREATE TABLE schema_version (version int4 NOT NULL)')).toMatchObject({
      problem: { problem: 'missing', detail: expect.stringContaining('public.schema_version (tern)') as string },
    })
  })
})

test('two folders that are one ledger know each other’s rows', async () => {
  const files = { ...named('1_a.sql'), 'db/billing/2_b.sql': TEXT, 'db/billing/4_d.sql': TEXT }
  const expectation = await expectLedger(projectOf(files), 'db/billing')
  const { migrations } = expectation
  const reading = {
    ...dbmate.interpret({
      table: table({ version: 'character varying' }),
      rows: ['1', '2', '3'].map((version) => ({ version })),
      beside: [],
      migrations,
    }),
    table: 'public.schema_migrations',
    tool: 'dbmate',
    recognisedBy: 'told',
  }
  const codes = (others: ReadonlySet<string>) =>
    compareLedger(expectation, { ledger: 'default', reading }, others).findings.map(
      ({ code, subject }) => `${code} ${subject}`,
    )
  expect(codes(new Set(['1']))).toEqual(['migration-missing 4_d.sql', 'migration-unknown 3'])
  expect(codes(new Set())).toEqual(['migration-missing 4_d.sql', 'migration-unknown 1', 'migration-unknown 3'])
})
