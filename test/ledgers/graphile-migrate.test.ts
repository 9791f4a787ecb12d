import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { hashOf, keyOf, parseCommitted } from '../../functions/ledgers/graphile-migrate-files.ts'
import { graphileMigrate } from '../../functions/ledgers/graphile-migrate.ts'
import { expectLedger } from '../../functions/ledgers/expect-ledger.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { recogniseOther } from '../../functions/ledgers/other-tools.ts'

type Files = Readonly<Record<string, string>>
type Step = readonly [name: string, body: string]

const COLUMNS = { hash: 'text', previous_hash: 'text', filename: 'text', date: 'timestamp with time zone' }
const table = (
  columns: Readonly<Record<string, string>> = COLUMNS,
  name = 'migrations',
  schema = 'graphile_migrate',
) => ({
  schema,
  table: name,
  columns,
  readable: true,
})
const STEPS: readonly Step[] = [
  ['000001-a.sql', 'create table a (id int);'],
  ['000002-b.sql', 'create table b (id int);'],
  ['000003.sql', 'create table c (id int);'],
  ['000004-d.sql', 'create table d (id int);'],
]

/** Files and rows as the tool writes them. */
function chain(steps: readonly Step[], header = ''): { readonly files: Files; readonly rows: readonly LedgerRow[] } {
  const files: Record<string, string> = {}
  const rows: LedgerRow[] = []
  let previous: string | null = null
  for (const [name, body] of steps) {
    const hash = hashOf(body, previous)
    files[`migrations/committed/${name}`] = `--! Previous: ${previous ?? '-'}\n--! Hash: ${hash}\n${header}\n${body}\n`
    const date = '2026-11-23 02:04:40.49+00'
    rows.push({ hash, previous_hash: previous, filename: keyOf(name), date })
    previous = hash
  }
  return { files, rows }
}

const discover = (files: Files, path = './migrations/', placeholders: Readonly<Record<string, string>> = {}) =>
  graphileMigrate.discover(projectOf(files), { path, placeholders, table: null })

/** What is found, as `code subject`, and what is said. */
async function look(files: Files, rows: readonly LedgerRow[], current: readonly LedgerRow[] = []) {
  const found = await discover(files)
  const place = { name: 'default', path: 'migrations', table: null }
  const expected = expectLedger(place, graphileMigrate, { evidence: 'it is', confidence: 'certain' }, found)
  const reading = {
    table: 'graphile_migrate.migrations',
    tool: 'graphile-migrate',
    recognisedBy: 'its columns',
    ...graphileMigrate.interpret({
      table: table(),
      rows,
      beside: [{ table: 'current', rows: current }],
      migrations: found.migrations,
    }),
  }
  const { findings } = compareLedger(expected, { ledger: 'default', reading })
  return { findings: findings.map(({ code, subject }) => `${code} ${subject}`), notes: reading.notes, found, reading }
}

function edited(files: Files, name: string, from: string, to: string): Files {
  const file = `migrations/committed/${name}`
  return { ...files, [file]: (files[file] ?? '').replace(from, to) }
}

describe('hash', () => {
  test('is SHA-1 of the trimmed text after the hash before it, as the tool wrote it', () => {
    const first = hashOf('create table t1(id int);\n', null)
    expect(first).toBe('sha1:04b2e717ef34ff209c2e03594452631a75973a81')
    expect(hashOf('\n\n create table t2(id int);', first)).toBe('sha1:5f5a142ac53ebc4f887bb597c2b877ea46338be3')
  })

  test('blanks around the text do not count, any other character does', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.constantFrom('', '\n', '  \r\n\t'), (text, blank) => {
        fc.pre(text.trim() !== '')
        expect(hashOf(`${blank}${text}${blank}`, null)).toBe(hashOf(text, null))
        expect(hashOf(`${text}x`, null)).not.toBe(hashOf(text, null))
      }),
    )
  })
})

