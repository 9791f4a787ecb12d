import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { sqlx } from '../../functions/ledgers/sqlx.ts'

type Files = Readonly<Record<string, string>>
const discover = (files: Files, path = 'migrations') =>
  sqlx.discover(projectOf(files), { path, placeholders: {}, table: null })
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, 'SELECT 1;\n']))
const sha384 = (text: string): string => createHash('sha384').update(text).digest('hex')
const TABLE = { schema: 'public', table: '_sqlx_migrations', columns: {}, readable: true }
const row = (version: number, other: LedgerRow = {}): LedgerRow => ({
  version: String(version),
  description: 'some step',
  installed_on: '2026-11-23 02:01:21.181769+00',
  success: 't',
  checksum: `\\x${sha384('SELECT 1;\n')}`,
  execution_time: '1484039',
  ...other,
})
const interpret = async (rows: readonly LedgerRow[], ...names: readonly string[]) =>
  sqlx.interpret({ table: TABLE, rows, beside: [], migrations: (await discover(named(...names))).migrations })

test('versions are numbers, also negative ones; a name without _ and a folder are passed over, down files are none', async () => {
  const { migrations, problems } = await discover(
    named(
      '0010_c.sql',
      '2_b.up.sql',
      '2_b.down.sql',
      '-5_neg.sql',
      '+7_plus.sql',
      '9_.sql',
      'noversion.sql',
      'x_1.txt',
      '20_dir.sql/1_x.sql',
    ),
  )
  expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
    ['-5_neg.sql', '-5'],
    ['2_b.up.sql', '2'],
    ['+7_plus.sql', '7'],
    ['9_.sql', '9'],
    ['0010_c.sql', '10'],
  ])
  expect(problems).toEqual([])
})

test('a name without a number breaks every command, and two of one version break the run: both are problems', async () => {
  const { problems } = await discover(named('seed_x.sql', '02_a.sql', '2_b.sql', '9223372036854775808_y.sql'))
  expect(problems.map(({ file, message }) => [file, message.split(',')[0]])).toEqual([
    ['migrations/2_b.sql', "version 2 is 02_a.sql's already: sqlx fails at the second one"],
    ['migrations/9223372036854775808_y.sql', 'its name does not begin with a whole number and _'],
    ['migrations/seed_x.sql', 'its name does not begin with a whole number and _'],
  ])
})

describe('checksums', () => {
  const of = async (text: string, config?: string) => {
    const files = { 'migrations/1_a.sql': text, ...(config === undefined ? {} : { 'sqlx.toml': config }) }
    const { migrations, notes } = await discover(files)
    return { checksums: migrations[0]?.checksums, notes }
  }

  test('SHA-384 of the bytes, as sqlx wrote them', async () => {
    expect((await of('CREATE TABLE a (id int);\n')).checksums).toEqual([
      '52dcffb424aeb77cd96de966de88547001ad9656d3d53e03c8907e0f31653840336ff6b02aeb25a48ef7d46e1ce5f7f9',
    ])
    expect((await of('CREATE TABLE b (id int);\r\n')).checksums).toEqual([
      '6ab099dfc38371185ca890b098d1c82712997b46eab9518503b940ce93ce68fe7e41c2be30a754ad19867f373a080439',
    ])
  })

  test('CRLF is another text to sqlx, and that is said', async () => {
    const { notes } = await of('SELECT 1;\r\n')
    expect(notes).toEqual([expect.stringContaining('migrations/1_a.sql has CRLF line ends in this checkout') as string])
    expect((await of('SELECT 1;\n')).notes).toEqual([])
  })

  test('ignored characters do not count; the whole text does too, for a migrator that does not know of them', async () => {
    const config = `[common]\nignored-chars = ["b"]\n[migrate] # ours\nignored-chars = [\n  "\\r", # "half" of us\n  "\\uFEFF",\n]\n[macros]\nignored-chars = ["x"]\n`
    const { checksums, notes } = await of('\uFEFFCREATE TABLE b (id int);\r\n', config)
    expect(checksums?.[0]).toBe(
      'dae284ff0ef19c762649405a7cd006569fb78697bf503d9d1286e420da5ef8443a8b9429010ec8e0b0272a3530ea52bf',
    )
    expect(checksums?.[1]).toBe(sha384('\uFEFFCREATE TABLE b (id int);\r\n'))
    expect(notes).toEqual([])
    expect((await of('a\r\n', config)).checksums).toEqual([sha384('a\n'), sha384('a\r\n')])
  })
})

