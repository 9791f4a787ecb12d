import { describe, expect, test } from 'vitest'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { changesetChecksum } from '../../functions/ledgers/liquibase-checksum.ts'
import { isForDatabase, matchesExpression } from '../../functions/ledgers/liquibase-filters.ts'
import { isFormattedSql } from '../../functions/ledgers/liquibase-formatted-sql.ts'
import { changesetKey, normalPath } from '../../functions/ledgers/liquibase-paths.ts'
import { liquibase } from '../../functions/ledgers/liquibase.ts'
import { detectTool } from '../../functions/ledgers/detection.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

type Files = Readonly<Record<string, string>>
const discover = (files: Files, path = 'db', placeholders: Files = {}) =>
  liquibase.discover(projectOf(files), { path, placeholders, table: null })
const keysOf = async (files: Files, path = 'db'): Promise<readonly string[]> =>
  (await discover(files, path)).migrations.map(({ key }) => key)
const sql = (...sets: readonly string[]): string => `--liquibase formatted sql\n${sets.join('\n')}\n`
const one = (id: string, rest = ''): string => `--changeset ana:${id}${rest}\nCREATE TABLE t${id} (id int);`
const statementsOf = async (files: Files, path = 'db') => {
  const { migrations, scripts } = await discover(files, path)
  return migrations.map(({ key, form }) => [key, form, scripts?.get(key)?.statements ?? null] as const)
}
const row = (filename: string, id: string, more: LedgerRow = {}): LedgerRow => ({
  id,
  author: 'ana',
  filename,
  dateexecuted: '2026-11-22 22:53:47.880905',
  orderexecuted: id.replace(/\D/g, '') || '1',
  exectype: 'EXECUTED',
  md5sum: null,
  ...more,
})
const interpret = async (
  rows: readonly LedgerRow[],
  files: Files,
  beside: Parameters<typeof liquibase.interpret>[0]['beside'] = [],
) =>
  liquibase.interpret({
    table: { schema: 'public', table: 'databasechangelog', columns: {}, readable: true },
    rows,
    beside,
    migrations: (await discover(files)).migrations,
  })

