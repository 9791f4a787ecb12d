/** Which release runs: a watch that passed says so, and the next release's check prepares its statements. By the built program. */
import { spawn } from 'node:child_process'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import type { RunningRelease } from '../../functions/stores/store.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import { BINARY, deploywatch, folderWith } from '../cli/deploywatch.ts'
import type { FaultServer } from '../support/fault-server.ts'
import { answer, startFaultServer } from '../support/fault-server.ts'
import { flywayHistory } from '../support/looks.ts'
import { migrated, MIGRATIONS } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const RENAME = 'db/migration/V43__rename_name.sql'
const RENAMED = { ...MIGRATIONS, [RENAME]: 'ALTER TABLE customers RENAME COLUMN name TO full_name;\n' }

let database: TestDatabase
let web: FaultServer
let folder = ''
let answering = '1.41.0'

let built = ''

beforeAll(async () => {
  web = await startFaultServer({
    '/health': (request, response) => answer({ headers: { 'x-release': answering } })(request, response),
  })
  built = await folderWith({ ...MIGRATIONS, 'deploywatch.yaml': config('SELECT name FROM customers') })
  await build('1.41.0', built)
})

afterAll(() => web.close())

beforeEach(async () => {
  answering = '1.41.0'
  folder = await folderWith({})
  await cp(built, folder, { recursive: true })
  database = await createDatabase()
  await database.run(migrated(MIGRATIONS))
})

afterEach(() => database.drop())

const config = (sql: string, endpoints = true): string => `service: orders
migrations: { path: db/migration }
queries:
  - { name: customer-names, sql: "${sql}" }
${
  endpoints
    ? `endpoints:
  - name: health
    url: http://127.0.0.1:${web.port}/health
    revision: { header: x-release, equals: "\${release.version}" }
`
    : ''
}environments:
  production: { database: { url: "\${DATABASE_URL}" } }
`

async function build(version: string, cwd: string): Promise<void> {
  const { code, stderr } = await deploywatch(['build', '--release-version', version], { cwd })
  expect(code, stderr).toBe(0)
}

async function run(...args: readonly string[]): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout, stderr } = await deploywatch([...args, '--env', 'production', '--format', 'json'], {
    cwd: folder,
    env: { DATABASE_URL: database.url },
  })
  expect(stdout, stderr).not.toBe('')
  return { code, report: reportSchema.parse(JSON.parse(stdout)) }
}

const running = (): Promise<RunningRelease | null> =>
  folderStore(join(folder, '.deploywatch')).runningRelease('orders', 'production')

const watched = () => run('watch', '--for', '1s')

/** 1.42.0 renames what 1.41.0 reads, and its migration has run. */
async function migrateToNext(): Promise<void> {
  await writeFile(join(folder, RENAME), RENAMED[RENAME] ?? '')
  await writeFile(join(folder, 'deploywatch.yaml'), config('SELECT full_name FROM customers'))
  await build('1.42.0', folder)
  await database.run(`${RENAMED[RENAME]}; DROP TABLE flyway_schema_history; ${flywayHistory(RENAMED)}`)
}

test('after a watch that passed, the next release is checked against what that one sends', async () => {
  expect(await running()).toBeNull()
  const first = await watched()
  expect([first.code, first.report.verdict]).toEqual([0, 'pass'])
  expect(first.report.notes).toContain('1.41.0 is marked as the release that runs in production')
  const mark = await running()
  expect(mark).toMatchObject({ version: '1.41.0' })
  // Watched again, it still runs since then, and that is no news.
  const again = await watched()
  expect(again.report.notes.join('\n')).not.toContain('is marked as')
  expect(await running()).toEqual(mark)

  await migrateToNext()
  const { code, report } = await run('check')
  expect(code).toBe(1)
  expect(report.findings).toMatchObject([
    {
      code: 'query-broken',
      subject: 'customer-names (running 1.41.0)',
      found: expect.stringContaining('the running release 1.41.0') as unknown,
      causes: [{ text: expect.stringContaining('V43__rename_name.sql') as unknown }],
    },
  ])
})

describe('check --deployed', () => {
  test('marks the release whose revision answered', async () => {
    const { code, report } = await run('check', '--deployed')
    expect(code).toBe(0)
    expect(report.notes).toContain('1.41.0 is marked as the release that runs in production')
    expect(await running()).toMatchObject({ version: '1.41.0' })
  })

  test('marks nothing where no endpoint tells a revision: nobody saw that it runs', async () => {
    await writeFile(join(folder, 'deploywatch.yaml'), config('SELECT name FROM customers', false))
    expect((await run('check', '--deployed')).code).toBe(0)
    expect(await running()).toBeNull()
  })

  test('a check before the deployment marks nothing', async () => {
    expect((await run('check')).code).toBe(0)
    expect(await running()).toBeNull()
  })
})

describe('nothing is marked', () => {
  test('where the old code still answers', async () => {
    answering = '1.40.0'
    expect((await run('check', '--deployed')).report.verdict).toBe('unsure')
    expect((await watched()).report.verdict).toBe('unsure')
    expect(await running()).toBeNull()
  })

  test('where the watch failed', async () => {
    await database.run('ALTER TABLE orders DROP COLUMN status_note')
    expect((await watched()).report.verdict).toBe('fail')
    expect(await running()).toBeNull()
  })

  test('where another release was deployed meanwhile, or the watch was interrupted', async () => {
    const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], DATABASE_URL: database.url }
    const store = folderStore(join(folder, '.deploywatch'))
    const other: RunningRelease = {
      version: '1.50.0',
      commit: null,
      manifestDigest: 'x',
      since: '2026-01-01T00:00:00Z',
    }
    for (const how of ['interrupted', 'superseded']) {
      const child = spawn(
        process.execPath,
        [BINARY, 'watch', '--env', 'production', '--for', '60s', '--format', 'json'],
        {
          cwd: folder,
          env,
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      let lines = ''
      let stdout = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => void (stdout += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        lines += text
        const looks = lines.split('\n').length - 1
        if (how === 'interrupted' && looks === 2) child.kill('SIGINT')
        if (how === 'superseded' && looks === 1) void store.putRunningRelease('orders', 'production', other)
      })
      await new Promise((resolve) => void child.once('close', resolve))
      expect(reportSchema.parse(JSON.parse(stdout)).notes.join('\n')).toContain(
        how === 'interrupted' ? 'interrupted' : '1.50.0',
      )
      expect((await running())?.version ?? null).toBe(how === 'interrupted' ? null : '1.50.0')
    }
  })
})

test('a store that cannot be written loses no answer', async () => {
  await mkdir(join(folder, '.deploywatch'))
  await writeFile(join(folder, '.deploywatch', 'manifests'), 'a file where a folder is to be')
  const { code, stdout, stderr } = await deploywatch(
    ['check', '--env', 'production', '--deployed', '--format', 'json'],
    { cwd: folder, env: { DATABASE_URL: database.url } },
  )
  expect([code, reportSchema.parse(JSON.parse(stdout)).verdict]).toEqual([0, 'pass'])
  expect(stderr).toContain('note: that 1.41.0 runs in production could not be kept')
  expect(await running()).toBeNull()
})