describe('files', () => {
  test('are a number and a message of letters, digits, - and _; the ledger has the number alone, as it is written', () => {
    expect(['000001.sql', '000001-a_B-9.sql', '1-.sql'].map(keyOf)).toEqual(['000001.sql', '000001.sql', '1.sql'])
    expect(['000001_a.sql', '000001-ä.sql', '000001-a b.sql', 'a.sql', '000001.SQL', '1.sql.bak'].map(keyOf)).toEqual([
      null,
      null,
      null,
      null,
      null,
      null,
    ])
  })

  test('another name in the folder is no migration, and said; what lies below it is not looked at', async () => {
    const { files } = chain(STEPS)
    const { migrations, problems } = await discover({
      ...files,
      'migrations/committed/000005_tax.sql': 'select 1;',
      'migrations/committed/old/000001.sql': 'select 1;',
      'migrations/fixtures/f.sql': 'select 1;',
    })
    expect(migrations.map(({ subject }) => subject)).toEqual(STEPS.map(([name]) => name))
    expect(problems).toEqual([
      {
        file: 'migrations/committed/000005_tax.sql',
        line: 1,
        message: expect.stringContaining('is not run') as string,
      },
    ])
  })

  test('two of one number are one to the tool', async () => {
    const { files } = chain([...STEPS, ['000004-e.sql', 'create table e (id int);']])
    const { migrations, problems } = await discover(files)
    expect(migrations).toHaveLength(4)
    expect(problems[0]?.message).toContain('000004 is the number of 000004-d.sql already')
  })

  test('the folder may be named itself', async () => {
    const { files } = chain(STEPS)
    const { migrations, commands } = await discover(files, 'migrations/committed')
    expect(migrations).toHaveLength(4)
    expect(commands.migrate).toBe('npx graphile-migrate migrate')
  })
})

describe('header lines', () => {
  test('end where one does not begin with a capital letter; the text begins behind the empty line', () => {
    const text = parseCommitted(
      '--! Previous: -\n--! Hash: sha1:1\n--! AllowInvalidHash\n\n\n--! no-transaction\nselect 1;\n',
    )
    expect([...text.headers]).toEqual([
      ['Previous', '-'],
      ['Hash', 'sha1:1'],
      ['AllowInvalidHash', null],
    ])
    expect([text.body, text.line, text.refused]).toEqual(['--! no-transaction\nselect 1;\n', 6, null])
  })

  test('without one of them, with one twice, without the empty line, with a byte order mark the tool refuses every run', async () => {
    const { files } = chain(STEPS)
    const header = '--! Previous: -\n'
    for (const [from, to, message] of [
      [header, '', 'no `--! Previous:` line'],
      [header, `${header}${header}`, 'Previous twice'],
      ['\n\n', '\n', 'no empty line'],
      ['--!', '\uFEFF--!', 'byte order mark'],
    ] as const) {
      const { problems } = await discover(edited(files, '000001-a.sql', from, to))
      expect(problems[0]?.message).toContain(message)
      expect(problems[0]?.message).toContain('refuses every run')
    }
  })

  test('a file that lost them is still compared by its text', async () => {
    const { files, rows } = chain(STEPS)
    const bare = { ...files, 'migrations/committed/000002-b.sql': 'create table b (id int);\n' }
    expect((await look(bare, rows)).findings).toEqual([])
    const other = { ...files, 'migrations/committed/000002-b.sql': 'create table b (id bigint);\n' }
    expect((await look(other, rows)).findings).toEqual(['migration-edited 000002-b.sql'])
  })

  test('one that comes after another hash than the file before it has breaks the chain', async () => {
    const { files } = chain(STEPS)
    const { problems } = await discover(edited(files, '000003.sql', '--! Previous: sha1:', '--! Previous: sha1:0'))
    expect(problems.map(({ file }) => file)).toEqual([
      'migrations/committed/000003.sql',
      'migrations/committed/000003.sql',
    ])
    expect(problems[0]?.message).toContain('000002-b.sql has sha1:')
  })

  test('`--!include` in a committed file is a comment; what it put in is text like any other', async () => {
    const body = '--! Included f.sql\ncreate table f (id int);\n--! EndIncluded f.sql\n--!include g.sql\nselect 1;'
    const { files } = chain([['000001.sql', body]])
    const { problems, migrations } = await discover(files)
    expect(problems).toEqual([
      {
        file: 'migrations/committed/000001.sql',
        line: 7,
        message: expect.stringContaining('here it is a comment') as string,
      },
    ])
    const [migration] = migrations
    if (migration === undefined) throw new Error('no migration')
    const script = graphileMigrate.script(migration, files['migrations/committed/000001.sql'] ?? '', {
      path: 'migrations',
      placeholders: {},
      table: null,
    })
    expect(script?.statements.map(({ line }) => line)).toEqual([5, 8])
  })

  test('`--! no-transaction` with several statements is one transaction all the same', async () => {
    const { files } = chain([['000001.sql', '--! no-transaction\ncreate index concurrently i on a (id); select 1;']])
    expect((await discover(files)).problems[0]?.message).toContain('needs the statement to be the only one')
  })
})