describe('changelogs', () => {
  const INCLUDED = { 'db/a.sql': sql(one('1'), one('2')), 'db/b.sql': sql(one('3')) }
  test.each([
    [
      'XML',
      'db/root.xml',
      '<?xml version="1.0"?>\n<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">\n<include file="db/b.sql"/><include file="a.sql" relativeToChangelogFile="true"/></databaseChangeLog>',
    ],
    [
      'YAML',
      'db/root.yaml',
      'databaseChangeLog:\n- include:\n    file: db/b.sql\n- include:\n    file: a.sql\n    relativeToChangelogFile: true\n',
    ],
    [
      'JSON',
      'db/root.json',
      '{"databaseChangeLog": [{"include": {"file": "db/b.sql"}}, {"include": {"file": "a.sql", "relativeToChangelogFile": true}}]}',
    ],
  ])('%s includes others in the order of the document', async (_, name, text) => {
    const files = { ...INCLUDED, [name]: text }
    expect(await keysOf(files)).toEqual(['db/b.sql::3::ana', 'db/a.sql::1::ana', 'db/a.sql::2::ana'])
    expect(await keysOf(files, name)).toEqual(await keysOf(files))
  })

  test('includeAll takes the files by their paths, deeper ones too, and no others', async () => {
    const files = {
      'db/root.yaml': 'databaseChangeLog: [{ includeAll: { path: db/all } }]',
      'db/all/b.sql': sql(one('3')),
      'db/all/B.sql': sql(one('2')),
      'db/all/a/z.sql': sql(one('1')),
      'db/all/notes.txt': 'no',
    }
    expect(await keysOf(files)).toEqual(['db/all/B.sql::2::ana', 'db/all/a/z.sql::1::ana', 'db/all/b.sql::3::ana'])
  })

  test('includeAll keeps to endsWithFilter and its depths', async () => {
    const root = (more: string) => `databaseChangeLog: [{ includeAll: { path: db/all, ${more} } }]`
    const files = { 'db/all/1.sql': sql(one('1')), 'db/all/x/2.sql': sql(one('2')), 'db/all/3.old.sql': sql(one('3')) }
    expect(await keysOf({ ...files, 'db/root.yaml': root('endsWithFilter: .old.sql') })).toEqual([
      'db/all/3.old.sql::3::ana',
    ])
    expect(await keysOf({ ...files, 'db/root.yaml': root('minDepth: 2') })).toEqual(['db/all/x/2.sql::2::ana'])
    expect(await keysOf({ ...files, 'db/root.yaml': root('maxDepth: 1') })).toHaveLength(2)
  })

  test('what is not there, not readable or there twice is told with its place', async () => {
    const { problems } = await discover({
      'db/root.yaml':
        'databaseChangeLog:\n- include: { file: db/gone.sql }\n- include: { file: db/bad.xml }\n- include: { file: db/a.sql }\n- include: { file: db/twin.sql }\n- include: { file: db/x.sql, errorIfMissing: false }\n',
      'db/bad.xml': '<databaseChangeLog>\n<changeSet\n</databaseChangeLog>',
      'db/a.sql': sql(one('1', ' logicalFilePath:same')),
      'db/twin.sql': sql(one('1', ' logicalFilePath:same')),
    })
    expect(problems).toEqual([
      { file: 'db/root.yaml', line: 2, message: expect.stringContaining('include names db/gone.sql') as string },
      { file: 'db/bad.xml', line: expect.any(Number) as number, message: expect.stringContaining('no XML') as string },
      { file: 'db/twin.sql', line: 2, message: expect.stringContaining('same::1::ana is there already') as string },
    ])
  })

  test('a changelog that includes itself ends', async () => {
    const files = { 'db/root.yaml': 'databaseChangeLog: [{ include: { file: db/root.yaml } }]' }
    expect((await discover(files)).problems[0]?.message).toContain('included twice')
  })

  test('numbers, dates and words of YAML are ids as Java writes them', async () => {
    const ids = [
      '1.10',
      '001',
      '2024_01_02',
      'yes',
      '"1.10"',
      '2.0',
      '1e10',
      '20240101120000',
      '2024-01-02',
      'a-1',
      '1.5.2',
    ]
    const text = `databaseChangeLog:\n${ids.map((id) => `- changeSet: { id: ${id}, author: 007 }`).join('\n')}\n`
    expect((await keysOf({ 'db/root.yaml': text })).map((key) => key.replace('db/root.yaml::', ''))).toEqual(
      ['1.1', '1', '20240102', 'true', '1.10', '2.0', '1.0E10', '20240101120000', 'Tue Jan 02 00:00:00 UTC 2024', 'a-1']
        .concat('1.5.2')
        .map((id) => `${id}::7`),
    )
  })

  test('runOrder moves a changeset to the first or the last ones', async () => {
    const set = (id: string, order = '') => `- changeSet: { id: ${id}, author: ana${order} }`
    const text = `databaseChangeLog:\n${[set('1'), set('2', ', runOrder: last'), set('3'), set('4', ', runOrder: first'), set('5', ', runOrder: first')].join('\n')}\n`
    const keys = await keysOf({ 'db/root.yaml': text })
    expect(keys.map((key) => key.split('::')[1])).toEqual(['4', '5', '1', '3', '2'])
  })

  test('logicalFilePath of a changelog and of a changeset is the path of the ledger', async () => {
    const files = {
      'db/root.xml':
        '<databaseChangeLog logicalFilePath="classpath:/old/root.xml"><changeSet id="1" author="ana"/><changeSet id="2" author="ana" logicalFilePath="x"/></databaseChangeLog>',
    }
    expect(await keysOf(files)).toEqual(['old/root.xml::1::ana', 'x::2::ana'])
  })

  test('logicalFilePath of the first line of formatted SQL: versions take it differently, so without a row it is unsure', async () => {
    const files = { 'db/a.sql': '--liquibase formatted sql logicalFilePath:old.sql\n--changeset ana:1\nSELECT 1;\n' }
    expect(await keysOf(files)).toEqual(['db/a.sql::1::ana'])
    expect((await interpret([row('old.sql', '1')], files)).unclear).toMatchObject({
      keys: ['db/a.sql::1::ana'],
      why: expect.stringContaining('logicalFilePath old.sql, which Liquibase 5 passes over') as string,
      nextStep: { text: expect.stringContaining('write logicalFilePath on each changeset') as string },
    })
    expect((await interpret([row('db/a.sql', '1')], files)).unclear).toBeUndefined()
  })

  test('what a changelog with a logicalFilePath includes has that, or its own where it ran before 4.31', async () => {
    const files = {
      'db/root.yaml':
        'databaseChangeLog:\n- logicalFilePath: old\n- include: { file: db/a.sql }\n- include: { file: db/b.sql, logicalFilePath: given }\n',
      'db/a.sql': sql(one('1')),
      'db/b.sql': sql(one('2')),
    }
    expect(await keysOf(files)).toEqual(['old::1::ana', 'given::2::ana'])
    const { applied, unclear } = await interpret([row('old', '1'), row('db/b.sql', '2')], files)
    expect(applied.map(({ key, label }) => [key, label])).toEqual([
      ['old::1::ana', 'old::1::ana'],
      ['given::2::ana', 'db/b.sql::2::ana'],
    ])
    expect(unclear).toBeUndefined()
  })

  test('several changelogs that no other includes are all expected, and that is said', async () => {
    const { migrations, notes } = await discover({ 'db/a.sql': sql(one('1')), 'db/b.sql': sql(one('2')) })
    expect(migrations).toHaveLength(2)
    expect(notes).toEqual([expect.stringContaining('db/a.sql, db/b.sql are changelogs that no other one includes')])
  })

  test('a changelog that the root does not include is no migration, and is told', async () => {
    const files = {
      'db/root.yaml': 'databaseChangeLog: [{ include: { file: db/a.sql } }]',
      'db/a.sql': sql(one('1')),
      'db/stray.sql': sql(one('2')),
    }
    const { migrations, problems } = await discover(files)
    expect(migrations.map(({ key }) => key)).toEqual(['db/a.sql::1::ana'])
    expect(problems).toEqual([
      { file: 'db/stray.sql', line: 1, message: expect.stringContaining('db/root.yaml does not include it') as string },
    ])
  })

  test('paths are those below the search path, or below src/main/resources', async () => {
    const maven = {
      'src/main/resources/db/changelog/db.changelog-master.yaml':
        'databaseChangeLog: [{ includeAll: { path: db/changelog/changes } }]',
      'src/main/resources/db/changelog/changes/1.sql': sql(one('1')),
    }
    expect(await keysOf(maven, 'src/main/resources/db/changelog')).toEqual(['db/changelog/changes/1.sql::1::ana'])
    const searched = {
      'ops/liquibase.properties': 'changelog-file: root.yaml\nliquibase.searchPath: sql\n',
      'ops/sql/root.yaml': 'databaseChangeLog: [{ include: { file: 1.sql } }]',
      'ops/sql/1.sql': sql(one('1')),
    }
    expect(await keysOf(searched, 'ops/sql')).toEqual(['1.sql::1::ana'])
  })
})

