import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { commandsFor } from '../../functions/core/paste.ts'
import { canonicalUri } from '../../functions/ledgers/canonical-uri.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { expectLedger as expectationOf } from '../../functions/ledgers/expect-ledger.ts'
import { parseGitConfig } from '../../functions/ledgers/git-config.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { psqlStatements } from '../../functions/ledgers/psql-script.ts'
import { parsePlan } from '../../functions/ledgers/sqitch-plan.ts'
import { sqitch } from '../../functions/ledgers/sqitch.ts'

type Files = Readonly<Record<string, string>>

const discover = (files: Files, path = '.', placeholders: Files = {}) =>
  sqitch.discover(projectOf(files), { path, placeholders, table: null })
const plan = (...lines: readonly string[]): string => `%syntax-version=1.0.0\n%project=shop\n\n${lines.join('\n')}\n`
const line = (name: string, dependencies = '', note = `Adds ${name}.`): string =>
  `${name}${dependencies} 2026-01-02T03:04:05Z Dana Reyes <dana@example.com> # ${note}`
const tag = (name: string): string => line(`@${name}`)
const scripts = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`deploy/${name}.sql`, `CREATE TABLE "${name}" (id int);\n`]))
const shop = (...names: readonly string[]): Files => ({
  'sqitch.plan': plan(...names.map((name) => line(name))),
  ...scripts(...names),
})

/** Rows as sqitch would have written them on deploying these files. */
const deployed = async (files: Files, from = 1): Promise<readonly LedgerRow[]> => {
  const { migrations } = await discover(files)
  return migrations.map(({ key, subject, checksums }, at) => ({
    change_id: key.split(':')[1] ?? '',
    script_hash: checksums[0] ?? null,
    change: subject.replace(/@.*/, ''),
    project: 'shop',
    note: `Adds ${subject}.`,
    committed_at: `2026-02-03 04:05:${String(from + at).padStart(2, '0')}.123456+00`,
    committer_name: 'Dana Reyes',
    committer_email: 'dana@example.com',
    planned_at: '2026-01-02 03:04:05+00',
    planner_name: 'Dana Reyes',
    planner_email: 'dana@example.com',
  }))
}
const event = (row: LedgerRow | undefined, name: string, at: string): LedgerRow => ({
  ...row,
  event: name,
  committed_at: `2026-02-03 04:05:${at}+00`,
})

const compare = async (
  files: Files,
  rows: readonly LedgerRow[],
  beside: Readonly<Record<string, readonly LedgerRow[]>> = {},
) => {
  const found = await discover(files)
  const place = { name: 'default', path: '.', table: null }
  const expectation = expectationOf(place, sqitch, { evidence: 'a test', confidence: 'certain' }, found)
  const reading = {
    table: 'sqitch.changes',
    tool: 'sqitch',
    recognisedBy: 'a test',
    ...sqitch.interpret({
      table: { schema: 'sqitch', table: 'changes', columns: {}, readable: true },
      rows,
      beside: Object.entries({ events: [], ...beside }).map(([table, of]) => ({ table, rows: of })),
      migrations: found.migrations,
    }),
  }
  const { findings } = compareLedger(expectation, { ledger: 'default', reading })
  return { reading, findings, told: findings.map(({ code, subject }) => `${code} ${subject}`) }
}