describe('rows', () => {
  test('time in nanoseconds, checksum in hex, an unknown one in its place', async () => {
    const { applied } = await interpret([row(1), row(5, { description: '' })], '1_a.sql', '7_b.sql')
    expect(applied).toMatchObject([
      {
        key: '1',
        label: '1_a.sql',
        state: 'applied',
        checksum: sha384('SELECT 1;\n'),
        durationMs: 1.484039,
        place: 1,
        at: '2026-11-23T02:01:21.181Z',
      },
      { key: '5', label: '5', place: 1 },
    ])
  })

  test('success false: partially applied, whatever sqlx’s info says of it', async () => {
    const { applied } = await interpret([row(1, { success: 'f' })], '1_a.sql')
    expect(applied).toMatchObject([{ state: 'failed', detail: expect.stringContaining('partially applied') as string }])
  })

  test('-1 is no duration: marked, or its run was killed', async () => {
    const { applied } = await interpret([row(1, { execution_time: '-1' })], '1_a.sql')
    expect(applied).toMatchObject([{ state: 'marked', durationMs: null }])
  })

  test('one without a file is said to stop the next run', async () => {
    const { notes } = await interpret([row(1), row(8), row(9)], '1_a.sql')
    expect(notes).toEqual([
      expect.stringMatching(/^the ledger has 8, 9, of which the release has no file: .*refuse/) as string,
    ])
  })

  test('a checksum that is none is not compared', async () => {
    const { applied } = await interpret([row(1, { checksum: '\\x00' }), row(2, { checksum: 'Rü\u0000' })], '1_a.sql')
    expect(applied.map(({ checksum }) => checksum)).toEqual([null, null])
  })

  test('MySQL’s types are recognised; Flyway’s table, which shares four names, is not', () => {
    const mysql = {
      version: 'bigint(20)',
      description: 'text',
      installed_on: 'timestamp',
      success: 'tinyint(1)',
      checksum: 'blob',
      execution_time: 'bigint(20)',
    }
    expect(sqlx.recognise({ ...TABLE, columns: mysql }, [])).not.toBeNull()
    expect(
      sqlx.recognise(
        {
          ...TABLE,
          columns: {
            ...mysql,
            installed_rank: 'int',
            script: 'text',
            type: 'text',
            version: 'varchar(50)',
            checksum: 'int',
          },
        },
        [],
      ),
    ).toBeNull()
  })
})

describe('the table, as sqlx.toml writes it', () => {
  test.each([
    ['"our_migrations"', { schema: null, table: 'our_migrations' }],
    ['"Ops.Migrations"', { schema: 'ops', table: 'migrations' }],
    [`'"Ops"."our ""x"""'`, { schema: 'Ops', table: 'our "x"' }],
  ])('%s', async (written, table) => {
    const files = { ...named('1_a.sql'), 'sqlx.toml': `[migrate]\ntable-name = ${written} # there\n` }
    expect((await discover(files)).table).toEqual(table)
  })
})

describe('commands', () => {
  test('with the folder where it is not the usual one', async () => {
    expect((await discover(named('1_a.sql'))).commands).toMatchObject({ migrate: 'sqlx migrate run', record: null })
    expect((await discover({ 'db/sql x/1_a.sql': '' }, 'db/sql x')).commands.migrate).toBe(
      "sqlx migrate run --source 'db/sql x'",
    )
    const config = { 'sqlx.toml': '[migrate]\nmigrations-dir = "db"\n', 'db/1_a.sql': '' }
    expect((await discover(config, 'db')).commands.migrate).toBe('sqlx migrate run')
  })

  test('the row of a failed one is removed by hand, whatever the table’s name', async () => {
    const repair = async (toml: string) =>
      (await discover({ ...named('1_a.sql'), 'sqlx.toml': `[migrate]\n${toml}\n` })).commands.repair
    expect(await repair('')).toBe(`psql "$DATABASE_URL" -c 'DELETE FROM _sqlx_migrations WHERE NOT success'`)
    expect(await repair(`table-name = '"Ops".t'`)).toBe(
      `psql "$DATABASE_URL" -c 'DELETE FROM "Ops".t WHERE NOT success'`,
    )
  })

  test('a row alone can be made since 0.9', async () => {
    const record = async (cargo: string) =>
      (await discover({ ...named('1_a.sql'), 'Cargo.toml': `[dependencies]\n${cargo}\n` })).commands.record
    expect(await record('sqlx = { version = "0.9.0", features = ["postgres"] }')).toEqual({
      command: 'sqlx migrate override skip --target-version KEY',
      each: false,
    })
    expect(await record('sqlx = "0.8.6"')).toBeNull()
    expect(await record('sqlx.workspace = true')).toBeNull()
  })

  test('a package has the version of its workspace', async () => {
    const files = {
      'crates/db/migrations/1_a.sql': '',
      'crates/db/Cargo.toml': '[dependencies]\nsqlx.workspace = true\n',
      'Cargo.toml': '[workspace.dependencies.sqlx]\nversion = "0.9"\n',
    }
    const { commands } = await discover(files, 'crates/db/migrations')
    expect(commands.record?.command).toBe(
      'sqlx migrate override skip --target-version KEY --source crates/db/migrations',
    )
  })
})