describe('formatted SQL', () => {
  test('is told by its first line that is not empty', () => {
    expect(isFormattedSql('\uFEFF\n\n-- Liquibase Formatted SQL\n')).toBe(true)
    expect(isFormattedSql('SELECT 1;\n--liquibase formatted sql\n')).toBe(false)
  })

  const TEXT = sql(
    '-- CHANGESET "Ana Ö":"a b" runOnChange:true',
    '--preconditions onFail:MARK_RAN',
    '--precondition-sql-check expectedResult:0 SELECT 1',
    'SELECT 1; -- kept',
    '--comment: why',
    '--ignoreLines:1',
    'SELECT 2;',
    '--ignoreLines:start',
    'SELECT 3;',
    '--ignoreLines:end',
    'SELECT 4;',
    '--rollback SELECT 5;',
    '/* liquibase rollback',
    'SELECT 6;',
    '*/',
    '--changeset ana:2',
    'SELECT 7;',
  )
  test.each([
    ['', TEXT],
    [' in a CRLF checkout', TEXT.replaceAll('\n', '\r\n')],
  ])('what is replayed is its SQL, with its lines%s', async (_, text) => {
    expect(await statementsOf({ 'db/a.sql': text })).toEqual([
      [
        'db/a.sql::a b::Ana Ö',
        'sql',
        [
          { sql: 'SELECT 1', line: 5 },
          { sql: 'SELECT 4', line: 12 },
        ].map((one) => one),
      ],
      ['db/a.sql::2::ana', 'sql', [{ sql: 'SELECT 7', line: 18 }]],
    ])
  })

  test('line ends, --comment, --rollback and white space are no part of its checksum', async () => {
    const sums = async (text: string) =>
      (await discover({ 'db/a.sql': text })).migrations.map(({ checksums }) => checksums)
    const [first] = await sums(TEXT)
    expect(first).toHaveLength(2)
    expect(await sums(TEXT.replaceAll('\n', '\r\n'))).toEqual(await sums(TEXT))
    expect(await sums(TEXT.replace('why', 'why not').replace('SELECT 5', 'SELECT 55'))).toEqual(await sums(TEXT))
    expect((await sums(TEXT.replace('SELECT 7', 'SELECT 77')))[1]).not.toEqual((await sums(TEXT))[1])
  })

  test('a space after the colon is refused, as by Liquibase', async () => {
    const { problems } = await discover({ 'db/a.sql': sql('--changeset ana: 1', 'SELECT 1;') })
    expect(problems).toEqual([
      { file: 'db/a.sql', line: 2, message: expect.stringContaining('without a space') as string },
    ])
  })

  test('a property counts for the changeset in which it stands', async () => {
    const text = sql(
      '--changeset ana:1',
      "SELECT '${p}';",
      '--property name:p value:q',
      '--changeset ana:2',
      'SELECT 2;',
    )
    const [[, , statements] = []] = await statementsOf({ 'db/a.sql': text })
    expect(statements).toEqual([{ sql: "SELECT 'q'", line: 3 }])
  })

  test('a delimiter of its own ends statements where it ends a line', async () => {
    const text = sql('--changeset ana:1 endDelimiter:GO', 'SELECT 1', 'GO', 'SELECT 2', 'GO')
    const [[, , statements] = []] = await statementsOf({ 'db/a.sql': text })
    expect(statements?.map(({ line, sql: one }) => [one, line])).toEqual([
      ['SELECT 1', 3],
      ['SELECT 2', 5],
    ])
  })

  test('a plain SQL file is one changeset, whatever name versions gave it', async () => {
    const files = { 'db/root.yaml': 'databaseChangeLog: [{ include: { file: db/p.sql } }]', 'db/p.sql': 'SELECT 1;\n' }
    expect(await statementsOf(files)).toEqual([['db/p.sql::raw::includeAll', 'sql', [{ sql: 'SELECT 1', line: 1 }]]])
    expect(changesetKey('db/p.sql', 'raw_db_p.sql', 'includeAll')).toBe('db/p.sql::raw::includeAll')
  })
})

