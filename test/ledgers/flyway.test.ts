import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compareVersions,
  flywayChecksum,
  normalVersion,
  parseFlywayName,
} from '../../functions/ledgers/flyway-files.ts'
import { compareLedger } from '../../functions/core/compare-ledger.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import type { Discovery } from '../../functions/ledgers/ledger.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { ledger } from '../core/builders.ts'

const PATH = 'db/migration'
const discover = (
  files: Readonly<Record<string, string>>,
  placeholders: Readonly<Record<string, string>> = {},
): Promise<Discovery> => flyway.discover(projectOf(files), { path: PATH, placeholders, table: null })
const inFolder = (...names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(names.map((name) => [`${PATH}/${name}`, `-- ${name}\n`]))

describe('checksums, as Flyway’s own class computed them', () => {
  test.each([
    ['LF', 'CREATE TABLE t1 (\n  id int\n);\n', '338424867'],
    ['CRLF without a final newline', 'CREATE TABLE t1 (\r\n  id int\r\n);', '338424867'],
    ['a byte order mark and an extra blank line', '\uFEFFCREATE TABLE t1 (\n  id int\n);\n\n', '338424867'],
    ['CR alone', 'CREATE TABLE t1 (\r  id int\r);\r', '338424867'],
    ['characters beyond ASCII, negative', "INSERT INTO t VALUES ('héllo ${tok}');\n", '-695053167'],
    ['an empty file', '', '0'],
  ])('%s', (_, text, checksum) => {
    expect(flywayChecksum(text)).toBe(checksum)
  })

  test('a changed character changes it, a line end never does', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (parts) => {
        const lines = parts.map((part) => part.replace(/[\r\n\uFEFF]/g, ''))
        expect(flywayChecksum(lines.join('\r\n'))).toBe(flywayChecksum(`${lines.join('\n')}\n`))
        expect(flywayChecksum(`${lines.join('\n')}x`)).not.toBe(flywayChecksum(lines.join('\n')))
      }),
    )
  })
})

describe('versions', () => {
  test.each([
    ['1', '1.0'],
    ['01', '1'],
    ['2_1', '2.1.0'],
    ['0.0', '0'],
    ['20240102000000', '20240102000000.00'],
  ])('%s is %s', (a, b) => {
    expect(normalVersion(a)).toBe(normalVersion(b))
  })

  test('parts compare as whole numbers of any size', () => {
    const versions = ['10', '9', '9.10', '9.9', '99999999999999999999999', '99999999999999999999998']
    expect([...versions].sort(compareVersions)).toEqual([
      '9',
      '9.9',
      '9.10',
      '10',
      '99999999999999999999998',
      '99999999999999999999999',
    ])
  })
})

describe('file names', () => {
  test.each([
    ['V1__a.sql', 'V', '1', 'a'],
    ['sub/V2_1__add_note.SQL', 'V', '2.1', 'add note'],
    ['V3.sql', 'V', '3', ''],
    ['V4___x.sql', 'V', '4', ' x'],
    ['V5__a__b.sql', 'V', '5', 'a  b'],
    ['R__view ünïcode "x".sql', 'R', null, 'view ünïcode "x"'],
    ['B7__base.sql', 'B', '7', 'base'],
    ['U7__base.sql', 'U', '7', 'base'],
    ['V8__x.sh', 'V', '8', 'x'],
    ['V9__Fill.java', 'V', '9', 'Fill'],
  ])('%s', (file, prefix, version, description) => {
    expect(parseFlywayName(file)).toMatchObject({ prefix, version, description })
  })

  test.each([
    'beforeMigrate.sql',
    'afterMigrate__x.sql',
    'notes__V5_draft.sql',
    'V__x.sql',
    'V1_x.sql',
    'v1__x.sql',
    'R1__x.sql',
    'V1a__x.sql',
    'V1__x.txt',
    'V1__x.sql.conf',
  ])('%s is no migration', (file) => {
    expect(parseFlywayName(file)).toBeNull()
  })

  test('a description of more than 200 characters is cut as the column cuts it', () => {
    expect(parseFlywayName(`R__${'x'.repeat(201)}.sql`)?.description).toBe(`${'x'.repeat(197)}...`)
  })
})

