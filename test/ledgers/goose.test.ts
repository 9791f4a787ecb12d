import { describe, expect, test } from 'vitest'
import { goose } from '../../functions/ledgers/goose.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const TEXT = '-- +goose Up\nSELECT 1;\n'
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, TEXT]))
const SETTINGS = { path: './migrations', placeholders: {}, table: null }
const discover = (files: Files, placeholders: Files = {}) =>
  goose.discover(projectOf(files), { ...SETTINGS, placeholders })
const script = async (text: string, placeholders: Files = {}) => {
  const [migration] = (await discover(named('1_a.sql'))).migrations
  if (migration === undefined) throw new Error('no migration')
  return goose.script(migration, text, { ...SETTINGS, placeholders })?.statements
}
const interpret = async (rows: readonly LedgerRow[], ...names: readonly string[]) =>
  goose.interpret({
    table: { schema: 'public', table: 'goose_db_version', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(named(...names))).migrations,
  })
const row = (id: number, version: number, up = true): LedgerRow => ({
  id: String(id),
  version_id: String(version),
  is_applied: up ? 't' : 'f',
  tstamp: `2026-01-01 00:00:${String(id).padStart(2, '0')}.5`,
})
const THREE = ['00001_a.sql', '2_b.sql', '10_c.sql']

test('files are ordered by number, Go among them; tests, other files and deeper folders are passed over', async () => {
  const { migrations, problems } = await discover({
    ...named('00010_c.sql', '2_b.sql', 'sub/1_x.sql', '7_x.sql.bak'),
    'migrations/3_go.go': 'goose.AddMigrationContext(up, down)',
    'migrations/4_go_test.go': '',
    'migrations/main.go': 'package main',
  })
  expect(migrations.map(({ subject, key, form }) => [subject, key, form])).toEqual([
    ['2_b.sql', '2', 'sql'],
    ['3_go.go', '3', 'code'],
    ['00010_c.sql', '10', 'sql'],
  ])
  expect(problems).toEqual([])
})

test.each([
  ['seed.sql', TEXT, 'does not begin with a number above zero'],
  ['0_zero.sql', TEXT, 'does not begin with a number above zero'],
  ['-5_below.sql', TEXT, 'does not begin with a number above zero'],
  ['9223372036854775808_large.sql', TEXT, 'does not begin with a number above zero'],
  ['02_twin.sql', TEXT, "version 2 is 2_b.sql's already"],
  ['3_bare.sql', 'SELECT 1;', 'it has no line `-- +goose Up`'],
  ['3_indented.sql', '  -- +goose Up\nSELECT 1;', 'it has no line `-- +goose Up`'],
])('%s is a problem: goose refuses', async (name, text, message) => {
  const { problems } = await discover({ [`migrations/${name}`]: text, ...named('2_b.sql') })
  const file = name === '02_twin.sql' ? '2_b.sql' : name
  const wanted = name === '02_twin.sql' ? "version 2 is 02_twin.sql's already" : message
  expect(problems).toEqual([
    { file: `migrations/${file}`, line: 1, message: expect.stringContaining(wanted) as string },
  ])
})

describe('what is replayed', () => {
  const BODY = `-- note
-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY i ON t (a);
-- +goose StatementBegin
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1; PERFORM 2;
END;
$$;
-- +goose StatementEnd
SELECT 'a; -- b'; -- five
-- +goose Down
SELECT 3;
`
  test('is the up part, with its lines; also in a CRLF checkout', async () => {
    const lines = (await script(BODY))?.map(({ sql, line }) => [sql.slice(0, 15), line])
    expect(lines).toEqual([
      ['CREATE INDEX CO', 4],
      ['CREATE FUNCTION', 6],
      ["SELECT 'a; -- b", 12],
    ])
    expect((await script(BODY.replaceAll('\n', '\r\n')))?.map(({ sql, line }) => [sql.slice(0, 15), line])).toEqual(
      lines,
    )
  })

  test('annotations count in any case, as with goose', async () => {
    expect(await script('-- +goose up\nSELECT 1;\n-- +goose DOWN\nSELECT 2;')).toEqual([{ sql: 'SELECT 1', line: 2 }])
  })

  test('variables are replaced between ENVSUB ON and OFF only', async () => {
    const text = `-- +goose Up
SELECT '\${A}';
-- +goose ENVSUB ON
SELECT '\${A}', '\${B:-b}', $1;
-- +goose ENVSUB OFF
SELECT '\${A}';`
    expect((await script(text, { A: 'x' }))?.map(({ sql }) => sql)).toEqual([
      "SELECT '${A}'",
      "SELECT 'x', 'b', $1",
      "SELECT '${A}'",
    ])
  })

  test('a variable without a value is said', async () => {
    const text = '-- +goose Up\n-- +goose ENVSUB ON\nCREATE ROLE ${APP};\n'
    expect((await discover({ 'migrations/1_a.sql': text })).notes).toEqual([
      'migrations/1_a.sql uses ${APP}, whose value is not known here, so it is replayed as it stands: set it under `migrations.placeholders` in deploywatch.yaml',
    ])
    expect((await discover({ 'migrations/1_a.sql': text }, { APP: 'x' })).notes).toEqual([])
    expect((await discover({ 'migrations/1_a.sql': text.replace(' ON', ' OFF') })).notes).toEqual([])
  })
})