describe('checksums that Liquibase wrote', () => {
  const ROOT = `<databaseChangeLog>
  <changeSet id="x2" author="carol">
    <sql>CREATE TABLE t3 (id int);
    INSERT INTO t3 VALUES (1)</sql>
  </changeSet>
  <changeSet id="x3" author="carol">
    <sqlFile path="sub/f.sql"/>
  </changeSet>
  <changeSet id="x5" author="carol">
    <createTable tableName="t2"><column name="id" type="int"/></createTable>
  </changeSet>
</databaseChangeLog>`
  const FILES = { 'tbl.xml': ROOT, 'sub/f.sql': 'CREATE TABLE t4 (id int);\r\n-- c\r\nINSERT INTO t4 VALUES (1);\r\n' }
  test.each([
    ['x2', ['9:0241db3d57b997a475448ba9e4e4d287', '8:37942ae1d1bd287070de7d4ebef6eb16'], 'tbl.xml', 2],
    ['x3', ['9:efa4879af58d98c4b13d60361e96d4bb', '8:4f83712ac0b8063a17bc4c7f246b62c7'], 'sub/f.sql', undefined],
    ['x5', [], 'tbl.xml', 9],
  ])('%s, by versions 9 and 8; of a modelled change none', async (id, checksums, file, line) => {
    const { migrations, notes } = await discover(FILES, 'tbl.xml')
    expect(migrations.find(({ key }) => key === `tbl.xml::${id}::carol`)).toMatchObject({ checksums, file, line })
    expect(notes).toEqual([
      expect.stringContaining('not verifiable, so an edit of them is not seen: tbl.xml::x5::carol'),
    ])
  })

  test('of a file with parameters: it is hashed as it stands, and replayed with their values', async () => {
    const { migrations, scripts } = await discover({
      'db/root.yaml':
        'databaseChangeLog:\n- property: { name: tok, value: zzz }\n- changeSet: { id: file, author: ana, changes: [{ sqlFile: { path: db/f.sql } }] }\n',
      'db/f.sql': "SELECT '${tok}';\r\n",
    })
    expect(migrations[0]?.checksums).toEqual([
      '9:3ff52c92725211925bb7bba1d52348bb',
      '8:0bfbb375afe760f317f9bdafc58cae67',
    ])
    expect(scripts?.get('db/root.yaml::file::ana')?.statements).toEqual([{ sql: "SELECT 'zzz'", line: 1 }])
  })

  test('of formatted SQL', async () => {
    const text = sql('--changeset bob:3 runOnChange:true dbms:postgresql', "UPDATE t1 SET name='x';")
    expect((await discover({ 'db/fmt.sql': text })).migrations[0]?.checksums).toEqual([
      '9:267a9bd22f53706406759b9d117447c7',
      '8:948f8c27193873f97f2723c62a55ec78',
    ])
  })

  test('a modelled change is code to a replay, a tag is nothing', async () => {
    const text = `databaseChangeLog:
- changeSet: { id: 1, author: ana, changes: [{ tagDatabase: { tag: v1 } }] }
- changeSet: { id: 2, author: ana, changes: [{ sql: { sql: SELECT 1 } }, { dropTable: { tableName: t } }] }
- changeSet:
    id: 1.10
    author: ana
    changes:
    - sql:
        sql: |
          SELECT 1;
          SELECT 2;
`
    expect(await statementsOf({ 'db/root.yaml': text })).toEqual([
      ['db/root.yaml::1::ana', 'sql', []],
      ['db/root.yaml::2::ana', 'code', null],
      [
        'db/root.yaml::1.1::ana',
        'sql',
        [
          { sql: 'SELECT 1', line: 10 },
          { sql: 'SELECT 2', line: 11 },
        ],
      ],
    ])
  })

  test('validCheckSum: any, the text of now, or the one in the ledger', async () => {
    const own = changesetChecksum(9, [
      { text: 'SELECT 1;', endDelimiter: null, splitStatements: true, stripComments: true },
    ])
    const sums = async (valid: string) =>
      (await discover({ 'db/a.sql': sql('--changeset ana:1', `--validCheckSum: ${valid}`, 'SELECT 1;') })).migrations[0]
        ?.checksums
    expect(await sums('ANY')).toEqual([])
    expect(await sums(own)).toEqual([])
    expect(await sums('9:00000000000000000000000000000000')).toContain('9:00000000000000000000000000000000')
  })

  test('parameters are replaced first; where a value is not known the text is not verified', async () => {
    const files = (root: string): Files => ({
      'db/root.yaml': `databaseChangeLog:\n${root}- include: { file: db/a.sql }\n`,
      'db/a.sql': sql('--changeset ana:1', "SELECT '${tok}', '${:x}';"),
    })
    const { migrations, scripts } = await discover(
      files(
        '- property: { name: tok, value: no, dbms: mysql }\n- property: { name: tok, value: zzz }\n- property: { name: tok, value: later }\n',
      ),
    )
    expect(scripts?.get('db/a.sql::1::ana')?.statements[0]?.sql).toBe("SELECT 'zzz', '${x}'")
    expect(migrations[0]?.checksums).toHaveLength(2)
    const unknown = await discover(files(''))
    expect(unknown.migrations[0]?.checksums).toEqual([])
    expect(unknown.notes).toEqual([
      expect.stringContaining('parameters whose value is not known here are in db/a.sql::1::ana'),
    ])
    expect((await discover(files(''), 'db', { tok: 'given' })).migrations[0]?.checksums).toHaveLength(2)
  })

  test('changes for another database system count in version 8 only, and do not run', async () => {
    const text = `<databaseChangeLog><changeSet id="1" author="ana"><sql dbms="mysql">SELECT 1</sql><sql>SELECT 2</sql></changeSet></databaseChangeLog>`
    const { migrations, scripts } = await discover({ 'db/root.xml': text })
    const change = (body: string) => ({ text: body, endDelimiter: null, splitStatements: true, stripComments: false })
    expect(migrations[0]?.checksums).toEqual([
      changesetChecksum(9, [change('SELECT 2')]),
      changesetChecksum(8, [change('SELECT 1'), change('SELECT 2')]),
    ])
    expect(scripts?.get('db/root.xml::1::ana')?.statements.map(({ sql: text }) => text)).toEqual(['SELECT 2'])
  })
})

