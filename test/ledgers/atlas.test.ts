import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import type { LedgerTableName } from '../../functions/core/release.ts'
import { directives } from '../../functions/ledgers/atlas-files.ts'
import { atlas } from '../../functions/ledgers/atlas.ts'
import { expectLedger } from '../../functions/ledgers/expect-ledger.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const discover = (files: Files, path = 'migrations', table: LedgerTableName | null = null) =>
  atlas.discover(projectOf(files), { path, placeholders: {}, table })
const below = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]))
const named = (...names: readonly string[]): Files =>
  below(Object.fromEntries(names.map((name) => [name, `-- ${name}\n`])))
const TABLE = { schema: 'public', table: 'atlas_schema_revisions', columns: {}, readable: true }
const CHECKPOINT = '-- atlas:checkpoint\n\nCREATE TABLE t (id int);\n'

/** The hashes of these files, by version: as Atlas would record them. */
const hashesOf = async (files: Files): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries((await discover(files)).migrations.map(({ key, checksums }) => [key, checksums[0] ?? '']))

const row = (version: string, other: LedgerRow = {}): LedgerRow => ({
  version,
  description: 'a',
  type: '2',
  applied: '1',
  total: '1',
  executed_at: `2026-11-23 02:01:${version.padStart(2, '0')}.181769+00`,
  execution_time: '5252411',
  error: '',
  error_stmt: '',
  hash: '',
  partial_hashes: 'null',
  operator_version: 'Atlas CLI v0.30.0',
  ...other,
})

/** What is said of these files where the rows are these. */
const look = async (files: Files, rows: readonly LedgerRow[]) => {
  const found = await discover(files)
  const expected = expectLedger(
    { name: 'default', path: 'migrations', table: null },
    atlas,
    { evidence: 'atlas.sum', confidence: 'certain' },
    found,
  )
  const given = atlas.interpret({ table: TABLE, rows, beside: [], migrations: found.migrations })
  const reading = { table: 'public.atlas_schema_revisions', tool: 'atlas', recognisedBy: 'columns', ...given }
  const { findings, standings } = compareLedger(expected, { ledger: 'default', reading })
  const told = findings.map(({ code, subject }) => `${code} ${subject}`)
  return { told, findings, reading, notes: reading.notes, statuses: standings.map(({ status }) => status) }
}

