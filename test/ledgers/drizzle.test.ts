import { describe, expect, test } from 'vitest'
import { drizzle } from '../../functions/ledgers/drizzle.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { sha256 } from '../../functions/ledgers/migration-text.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const discover = (files: Files) =>
  drizzle.discover(projectOf(files), { path: 'drizzle', placeholders: {}, table: null })
const journal = (...entries: readonly (readonly [tag: string, when: number])[]): Files => ({
  'drizzle/meta/_journal.json': JSON.stringify(
    { entries: entries.map(([tag, when], idx) => ({ idx, when, tag })) },
    null,
    2,
  ),
  ...Object.fromEntries(entries.map(([tag]) => [`drizzle/${tag}.sql`, tag])),
})
const folders = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`drizzle/${name}/migration.sql`, name]))
const interpret = async (rows: readonly LedgerRow[], files: Files) =>
  drizzle.interpret({
    table: { schema: 'drizzle', table: '__drizzle_migrations', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  }).applied

describe('0.x', () => {
  test('order and membership come from the journal, the key is its "when"', async () => {
    const { migrations, late, commands } = await discover({ ...journal(['b', 5], ['a', 3]), 'drizzle/c.sql': 'draft' })
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
      ['b.sql', '5'],
      ['a.sql', '3'],
    ])
    expect({ late, migrateLate: commands.migrateLate }).toEqual({ late: 'never-runs', migrateLate: null })
  })

  test('an entry without its file is a problem, at its line of the journal', async () => {
    const { 'drizzle/b.sql': _, ...files } = journal(['a', 1], ['b', 2])
    const { problems, migrations } = await discover(files)
    expect(problems).toEqual([expect.objectContaining({ file: 'drizzle/meta/_journal.json', line: 11 })])
    expect(migrations.map(({ key }) => key)).toEqual(['1', '2'])
  })

  test('two entries with one "when", and a journal that is none, are problems', async () => {
    expect((await discover(journal(['a', 1], ['b', 1]))).problems).toHaveLength(1)
    for (const text of ['', '{', '[]', '{"entries": [{"tag": "x"}]}']) {
      expect((await discover({ 'drizzle/meta/_journal.json': text })).problems).toHaveLength(1)
    }
  })

  test('a row is known by its time; its hash may be that of the other line ends', async () => {
    const { migrations } = await discover({ ...journal(['a', 1]), 'drizzle/a.sql': 'x\ny' })
    expect(migrations[0]?.checksums).toEqual([sha256('x\ny'), sha256('x\r\ny')])
    const applied = await interpret(
      [
        { hash: 'h', created_at: '1' },
        { hash: 'g', created_at: '7' },
      ],
      journal(['a', 1]),
    )
    expect(applied.map(({ key, label }) => [key, label])).toEqual([
      ['1', 'a.sql'],
      ['7', '7'],
    ])
  })

  test('an older "when" behind an applied newer one is never run: it has been passed', async () => {
    const files = journal(['a', 10], ['b', 30], ['late', 20])
    const applied = await interpret(
      [
        { hash: '', created_at: '10' },
        { hash: '', created_at: '30' },
      ],
      files,
    )
    expect(applied.at(-1)?.place).toBe(3)
    expect((await interpret([{ hash: '', created_at: '10' }], files)).at(-1)?.place).toBe(1)
  })

  test('an older "when" is passed also where a newer, pending entry stands before it', async () => {
    const files = journal(['a', 10], ['b', 30], ['pending', 40], ['late', 20])
    const applied = await interpret(
      [
        { hash: '', created_at: '10' },
        { hash: '', created_at: '30' },
      ],
      files,
    )
    expect(applied.at(-1)?.place).toBe(4)
  })

  test('a ledger that 1.x has upgraded is still known by its times', async () => {
    const applied = await interpret([{ hash: '', created_at: '10', name: '20250101000000_a' }], journal(['a', 10]))
    expect(applied.map(({ key }) => key)).toEqual(['10'])
  })
})

