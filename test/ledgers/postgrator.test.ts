import { describe, expect, test } from 'vitest'
import { detectTool } from '../../functions/ledgers/detection.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { checksumOf, versionOf } from '../../functions/ledgers/postgrator-files.ts'
import { postgrator } from '../../functions/ledgers/postgrator.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const TEXT = 'create table t1(id int);\r\n'
const named = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`migrations/${name}`, TEXT]))
const discover = (files: Files) =>
  postgrator.discover(projectOf(files), { path: './migrations/', placeholders: {}, table: null })
const table = (columns: Readonly<Record<string, string>>, name = 'schemaversion') => ({
  schema: 'public',
  table: name,
  columns,
  readable: true,
})
const FULL = { version: 'bigint', name: 'text', md5: 'text', run_at: 'timestamp with time zone' }
const interpret = async (rows: readonly LedgerRow[], files: Files, columns: Readonly<Record<string, string>> = FULL) =>
  postgrator.interpret({ table: table(columns), rows, beside: [], migrations: (await discover(files)).migrations })

describe('files', () => {
  test('are told by version and action; only `do` above 0 runs upwards', () => {
    expect(versionOf('001.do.a.sql')).toBe(1)
    expect(versionOf('20240101000000.do.a.b.cjs')).toBe(20240101000000)
    expect(versionOf('2.do.sql')).toBe(2)
    for (const name of ['001.undo.a.sql', '0.do.a.sql', 'x.do.a.sql', '1.DO.a.sql', '1.do.a.ts', '1_do.sql']) {
      expect(versionOf(name)).toBeNull()
    }
  })

  test('in order of their numbers; deeper ones only where the pattern has **', async () => {
    const files = named('10.do.b.sql', '9.do.a.sql', 'sub/11.do.c.sql', '9.undo.a.sql')
    expect((await discover(files)).migrations.map(({ subject }) => subject)).toEqual(['9.do.a.sql', '10.do.b.sql'])
    const config = { '.postgratorrc': 'migrationPattern: migrations/**/*\nschemaTable: ops.changes # ours\n' }
    const deep = await discover({ ...files, ...config })
    expect(deep.migrations).toHaveLength(3)
    expect(deep.table).toEqual({ schema: 'ops', table: 'changes' })
  })

  test('two of one version stop the tool, and a version that is no whole number cannot be recorded', async () => {
    const { problems } = await discover(named('1.do.a.sql', '001.do.b.sql', '1e-3.do.c.sql'))
    expect(problems.map(({ file }) => file).sort()).toEqual(['migrations/1.do.a.sql', 'migrations/1e-3.do.c.sql'])
  })
})

describe('md5', () => {
  test('is that of the text with its line ends as they are', () => {
    expect(checksumOf(Buffer.from(TEXT), null)).toBe('0697c24a346970e4192e0d26206286cc')
  })

  test('`newline` changes them first, also single CRs', () => {
    const lf = checksumOf(Buffer.from('a\nb\nc\n'), null)
    expect(checksumOf(Buffer.from('a\r\nb\rc\n'), 'LF')).toBe(lf)
    expect(checksumOf(Buffer.from('a\nb\nc\n'), 'CRLF')).toBe(checksumOf(Buffer.from('a\r\nb\r\nc\r\n'), null))
  })

  test('files with CRLF and no `newline` are said: another checkout gives other checksums', async () => {
    expect((await discover(named('1.do.a.sql'))).notes).toEqual([expect.stringContaining("`newline: 'LF'`")])
  })

  test('JavaScript has none, which the ledger says with a word', async () => {
    const { applied } = await interpret([{ version: '1', name: 'a', md5: 'undefined', run_at: null }], {
      'migrations/1.do.a.js': 'export const generateSql = () => ""',
    })
    expect(applied).toMatchObject([{ key: '1', checksum: null, at: null }])
  })
})

describe('rows', () => {
  test('version 0 is made with the table and no migration', async () => {
    const { applied } = await interpret(
      [
        { version: '0', name: null, md5: null, run_at: null },
        { version: '2', name: 'größer "x"', md5: 'abc', run_at: '2026-11-23 02:04:40.49+00' },
      ],
      named('1.do.a.sql'),
    )
    expect(applied).toEqual([
      expect.objectContaining({ key: '2', label: '2 (größer "x")', place: 1, at: '2026-11-23T02:04:40.490Z' }),
    ])
  })
})