describe('files', () => {
  test('every .sql of the folder itself is one, by the bytes of its name; the version is what stands before the first _', async () => {
    const { migrations } = await discover(
      named('10_b.sql', '9_a.sql', '20240103000000.sql', 'ü_x.sql', 'notes.md', 'sub/1_x.sql', '.1_h.sql'),
    )
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
      ['.1_h.sql', '.1'],
      ['10_b.sql', '10'],
      ['20240103000000.sql', '20240103000000'],
      ['9_a.sql', '9'],
      ['ü_x.sql', 'ü'],
    ])
  })

  test('hashes are of all names and texts up to a file’s own, as atlas.sum has them', async () => {
    const files = below({
      '20240101000000_a.sql': 'CREATE TABLE a (id int);\n',
      '20240102000000_b.sql': 'CREATE TABLE b (id int);\r\n',
      '20240103000000.sql': 'CREATE TABLE c (id int);\n',
      'atlas.sum': [
        'h1:AEKPoYT4t4edXe0SREQBMbZFH0+gn2WrTDYTvDZQamo=',
        '20240101000000_a.sql h1:vnjepTRgNyxUIqLQW5AERyOdkApBX8Oww4FcIJoejAs=',
        '20240102000000_b.sql h1:qznt4PFP90MvbZCrO1FWkHA1uevspq7w4GhgCKoXEnk=',
        '20240103000000.sql h1:7pdcK37lzQQ4sQgmib8ey3ch3njF/b5snXAovfIhvuI=',
        '',
      ].join('\n'),
    })
    const { migrations, problems } = await discover(files)
    expect(problems).toEqual([])
    expect(migrations.map(({ checksums }) => checksums[0])).toEqual([
      'vnjepTRgNyxUIqLQW5AERyOdkApBX8Oww4FcIJoejAs=',
      'qznt4PFP90MvbZCrO1FWkHA1uevspq7w4GhgCKoXEnk=',
      '7pdcK37lzQQ4sQgmib8ey3ch3njF/b5snXAovfIhvuI=',
    ])
  })

  test('a checkout with CRLF has the hashes of one with LF too', async () => {
    const lf = await hashesOf(below({ '1_a.sql': 'a\nb\n', '2_b.sql': 'c\n' }))
    const { migrations } = await discover(below({ '1_a.sql': 'a\r\nb\r\n', '2_b.sql': 'c\r\n' }))
    for (const { key, checksums } of migrations) expect(checksums).toContain(lf[key])
  })

  test('two of one version, and one that is left out of the hashes, are problems', async () => {
    const files = below({
      '2_b.sql': 'SELECT 1;\n',
      '2_c.sql': 'SELECT 1;\n',
      '3_x.sql': '-- atlas:sum ignore\nSELECT 1;\n',
    })
    const { problems, migrations } = await discover(files)
    expect(problems.map(({ file, message }) => `${file}: ${message}`)).toEqual([
      expect.stringMatching(/^migrations\/atlas.sum: there is no atlas.sum/) as string,
      expect.stringMatching(/^migrations\/2_c.sql: version 2 is 2_b.sql's already/) as string,
      expect.stringMatching(/^migrations\/3_x.sql: it begins with `atlas:sum ignore`/) as string,
    ])
    expect(migrations.map(({ key, checksums }) => [key, checksums.length > 0])).toEqual([
      ['2', true],
      ['3', false],
    ])
  })

  test('directives stand in the comments at the top, which an empty line parts from the statements', () => {
    const has = (text: string): readonly string[] => directives(text, 'txmode')
    expect(has('-- atlas:txmode none\n\nSELECT 1;\n')).toEqual(['none'])
    expect(has('# atlas:txmode none\n-- a remark\n  \nSELECT 1;\n')).toEqual(['none'])
    expect(has('-- atlas:txmode none\n')).toEqual(['none'])
    // What stands right above a statement is that one's; so is a last line without its end, and what CRLF parts.
    for (const text of [
      '-- atlas:txmode none\nSELECT 1;\n',
      '-- atlas:txmode none',
      '\n-- atlas:txmode none\n\n',
      '-- atlas:txmode none\r\n\r\nSELECT 1;\r\n',
    ])
      expect(has(text)).toEqual([])
  })
})

describe('atlas.sum', () => {
  const TEXTS = { '1_a.sql': 'a\n', '2_b.sql': 'b\n', '3_c.sql': 'c\n' }
  const sumOf = async (texts: Files): Promise<string> => {
    const entries = Object.entries(await hashesOf(below(texts))).map(([key, hash]) => {
      const name = Object.keys(texts).find((one) => one.startsWith(`${key}_`)) ?? ''
      return [name, hash] as const
    })
    const all = createHash('sha256').update(entries.flat().join('')).digest('base64')
    return [`h1:${all}`, ...entries.map(([name, hash]) => `${name} h1:${hash}`), ''].join('\n')
  }
  const problemsOf = async (texts: Files, sum: string) =>
    (await discover(below({ ...texts, 'atlas.sum': sum }))).problems.map(
      ({ file, line, message }) => `${file}:${line}: ${message}`,
    )

  test('that of the folder is no problem', async () => {
    expect(await problemsOf(TEXTS, await sumOf(TEXTS))).toEqual([])
  })

  test.each<[string, Files, string]>([
    ['edited', { ...TEXTS, '2_b.sql': 'B\n' }, 'migrations/atlas.sum:3: 2_b.sql was edited since'],
    ['added in between', { ...TEXTS, '15_x.sql': 'x\n' }, 'migrations/atlas.sum:2: 15_x.sql was added since'],
    ['added at the end', { ...TEXTS, '4_d.sql': 'd\n' }, 'migrations/atlas.sum:5: 4_d.sql was added since'],
    ['removed', { '1_a.sql': 'a\n', '3_c.sql': 'c\n' }, 'migrations/atlas.sum:3: 2_b.sql was removed since'],
    [
      'of other line ends',
      { ...TEXTS, '1_a.sql': 'a\r\n' },
      'migrations/atlas.sum:2: 1_a.sql has other line ends here than',
    ],
  ])('names the first difference, as Atlas does: %s', async (_, texts, said) => {
    const problems = await problemsOf(texts, await sumOf(TEXTS))
    expect(problems).toEqual([expect.stringContaining(said) as string])
    expect(problems[0]).toContain('Atlas refuses to run')
  })

  test('one that a merge broke', async () => {
    const sum = await sumOf(TEXTS)
    expect(await problemsOf(TEXTS, sum.replace(/^h1:./, 'h1:_'))).toEqual([
      expect.stringContaining('migrations/atlas.sum:1: its first line is not the hash of the others') as string,
    ])
    expect(await problemsOf(TEXTS, sum.replace('2_b.sql h1:', '<<<<<<< '))).toEqual([
      expect.stringContaining('migrations/atlas.sum:3: "<<<<<<< ') as string,
    ])
    expect(await problemsOf(TEXTS, '')).toHaveLength(1)
  })
})