describe('1.x', () => {
  const second = Date.UTC(2025, 2, 4, 9, 15, 2)

  test('a folder is a migration; late ones run', async () => {
    const { migrations, late } = await discover({
      ...folders('20250318_b', '20250304_a'),
      'drizzle/20250304_a/x/migration.sql': '',
    })
    expect(migrations.map(({ key }) => key)).toEqual(['20250304_a', '20250318_b'])
    expect(late).toBe('runs')
  })

  test('a row is known by its name, and says when it ran', async () => {
    const row = { hash: '', created_at: String(second), name: '20250304091502_a', applied_at: '2026-01-01 00:00:00+00' }
    expect(await interpret([row], folders('20250304091502_a'))).toMatchObject([
      { key: '20250304091502_a', at: '2026-01-01T00:00:00.000Z' },
    ])
  })

  test('a row of 0.x is known by its second', async () => {
    const applied = await interpret(
      [{ hash: 'h', created_at: String(second + 417) }],
      folders('20250304091502_a', '20250305000000_b'),
    )
    expect(applied).toMatchObject([{ key: '20250304091502_a', place: 1 }])
  })

  test('of two folders of one second the hash decides, and where the time is another one too', async () => {
    const files = folders('20250304091502_a', '20250304091502_b')
    expect(await interpret([{ hash: sha256('20250304091502_b'), created_at: String(second) }], files)).toMatchObject([
      { key: '20250304091502_b' },
    ])
    expect(await interpret([{ hash: sha256('20250304091502_a'), created_at: '1' }], files)).toMatchObject([
      { key: '20250304091502_a' },
    ])
  })

  test('the worked examples: the hash is that of the whole file, as drizzle-kit 0.31.11 and 1.0.0-rc.5 wrote it', async () => {
    const first = 'CREATE TABLE "t1" (\n\t"id" integer PRIMARY KEY NOT NULL\n);\n'
    const second = 'ALTER TABLE "t1" ADD COLUMN "n" text;'
    const { migrations } = await discover({
      'drizzle/20261122225643_first/migration.sql': first,
      'drizzle/20261122225645_second/migration.sql': second,
    })
    expect(migrations.map(({ checksums }) => checksums[0])).toEqual([
      'bb019c207e123c32967820a48b29d523f81a480d8bc564eb075b04f82500f4d2',
      '6dcb30b211c3e0caa49fe9a272454f77c0861995821c46631b40e98edea67027',
    ])
    expect(
      await interpret([{ hash: 'x', created_at: '1795388205000' }], folders('20261122225645_second')),
    ).toMatchObject([{ key: '20261122225645_second' }])
  })
})

describe('drizzle.config', () => {
  const config = (text: string, name = 'drizzle.config.ts') => discover({ ...journal(['a', 1]), [name]: text })

  test('table and schema are read where they are literals', async () => {
    const text =
      "export default defineConfig({ out: './migrations', migrations: { table: 't', schema: `s` /* schema: 'x' */ } })"
    expect((await config(text)).table).toEqual({ schema: 's', table: 't' })
    expect((await config('export default { migrations: { table: "t", } }')).table).toEqual({
      schema: 'drizzle',
      table: 't',
    })
    expect((await config('{"migrations": {"schema": "s"}}', 'drizzle.config.json')).table).toEqual({
      schema: 's',
      table: '__drizzle_migrations',
    })
    expect((await config("export default { out: 'migrations', }")).notes).toEqual([])
  })

  test('what is computed is said, and not guessed', async () => {
    for (const text of [
      '{ migrations: { table: process.env.T } }',
      '{ migrations: getIt() }',
      '{ migrations }',
      '{ migrations: { table: `a_${x}` } }',
    ]) {
      const { table, notes } = await config(`export default ${text}`)
      expect({ text, table, notes }).toEqual({
        text,
        table: null,
        notes: [expect.stringContaining('migrations.table')],
      })
    }
  })

  test('one in a package’s folder is named in the command', async () => {
    const files = { 'apps/api/drizzle.config.ts': '', 'apps/api/drizzle/meta/_journal.json': '{"entries":[]}' }
    const { commands } = await drizzle.discover(projectOf(files), {
      path: 'apps/api/drizzle',
      placeholders: {},
      table: null,
    })
    expect(commands.migrate).toBe('npx drizzle-kit migrate --config apps/api/drizzle.config.ts')
  })
})