describe('discovery', () => {
  test('versions by number, then repeatables by description; folders are searched', async () => {
    const { migrations } = await discover(
      inFolder('R__b.sql', 'R__a.sql', '2025/V10__z.sql', 'V9__y.sql', 'V9.1__x.sql', 'U9__y.sql', 'beforeMigrate.sql'),
    )
    expect(migrations.map(({ subject }) => subject)).toEqual([
      'V9__y.sql',
      'V9.1__x.sql',
      '2025/V10__z.sql',
      'R__a.sql',
      'R__b.sql',
    ])
    expect(migrations.map(({ key }) => key)).toEqual(['9', '9.1', '10', 'R:a', 'R:b'])
  })

  test('a version that two files have is a problem that names both', async () => {
    const { migrations, problems } = await discover(inFolder('V1__a.sql', 'V01.0__b.sql'))
    expect(migrations).toHaveLength(1)
    expect(problems).toEqual([
      expect.objectContaining({ message: expect.stringContaining("is db/migration/V01.0__b.sql's already") as string }),
    ])
  })

  test('a name that only looks like a version is a problem, a draft or a note is none', async () => {
    const { problems } = await discover(inFolder('V6_draft.sql', 'v7__x.sql', 'notes__V5_draft.sql', 'README.md'))
    expect(problems.map(({ file }) => file)).toEqual([`${PATH}/V6_draft.sql`, `${PATH}/v7__x.sql`])
  })

  test('scripts and Java are code: they have a place and cannot be replayed', async () => {
    const { migrations } = await discover(inFolder('V1__a.sh', 'V2__B.java'))
    expect(migrations.map(({ form }) => form)).toEqual(['code', 'code'])
    expect(migrations.map(({ checksums }) => checksums.length)).toEqual([1, 0])
  })

  test('only the highest baseline file counts, right after its version', async () => {
    const { migrations } = await discover(inFolder('B1__old.sql', 'B2__new.sql', 'V1__a.sql', 'V2__b.sql', 'V3__c.sql'))
    expect(migrations.map(({ key }) => key)).toEqual(['1', '2', 'B:2', '3'])
  })

  test('flyway.toml: table, schema, locations, placeholders, outOfOrder', async () => {
    const toml =
      '[flyway]\ntable = "history" # ours\ndefaultSchema = "app"\nlocations = [\n  "filesystem:db/migration",\n  "filesystem:db/common" ]\noutOfOrder = true\n[flyway.placeholders]\nowner = "app_owner"\n'
    const found = await discover({ ...inFolder('V1__a.sql'), 'db/common/V2__b.sql': '', 'flyway.toml': toml })
    expect(found).toMatchObject({
      table: { schema: 'app', table: 'history' },
      late: 'runs',
      placeholders: { owner: 'app_owner' },
      schemas: ['app'],
    })
    expect(found.migrations.map(({ file }) => file)).toEqual([`${PATH}/V1__a.sql`, 'db/common/V2__b.sql'])
    expect(found.commands).toMatchObject({
      migrate: 'flyway migrate',
      migrateLate: 'flyway migrate',
      repair: 'flyway repair',
    })
  })

  test('flyway.conf: the same as properties; the config’s own placeholders win', async () => {
    const conf =
      '# db\nflyway.table=history\nflyway.schemas=app,audit\nflyway.placeholders.owner=conf, inc\nflyway.placeholders.other=x\n'
    const found = await discover({ ...inFolder('V1__a.sql'), 'flyway.conf': conf }, { owner: 'mine' })
    expect(found).toMatchObject({ table: { schema: 'app', table: 'history' }, late: 'refuses' })
    expect(found.placeholders).toEqual({ owner: 'mine', other: 'x', 'flyway:defaultSchema': 'app' })
    expect(found.schemas).toEqual(['app', 'audit'])
    expect(found.commands.migrateLate).toBe('flyway migrate -outOfOrder=true')
  })

  test('flyway.conf: a backslash stands for itself, and at the end of a line goes on with the next, if that is no setting', async () => {
    const conf = String.raw`flyway.placeholders.data=C:\new\table
flyway.placeholders.folder=C:\data\
flyway.locations=filesystem:db/migration,\
  filesystem:db/common
flyway.placeholders.last : x = y
`
    const files = { ...inFolder('V1__a.sql'), 'db/common/V2__b.sql': '' }
    for (const text of [conf, conf.replaceAll('\n', '\r\n')]) {
      const found = await discover({ ...files, 'flyway.conf': text })
      expect(found.placeholders).toEqual({ data: 'C:\\new\\table', folder: 'C:\\data\\', last: 'x = y' })
      expect(found.migrations.map(({ file }) => file)).toEqual([`${PATH}/V1__a.sql`, 'db/common/V2__b.sql'])
    }
  })

  test('without a config file the command says where the migrations are; Maven and Gradle have their own', async () => {
    expect((await discover(inFolder('V1__a.sql'))).commands.migrate).toBe(
      'flyway -locations=filesystem:db/migration migrate',
    )
    expect(
      (await discover({ ...inFolder('V1__a.sql'), 'pom.xml': '<artifactId>flyway-maven-plugin' })).commands.repair,
    ).toBe('mvn flyway:repair')
    const gradle = await discover({ ...inFolder('V1__a.sql'), 'build.gradle.kts': 'id("org.flywaydb.flyway")' })
    expect(gradle.commands.migrate).toBe('./gradlew flywayMigrate')
  })
})