describe('rows', () => {
  test('what ran, what was marked, and what stands for others', async () => {
    const { reading } = await look(named('1_a.sql', '2_a.sql', '3_a.sql'), [
      row('.atlas_cloud_identifier', { description: '0c1d', type: '2', applied: '0', total: '0' }),
      row('1', { type: '1', applied: '0', total: '0' }),
      row('2', { type: '4', applied: '0', total: '0' }),
      row('3', { type: '2', applied: '0', total: '0' }),
    ])
    expect(reading.applied.map(({ key, state }) => [key, state])).toEqual([
      ['1', 'baseline'],
      ['2', 'marked'],
      ['3', 'applied'],
    ])
    // The time that the last write of the row took is no duration.
    expect(reading.applied[2]).toMatchObject({ durationMs: null, at: '2026-11-23T02:01:03.181Z', place: 3 })
  })

  test('fewer statements than the file has: failed half way, with the error that is recorded', async () => {
    const rows = [
      row('1'),
      row('2', {
        total: '3',
        error: 'pq: relation "nope" does not exist\nHINT: x',
        error_stmt: 'ALTER TABLE nope ADD x int;',
      }),
    ]
    const { told, findings } = await look(named('1_a.sql', '2_a.sql', '3_a.sql'), rows)
    expect(told).toEqual(['migration-failed 2_a.sql', 'migration-missing 3_a.sql'])
    expect(findings[0]?.found).toContain(
      '1 of 3 statements ran, then ALTER TABLE nope ADD x int; failed: pq: relation "nope" does not exist ...',
    )
    // A run goes on by itself, and what ran has to stay for it.
    expect(findings[0]?.nextSteps[0]).toMatchObject({
      text: expect.stringMatching(/leave what ran of it: atlas goes on/) as string,
      command: null,
    })
  })

  test('fewer statements and no error: killed, or under way', async () => {
    const { findings } = await look(named('1_a.sql'), [row('1', { applied: '0', total: '2' })])
    expect(findings[0]).toMatchObject({
      code: 'migration-failed',
      found: expect.stringContaining('0 of 2 statements ran: its run was killed') as string,
    })
  })

  test('`migrate set` does not end a half done one: the next run goes on with it while it is the last', async () => {
    const half = row('1', { type: '6', total: '3', error: 'pq: no' })
    expect((await look(named('1_a.sql'), [half])).told).toEqual(['migration-failed 1_a.sql'])
    expect(
      (await look(named('1_a.sql', '2_a.sql'), [half, row('2', { type: '4', applied: '0', total: '0' })])).told,
    ).toEqual([])
  })

  test('one that was mended half way keeps the number that it had at first: ran, unless it is the last, at which Atlas crashes', async () => {
    const mended = row('1', { applied: '4', total: '3' })
    const both = await look(named('1_a.sql', '2_a.sql'), [mended, row('2')])
    expect(both.told).toEqual([])
    const alone = await look(named('1_a.sql'), [mended])
    expect(alone.told).toEqual(['migration-failed 1_a.sql'])
    expect(alone.findings[0]?.found).toContain("UPDATE atlas_schema_revisions SET total = applied WHERE version = '1'")
  })

  test('a half done one without a file is said: Atlas refuses every run', async () => {
    const { notes } = await look(named('1_a.sql'), [row('1'), row('2', { total: '3', error: 'pq: no' })])
    expect(notes).toEqual([expect.stringMatching(/2_a, which did not run to its end .*no file of it/) as string])
  })

  test('versions of different lengths: a place is by names, what is above the last row by versions', async () => {
    const { reading } = await look(named('20240101_b.sql', '2024_a.sql', '2025_c.sql'), [row('20240101')])
    expect(reading.applied[0]?.place).toBe(2)
  })

  test('a foreign row, and one that lacks what newer versions added, do no harm', async () => {
    const bare = { version: '1', hash: null, type: 'x', applied: '', total: null, executed_at: 'now' }
    expect((await look(named('1_a.sql'), [bare, {}])).reading.applied).toHaveLength(2)
  })
})