describe('the plan', () => {
  // What `sqitch plan --format 'format:%H %n'` of 1.3.1 says.
  test('ids are those of sqitch, whatever stands in a line', () => {
    const text = [
      '%syntax-version=1.0.0',
      '  % project = größe',
      '# a remark',
      '%uri=HTTPS://Ex.COM:443/%7efoo/ä b#frag',
      '',
      '# only a remark',
      String.raw`+ a 2026-11-23T01:52:57Z Dana  Reyes  <dana@example.com>   # a note \\n with \n newline \\ and "x"  `,
      '  b/c [a] 2026-11-23T01:52:58Z Émile Ö <e@ö.de>',
      'größe [a größe:b/c !other:x !zzz]2026-11-23T01:52:59Z X <y>#0',
      'x~1y 2026-11-23T01:52:59Z X <y>#',
      '@v1 2026-11-23T01:53:00Z Dana Reyes <dana@example.com> # First',
      '\t@v1.1\t2026-11-23T01:53:00Z Dana Reyes <dana@example.com>',
      'a [a@v1 other:q@t1] 2026-11-23T01:53:01Z D R <d@e> # reworked # twice',
      '\t-_z [@v1]\t2026-11-23T01:53:01Z D R <d@e>\t#\t   tabbed',
    ]
    const { project, changes, problems } = parsePlan(text.join('\r\n'))
    expect(changes.map(({ id, name }) => `${id} ${name}`)).toEqual([
      'bd64e8ecd9492aa199c26eea3176ecbad138d85e a',
      'b82313afee914b6e7d50e61aa49c9fa03af0db1e b/c',
      '026537489857463d8102acdfcd66521be8f4bad1 größe',
      '68a0e632b10d410dc3fa35701aa01066a8ef7692 x~1y',
      '1bd89d64a6fd603b1ce4178e82b2e22393845b07 a',
      'fb91b7647fc8204975fb3c07b2b3bf2039e8f9fd _z',
    ])
    expect({ project, problems }).toEqual({ project: 'größe', problems: [] })
    expect(parsePlan(text.join('\n'))).toEqual(parsePlan(text.join('\r\n')))
  })

  // What Perl's URI 5.17 makes of them.
  test.each([
    ['https://Example.COM', 'https://example.com/'],
    ['HTTP://Example.com:80/%7efoo/%2a', 'http://example.com/~foo/*'],
    ['https://example.com:443/a/../b', 'https://example.com/a/../b'],
    ['https://ex.com/größe?q=a b', 'https://ex.com/gr%C3%B6%C3%9Fe?q=a%20b'],
    ['https://user@Ex.com:8080', 'https://user@ex.com:8080/'],
    ['https://ex.com?x', 'https://ex.com?x'],
    ['https://ex.com:/x', 'https://ex.com/x'],
    ['https://ex.com/a%c3%a9', 'https://ex.com/a%C3%A9'],
    ['https://ex.com/[a]{b}', 'https://ex.com/%5Ba%5D%7Bb%7D'],
    ['https://[::1]/x', 'https://[::1]/x'],
    ['https://exämple.com/größe', 'https://xn--exmple-cua.com/gr%C3%B6%C3%9Fe'],
    ['ssh://Git@Ex.com:22/x', 'ssh://Git@ex.com/x'],
    ['ftp://Ex.com:21', 'ftp://ex.com'],
    ['git://Ex.com:9418/x', 'git://Ex.com:9418/x'],
    ['git@github.com:x/y.git', 'git@github.com:x/y.git'],
    ['urn:X:Y', 'urn:x:Y'],
    ['mailto:A@B.Com', 'mailto:A@B.Com'],
    ['Foo/Bar', 'Foo/Bar'],
  ])('%s is %s in an id', (written, canonical) => {
    expect(canonicalUri(written)).toBe(canonical)
  })

  test('a canonical URI is canonical already', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        const once = canonicalUri(url)
        expect(canonicalUri(once)).toBe(once)
      }),
    )
  })

  test.each([
    ['a line without a date', 'b Dana <d@e>'],
    ['a line without a planner', 'b 2026-01-02T03:04:05Z'],
    ['a name that sqitch does not take', line('b:c')],
    ['a word of its own', line('HEAD')],
    ['a conflict of a merge', '<<<<<<< HEAD'],
    ['a lone #', '#'],
    ['a dependency that is none', line('b', ' [!]')],
  ])('%s is told with its place, and what it was to be is not counted as run', async (_, bad) => {
    const files = { 'sqitch.plan': plan(line('a'), bad), ...scripts('a') }
    const { problems } = await discover(files)
    expect(problems).toEqual([
      { file: 'sqitch.plan', line: 5, message: expect.stringContaining('sqitch refuses the whole plan') as string },
    ])
    const { told, findings } = await compare(files, await deployed(shop('a')))
    expect(told).toEqual(['ledger-ambiguous sqitch.changes'])
    expect(findings[0]?.found).toContain('line 5 of sqitch.plan')
  })

  test.each([
    ['a change twice without a tag between', [line('a'), line('a')], 'no tag stands between'],
    ['a tag before any change', [tag('v1'), line('a')], 'no change stands before it'],
    ['a tag twice', [line('a'), tag('v1'), tag('v1')], 'it is there already'],
    [
      'a change that requires a later one',
      [line('b', ' [a]'), line('a')],
      'b requires a, which does not stand before it',
    ],
    ['a change that requires itself as of a tag that is not there', [line('a', ' [a@v9]')], 'a requires a@v9'],
    ['a conflict with one that stands before', [line('a'), line('b', ' [!a]')], 'conflicts with a'],
  ])('%s is told', async (_, lines, message) => {
    const { problems } = await discover({ 'sqitch.plan': plan(...lines), ...scripts('a', 'b', 'a@v1') })
    expect(problems.map((one) => one.message).join()).toContain(message)
  })

  test('a plan without its project is told', async () => {
    const { problems } = await discover({ 'sqitch.plan': `%syntax-version=1.0.0\n\n${line('a')}\n`, ...scripts('a') })
    expect(problems[0]).toMatchObject({ line: 1, message: expect.stringContaining('no %project') as string })
  })

  test('a change without its script is told, and fails in the replay as it does in sqitch', async () => {
    const { problems, migrations, scripts: found } = await discover({ 'sqitch.plan': plan(line('a')) })
    expect(problems).toMatchObject([{ line: 4, message: expect.stringContaining('a has no deploy/a.sql') as string }])
    expect(migrations[0]?.checksums).toEqual([])
    expect([...(found?.values() ?? [])]).toEqual([{ statements: [{ sql: String.raw`\i deploy/a.sql`, line: 1 }] }])
  })

  test('what another project is to deploy is said', async () => {
    const { notes } = await discover({ 'sqitch.plan': plan(line('a', ' [fleet:trucks shop:a@x]')), ...scripts('a') })
    expect(notes).toEqual([expect.stringContaining('fleet:trucks of another project')])
  })

  test('any text ends, and is a plan or is told to be none', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const { changes, unreadable, problems } = parsePlan(text)
        expect(changes.length + unreadable.length + problems.length).toBeGreaterThan(0)
      }),
    )
  })
})

