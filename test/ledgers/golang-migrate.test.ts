import { expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { golangMigrate } from '../../functions/ledgers/golang-migrate.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { ledger } from '../core/builders.ts'

type Files = Readonly<Record<string, string>>
const PATH = 'db/migrations'
const SETTINGS = { path: PATH, placeholders: {}, table: null }
const named = (...names: readonly string[]): Files => Object.fromEntries(names.map((name) => [`${PATH}/${name}`, '']))
const discover = (files: Files) => golangMigrate.discover(projectOf(files), SETTINGS)
const interpret = async (rows: readonly LedgerRow[], ...names: readonly string[]) =>
  golangMigrate.interpret({
    table: { schema: 'public', table: 'schema_migrations', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(named(...names))).migrations,
  })
const THREE = ['1_a.up.sql', '2_b.up.sql', '10_c.up.sql']

test('versions are 64-bit numbers without leading zeros; down files, other names and folders are passed over', async () => {
  const { migrations } = await discover(
    named(
      '000010_c.up.sql',
      '2_b.up.sql',
      '18446744073709551615_z.up.sql',
      '2_b.down.sql',
      'x_1.up.sql',
      '3_c.sql',
      'sub/4_d.up.sql',
    ),
  )
  expect(migrations.map(({ key }) => key)).toEqual(['2', '10', '18446744073709551615'])
})

test('a version that two files have, or that is too large, is a problem', async () => {
  const { problems } = await discover(named('1_a.up.sql', '01_b.up.sql', '18446744073709551616_z.up.sql'))
  expect(problems.map(({ file }) => file)).toEqual([`${PATH}/18446744073709551616_z.up.sql`, `${PATH}/1_a.up.sql`])
})

test('everything up to the mark is assumed, the mark itself applied', async () => {
  const { applied, highWaterMark } = await interpret([{ version: '2', dirty: 'f' }], ...THREE)
  expect(applied.map(({ key, state, place }) => [key, state, place])).toEqual([
    ['1', 'assumed', 1],
    ['2', 'applied', 2],
  ])
  expect(highWaterMark).toBe(true)
})

test('a late one below the mark is skipped in silence: the ledger counts it, and never runs it', async () => {
  const { migrations, late, commands } = await discover(named(...THREE))
  const reading = {
    ...(await interpret([{ version: '10', dirty: 'f' }], ...THREE)),
    table: 'public.x',
    tool: 'golang-migrate',
    recognisedBy: 'it is',
  }
  const { findings, standings } = compareLedger(ledger(migrations, { late, commands }), { ledger: 'default', reading })
  expect(late).toBe('never-runs')
  expect(commands.migrateLate).toBeNull()
  // Whether 1 and 2 ran, only their objects tell: test/core/judge.test.ts, and the scenario skipped-below-the-mark.
  expect(standings.map(({ status }) => status)).toEqual(['covered', 'covered', 'applied'])
  expect(findings).toEqual([])
})

test('dirty: the direction is not known, and that is said', async () => {
  const { applied } = await interpret([{ version: '2', dirty: 'true' }], ...THREE)
  expect(applied.map(({ key, state }) => [key, state])).toEqual([
    ['1', 'assumed'],
    ['2', 'failed'],
  ])
  expect(applied.at(-1)?.detail).toContain('either up to it or down from the next one')
})

test('-1 and dirty: taking the first one down failed', async () => {
  const { applied } = await interpret([{ version: '-1', dirty: 't' }], ...THREE)
  expect(applied).toMatchObject([
    { key: '1', state: 'failed', detail: expect.stringContaining('down failed') as string },
  ])
  expect((await interpret([{ version: '-1', dirty: 'f' }], ...THREE)).applied).toEqual([])
})

test('a mark that the release does not know is kept', async () => {
  const { applied } = await interpret([{ version: '7', dirty: 'f' }], ...THREE)
  expect(applied.map(({ key, place }) => [key, place])).toEqual([
    ['1', 1],
    ['2', 2],
    ['7', 2],
  ])
})

test('more than one row is not golang-migrate’s doing: the highest is taken, and said', async () => {
  const { applied, notes } = await interpret(
    [
      { version: '1', dirty: 'f' },
      { version: '2', dirty: 'f' },
    ],
    ...THREE,
  )
  expect(applied.at(-1)?.key).toBe('2')
  expect(notes).toHaveLength(1)
})

test('two such columns among others are anybody’s table', () => {
  const columns = { version: 'bigint', dirty: 'boolean' }
  expect(golangMigrate.recognise({ schema: 'a', table: 'docs', columns, readable: true }, [])).not.toBeNull()
  const more = { ...columns, title: 'text' }
  expect(
    golangMigrate.recognise({ schema: 'a', table: 'schema_migrations', columns: more, readable: true }, []),
  ).toBeNull()
})

test.each([
  ['"$DATABASE_URL?x-migrations-table=our_migrations"', { schema: null, table: 'our_migrations' }],
  [`'$(URL)&x-migrations-table="Ops"."berth-x"&x-migrations-table-quoted=true'`, { schema: 'Ops', table: 'berth-x' }],
  ['$URL?x-migrations-table=%22Ops%22.%22t%22&x-migrations-table-quoted=1', { schema: 'Ops', table: 't' }],
  ['"$URL?x-migrations-table=$TABLE"', null],
])('the table in %s', async (url, table) => {
  const files = { ...named('1_a.up.sql'), Makefile: `up:\n\tmigrate -path db/migrations -database ${url} up\n` }
  expect((await discover(files)).table).toEqual(table)
})

test('commands have the real path, and the table where it is not the default', async () => {
  expect((await discover(named('1_a.up.sql'))).commands).toMatchObject({
    migrate: 'migrate -path db/migrations -database "$DATABASE_URL" up',
    migrateLate: null,
    repair: 'migrate -path db/migrations -database "$DATABASE_URL" force VERSION',
  })
  const settings = { ...SETTINGS, table: { schema: 'Ops', table: 't' } }
  const { commands } = await golangMigrate.discover(projectOf(named('1_a.up.sql')), settings)
  expect(commands.migrate).toBe(
    `migrate -path db/migrations -database "$DATABASE_URL"'?x-migrations-table="Ops"."t"&x-migrations-table-quoted=true' up`,
  )
})