describe('where Atlas began', () => {
  test('a baseline stands for all below it', async () => {
    const { told, statuses } = await look(named('1_a.sql', '2_a.sql', '3_a.sql', '4_a.sql'), [
      row('2', { type: '1', applied: '0', total: '0' }),
      row('3'),
    ])
    expect(told).toEqual(['migration-missing 4_a.sql'])
    expect(statuses).toEqual(['covered', 'covered', 'applied', 'missing'])
  })

  test('a checkpoint that has a row stands for all below it; one without a row runs no more', async () => {
    const files = {
      ...named('1_a.sql', '2_a.sql', '4_a.sql', '6_a.sql'),
      ...below({ '3_a.sql': CHECKPOINT, '5_a.sql': CHECKPOINT }),
    }
    expect((await look(files, [row('3'), row('4')])).statuses).toEqual([
      'covered',
      'covered',
      'applied',
      'applied',
      'covered',
      'missing',
    ])
    expect((await look(files, [row('1'), row('2')])).statuses).toEqual([
      'applied',
      'applied',
      'covered',
      'missing',
      'covered',
      'missing',
    ])
  })

  test('without any row, a run begins at the last checkpoint', async () => {
    const files = { ...named('1_a.sql', '3_a.sql'), ...below({ '2_a.sql': CHECKPOINT }) }
    expect((await look(files, [])).told).toEqual(['migration-missing 2_a.sql', 'migration-missing 3_a.sql'])
  })

  test('what lies below the first row, and is none of these, is never run: no command runs it', async () => {
    const { told, findings } = await look(named('1_a.sql', '2_a.sql', '3_a.sql'), [row('2'), row('3')])
    expect(told).toEqual(['migration-skipped 1_a.sql'])
    expect(findings[0]?.nextSteps[0]).toMatchObject({
      text: expect.stringContaining('atlas will never run it') as string,
      command: null,
    })
  })

  test('a first row without a file may be a checkpoint’s: what lies below it is not told', async () => {
    const { told } = await look(named('1_a.sql', '2_a.sql'), [row('3', { description: 'checkpoint' })])
    expect(told).toEqual(['ledger-ambiguous public.atlas_schema_revisions', 'migration-unknown 3_checkpoint'])
  })
})

describe('late ones', () => {
  const rows = [row('1'), row('3')]

  test('are refused, and run out of order', async () => {
    const { told, findings } = await look(named('1_a.sql', '2_a.sql', '3_a.sql'), rows)
    expect(told).toEqual(['migration-skipped 2_a.sql'])
    expect(findings[0]?.nextSteps[0]?.command).toBe(
      // Where the address has no search_path, Atlas would begin a ledger of its own.
      'atlas migrate apply --dir file://migrations --url "$DATABASE_URL" --exec-order non-linear --revisions-schema public',
    )
  })

  test.each([
    ['NON_LINEAR', 'runs', 'non-linear'],
    ['"non-linear"', 'runs', 'non-linear'],
    ['LINEAR_SKIP', 'refuses', 'linear-skip'],
    ['LINEAR', 'refuses', null],
  ])('exec_order = %s', async (order, late, flag) => {
    const hcl = `env "prod" {\n  migration {\n    dir = "file://migrations"\n    exec_order = ${order}\n  }\n}\n`
    const found = await discover({ ...named('1_a.sql'), 'atlas.hcl': hcl })
    expect(found.late).toBe(late)
    expect(found.commands.migrate).toBe(
      `atlas migrate apply --dir file://migrations --url "$DATABASE_URL"${flag === null ? '' : ` --exec-order ${flag}`}`,
    )
    expect(found.notes.some((note) => note.includes('all is well'))).toBe(flag === 'linear-skip')
  })
})