describe('what runs here', () => {
  test.each([
    ['a and !b', ['a'], true],
    ['a and !b', ['a', 'B'], false],
    ['(a or b) and c', ['b', 'c'], true],
    ['(a or b) and c', ['c'], false],
    ['x, y', ['y'], true],
    ['not x', ['X'], false],
    ['@x', ['x'], true],
    ['', [], true],
  ])('%s of %j is %s', (expression, items, holds) => {
    expect(matchesExpression(expression, items)).toBe(holds)
  })

  test.each([
    [null, true],
    ['postgresql, mysql', true],
    ['mysql', false],
    ['!mysql', true],
    ['!postgresql', false],
    ['all', true],
    ['none', false],
  ])('dbms %s: %s', (dbms, runs) => {
    expect(isForDatabase(dbms, 'postgresql')).toBe(runs)
  })

  const CONTEXTS = {
    'db/a.sql': sql(one('1'), one('2', ' contextFilter:test'), one('3', ' dbms:oracle'), one('4', ' ignore:true')),
  }
  test('other database systems, ignored changesets and contexts that are not run are not looked for, and that is said', async () => {
    const { migrations, notes } = await discover({ ...CONTEXTS, 'liquibase.properties': 'contexts=prod\n' })
    expect(migrations.map(({ key }) => key)).toEqual(['db/a.sql::1::ana'])
    expect(notes).toEqual([
      'not looked for, since Liquibase does not run them here: db/a.sql::2::ana (context test), db/a.sql::3::ana (dbms oracle), db/a.sql::4::ana (ignore)',
    ])
  })

  test('where nothing says which contexts are run, the ledger tells once one of the context has run, and is unsure before', async () => {
    const files = {
      'db/a.sql': sql(one('1'), one('2', ' context:prod'), one('3', ' context:prod'), one('4', ' context:demo')),
    }
    const before = await interpret([row('db/a.sql', '1')], files)
    expect(before.unclear).toMatchObject({
      keys: ['db/a.sql::2::ana', 'db/a.sql::3::ana', 'db/a.sql::4::ana'],
      why: expect.stringContaining('context prod') as string,
    })
    const after = await interpret([row('db/a.sql', '1'), row('db/a.sql', '2')], files)
    expect(after.unclear?.keys).toEqual(['db/a.sql::4::ana'])
  })

  test('labels are notes, unless something filters by them', async () => {
    const files: Files = { 'db/a.sql': sql(one('1', ' labels:JIRA-1')) }
    expect((await discover(files)).migrations[0]?.doubt).toBeUndefined()
    const filtered = { ...files, Makefile: 'up:\n\tliquibase --label-filter=$(L) update\n' }
    expect((await discover(filtered)).migrations[0]?.doubt).toContain('labels JIRA-1')
    const known = { ...files, 'liquibase.properties': 'label-filter: !JIRA-1\n' }
    expect((await discover(known)).migrations).toEqual([])
  })
})