describe('scripts', () => {
  const reworked = plan(line('a'), tag('v1'), line('b'), tag('v1.1'), tag('v1.2'), line('a', ' [a@v1]', 'Again.'))

  test('a change lies under its name, in folders too; its extension can be set', async () => {
    const files = {
      'sqitch.conf': '[core]\nengine = pg\nextension = ddl\n',
      'sqitch.plan': plan(line('app/users')),
      'deploy/app/users.ddl': 'SELECT 1;',
    }
    expect((await discover(files)).migrations.map(({ file }) => file)).toEqual(['deploy/app/users.ddl'])
  })

  test.each(['v1.1', 'v1.2', 'v1'])('the older text of a reworked change lies under the tag %s', async (name) => {
    const { migrations } = await discover({ 'sqitch.plan': reworked, ...scripts('a', 'b', `a@${name}`) })
    expect(migrations.map(({ subject, file }) => `${subject} ${file}`)).toEqual([
      `a@v1 deploy/a@${name}.sql`,
      'b deploy/b.sql',
      'a@HEAD deploy/a.sql',
    ])
  })

  test('reworked scripts may lie elsewhere', async () => {
    const conf = '[core]\nengine = pg\ntop_dir = db\nreworked_dir = old\n'
    const files = {
      'sqitch.conf': conf,
      'db/sqitch.plan': reworked,
      'old/deploy/a@v1.sql': '1',
      'db/deploy/a.sql': '2',
    }
    const { migrations } = await discover(files, 'db')
    expect(migrations.map(({ file }) => file)).toEqual(['old/deploy/a@v1.sql', 'db/deploy/b.sql', 'db/deploy/a.sql'])
  })

  test('a CRLF checkout is no edit, in any encoding', async () => {
    const rows = await deployed(shop('a'))
    const crlf = { ...shop('a'), 'deploy/a.sql': 'CREATE TABLE "a" (id int);\r\n' }
    expect((await compare(crlf, rows)).told).toEqual([])
    const latin = Buffer.concat([Buffer.from('SELECT '), Buffer.from([0x27, 0xe4, 0x27]), Buffer.from(';\n')])
    const { migrations } = await sqitch.discover(projectOf({ 'sqitch.plan': plan(line('a')), 'deploy/a.sql': latin }), {
      path: '.',
      placeholders: {},
      table: null,
    })
    // printf "SELECT '\xe4';\n" | sha1sum
    expect(migrations[0]?.checksums[0]).toBe('5c9cd3d8ea6430b371f2148cf083e2397634a821')
  })

  const statements = (files: Files, variables: Files = {}) =>
    psqlStatements({ project: projectOf(files), base: '', variables }, 'deploy/a.sql')

  test('psql’s variables are put in, in no quote and no comment', async () => {
    const text = `CREATE TABLE :s.t (a text DEFAULT :'v', b int DEFAULT '1'::int, ":s" int, c text DEFAULT ':s'); -- :s\nSELECT $x$ :s $x$, :"v", :unknown;`
    expect(await statements({ 'deploy/a.sql': text }, { s: 'shop', v: `it's "x"` })).toEqual([
      {
        sql: `CREATE TABLE shop.t (a text DEFAULT 'it''s "x"', b int DEFAULT '1'::int, ":s" int, c text DEFAULT ':s')`,
        line: 1,
      },
      { sql: `SELECT $x$ :s $x$, "it's ""x""", :unknown`, line: 2 },
    ])
  })

  test('files that a script includes run in their place, from the folder of the run or of the script', async () => {
    const files = {
      'deploy/a.sql': 'SELECT 1;\n\\ir parts/b.sql\n\\i parts/c.sql\n\nSELECT 4;',
      'deploy/parts/b.sql': '\\set n 2\nSELECT :n;',
      'parts/c.sql': 'SELECT 3, :n;',
    }
    expect(await statements(files)).toEqual([
      { sql: 'SELECT 1', line: 1 },
      { sql: 'SELECT 2', line: 2 },
      { sql: 'SELECT 3, 2', line: 3 },
      { sql: 'SELECT 4', line: 5 },
    ])
  })

  test('a variable has a value from where it is set', async () => {
    const text = "\\set s 'one' ' two'\nSELECT :'s';\n\\set s three\nSELECT :'s';\n\\unset s\nSELECT :'s';"
    expect((await statements({ 'deploy/a.sql': text })).map(({ sql, line: at }) => `${at} ${sql}`)).toEqual([
      "2 SELECT 'one two'",
      "4 SELECT 'three'",
      "6 SELECT :'s'",
    ])
  })

  test('what only psql can do stays, so that it is seen to fail; what changes nothing goes', async () => {
    const text = '\\echo hello\n\\pset pager off\nSELECT 1;\n\\copy t from x.csv\n\\i gone.sql\n\\q\nSELECT 2;'
    expect(await statements({ 'deploy/a.sql': text })).toEqual([
      { sql: 'SELECT 1', line: 3 },
      { sql: '\\copy t from x.csv', line: 4 },
      { sql: '\\i gone.sql', line: 5 },
    ])
  })

  test('a backslash at the beginning of a line of a string is no command', async () => {
    const text = "SELECT 'a\n\\echo b';\nDO $$\n\\q\n$$;"
    expect((await statements({ 'deploy/a.sql': text })).map(({ sql }) => sql)).toEqual([
      "SELECT 'a\n\\echo b'",
      'DO $$\n\\q\n$$',
    ])
  })

  test('files that include each other end', async () => {
    const found = await statements({ 'deploy/a.sql': 'SELECT 1;\n\\ir a.sql' })
    expect(found.at(-1)?.sql).toBe('\\ir a.sql')
  })
})