describe('cumulative hashes', () => {
  const TEXTS = { '1_a.sql': 'one\n', '2_a.sql': 'two\n', '3_a.sql': 'three\n', '4_a.sql': 'four\n' }
  /** Rows as runs over these folders wrote them, one after the other. */
  const ran = async (...runs: readonly (readonly [version: string, texts: Files])[]): Promise<readonly LedgerRow[]> => {
    const rows = await Promise.all(
      runs.map(async ([version, texts], at) =>
        row(version, {
          hash: (await hashesOf(below(texts)))[version] ?? '',
          executed_at: `2026-01-01 00:00:${10 + at}+00`,
        }),
      ),
    )
    return rows.toSorted((a, b) => ((a['version'] ?? '') < (b['version'] ?? '') ? -1 : 1))
  }
  const all = () => ran(['1', TEXTS], ['2', TEXTS], ['3', TEXTS], ['4', TEXTS])

  test('an edit alters all that come after: the first difference alone is named', async () => {
    const { told, findings, notes } = await look(below({ ...TEXTS, '2_a.sql': 'TWO\n' }), await all())
    expect(told).toEqual(['migration-edited 2_a.sql'])
    expect(findings[0]?.causes[0]?.evidence).toMatch(/differs after 1_a.sql, up to which all is as it was/)
    expect(notes).toEqual([
      expect.stringMatching(/other hashes of 3_a.sql and 1 after it .*2_a.sql differs already/) as string,
    ])
  })

  test('two edits with a run between them are both named', async () => {
    const later = { ...TEXTS, '1_a.sql': 'ONE\n' }
    const rows = await ran(['1', TEXTS], ['2', TEXTS], ['3', later], ['4', later])
    const { told } = await look(below({ ...later, '4_a.sql': 'FOUR\n' }), rows)
    expect(told).toEqual(['migration-edited 1_a.sql', 'migration-edited 4_a.sql'])
  })

  test('a file that was put before one that had run alters its hash, and that is no edit', async () => {
    const { '2_a.sql': _, ...first } = TEXTS
    const before = await ran(['1', first], ['3', first], ['4', first])
    const pending = await look(below(TEXTS), before)
    expect(pending.told).toEqual(['migration-skipped 2_a.sql'])
    expect(pending.notes).toEqual([
      expect.stringMatching(/other hashes of 3_a.sql and 1 after it .*2_a.sql has no row/) as string,
    ])
    const run = await look(below(TEXTS), await ran(['1', first], ['3', first], ['4', first], ['2', TEXTS]))
    expect(run.told).toEqual([])
    expect(run.notes).toEqual([expect.stringContaining('2_a.sql, which comes before it, ran after it') as string])
  })

  test('neither is a file that is gone, nor one that has another name', async () => {
    const { '2_a.sql': _, ...left } = TEXTS
    const gone = await look(below(left), await all())
    expect(gone.told).toEqual(['migration-unknown 2_a'])
    expect(gone.notes).toEqual([expect.stringContaining('the file of 2_a, which comes before it, is gone') as string])
    const renamed = await look(below({ ...left, '2_b.sql': 'two\n' }), await all())
    expect(renamed.told).toEqual([])
    expect(renamed.notes).toEqual([expect.stringContaining('2_b.sql ran under the name of "a"') as string])
  })

  test('neither is a file without a transaction, which may have been mended half way', async () => {
    const free = (text: string): Files => ({ ...TEXTS, '2_a.sql': `-- atlas:txmode none\n\n${text}\n` })
    const rows = await ran(['1', TEXTS], ['2', free('CREATE')], ['3', free('create')], ['4', free('create')])
    const { told, notes } = await look(below(free('create')), rows)
    expect(told).toEqual([])
    expect(notes).toEqual([expect.stringContaining('may have been mended after it had failed half way') as string])
  })

  test('line ends of a checkout are no edit', async () => {
    const crlf = Object.fromEntries(Object.entries(TEXTS).map(([name, text]) => [name, text.replace('\n', '\r\n')]))
    expect((await look(below(crlf), await all())).told).toEqual([])
  })

  test('the hashes of a database that began at a baseline tell of an edit after it', async () => {
    const rows = (await all())
      .filter(({ version }) => version !== '1')
      .map((one) => (one['version'] === '2' ? { ...one, type: '1', hash: '', applied: '0', total: '0' } : one))
    expect((await look(below({ ...TEXTS, '4_a.sql': 'FOUR\n' }), rows)).told).toEqual(['migration-edited 4_a.sql'])
    // It did not run here: whether it or the first one after it was edited is not told.
    expect((await look(below({ ...TEXTS, '1_a.sql': 'ONE\n' }), rows)).told).toEqual([])
  })
})