describe('a replay', () => {
  const replayed = async (...names: readonly string[]) => {
    const { migrations } = await discover(inFolder(...names))
    const settings = { path: PATH, placeholders: {}, table: null }
    return migrations.flatMap((migration) =>
      flyway.script(migration, 'SELECT 1', settings)?.statements.length === 1 ? [migration.subject] : [],
    )
  }

  test('runs the versions that a baseline file stands for, or the file where they are gone', async () => {
    expect(await replayed('B2__x.sql', 'V1__x.sql', 'V2__x.sql', 'V3__x.sql')).toEqual([
      'V1__x.sql',
      'V2__x.sql',
      'V3__x.sql',
    ])
    expect(await replayed('B2__x.sql', 'V3__x.sql')).toEqual(['B2__x.sql', 'V3__x.sql'])
  })
})

describe('placeholders', () => {
  const text = 'GRANT SELECT ON t TO ${owner};\n'

  test('a versioned one is hashed as it stands', async () => {
    const { migrations } = await discover({ [`${PATH}/V1__a.sql`]: text }, { owner: 'app' })
    expect(migrations[0]?.checksums).toEqual([flywayChecksum(text)])
  })

  test('a repeatable is hashed with its values, and accepted without', async () => {
    const { migrations } = await discover({ [`${PATH}/R__a.sql`]: text }, { OWNER: 'app' })
    expect(migrations[0]?.checksums).toEqual([flywayChecksum('GRANT SELECT ON t TO app;\n'), flywayChecksum(text)])
  })

  test('a repeatable with a value that is not known has no checksum to compare, and a note says so', async () => {
    const { migrations, notes } = await discover({ [`${PATH}/R__a.sql`]: text })
    expect(migrations[0]?.checksums).toEqual([])
    expect(notes).toEqual([expect.stringContaining('${owner}')])
  })

  test('a replay gets the values; what has none stays for the server to refuse', async () => {
    const { migrations } = await discover({ [`${PATH}/V1__a.sql`]: text })
    const [migration] = migrations
    if (migration === undefined) throw new Error('no migration')
    const run = (values: Readonly<Record<string, string>>) =>
      flyway.script(migration, text, { path: PATH, placeholders: values, table: null })
    expect(run({ owner: 'app' })?.statements).toEqual([{ sql: 'GRANT SELECT ON t TO app', line: 1 }])
    expect(run({})?.statements[0]?.sql).toContain('${owner}')
  })
})