test('a late one never runs', async () => {
  const { late, commands } = await discover(named('1.do.a.sql'))
  expect([late, commands.migrateLate]).toEqual(['never-runs', null])
})

describe('an older table', () => {
  test('without md5 and run_at is told at its own name only, and what it cannot tell is said', async () => {
    expect(postgrator.recognise(table({ version: 'bigint' }), [])).toContain('an earlier version')
    expect(postgrator.recognise(table({ version: 'bigint', name: 'text' }), [])).toContain('an earlier version')
    expect(postgrator.recognise(table({ version: 'bigint', name: 'text', md5: 'text' }), [])).not.toBeNull()
    expect(postgrator.recognise(table({ version: 'bigint' }, 'changes'), [])).toBeNull()
    expect(postgrator.twin?.mayBe(table({ version: 'bigint' }, 'changes'), [])).toContain('an earlier version')
    const { notes } = await interpret([{ version: '1' }], named('1.do.a.sql'), { version: 'bigint' })
    expect(notes).toEqual([expect.stringContaining('whether files were edited does not show')])
  })

  test('of one text column, or with other columns, is another tool’s', () => {
    for (const columns of [
      { version: 'character varying' },
      { version: 'bigint', dirty: 'boolean' },
      { version: 'bigint', inserted_at: 'timestamp without time zone' },
    ]) {
      expect(postgrator.recognise(table(columns), [])).toBeNull()
    }
  })
})

describe('how the repository runs it', () => {
  const script = (code: string, scripts: Files = { migrate: 'node scripts/migrate.mjs' }): Files => ({
    ...named('1.do.a.sql'),
    'package.json': JSON.stringify({ scripts, dependencies: { postgrator: '^8.0.0' } }),
    'scripts/migrate.mjs': code,
  })

  test('a script of its own: table, schema and newline as literals, the command that package.json gives', async () => {
    const code = `const url = process.env.PG_URL
      const postgrator = new Postgrator({ driver: 'pg', migrationPattern: 'migrations/*', schemaTable: 'changes', currentSchema: 'app', newline: 'LF', execQuery: (q) => client.query(q) })`
    const found = await discover(script(code))
    expect(found.table).toEqual({ schema: 'app', table: 'changes' })
    expect(found.commands).toMatchObject({ migrate: 'npm run migrate', addressIn: 'PG_URL' })
    expect(found.migrations[0]?.checksums).toEqual([checksumOf(Buffer.from(TEXT), 'LF')])
    expect((await discover(script(code, {}))).commands.migrate).toBe('node scripts/migrate.mjs')
  })

  test('a name that is computed is asked for', async () => {
    const { table: name, notes } = await discover(script('new Postgrator({ schemaTable: process.env.T })'))
    expect(name).toBeNull()
    expect(notes[0]).toContain('set `migrations.table`')
  })

  test('its command does not hand `newline` on, and repeats the flags that it was given', async () => {
    const found = await discover({
      ...named('1.do.a.sql'),
      'package.json': '{ "scripts": { "migrate": "postgrator migrate -t \'ops.my changes\'" } }',
      '.postgratorrc.json': '{ "newline": "LF", "schemaTable": "other" }',
    })
    expect(found.table).toEqual({ schema: 'ops', table: 'my changes' })
    expect(found.commands.migrate).toBe("npx postgrator migrate -t 'ops.my changes'")
    expect(found.migrations[0]?.checksums).toEqual([checksumOf(Buffer.from(TEXT), null)])
    expect(found.notes[0]).toContain('does not hand on')
  })
})

test('nobody else’s files are called so', async () => {
  const found = await detectTool(projectOf(named('001.do.a.sql', '001.undo.a.sql')), 'migrations', null)
  expect(found).toMatchObject({ tool: { name: 'postgrator' }, detection: { confidence: 'certain' } })
  const other = await detectTool(projectOf({ 'migrations/1_a.up.sql': TEXT }), 'migrations', null)
  expect(other).toMatchObject({ tool: { name: 'golang-migrate' } })
})