describe('where the ledger is', () => {
  const hcl = (env: string): Files => ({ ...named('1_a.sql'), 'atlas.hcl': env })

  test.each<[string, string, string | null]>([
    [
      'revisions_schema',
      'env "prod" {\n  migration {\n    dir = "file://migrations"\n    revisions_schema = "ops"\n  }\n}',
      'ops',
    ],
    [
      'search_path of the address',
      'env "prod" {\n  url = "${getenv("DB")}?search_path=shop&sslmode=disable"\n  dev = "docker://postgres/15/dev?search_path=public"\n}',
      'shop',
    ],
    [
      'the dev database says nothing of it',
      'env "prod" {\n  dev = "docker://postgres/15/dev?search_path=public"\n}',
      null,
    ],
    [
      'another folder says nothing of it',
      'env "prod" {\n  migration {\n    dir = "file://other"\n    revisions_schema = "ops"\n  }\n}',
      null,
    ],
    [
      'two values are none',
      'env "a" {\n  migration {\n revisions_schema = "x"\n }\n}\nenv "b" {\n  migration {\n revisions_schema = "y"\n }\n}',
      null,
    ],
  ])('%s', async (_, env, schema) => {
    const { table, commands } = await discover(hcl(env))
    expect(table).toEqual(schema === null ? null : { schema, table: 'atlas_schema_revisions' })
    expect(commands.migrate.endsWith(` --revisions-schema ${schema ?? ''}`)).toBe(schema !== null)
    expect(commands.inSchema).toBe(schema === null ? '--revisions-schema SCHEMA' : undefined)
  })

  test('the environment that a run names counts, and a flag goes before it', async () => {
    const env =
      'env "a" {\n  migration {\n revisions_schema = "x"\n }\n}\nenv "b" {\n  migration {\n revisions_schema = "y"\n }\n}'
    const run = (words: string): Files => ({ ...hcl(env), Makefile: `up:\n\tatlas migrate apply ${words}\n` })
    expect((await discover(run('--env b'))).table?.schema).toBe('y')
    expect((await discover(run('--env b --revisions-schema z'))).table?.schema).toBe('z')
    expect((await discover(run('--dir file://other --revisions-schema z'))).table).toBeNull()
  })

  test('where the repository does not say it, the printed commands name the schema in which the ledger was found', async () => {
    const { findings } = await look(named('1_a.sql', '2_a.sql'), [row('1')])
    expect(findings[0]?.nextSteps[0]?.command).toBe(
      'atlas migrate apply --dir file://migrations --url "$DATABASE_URL" --revisions-schema public',
    )
  })

  test('`migrations.table` goes into the commands', async () => {
    const { commands } = await discover(named('1_a.sql'), 'migrations', {
      schema: 'Ops "1"',
      table: 'atlas_schema_revisions',
    })
    expect(commands.migrate).toContain(`--revisions-schema 'Ops "1"'`)
  })

  test('a folder of any name is a URL', async () => {
    const files = { "db/the files' 1?/1_a.sql": 'SELECT 1;\n' }
    const { commands } = await discover(files, "db/the files' 1?")
    expect(commands.migrate).toContain(`--dir 'file://./db/the%20files'\\''%201%3F' `)
    expect((await discover({ '1_a.sql': '' }, '.')).commands.migrate).toContain('--dir file://. ')
  })

  test('MySQL’s types are recognised; another table with some of the names is not', () => {
    const mysql = {
      version: 'varchar(255)',
      description: 'varchar(255)',
      type: 'bigint unsigned',
      applied: 'bigint',
      total: 'bigint',
      executed_at: 'timestamp',
      execution_time: 'bigint',
      error: 'longtext',
      error_stmt: 'longtext',
      hash: 'varchar(255)',
      partial_hashes: 'json',
      operator_version: 'varchar(255)',
    }
    expect(atlas.recognise({ ...TABLE, columns: mysql }, [])).toMatch(/12 columns/)
    const { operator_version: __, ...less } = mysql
    expect(atlas.recognise({ ...TABLE, columns: less }, [])).toBeNull()
    expect(atlas.recognise({ ...TABLE, table: 'jobs', columns: { ...mysql, owner: 'text' } }, [])).toBeNull()
  })
})