describe('history', () => {
  const row = (rank: number, version: string | null, more: Readonly<Record<string, string | null>> = {}) => ({
    installed_rank: String(rank),
    version,
    description: 'x',
    type: 'SQL',
    script: `V${version ?? ''}__x.sql`,
    checksum: '7',
    installed_by: 'migrator',
    installed_on: '2026-11-23 01:51:57.33265',
    execution_time: '20',
    success: 'true',
    ...more,
  })
  const interpret = async (rows: readonly ReturnType<typeof row>[], ...names: readonly string[]) => {
    const { migrations } = await discover(inFolder(...names))
    const table = { schema: 'public', table: 'flyway_schema_history', columns: {}, readable: true }
    return flyway.interpret({ table, rows, beside: [], migrations })
  }
  const states = (reading: Awaited<ReturnType<typeof interpret>>) =>
    reading.applied.map(({ key, state }) => `${key} ${state}`)

  test('a row says when, how long and who', async () => {
    const { applied } = await interpret([row(1, '1.0')], 'V1__x.sql')
    expect(applied[0]).toMatchObject({
      key: '1',
      at: '2026-11-23T01:51:57.332Z',
      durationMs: 20,
      by: 'migrator',
      state: 'applied',
      place: 1,
    })
  })

  test('the schema marker is no migration', async () => {
    expect(
      states(await interpret([row(0, null, { type: 'SCHEMA', description: '<< Flyway Schema Creation >>' })])),
    ).toEqual([])
  })

  test('versions up to a baseline need no row; those above it do', async () => {
    const baseline = row(1, '2', { type: 'BASELINE', description: '<< Flyway Baseline >>', checksum: null })
    expect(
      states(await interpret([baseline, row(2, '3')], 'V1__x.sql', 'V2.0__x.sql', 'V3__x.sql', 'V4__x.sql')),
    ).toEqual(['3 applied', '1 baseline', '2 baseline'])
  })

  test('a baseline file that ran covers the versions up to it', async () => {
    const ran = row(1, '2', { type: 'SQL_BASELINE', script: 'B2__x.sql' })
    expect(states(await interpret([ran, row(2, '3')], 'V1__x.sql', 'V2__x.sql', 'B2__x.sql', 'V3__x.sql'))).toEqual([
      'B:2 applied',
      '3 applied',
      '1 baseline',
      '2 baseline',
    ])
  })

  test('a baseline file is not run where there is a history, and stands for its versions where there is none', async () => {
    const names = ['V1__x.sql', 'V2__x.sql', 'B2__x.sql', 'V3__x.sql']
    expect(states(await interpret([row(1, '1')], ...names))).toEqual(['1 applied', 'B:2 baseline'])
    expect(states(await interpret([], ...names))).toEqual(['1 baseline', '2 baseline'])
    expect(states(await interpret([], 'B2__x.sql', 'V3__x.sql'))).toEqual([])
    expect(states(await interpret([row(1, '1'), row(2, '2')], 'B2__x.sql', 'V3__x.sql'))).toEqual([
      '1 applied',
      '2 applied',
      'B:2 baseline',
    ])
  })

  test('a DELETE row takes the latest row of its version out of count, and a later run counts again', async () => {
    const rows = [row(1, '1'), row(2, '2'), row(3, '1', { type: 'DELETE' })]
    expect(states(await interpret(rows))).toEqual(['2 applied'])
    expect(states(await interpret([...rows, row(4, '1')]))).toEqual(['2 applied', '1 applied'])
    const repeatable = row(4, null, { description: 'v' })
    expect(states(await interpret([repeatable, row(5, null, { description: 'v', type: 'DELETE' })]))).toEqual([])
  })

  test('an undone version is pending again, until it has run again; an undo that failed is a failure', async () => {
    const undone = [row(1, '1'), row(2, '2'), row(3, '2', { type: 'UNDO_SQL' })]
    expect(states(await interpret(undone))).toEqual(['1 applied'])
    expect(states(await interpret([...undone, row(4, '2')]))).toEqual(['1 applied', '2 applied'])
    expect(states(await interpret([row(1, '1'), row(2, '1', { type: 'UNDO_SQL', success: 'f' })]))).toEqual([
      '1 failed',
    ])
  })

  test('out of order: a late version is refused, or run where the setting allows it; once it has run its place does not matter', async () => {
    const names = ['V1__x.sql', 'V3__x.sql', 'V4__x.sql']
    const judge = async (rows: readonly ReturnType<typeof row>[], config = '') => {
      const found = await discover({ ...inFolder(...names), 'flyway.toml': `[flyway]\n${config}` })
      const reading = { ...(await interpret(rows, ...names)), table: 'public.x', tool: 'flyway', recognisedBy: 'it is' }
      const expected = ledger(
        found.migrations.map((one) => ({ ...one, checksums: ['7'] })),
        { late: found.late, commands: found.commands },
      )
      const { findings } = compareLedger(expected, { ledger: 'default', reading })
      return findings.map(({ code, subject, nextSteps }) => [code, subject, nextSteps[0]?.command])
    }
    const late = [row(1, '1'), row(2, '4')]
    expect(await judge(late)).toEqual([['migration-skipped', 'V3__x.sql', 'flyway migrate -outOfOrder=true']])
    expect(await judge(late, 'outOfOrder = true\n')).toEqual([['migration-skipped', 'V3__x.sql', 'flyway migrate']])
    expect(await judge([...late, row(3, '3')])).toEqual([])
  })

  test('of a repeatable’s rows the newest counts, wherever it stands', async () => {
    const rows = [row(3, null, { description: 'v', checksum: '3' }), row(1, null, { description: 'v', checksum: '1' })]
    expect((await interpret(rows)).applied).toMatchObject([{ key: 'R:v', checksum: '3', place: 0 }])
  })

  test('a row without success is a failure that says what may have stayed', async () => {
    const { applied } = await interpret([row(1, '1', { success: 'f' })])
    expect(applied[0]).toMatchObject({ state: 'failed', detail: expect.stringContaining('have stayed') as string })
  })

  test('a changed description is a remark', async () => {
    const { notes } = await interpret([row(1, '1', { description: 'alergens' })], 'V1__allergens.sql')
    expect(notes).toEqual([expect.stringContaining('recorded as "alergens"')])
  })

  test('a version that is none is kept as it is, and has no place', async () => {
    expect((await interpret([row(1, "x'; DROP")], 'V1__x.sql')).applied).toMatchObject([{ key: "x'; DROP", place: 0 }])
  })
})