describe('an edited file', () => {
  test('whose header was left as it was is named, and no other', async () => {
    const { files, rows } = chain(STEPS)
    const { findings, found, notes } = await look(edited(files, '000002-b.sql', 'b (id', 'b (x int, id'), rows)
    expect(findings).toEqual(['migration-edited 000002-b.sql'])
    expect(found.problems.map(({ message }) => message)).toEqual([expect.stringContaining('and its header says sha1:')])
    expect(notes).toEqual([expect.stringContaining('either it was edited, or another branch')])
  })

  test('two of them are both named', async () => {
    const { files, rows } = chain(STEPS)
    const twice = edited(edited(files, '000002-b.sql', 'b (id', 'b (x int, id'), '000003.sql', 'c (id', 'c (x int, id')
    expect((await look(twice, rows)).findings).toEqual(['migration-edited 000002-b.sql', 'migration-edited 000003.sql'])
  })

  test('of a chain that was hashed anew only the first difference is named, and that the rest cannot be told', async () => {
    const { rows } = chain(STEPS)
    const steps = STEPS.map(([name, body], at): Step => [name, at === 1 ? 'create table b (x int);' : body])
    const { findings, notes } = await look(chain(steps).files, rows)
    expect(findings).toEqual(['migration-edited 000002-b.sql'])
    expect(notes).toEqual([
      expect.stringContaining('000002-b.sql has another hash'),
      expect.stringContaining('000003.sql and 1 more have other hashes'),
    ])
  })

  test('a header that was rewritten alone is a difference of its own', async () => {
    const { files, rows } = chain(STEPS)
    const other = edited(files, '000003.sql', '--! Previous: sha1:', '--! Previous: sha1:0')
    expect((await look(other, rows)).findings).toEqual(['migration-edited 000003.sql'])
  })

  test('a file taken out of the middle of a chain that was hashed anew does not hide the next one', async () => {
    const { rows } = chain(STEPS)
    const { findings } = await look(chain(STEPS.filter((_, at) => at !== 1)).files, rows)
    expect(findings).toEqual(['migration-edited 000003.sql', 'migration-unknown 000002.sql'])
  })

  test('that says AllowInvalidHash counts by its header, and is said', async () => {
    const { files, rows } = chain(STEPS)
    const allowed = edited(
      edited(files, '000002-b.sql', '--! Hash', '--! AllowInvalidHash\n--! Hash'),
      '000002-b.sql',
      'b (id',
      'b (x int, id',
    )
    const { findings, found } = await look(allowed, rows)
    expect([findings, found.problems]).toEqual([[], []])
    expect(found.notes).toEqual([expect.stringContaining('000002-b.sql says AllowInvalidHash')])
    const needless = await discover(edited(files, '000002-b.sql', '--! Hash', '--! AllowInvalidHash\n--! Hash'))
    expect(needless.problems[0]?.message).toContain('take that line out')
  })

  test('whatever is edited in whichever way, it is named first', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 3 }), fc.boolean(), async (at, anew) => {
        const { files, rows } = chain(STEPS)
        const [name = '', body = ''] = STEPS[at] ?? []
        const text = body.replace('(id', '(x int, id')
        const steps = STEPS.map((step, index): Step => (index === at ? [name, text] : step))
        const release = anew ? chain(steps).files : edited(files, name, body, text)
        expect((await look(release, rows)).findings).toEqual([`migration-edited ${name}`])
      }),
    )
  })
})