describe('sqitch.conf', () => {
  test('is read as git’s config files are', () => {
    const text =
      '; remark\n[core]\n\tengine = pg # remark\n\tTop_Dir = "a  b"  c\n[engine "pg"] target = "db:pg://h/d#1"\n# [x]\n\tflag\n[target "Prod \\"1\\""]\r\n\turi = a\\\r\nb\n[Engine.pg.variables]\nX = \\t1\n'
    expect(parseGitConfig(text)).toEqual([
      {
        name: 'core',
        values: [
          { name: 'engine', value: 'pg' },
          { name: 'Top_Dir', value: 'a  b c' },
        ],
      },
      {
        name: 'engine.pg',
        values: [
          { name: 'target', value: 'db:pg://h/d#1' },
          { name: 'flag', value: 'true' },
        ],
      },
      { name: 'target.Prod "1"', values: [{ name: 'uri', value: 'ab' }] },
      { name: 'engine.pg.variables', values: [{ name: 'X', value: '\t1' }] },
    ])
  })

  test('values come out as they were written, among any lines that are no settings', () => {
    const value = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\r', ''))
    fc.assert(
      fc.property(fc.array(value), fc.string({ unit: 'binary' }), (values, end) => {
        const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '"': '\\"', '\\': '\\\\' }
        const lines = values.map((one) => `k = "${one.replace(/[\n"\\]/g, (letter) => escapes[letter] ?? '')}"\n`)
        const [section] = parseGitConfig(`[core]\n${lines.join('# k = x\n')}[end]\n${end}`)
        expect(section).toEqual({ name: 'core', values: values.map((one) => ({ name: 'k', value: one })) })
      }),
    )
  })

  const tableOf = async (conf: string, path = '.', more: Files = {}) =>
    (await discover({ ...shop('a'), ...more, 'sqitch.conf': conf }, path)).table

  test.each([
    ['the default', '[core]\nengine = pg\n# [engine "pg"]\n\t# registry = no\n', 'sqitch'],
    ['core.registry', '[core]\nengine = pg\nregistry = c\n', 'c'],
    ['the engine’s before it', '[core]\nengine = pg\nregistry = c\n[engine "pg"]\nregistry = e\n', 'e'],
    [
      'the target’s before both',
      '[core]\nengine = pg\ntarget = t\n[engine "pg"]\nregistry = e\n[target "t"]\nuri = db:postgres:x\nregistry = "T"\n',
      'T',
    ],
    [
      'the target of the engine',
      '[core]\nengine = pg\n[engine "pg"]\ntarget = t\n[target "t"]\nuri = db:pg:x\nregistry = T\n',
      'T',
    ],
  ])('the registry: %s', async (_, conf, schema) => {
    expect(await tableOf(conf)).toEqual({ schema, table: 'changes' })
  })

  test('targets with different registries leave it to the database, and that is said', async () => {
    const conf = '[core]\nengine = pg\n[target "t"]\nuri = db:pg:x\nregistry = T\n'
    expect(await tableOf(conf)).toBeNull()
    expect((await discover({ ...shop('a'), 'sqitch.conf': conf })).notes.join()).toContain('different registries')
  })

  test('without one nothing says where the registry is, but for how sqitch is run', async () => {
    expect((await discover(shop('a'))).table).toBeNull()
    const make = { Makefile: 'deploy:\n\tsqitch --registry ops deploy db:pg:x\n' }
    expect((await discover({ ...shop('a'), ...make })).table).toEqual({ schema: 'ops', table: 'changes' })
    expect(await tableOf('[core]\nengine = pg\n', '.', make)).toEqual({ schema: 'ops', table: 'changes' })
  })

  test('engines with plans of their own are folders of their own', async () => {
    const conf = '[core]\nengine = pg\n[engine "pg"]\ntop_dir = pg\n[engine "mysql"]\ntop_dir = my\nregistry = r\n'
    const files = { 'sqitch.conf': conf, 'pg/sqitch.plan': plan(line('a')), 'my/sqitch.plan': plan(line('b')) }
    const found = await discover(files)
    expect(found.migrations.map(({ file }) => file)).toEqual(['pg/deploy/a.sql'])
    expect(found.notes).toEqual([expect.stringContaining('also names my/sqitch.plan')])
    const other = await discover(files, 'my')
    expect(other.migrations.map(({ file }) => file)).toEqual(['my/deploy/b.sql'])
    expect(other.table).toEqual({ schema: 'r', table: 'changes' })
  })

  test('one above several plans counts in the folder of each', async () => {
    const files = {
      'sqitch.conf': '[core]\nengine = pg\nregistry = r\n',
      'services/a/sqitch.plan': plan(line('a')),
      'services/b/sqitch.plan': plan(line('b')),
    }
    const { migrations, commands, table } = await discover(files, 'services/b')
    expect(migrations.map(({ file }) => file)).toEqual(['services/b/deploy/b.sql'])
    expect(commands.migrate).toBe('cd services/b && sqitch deploy')
    expect(table).toEqual({ schema: 'r', table: 'changes' })
  })
})