describe('preconditions', () => {
  const conditions = (onFail: string): string =>
    `--preconditions onFail:${onFail} onError:HALT\n--precondition-sql-check expectedResult:0 SELECT count(*) FROM u`
  const set = (id: string, onFail: string): string =>
    `--changeset ana:${id}\n${conditions(onFail)}\nCREATE TABLE t${id} (id int);`
  const files = { 'db/a.sql': sql(one('1'), set('2', 'CONTINUE'), set('3', 'CONTINUE'), set('4', 'MARK_RAN')) }

  test('with CONTINUE leave no row where they do not hold: without one it is unsure, each for itself', async () => {
    const { unclear } = await interpret([row('db/a.sql', '1'), row('db/a.sql', '3')], files)
    expect(unclear).toMatchObject({
      keys: ['db/a.sql::2::ana'],
      why: 'it has preconditions with CONTINUE, which only Liquibase evaluates: where they do not hold it is left out, without a row, and public.databasechangelog has no row of the kind',
      nextStep: { text: expect.stringContaining('the last `liquibase update`') as string },
    })
    expect((await interpret([row('db/a.sql', '2'), row('db/a.sql', '3')], files)).unclear).toBeUndefined()
  })

  test('with any other word would leave one, or stop: without one it has not run', async () => {
    const rows = await interpret([row('db/a.sql', '2'), row('db/a.sql', '3')], files)
    expect(rows.unclear).toBeUndefined()
    for (const onFail of ['HALT', 'WARN', 'MARK_RAN'])
      expect((await discover({ 'db/a.sql': sql(set('1', onFail)) })).migrations[0]?.doubt).toBeUndefined()
  })

  test('that did not hold are why it was recorded without running; a changeset that was only recorded has no such row', async () => {
    const { applied } = await interpret([row('db/a.sql', '1'), row('db/a.sql', '4', { exectype: 'MARK_RAN' })], files)
    expect(applied.map(({ passedOver }) => passedOver)).toEqual([
      undefined,
      'its preconditions did not hold here, and Liquibase recorded it without running it',
    ])
  })

  test('are read in every form of changelog', async () => {
    const doubtOf = async (name: string, text: string) => (await discover({ [name]: text }, name)).migrations[0]?.doubt
    const xml = (attributes: string): string =>
      `<databaseChangeLog><changeSet id="1" author="ana"><preConditions ${attributes}><tableExists tableName="u"/></preConditions><sql>SELECT 1</sql></changeSet></databaseChangeLog>`
    const yaml = (more: string): string =>
      `databaseChangeLog:\n  - changeSet:\n      id: 1\n      author: ana\n      preConditions:\n        - ${more}\n        - tableExists: { tableName: u }\n      changes:\n        - sql: SELECT 1\n`
    expect(await doubtOf('db/a.xml', xml('onFail="CONTINUE"'))).toContain('with CONTINUE')
    expect(await doubtOf('db/a.xml', xml('onError="continue"'))).toContain('with CONTINUE')
    expect(await doubtOf('db/a.xml', xml('onFail="MARK_RAN"'))).toBeUndefined()
    expect(await doubtOf('db/a.yaml', yaml('onFail: CONTINUE'))).toContain('with CONTINUE')
    expect(await doubtOf('db/a.yaml', yaml('onFail: MARK_RAN'))).toBeUndefined()
    expect(
      await doubtOf('db/a.sql', sql(`--changeset ana:1\n--precondition-table-exists table:u\nSELECT 1;`)),
    ).toBeUndefined()
  })

  test('of a whole changelog are said: where they do not hold, nothing runs', async () => {
    const xml = '<databaseChangeLog><preConditions><runningAs username="app"/></preConditions></databaseChangeLog>'
    const root = 'databaseChangeLog:\n  - include: { file: db/a.xml }\n  - include: { file: db/b.sql }\n'
    const found = await discover({ 'db/root.yaml': root, 'db/a.xml': xml, 'db/b.sql': sql(one('1')) }, 'db/root.yaml')
    expect(found.notes).toEqual([
      'preconditions of a whole changelog are not evaluated: where they do not hold, Liquibase refuses to run: db/a.xml',
    ])
    expect(found.migrations[0]?.doubt).toBeUndefined()
  })

  test('are said of those that a replay takes to hold', async () => {
    expect((await discover(files)).notes).toEqual([
      'preconditions are not evaluated, and are taken to hold in a replay: db/a.sql::2::ana, db/a.sql::3::ana, db/a.sql::4::ana',
    ])
  })
})