describe('line ends', () => {
  test('of a checkout with CRLF are no edit; that the tool refuses such files is said', async () => {
    const { files, rows } = chain(STEPS)
    const crlf = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.replaceAll('\n', '\r\n')]))
    const { findings, found } = await look(crlf, rows)
    expect([findings, found.problems]).toEqual([[], []])
    expect(found.notes).toEqual([expect.stringContaining('000001-a.sql, and 3 more have CRLF line ends')])
  })

  test('of a text that was committed with CRLF and checked out with LF are none either', async () => {
    const body = 'create table a (\r\n  id int\r\n);'
    const { files, rows } = chain([['000001.sql', body]])
    const { findings, found } = await look(edited(files, '000001.sql', body, body.replaceAll('\r\n', '\n')), rows)
    expect(findings).toEqual([])
    expect(found.problems[0]?.message).toContain('refuses to run it where it has not run')
  })
})

describe('order', () => {
  test('what lies below the highest recorded number never runs', async () => {
    const old = chain(STEPS.filter(([name]) => name !== '000003.sql'))
    const { findings, found, notes } = await look(chain(STEPS).files, old.rows)
    expect(findings).toEqual(['migration-skipped 000003.sql'])
    expect([found.late, found.commands.migrateLate]).toEqual(['never-runs', null])
    expect(notes).toEqual([expect.stringContaining('000004-d.sql has other hashes')])
  })

  test('is that of the numbers as they are written, as the tool compares them', async () => {
    const { files } = chain([
      ['1.sql', 'select 1;'],
      ['10.sql', 'select 10;'],
      ['2.sql', 'select 2;'],
    ])
    expect((await discover(files)).migrations.map(({ key }) => key)).toEqual(['1.sql', '10.sql', '2.sql'])
  })

  test('code rolled back behind a newer database: what is more is unknown, nothing else is wrong', async () => {
    const { files } = chain(STEPS.slice(0, 3))
    const { findings, reading } = await look(files, chain(STEPS).rows)
    expect(findings).toEqual(['migration-unknown 000004.sql'])
    expect(reading.applied.at(-1)).toMatchObject({ place: 3, at: '2026-11-23T02:04:40.490Z' })
  })

  test('what is pending and comes after a hash that never ran here cannot be run, which is said', async () => {
    const steps = STEPS.map(([name, body], at): Step => [name, at === 2 ? 'create table other (id int);' : body])
    const { findings, notes } = await look(chain(steps).files, chain(STEPS.slice(0, 3)).rows)
    expect(findings).toEqual(['migration-edited 000003.sql', 'migration-missing 000004-d.sql'])
    expect(notes).toEqual([
      expect.stringContaining('000003.sql has another hash'),
      expect.stringContaining('the next run of graphile-migrate fails at 000004-d.sql'),
    ])
    expect((await look(chain(STEPS).files, chain(STEPS.slice(0, 3)).rows)).notes).toEqual([])
  })

  test('of two rows of one number the one counts whose text the release has', async () => {
    const { files, rows } = chain(STEPS)
    const other = { hash: 'sha1:0', previous_hash: rows[2]?.['hash'] ?? null, filename: '000004.sql', date: null }
    for (const all of [
      [...rows, other],
      [...rows.slice(0, 3), other, ...rows.slice(3)],
    ]) {
      const { findings, notes } = await look(files, all)
      expect(findings).toEqual([])
      expect(notes).toEqual([expect.stringContaining('000004.sql more than once')])
    }
  })
})