describe('detection', () => {
  const conf = { 'sqitch.conf': '[core]\nengine = pg\ntop_dir = db\n' }
  const below = { ...conf, 'db/sqitch.plan': plan(line('001_a')), 'db/deploy/001_a.sql': 'SELECT 1;\n' }

  test.each(['.', 'db', 'db/', 'db/sqitch.plan', 'db/deploy'])('the path may be %s', async (path) => {
    expect(await detectTool(projectOf(below), path, null)).toMatchObject({
      tool: { name: 'sqitch' },
      detection: { evidence: 'db/sqitch.plan is a plan of sqitch', confidence: 'certain' },
    })
    expect((await discover(below, path)).migrations).toHaveLength(1)
  })

  test.each(['db', 'db/sqitch.plan', 'db/deploy'])('without sqitch.conf it may be %s', async (path) => {
    const { 'sqitch.conf': _, ...files } = below
    expect(await detectTool(projectOf(files), path, null)).toMatchObject({ tool: { name: 'sqitch' } })
    expect((await discover(files, path)).migrations.map(({ file }) => file)).toEqual(['db/deploy/001_a.sql'])
  })

  test('another tool’s folder beside a plan is that tool’s', async () => {
    const files = {
      ...shop('a'),
      'sqitch.conf': '[core]\nengine = pg\n',
      'migrations/001_a.up.sql': 'SELECT 1;',
      'migrations/001_a.down.sql': 'SELECT 1;',
    }
    expect(await detectTool(projectOf(files), 'migrations', null)).toMatchObject({ tool: { name: 'golang-migrate' } })
  })

  test('a file of that name that is no plan is none', async () => {
    expect(await sqitch.detect(projectOf({ 'sqitch.plan': 'notes', 'sqitch.conf': '' }), '.')).toBeNull()
  })
})