describe('rows', () => {
  const FILES = { 'db/a.sql': sql(one('1'), one('2'), one('3')) }

  test('are the triple of path, id and author, in normal form; ids and authors are kept apart', async () => {
    const { applied } = await interpret(
      [row('classpath:/db/a.sql', '1'), row('.\\db\\a.sql', '2', { author: 'bob' })],
      FILES,
    )
    expect(applied.map(({ key, place }) => [key, place])).toEqual([
      ['db/a.sql::1::ana', 1],
      ['db/a.sql::2::bob', 1],
    ])
    expect(normalPath('C:\\x\\..\\db//./a.sql')).toBe('db/a.sql')
  })

  test('EXECTYPE: run, run again, recorded without running, failed', async () => {
    const types = ['EXECUTED', 'RERAN', 'MARK_RAN', 'SKIPPED', 'FAILED', 'NEW']
    const { applied, notes } = await interpret(
      types.map((exectype, at) => row('db/a.sql', `${at + 1}`, { exectype })),
      FILES,
    )
    expect(applied.map(({ state }) => state)).toEqual(['applied', 'applied', 'marked', 'marked', 'failed', 'applied'])
    expect(applied[2]?.detail).toContain('MARK_RAN: its preconditions did not hold')
    expect(notes).toEqual([expect.stringContaining('has the EXECTYPE NEW')])
  })

  test('of two rows of one changeset the later one counts, whatever their order', async () => {
    const twice = [
      row('db/a.sql', '1', { orderexecuted: '10', md5sum: '9:b' }),
      row('db/a.sql', '1', { orderexecuted: '9', md5sum: '9:a' }),
    ]
    expect((await interpret(twice, FILES)).applied).toMatchObject([{ checksum: '9:b' }])
  })

  test('a checksum of another version than the two is not judged; none is accepted, as after clear-checksums', async () => {
    const rows = [
      row('db/a.sql', '1', { md5sum: '7:abc' }),
      row('db/a.sql', '2'),
      row('db/a.sql', '3', { md5sum: '8:abc' }),
    ]
    expect((await interpret(rows, FILES)).applied.map(({ checksum }) => checksum)).toEqual([null, null, '8:abc'])
  })

  test('the lock is told with who holds it', async () => {
    const held = { id: '1', locked: 't', lockgranted: '2026-01-01 00:00:00', lockedby: 'ci (10.0.0.7)' }
    const beside = [{ table: 'databasechangeloglock', rows: [held] }]
    expect((await interpret([], FILES, beside)).lock).toEqual({
      table: 'public.databasechangeloglock',
      detail: 'LOCKED is true by ci (10.0.0.7) since 2026-01-01T00:00:00.000Z',
    })
    for (const [locked, isHeld] of [
      ['f', false],
      // As MySQL has it.
      ['1', true],
      ['0', false],
    ] as const) {
      const other = [{ table: 'databasechangeloglock', rows: [{ ...held, locked }] }]
      expect((await interpret([], FILES, other)).lock !== null).toBe(isHeld)
    }
  })

  test('all under other paths: it was run from another folder, and that is said', async () => {
    const { notes } = await interpret([row('a.sql', '1')], FILES)
    expect(notes).toEqual([expect.stringContaining('has a.sql::1::ana where the release has db/a.sql::1::ana')])
  })

  test('thousands of another service’s rows under other paths are told from ours in time', async () => {
    const rows = Array.from({ length: 5_000 }, (_, at) => row(`other/changes/${at}.sql`, String(at)))
    const many = { 'db/a.sql': sql(...Array.from({ length: 5_000 }, (_, at) => `--changeset ana:x${at}\nSELECT 1;`)) }
    const { migrations } = await discover(many)
    const table = { schema: 'public', table: 'databasechangelog', columns: {}, readable: true }
    const started = performance.now()
    expect(liquibase.interpret({ table, rows, beside: [], migrations }).notes).toEqual([])
    expect(performance.now() - started).toBeLessThan(2_000)
    const moved = [...rows, row('changes/DB/A.SQL', 'x7')]
    expect(liquibase.interpret({ table, rows: moved, beside: [], migrations }).notes).toEqual([
      expect.stringContaining('has changes/DB/A.SQL::x7::ana where the release has db/a.sql::x7::ana') as string,
    ])
  })
})