describe('what is not committed', () => {
  const { files, rows } = chain(STEPS)

  test('is of no ledger, and said: current.sql, current/, and what they include', async () => {
    const notes = async (more: Files) => (await discover({ ...files, ...more })).notes
    expect(await notes({ 'migrations/current.sql': '-- Enter migration here\n' })).toEqual([])
    expect(await notes({ 'migrations/current.sql': 'select 1;' })).toEqual([
      expect.stringContaining('migrations/current.sql has what is not committed'),
    ])
    expect(await notes({ 'migrations/current.sql': '--!include f.sql\r\n' })).toHaveLength(1)
    expect(await notes({ 'migrations/current/001.sql': 'select 1;', 'migrations/current/2.sql': 'select 2;' })).toEqual(
      [expect.stringContaining('migrations/current/001.sql, migrations/current/2.sql have what is not committed')],
    )
  })

  test('both of them are more than the tool commits', async () => {
    const both = { 'migrations/current.sql': '', 'migrations/current/001.sql': '' }
    expect((await discover({ ...files, ...both })).problems[0]?.message).toContain('commits neither')
  })

  test('what `watch` ran here is told by no row of the ledger, and said', async () => {
    const row = { filename: 'current.sql', content: '-- x\nselect 1;', date: '2026-11-23 02:04:40+00' }
    expect((await look(files, rows, [row])).notes).toEqual([expect.stringContaining('at 2026-11-23T02:04:40.000Z')])
    expect((await look(files, rows, [{ ...row, content: '-- x\n/* y */\n' }])).notes).toEqual([])
  })
})

describe('.gmrc', () => {
  const { files } = chain([
    ['000001.sql', "create table a (x text default ':PLAN', y text default :WHO, z text default ':PLANS');"],
  ])
  const sql = async (more: Files, placeholders: Readonly<Record<string, string>> = {}) => {
    const found = await discover({ ...files, ...more }, 'migrations', placeholders)
    const [migration] = found.migrations
    if (migration === undefined) throw new Error('no migration')
    const text = files['migrations/committed/000001.sql'] ?? ''
    const settings = { path: 'migrations', placeholders: found.placeholders, table: null }
    const script = found.scripts?.get(migration.key) ?? graphileMigrate.script(migration, text, settings)
    return { statements: script?.statements.map((statement) => statement.sql) ?? [], notes: found.notes }
  }

  test('placeholders are put in wherever they stand; those of the environment have to be set', async () => {
    const config = { '.gmrc': '{ placeholders: { /* ":OFF": "x", */ ":PLAN": "free", ":WHO": "!ENV", }, }' }
    const { statements, notes } = await sql(config)
    expect(statements).toEqual(["create table a (x text default 'free', y text default :WHO, z text default ':PLANS')"])
    expect(notes).toEqual([expect.stringContaining('uses :WHO')])
    const known = await sql(config, { WHO: "'me'" })
    expect([known.statements[0]?.includes("y text default 'me',"), known.notes]).toEqual([true, []])
    expect((await sql(config, { ':WHO': '1' })).statements[0]).toContain('y text default 1,')
  })

  test('the search path is set before each migration', async () => {
    const { statements } = await sql({ '.gmrc': '{ "pgSettings": { "search_path": "app_public, public" } }' })
    expect(statements[0]).toBe("SELECT pg_catalog.set_config('search_path', 'app_public, public', false)")
    expect(statements).toHaveLength(2)
  })

  test('in JavaScript, in a folder of its own, with another variable', async () => {
    const found = await discover(
      {
        'db/.gmrc.js': 'module.exports = { connectionString: process.env.OWNER_URL, migrationsFolder: "./steps" }',
        'db/steps/committed/000001.sql': files['migrations/committed/000001.sql'] ?? '',
      },
      'db/steps',
    )
    expect(found.commands).toMatchObject({ addressIn: 'OWNER_URL', migrate: 'cd db && npx graphile-migrate migrate' })
  })

  test('one that `--config` names is named in the command, and one of other migrations is not taken', async () => {
    const more = {
      '.gmrc': '{ migrationsFolder: "other" }',
      '.gmrc.json5': '{ migrationsFolder: "migrations", connectionString: "postgres://x" }',
      'package.json': '{ "scripts": { "migrate": "graphile-migrate migrate -c .gmrc.json5" } }',
    }
    expect((await discover({ ...files, ...more })).commands).toMatchObject({
      addressIn: null,
      migrate: 'npx graphile-migrate migrate --config .gmrc.json5',
    })
  })

  test('its actions are of no migration, and said', async () => {
    const config = `{ "afterReset": ["!init.sql", { "_": "command", "command": "x" }], "afterAllMigrations": [{ "_": "sql", "file": "views.sql" }],
      "beforeAllMigrations": [], "afterCurrent": ["seed.sql"] }`
    expect((await discover({ ...files, '.gmrc': config })).notes).toEqual([
      expect.stringContaining('.gmrc has afterAllMigrations: what they do'),
      expect.stringContaining('.gmrc has migrations/init.sql run before the first migration'),
    ])
  })
})