describe('a replay', () => {
  const statementsOf = async (files: Files) => {
    const { migrations, scripts, placeholders } = await discover(files)
    return migrations.map((migration) => {
      const script =
        scripts?.get(migration.key) ??
        atlas.script(migration, files[migration.file] ?? '', { path: 'migrations', placeholders, table: null })
      return script?.statements.map(({ sql, line }) => `${line} ${sql}`)
    })
  }

  test('runs the files that a checkpoint stands for, and the checkpoint where there are none', async () => {
    const files = below({ '1_a.sql': 'SELECT 1;\n', '2_a.sql': CHECKPOINT, '3_a.sql': 'SELECT 3;\n' })
    expect(await statementsOf(files)).toEqual([['1 SELECT 1'], [], ['1 SELECT 3']])
    const { 'migrations/1_a.sql': _, ...left } = files
    expect(await statementsOf(left)).toEqual([['3 CREATE TABLE t (id int)'], ['1 SELECT 3']])
  })

  test('splits at the file’s own delimiter, outside of quotes, comments and parentheses', async () => {
    const text = String.raw`-- atlas:delimiter \n\n
CREATE TABLE a (id int)

CREATE FUNCTION f() RETURNS int AS $$

 SELECT 1;

$$ LANGUAGE sql

CREATE TABLE b (

 id int) /*

 */

SELECT 'x

y';
`
    expect(await statementsOf(below({ '1_a.sql': text }))).toEqual([
      [
        '2 CREATE TABLE a (id int)',
        '4 CREATE FUNCTION f() RETURNS int AS $$\n\n SELECT 1;\n\n$$ LANGUAGE sql',
        '10 CREATE TABLE b (\n\n id int) /*\n\n */',
        "16 SELECT 'x\n\ny'",
      ],
    ])
  })

  test('takes the migration of an archive, without its checks and its way back', async () => {
    const text =
      '-- atlas:txtar\n\n-- checks.sql --\nSELECT 0;\n-- migration.sql --\nDROP TABLE t;\n-- down.sql --\nCREATE TABLE t ();\n'
    expect(await statementsOf(below({ '1_a.sql': text }))).toEqual([['6 DROP TABLE t']])
  })
})

describe('folders in another tool’s form', () => {
  const inForm = (format: string, texts: Files) => ({
    ...below(texts),
    'atlas.hcl': `env {\n  name = atlas.env\n  migration {\n    dir = "file://migrations?format=${format}"\n  }\n}\n`,
  })

  test('golang-migrate: files that go up, with their version', async () => {
    const { migrations, commands } = await discover(
      inForm('golang-migrate', { '1_a.up.sql': 'x', '1_a.down.sql': 'y', '2.sql': 'z' }),
    )
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([['1_a.up.sql', '1']])
    expect(commands.migrate).toContain(`--dir 'file://migrations?format=golang-migrate' `)
  })

  test.each([
    ['goose', '-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n'],
    ['dbmate', '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n'],
  ])('%s: the part that goes up', async (format, text) => {
    const { scripts } = await discover(inForm(format, { '1_a.sql': text }))
    expect(scripts?.get('1')).toEqual({ statements: [{ sql: 'SELECT 1', line: 2 }] })
  })

  test('Flyway: by the numbers of versions, also below; its repeatables are said not to be compared', async () => {
    const { migrations, notes } = await discover(
      inForm('flyway', { 'V10__a.sql': '', 'sub/V2__b.sql': '', 'U2__b.sql': '', 'R__v.sql': '', '.x/V1__h.sql': '' }),
    )
    expect(migrations.map(({ subject, key }) => [subject, key])).toEqual([
      ['sub/V2__b.sql', '2'],
      ['V10__a.sql', '10'],
    ])
    expect(notes.some((note) => note.startsWith('migrations/R__v.sql: Atlas runs repeatables'))).toBe(true)
  })
})