describe('rows', () => {
  test('version 0 is a mark, and no migration', async () => {
    expect((await interpret([row(1, 0)], ...THREE)).applied).toEqual([])
  })

  test('an unknown one has its place among the numbers, and its time in UTC', async () => {
    const { applied } = await interpret([row(1, 0), row(2, 1), row(3, 7)], ...THREE)
    expect(applied.map(({ key, label, place, at }) => [key, label, place, at])).toEqual([
      ['1', '00001_a.sql', 1, '2026-01-01T00:00:02.500Z'],
      ['7', '7', 2, '2026-01-01T00:00:03.500Z'],
    ])
  })

  test.each([
    ['in the order in which they were written', (rows: readonly LedgerRow[]) => rows],
    ['newest first', (rows: readonly LedgerRow[]) => rows.toReversed()],
  ])('the newest row of a version decides: %s', async (_, ordered) => {
    const up = ordered([row(1, 0), row(2, 1), row(3, 2), row(4, 2, false), row(10, 2)])
    const again = await interpret(up, ...THREE)
    expect(again.applied.map(({ key }) => key)).toEqual(['1', '2'])
    expect(again.notes).toEqual([])

    const down = ordered([row(1, 0), row(2, 1), row(9, 2), row(10, 2, false)])
    const taken = await interpret(down, ...THREE)
    expect(taken.applied.map(({ key }) => key)).toEqual(['1'])
  })

  test('taken down by an older goose: up of today passes over it, and what helps is said', async () => {
    const { notes } = await interpret([row(1, 0), row(2, 2), row(3, 2, false), row(4, 99, false)], ...THREE)
    expect(notes).toEqual([
      '2_b.sql: the newest row in public.goose_db_version has is_applied false, so it was taken down; goose up passes over it all the same, until its rows are gone: DELETE FROM public.goose_db_version WHERE version_id IN (2)',
    ])
  })
})

describe('commands', () => {
  test('with -dir and the address, and for a late one -allow-missing', async () => {
    expect(await discover(named('1_a.sql'))).toMatchObject({
      late: 'refuses',
      commands: {
        addressIn: 'DATABASE_URL',
        migrate: 'goose -dir migrations postgres "$DATABASE_URL" up',
        migrateLate: 'goose -allow-missing -dir migrations postgres "$DATABASE_URL" up',
      },
    })
  })

  test('where the repository allows late ones, they run', async () => {
    const files = { ...named('1_a.sql'), Makefile: 'up:\n\tgoose -dir migrations -allow-missing postgres "$$URL" up\n' }
    expect(await discover(files)).toMatchObject({
      late: 'runs',
      commands: { migrate: 'goose -allow-missing -dir migrations postgres "$DATABASE_URL" up' },
    })
  })

  test('by `.env`, which goose reads: with the driver there it takes no address as an argument', async () => {
    const env = 'GOOSE_DRIVER=postgres\r\nGOOSE_MIGRATION_DIR=./migrations\r\nGOOSE_TABLE="ops.marina"\r\n'
    expect(await discover({ ...named('1_a.sql'), '.env': env })).toMatchObject({
      table: { schema: 'ops', table: 'marina' },
      commands: { addressIn: 'GOOSE_DBSTRING', migrate: 'goose -table ops.marina up' },
    })
  })

  test('a table that the run names', async () => {
    const files = { ...named('1_a.sql'), Makefile: 'up:\n\tgoose -table our_versions postgres "$$URL" up\n' }
    expect((await discover(files)).table).toEqual({ schema: null, table: 'our_versions' })
  })
})
