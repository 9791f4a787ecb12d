import { expect, test } from 'vitest'
import { sha256 } from '../../functions/ledgers/migration-text.ts'
import type { LedgerRow } from '../../functions/ledgers/ledger.ts'
import { prisma } from '../../functions/ledgers/prisma.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'

const PATH = 'prisma/migrations'
const discover = (files: Readonly<Record<string, string>>) =>
  prisma.discover(projectOf(files), { path: PATH, placeholders: {}, table: null })
const interpret = async (rows: readonly LedgerRow[], files: Readonly<Record<string, string>> = {}) =>
  prisma.interpret({
    table: { schema: 'public', table: '_prisma_migrations', columns: {}, readable: true },
    rows,
    beside: [],
    migrations: (await discover(files)).migrations,
  }).applied
const row = (name: string, more: LedgerRow = {}): LedgerRow => ({
  checksum: 'c',
  migration_name: name,
  started_at: '2026-11-23 01:54:44.698+00',
  finished_at: '2026-11-23 01:54:44.718+00',
  rolled_back_at: null,
  logs: null,
  applied_steps_count: '1',
  ...more,
})

test('the checksum is the one that the engine wrote', async () => {
  const text = 'CREATE TABLE t2 (id int primary key);\nALTER TABLE t1 ADD COLUMN n text;\n'
  const { migrations } = await discover({ [`${PATH}/a/migration.sql`]: text })
  expect(migrations[0]?.checksums[0]).toBe('172255e9303a8b1b7f183690fedd6d15bdea741ad3540a9f6763dee588c9d9cc')
})

test('LF and CRLF are no edit, and neither is the old form without zeros', async () => {
  const lf = 'CREATE TABLE t2 (id int);\nSELECT 1;\n'
  const crlf = lf.replaceAll('\n', '\r\n')
  for (const text of [lf, crlf]) {
    const { migrations } = await discover({ [`${PATH}/a/migration.sql`]: text })
    const old = [...Buffer.from(sha256(lf), 'hex')].map((byte) => byte.toString(16)).join('')
    expect(old).not.toBe(sha256(lf))
    expect(migrations[0]?.checksums).toEqual(expect.arrayContaining([sha256(lf), sha256(crlf), old]))
  }
})

test('folders come in the order of localeCompare, not of bytes', async () => {
  const names = ['a_b', 'B', 'a-c', 'A', 'ä']
  const { migrations } = await discover(
    Object.fromEntries(names.map((name) => [`${PATH}/${name}/migration.sql`, name])),
  )
  expect(migrations.map(({ key }) => key)).toEqual([...names].sort((a, b) => a.localeCompare(b, 'en')))
  expect(migrations.map(({ key }) => key)).not.toEqual([...names].sort())
})

test('a folder without migration.sql is a problem; deeper folders and the lock file are none', async () => {
  const { migrations, problems } = await discover({
    [`${PATH}/migration_lock.toml`]: '',
    [`${PATH}/a/migration.sql`]: '',
    [`${PATH}/a/deep/migration.sql`]: '',
    [`${PATH}/b/notes.md`]: '',
  })
  expect(migrations.map(({ key }) => key)).toEqual(['a'])
  expect(problems.map(({ file }) => file)).toEqual([`${PATH}/b`])
})

test('the command names the schema where Prisma does not find it by itself', async () => {
  const path = 'apps/api/db/migrations'
  const files = { [`${path}/a/migration.sql`]: '', 'apps/api/db/schema.prisma': '' }
  const { commands } = await prisma.discover(projectOf(files), { path, placeholders: {}, table: null })
  expect(commands.migrate).toBe('npx prisma migrate deploy --schema apps/api/db/schema.prisma')
  expect((await discover({ [`${PATH}/a/migration.sql`]: '', 'prisma/schema.prisma': '' })).commands).toMatchObject({
    migrate: 'npx prisma migrate deploy',
    migrateLate: 'npx prisma migrate deploy',
    repair: 'npx prisma migrate resolve --rolled-back NAME',
  })
})

test('prisma.config.ts may name another folder: that is said', async () => {
  const config = "export default defineConfig({ migrations: { path: './db/steps' } }) // path: 'x'"
  const { notes } = await discover({ [`${PATH}/a/migration.sql`]: '', 'prisma.config.ts': config })
  expect(notes).toEqual([expect.stringContaining('db/steps')])
})

test('an attempt that was rolled back is history', async () => {
  expect(await interpret([row('a', { rolled_back_at: '2026-11-23 02:00:00+00', finished_at: null })])).toEqual([])
  const applied = await interpret([
    row('a', { rolled_back_at: '2026-11-23 02:00:00+00', finished_at: null, checksum: 'old' }),
    row('a'),
  ])
  expect(applied).toMatchObject([{ key: 'a', state: 'applied', checksum: 'c', durationMs: 20 }])
})

test('a failed attempt says why, also beside one that has ended', async () => {
  const logs =
    'A migration failed to apply.\n\nDatabase error:\nERROR: column "x" of relation "t" contains null values\n'
  const applied = await interpret([row('a', { finished_at: null, logs }), row('a')])
  expect(applied).toMatchObject([
    {
      state: 'failed',
      detail: 'it failed at 2026-11-23T01:54:44.698Z: ERROR: column "x" of relation "t" contains null values',
    },
  ])
})

test('an attempt without an end and without a log was killed, or is running still', async () => {
  const applied = await interpret([row('a', { finished_at: null })])
  expect(applied).toMatchObject([
    { state: 'failed', detail: expect.stringContaining('killed, or is running still') as string },
  ])
})

test('what was marked as applied did not run', async () => {
  const same = '2026-11-23 01:54:44.698+00'
  const applied = await interpret([
    row('a', { started_at: same, finished_at: same, applied_steps_count: '0', logs: '' }),
  ])
  expect(applied).toMatchObject([{ state: 'marked', durationMs: null }])
})

test('optional columns may lack', async () => {
  const { logs: _, applied_steps_count: __, ...rest } = row('a')
  expect(await interpret([rest])).toMatchObject([{ state: 'applied' }])
})