describe('commands', () => {
  const at = async (conf: string, path = '.') => (await discover({ ...shop('a'), 'sqitch.conf': conf }, path)).commands

  test('are aimed at the environment by SQITCH_TARGET, which takes a postgresql:// address', async () => {
    const aimed = commandsFor(await at('[core]\nengine = pg\n'), 'PROD_URL')
    expect(aimed.migrate).toBe('SQITCH_TARGET="$PROD_URL" sqitch deploy')
    expect(aimed.record?.command).toBe('SQITCH_TARGET="$PROD_URL" sqitch deploy --log-only --to-change NAME')
  })

  test('leave the address to a target that has settings of its own', async () => {
    const conf = '[core]\nengine = pg\ntarget = t\n[target "t"]\nuri = db:pg:x\nregistry = T\n'
    expect(await at(conf)).toMatchObject({ addressIn: null, migrate: 'sqitch deploy' })
    const named = '[core]\nengine = pg\n[target "the one"]\nuri = db:pg:x\nplan_file = other.plan\n'
    const files = { ...shop('a'), 'sqitch.conf': named, 'other.plan': plan(line('b')) }
    const { commands } = await discover(files, 'other.plan')
    expect(commands).toMatchObject({ addressIn: null, migrate: "sqitch deploy --target 'the one'" })
  })
})

