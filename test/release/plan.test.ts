import { expect, test } from 'vitest'
import { parseConfig } from '../../functions/config/load.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { plainSql, planReplay } from '../../functions/release/plan.ts'
import type { Plan } from '../../functions/release/plan.ts'

async function plan(yaml: string, files: Readonly<Record<string, string>>): Promise<Plan> {
  return planReplay(
    parseConfig(`service: orders\n${yaml}`, 'deploywatch.yaml', '/project'),
    projectOf(files),
    LEDGER_TOOLS,
  )
}

test('a migrations folder that does not exist is told with the place of the key', async () => {
  await expect(plan('migrations: { path: db/nothing }', {})).rejects.toThrow(
    'deploywatch.yaml:2:21: the folder "db/nothing" does not exist below /project',
  )
})

test('all ledgers that are wrong are told together', async () => {
  const yaml = 'migrations:\n  - { name: a, path: x }\n  - { name: b, path: y }\n'
  await expect(plan(yaml, {})).rejects.toThrow(/2 problems/)
})

test('a folder without migrations is no error here: the expectation is empty', async () => {
  expect((await plan('migrations: { path: db }', { 'db/README.md': '' })).ledgers).toEqual([])
})

test('a changelog file may be named instead of a folder, and its changesets are replayed by themselves', async () => {
  const found = await plan('migrations: { path: db/root.xml }', {
    'db/root.xml':
      '<databaseChangeLog>\n<changeSet id="1" author="ana"><sqlFile path="db/a.sql"/></changeSet>\n<changeSet id="2" author="ana"><dropTable tableName="t"/></changeSet>\n</databaseChangeLog>',
    'db/a.sql': 'SELECT 1;\nSELECT 2;\n',
  })
  expect(found.migrations.map(({ subject, statements }) => [subject, statements])).toEqual([
    [
      'db/root.xml::1::ana',
      [
        { sql: 'SELECT 1', line: 1 },
        { sql: 'SELECT 2', line: 2 },
      ],
    ],
    ['db/root.xml::2::ana', null],
  ])
})

test('a tool that is not known, or not read yet, is told', async () => {
  const files = { 'db/V1__a.sql': 'SELECT 1' }
  await expect(plan('migrations: { path: db, tool: flywya }', files)).rejects.toThrow(/did you mean "flyway"/)
  await expect(plan('migrations: { path: db, tool: tern }', files)).rejects.toThrow(
    /migrations of tern .*cannot be read yet/,
  )
})

test('the tool is detected, and several ledgers replay in the order of the config', async () => {
  const found = await plan('migrations:\n  - { name: b, path: b }\n  - { name: a, path: a }\n', {
    'a/V1__x.sql': 'SELECT 1',
    'b/V1__y.sql': 'SELECT 2',
  })
  expect(found.ledgers.map(({ name, tool }) => `${name} ${tool}`)).toEqual(['b flyway', 'a flyway'])
  expect(found.migrations.map(({ subject }) => subject)).toEqual(['V1__y.sql', 'V1__x.sql'])
})

test("a dump loses psql's own commands and its data, and no line", () => {
  expect(plainSql('\\connect x\nCOPY t (a) FROM stdin;\n1\n\\.\nSELECT 1;')).toBe('\n\n\n\nSELECT 1;')
})
