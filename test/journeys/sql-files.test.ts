/** Statements from SQL files: each is prepared on the target, and known by its file and line. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { folderWith } from '../cli/deploywatch.ts'
import { checkInProcess } from '../support/in-process.ts'
import { migrated, MIGRATIONS } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

let database: TestDatabase
let cwd = ''

const config = (glob: string): string => `service: orders
migrations: { path: db/migration }
queries:
  - { files: "${glob}" }
environments:
  production: { database: { url: "\${DATABASE_URL}" } }
`

const FILES = {
  'queries/orders.sql': `-- what the page shows
SELECT id, total FROM orders WHERE id = $1;

UPDATE orders SET status_note = $2
WHERE id = $1;
`,
  'queries/deep/customers.sql': "SELECT name\nFROM customers\nWHERE nick_name = ';'",
  'queries/notes.txt': 'no SQL',
}

beforeAll(async () => {
  database = await createDatabase()
  await database.run(migrated(MIGRATIONS))
  cwd = await folderWith({ ...MIGRATIONS, ...FILES, 'deploywatch.yaml': config('queries/**/*.sql') })
})

afterAll(async () => {
  await rm(cwd, { recursive: true, force: true })
  await database.drop()
})

const check = (folder: string) =>
  checkInProcess({ cwd: folder, env: { DATABASE_URL: database.url }, store: join(folder, 'store') })

test('one that names what is not there is broken, by its file and line; nothing of them runs', async () => {
  const { exit, report } = await check(cwd)
  expect(exit).toBe(1)
  expect(report?.findings).toMatchObject([
    {
      code: 'query-broken',
      subject: 'queries/deep/customers.sql:1',
      found: 'column "nick_name" does not exist (SQLSTATE 42703, at character 34: `nick_name = \';\'`)',
      source: [{ file: 'queries/deep/customers.sql', line: 1 }],
    },
  ])
  await database.run('ALTER TABLE customers ADD nick_name text; ALTER TABLE orders RENAME status_note TO note')
  const other = await check(cwd)
  expect(
    other.report?.findings.flatMap(({ code, subject, consequences }) => [`${code} ${subject}`, ...consequences]),
  ).toContain('query-broken queries/orders.sql:4')
})

test('a glob that matches no file is wrong use: nothing would be checked, and it would pass', async () => {
  const folder = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': config('sql/*.sql') })
  const { exit, stderr } = await check(folder)
  expect(exit).toBe(64)
  expect(stderr).toContain('"sql/*.sql" matches no file below')
})