describe('rows', () => {
  const files = shop('a', 'b', 'c')

  test('of other projects in the registry are neither this release’s nor unknown', async () => {
    const rows = await deployed(shop('a', 'b'))
    const fleet = { ...rows[0], change_id: 'f'.repeat(40), project: 'fleet', change: 'c' }
    const { told, reading } = await compare(files, [...rows, fleet])
    expect(told).toEqual(['migration-missing c'])
    expect(reading.notes).toEqual([
      "sqitch.changes also has one change of the project fleet, which is not this release's",
    ])
  })

  test('tell an edited script, and nothing where there is no hash: none, or the id as old versions had it', async () => {
    const rows = await deployed(files)
    const withHash = (hash: (row: LedgerRow) => string | null) =>
      rows.map((row) => ({ ...row, script_hash: hash(row) }))
    expect((await compare({ ...files, 'deploy/b.sql': 'SELECT 1;' }, rows)).told).toEqual(['migration-edited b'])
    for (const old of [withHash(() => null), withHash((row) => row['change_id'] ?? null)]) {
      const { told, reading } = await compare({ ...files, 'deploy/b.sql': 'SELECT 1;' }, old)
      expect(told).toEqual([])
      expect(reading.notes).toEqual([expect.stringContaining('no hashes of scripts')])
    }
  })

  test('with ids of a plan that was changed above: the first difference alone, with its line', async () => {
    const changed = { ...files, 'sqitch.plan': plan(line('a'), line('b', '', 'Reworded.'), line('c')) }
    const { findings, told } = await compare(changed, await deployed(files))
    expect(told).toEqual(['migration-edited b'])
    expect(findings[0]).toMatchObject({
      source: [{ file: 'sqitch.plan', line: 5 }],
      found: expect.stringContaining(
        'planned 2026-01-02T03:04:05.000Z by Dana Reyes <dana@example.com>, with the note “Adds b.”',
      ) as string,
      nextSteps: [{ command: 'git log -p -- sqitch.plan' }],
    })
  })

  test('of such a plan, with one missing: what sqitch refuses is not printed as a command', async () => {
    const changed = {
      ...shop('a', 'b', 'c', 'd'),
      'sqitch.plan': plan(line('a', '', 'Other.'), line('b'), line('c'), line('d')),
    }
    const { findings, told } = await compare(changed, await deployed(files))
    expect(told).toEqual(['migration-edited a', 'migration-missing d'])
    expect(findings[1]?.nextSteps).toEqual([
      { text: expect.stringContaining('sqitch with this release refuses to run') as string, command: null },
    ])
  })

  test('of an edited script under an id of another plan: both are told', async () => {
    const changed = {
      ...files,
      'sqitch.plan': plan(line('a', '', 'Other.'), line('b'), line('c')),
      'deploy/c.sql': 'SELECT 1;',
    }
    expect((await compare(changed, await deployed(files))).told).toEqual(['migration-edited a', 'migration-edited c'])
  })

  test('of a change that was put in between: it alone is told', async () => {
    const { told, findings } = await compare(shop('a', 'new', 'b', 'c'), await deployed(files))
    expect(told).toEqual(['migration-skipped new'])
    expect(findings[0]?.nextSteps[0]?.text).toContain('put what is new after them')
  })

  test('of which one in the middle is gone: sqitch never runs it', async () => {
    const rows = await deployed(files)
    const { told, findings } = await compare(files, rows.toSpliced(1, 1))
    expect(told).toEqual(['migration-skipped b'])
    expect(findings[0]?.nextSteps).toEqual([
      { text: expect.stringContaining('never runs one that the plan has before it') as string, command: null },
    ])
  })

  test('that the release does not know are told, and that sqitch refuses', async () => {
    const { told, reading } = await compare(shop('a'), await deployed(shop('a', 'x')))
    expect(told).toEqual(['migration-unknown x'])
    expect(reading.notes).toEqual([
      expect.stringMatching(/refuses to run while the change deployed last, x \([0-9a-f]{40}\), is not in sqitch.plan/),
    ])
    const { findings } = await compare(shop('a', 'b'), await deployed(shop('a', 'x')))
    expect(findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
      'migration-missing b',
      'migration-unknown x',
    ])
    expect(findings[0]?.nextSteps).toEqual([
      { text: expect.stringContaining('build a release that contains it') as string, command: null },
    ])
  })

  test('of a reworked change are told apart by their ids, and where those differ by their order', async () => {
    const twice = {
      'sqitch.plan': plan(line('a'), tag('v1'), line('a', '', 'Again.')),
      'deploy/a@v1.sql': 'SELECT 1;',
      'deploy/a.sql': 'SELECT 2;',
    }
    const rows = await deployed(twice)
    expect((await compare(twice, rows)).told).toEqual([])
    expect((await compare(twice, rows.slice(0, 1))).told).toEqual(['migration-missing a@HEAD'])
    const moved = rows.map((row, at) => ({ ...row, change_id: String(at).repeat(40) }))
    const { told, reading } = await compare(twice, moved, { tags: [{ change_id: '0'.repeat(40), tag: '@v1' }] })
    expect(told).toEqual(['migration-edited a@v1'])
    expect(reading.applied.map(({ label }) => label)).toEqual(['a@v1', 'a (11111111)'])
  })

  test('a failure counts where it is the last event, and the change is not deployed', async () => {
    const rows = await deployed(files)
    const two = rows.slice(0, 2)
    const failed = [
      event(rows[2], 'fail', '10.123457'),
      event(rows[2], 'revert', '10.123456'),
      event(rows[0], 'fail', '01.0'),
    ]
    const { told, findings, reading } = await compare(files, two, { events: failed })
    expect(told).toEqual(['migration-failed c'])
    expect(findings[0]).toMatchObject({
      found: expect.stringContaining(
        'the last that sqitch.events has of it is `fail`, at 2026-02-03T04:05:10.123Z',
      ) as string,
      nextSteps: [
        { text: expect.stringContaining('undo by hand what it left half done') as string, command: null },
        { text: 'run it again, then look again', command: 'sqitch deploy' },
      ],
    })
    expect(reading.applied.at(-1)).toMatchObject({ state: 'failed', by: 'Dana Reyes <dana@example.com>', place: 3 })
    const reverted = [...failed, event(rows[2], 'revert', '11')]
    expect((await compare(files, two, { events: reverted })).told).toEqual(['migration-missing c'])
    expect((await compare(files, rows, { events: failed })).told).toEqual([])
    const ofOthers = failed.map((row) => ({ ...row, project: 'fleet' }))
    expect((await compare(files, two, { events: ofOthers })).told).toEqual(['migration-missing c'])
  })

  test('without events it is said that failures are not told', async () => {
    const { migrations } = await discover(files)
    const table = { schema: 'ops', table: 'changes', columns: {}, readable: true }
    const { notes } = sqitch.interpret({ table, rows: await deployed(files), beside: [], migrations })
    expect(notes).toEqual([expect.stringContaining('ops.events is not there to be read')])
  })

  test('of a plan without changes nothing is told', async () => {
    const { reading } = await compare({ 'sqitch.plan': plan() }, await deployed(files))
    expect(reading.applied).toEqual([])
  })
})