describe('what the repository says', () => {
  const ROOT = { 'db/root.sql': sql(one('1')) }
  test('liquibase.properties: the table, its schema, parameters', async () => {
    const properties =
      'changeLogFile = db/root.sql\nliquibase.databaseChangeLogTableName: our_log\r\nliquibaseSchemaName=ops\nparameter.tok=${NOT_HERE}\n'
    expect(await discover({ ...ROOT, 'liquibase.properties': properties })).toMatchObject({
      table: { schema: 'ops', table: 'our_log' },
      commands: { migrate: 'liquibase update', migrateLate: 'liquibase update', repair: null },
      late: 'runs',
    })
  })

  test('Spring Boot’s own config, of the part that holds in every profile', async () => {
    const resources = 'src/main/resources'
    const { migrations, table } = await discover(
      {
        [`${resources}/application.yml`]:
          'spring:\n  liquibase:\n    change-log: classpath:/db/master.sql\n    contexts: prod\n    database-change-log-table: log\n---\nspring:\n  config.activate.on-profile: dev\n  liquibase.contexts: dev\n',
        [`${resources}/db/master.sql`]: sql(one('1', ' context:dev'), one('2', ' context:prod')),
      },
      resources,
    )
    expect(migrations.map(({ key }) => key)).toEqual(['db/master.sql::2::ana'])
    expect(table).toEqual({ schema: null, table: 'log' })
  })

  test.each([
    ['without a config of its own', {}, 'liquibase --changelog-file=db/root.sql update'],
    [
      'from the folder of its properties',
      { 'db/liquibase.properties': 'changelogFile=root.sql' },
      'cd db && liquibase update',
    ],
    ['by Maven', { 'pom.xml': '<artifactId>liquibase-maven-plugin</artifactId>' }, 'mvn liquibase:update'],
    ['by Gradle', { 'build.gradle.kts': 'plugins { id("org.liquibase.gradle") version "3.0.1" }' }, './gradlew update'],
  ])('is run %s', async (_, files, command) => {
    expect((await discover({ ...ROOT, ...files })).commands.migrate).toBe(command)
  })
})

describe('detection', () => {
  const detect = (files: Files, path = 'db') => detectTool(projectOf(files), path, null)
  test.each<[string, Files]>([
    ['formatted SQL', { 'db/V1__a.sql': sql(one('1')) }],
    ['formatted SQL with numbers', { 'db/001_a.sql': sql(one('1')) }],
    ['XML', { 'db/root.xml': '<?xml version="1.0"?>\n<!-- notes -->\n<databaseChangeLog/>' }],
    ['JSON', { 'db/root.json': '{ "databaseChangeLog": [] }' }],
    ['YAML', { 'db/root.yml': '# notes\ndatabaseChangeLog:\n' }],
    [
      'a changelog that its config names',
      { 'db/a.sql': 'SELECT 1;', 'liquibase.properties': 'changelogFile=db/a.sql' },
    ],
  ])('%s', async (_, files) => {
    expect(await detect(files)).toMatchObject({ tool: { name: 'liquibase' }, detection: { confidence: 'certain' } })
  })

  test.each<[string, Files]>([
    ['flyway', { 'db/V1__a.sql': 'SELECT 1;' }],
    ['goose', { 'db/001_a.sql': '-- +goose Up\nSELECT 1;', 'db/notes.yaml': 'text: about databaseChangeLog: none\n' }],
    ['dbmate', { 'db/001_a.sql': '-- migrate:up\nSELECT 1;' }],
  ])('%s is not taken for it', async (name, files) => {
    expect(await detect(files)).toMatchObject({ tool: { name } })
  })

  test('two services with a changelog each in one repository', async () => {
    const files = {
      'a/root.sql': sql(one('1')),
      'b/root.sql': sql(one('1')),
      'liquibase.properties': 'changelogFile=a/root.sql',
    }
    expect(await keysOf(files, 'a')).toEqual(['a/root.sql::1::ana'])
    expect(await keysOf(files, 'b')).toEqual(['b/root.sql::1::ana'])
  })
})