describe('told from other tools', () => {
  const { files } = chain(STEPS)
  const detect = (more: Files, path = 'migrations') => detectTool(projectOf(more), path, null)

  test('by its header lines, with CRLF too', async () => {
    expect(await detect(files)).toMatchObject({
      tool: { name: 'graphile-migrate' },
      detection: { confidence: 'certain' },
    })
    const crlf = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, text.replaceAll('\n', '\r\n')]))
    expect(await detect(crlf)).toMatchObject({ tool: { name: 'graphile-migrate' } })
    expect(await detect(files, 'migrations/committed')).toMatchObject({ tool: { name: 'graphile-migrate' } })
  })

  test('by its config file where nothing is committed yet', async () => {
    const begun = { '.gmrc': '{}', 'migrations/current.sql': '-- Enter migration here\n' }
    expect(await detect(begun)).toMatchObject({ tool: { name: 'graphile-migrate' } })
    expect(
      await graphileMigrate.detect(
        projectOf({ '.gmrc': '{ "migrationsFolder": "other" }', 'migrations/current.sql': '' }),
        'migrations',
      ),
    ).toBeNull()
  })

  test('files of the same form of name without header lines are anybody’s', async () => {
    const plain = { 'migrations/committed/000001-a.sql': 'select 1;' }
    expect(await graphileMigrate.detect(projectOf(plain), 'migrations')).toBeNull()
    const depends = { ...plain, 'package.json': '{ "dependencies": { "graphile-migrate": "^1.4.1" } }' }
    expect(await graphileMigrate.detect(projectOf(depends), 'migrations')).toMatchObject({ confidence: 'likely' })
  })

  test('its table by its columns; of two more only under its own name; the table beside it is none', () => {
    expect(graphileMigrate.recognise(table(), [])).toContain('told by its 4 columns')
    const more = { ...COLUMNS, note: 'text' }
    expect(graphileMigrate.recognise(table(more), [])).toContain('note beside them')
    expect(graphileMigrate.recognise(table(more, 'files', 'public'), [])).toBeNull()
    const { previous_hash: _, ...truncated } = COLUMNS
    for (const columns of [truncated, { id: 'integer', timestamp: 'bigint', name: 'character varying' }]) {
      expect(graphileMigrate.recognise(table(columns), [])).toBeNull()
    }
    const current = table({ filename: 'text', content: 'text', date: 'timestamp with time zone' }, 'current')
    expect([graphileMigrate.recognise(current, []), recogniseOther(current)]).toEqual([null, null])
  })
})
