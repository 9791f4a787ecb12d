/** How long what production lacks will take: by the built program, from what staging showed, on real tables. */
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Client } from 'pg'
import type { EstimateDocument } from '../../functions/core/estimate-document.ts'
import { flywayChecksum } from '../../functions/ledgers/flyway-files.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { flywayHistory } from '../support/looks.ts'
import { deploywatch, folderWith } from './deploywatch.ts'
import type { Run } from './deploywatch.ts'

const FILES: Readonly<Record<string, string>> = {
  'db/migration/V1__orders.sql': `CREATE TABLE orders (id bigint, total numeric);
CREATE TABLE items (id bigint); CREATE TABLE kinds (id int);\n`,
  'db/migration/V2__by_total.sql': 'CREATE INDEX orders_by_total ON orders (total);\n',
  'db/migration/V3__note.sql': 'ALTER TABLE orders ADD COLUMN note text;\n',
  'db/migration/V4__items.sql': 'ALTER TABLE items ADD PRIMARY KEY (id);\n',
  'db/migration/V5__kinds.sql': 'CREATE UNIQUE INDEX ON kinds (id);\n',
}
const BEFORE = Object.fromEntries(Object.entries(FILES).slice(0, 1))
const STEPS = fileURLToPath(new URL('../fixtures/migrate/steps.mjs', import.meta.url))
const EVIDENCE = 'deploywatch.evidence.staging.json'

let staging: TestDatabase
let production: TestDatabase
let folder = ''

/** Counted by ANALYZE where it says so, and by nobody else. */
function filled(orders: number, items: number, analysed: readonly string[]): string {
  return `ALTER TABLE orders SET (autovacuum_enabled = off); ALTER TABLE items SET (autovacuum_enabled = off); ALTER TABLE kinds SET (autovacuum_enabled = off);
    INSERT INTO orders SELECT n, n FROM generate_series(1, ${orders}) n; INSERT INTO items SELECT n FROM generate_series(1, ${items}) n;
    INSERT INTO kinds SELECT n FROM generate_series(1, 50) n; ${analysed.map((table) => `ANALYZE ${table};`).join('')}`
}

beforeAll(async () => {
  ;[staging, production] = await Promise.all([createDatabase(), createDatabase()])
  await Promise.all([
    staging.run(
      `${Object.values(FILES).join('')}${flywayHistory(FILES)}; ${filled(20_000, 20_000, ['orders', 'items', 'kinds'])}
       UPDATE flyway_schema_history SET execution_time = CASE version WHEN '3' THEN 3 ELSE 41000 END, installed_on = now() AT TIME ZONE 'UTC'`,
    ),
    production.run(
      `${Object.values(BEFORE).join('')}${flywayHistory(BEFORE)}; ${filled(200_000, 40_000, ['orders', 'kinds'])}`,
    ),
  ])
  folder = await folderWith({
    ...FILES,
    'deploywatch.yaml': `service: orders
migrations: { path: db/migration }
environments:
  staging: { database: { url: "\${STAGING}" } }
  production: { database: { url: "\${PRODUCTION}" } }
`,
  })
  const built = await program('build', '--release-version', '1.42.0')
  expect(built.code, built.stderr).toBe(0)
})

afterAll(async () => {
  await staging?.drop()
  await production?.drop()
})

async function program(...args: readonly string[]): Promise<Run> {
  return deploywatch(args, { cwd: folder, env: { STAGING: staging.url, PRODUCTION: production.url } })
}

async function estimated(...args: readonly string[]): Promise<EstimateDocument & { readonly code: number | null }> {
  const { code, stdout, stderr } = await program('estimate', '--env', 'production', '--format', 'json', ...args)
  expect(stdout, stderr).not.toBe('')
  return { code, ...(JSON.parse(stdout) as EstimateDocument) }
}

test('without evidence there is a number for what changes the catalog alone, and for the rest why not, and what to do', async () => {
  const { code, migrations, total } = await estimated()
  expect([code, total]).toEqual([2, null])
  expect(migrations.map(({ subject, estimate, reason }) => [subject, estimate?.class ?? reason])).toEqual([
    ['V2__by_total.sql', 'no other environment showed how long it took'],
    ['V3__note.sql', 'instant'],
    ['V4__items.sql', 'no other environment showed how long it took'],
    ['V5__kinds.sql', 'no other environment showed how long it took'],
  ])
  expect(migrations[0]?.nextStep?.command).toBe('npx deploywatch record --env staging')
})

test('with it: a range from staging’s duration and both volumes; which lock, and who is in its way', async () => {
  const recorded = await program('record', '--env', 'staging')
  expect(recorded.code, recorded.stderr).toBe(0)
  const holder = new Client({ connectionString: production.url })
  await holder.connect()
  await holder.query("SET application_name = 'report'; BEGIN; LOCK TABLE orders IN ROW EXCLUSIVE MODE")
  try {
    const document = await estimated()
    expect(document).toMatchObject({
      schema: 'deploywatch/estimate/1',
      service: 'orders',
      release: { version: '1.42.0' },
      environment: 'production',
      hitRate: null,
      findings: [],
    })
    const [index, note] = document.migrations
    expect(index).toMatchObject({ subject: 'V2__by_total.sql', ledger: 'default', reason: null, nextStep: null })
    expect(index?.estimate).toMatchObject({ class: 'index', multiplier: 10, lowMs: 184_500, highMs: 820_000 })
    expect(index?.estimate?.basis).toMatch(
      /^staging took 41 s with 20,000 rows and .* in orders, production has 200,000 rows \(× 10, by statistics of less than a minute ago\)/u,
    )
    expect(index?.estimate?.beside).toEqual([
      'locks: SHARE on orders: writes wait meanwhile, reads go on',
      expect.stringMatching(
        /^lock wait: not in it; session \d+ \(role postgres, report, idle in transaction\) holds a lock on orders, its transaction is .* old, and who comes after waits too$/u,
      ),
    ])
    expect(note?.estimate).toMatchObject({ class: 'instant', lowMs: 0, highMs: 1_000, multiplier: 1 })
  } finally {
    await holder.end()
  }
})

test('a table of few rows and one that nobody counted have none; counted, it has one', async () => {
  const { code, migrations, total } = await estimated()
  expect([code, total]).toEqual([2, null])
  expect(migrations.slice(2).map(({ estimate, reason }) => [estimate, reason])).toEqual([
    [null, 'nobody counted the rows of items in production'],
    [null, 'kinds has 50 rows in staging, and what takes how long shows from 10,000 on (production has 50)'],
  ])
  const command = migrations[2]?.nextStep?.command
  expect(command).toBe(`psql "$PRODUCTION" -c 'ANALYZE "public"."items"'`)
  await production.run('ANALYZE public.items')
  expect((await estimated()).migrations[2]?.estimate).toMatchObject({ class: 'index', multiplier: 2 })
})

test('a check says it with what is missing, as text too, and its verdict is the same where it cannot be said', async () => {
  const { code, stdout } = await program('check', '--env', 'production', '--format', 'json')
  expect(code).toBe(1)
  const report = reportSchema.parse(JSON.parse(stdout))
  expect(report.findings.map(({ subject, estimate }) => [subject, estimate?.class ?? null])).toEqual([
    ['V2__by_total.sql', 'index'],
    ['V3__note.sql', 'instant'],
    ['V4__items.sql', 'index'],
    ['V5__kinds.sql', null],
  ])
  expect(report.notes.filter((note) => note.startsWith('no estimate'))).toEqual([
    expect.stringContaining('no estimate of how long V5__kinds.sql will take: kinds has 50 rows in staging'),
  ])
  const text = (await program('check', '--env', 'production')).stdout.replaceAll(/\s+/gu, ' ')
  expect(text).toContain('= estimate: 3 min to 14 min (index, 10 times the volume): staging took 41 s with 20,000 rows')
  expect(text).toContain('= lock wait: not in it;')

  const holder = new Client({ connectionString: production.url })
  await holder.connect()
  await holder.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
  try {
    const blocked = await program('check', '--env', 'production', '--format', 'json')
    expect(blocked.code).toBe(1)
    const without = reportSchema.parse(JSON.parse(blocked.stdout))
    expect(without.findings.map(({ code: own }) => own)).toEqual(report.findings.map(({ code: own }) => own))
    expect(without.findings[0]?.estimate).toBeNull()
  } finally {
    await holder.end()
  }
})

test('as text and Markdown, with the sum; nothing missing is an answer, a database that is not there is none', async () => {
  // What has no number here is left out of the release.
  const text = await readFile(join(folder, EVIDENCE), 'utf8')
  await writeFile(join(folder, EVIDENCE), text.replace(/("table":"kinds","rows":)50/u, '$150000'))
  const answered = await program('estimate', '--env', 'production')
  expect(answered.code, answered.stderr).toBe(0)
  const lines = answered.stdout.split('\n')
  expect(lines[0]).toMatch(
    /^production lacks 4 migrations of orders 1\.42\.0: 3\.\d min to 17 min, and the wait for locks$/u,
  )
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}estimate: 3 min to 14 min \(index, 10 times the volume\): staging took/u),
  )
  const markdown = await program('estimate', '--env', 'production', '--format', 'markdown')
  expect(markdown.stdout).toContain('**V2__by_total.sql**')

  const none = await program('estimate', '--env', 'staging', '--format', 'json')
  expect(none.code).toBe(0)
  expect(JSON.parse(none.stdout)).toMatchObject({ migrations: [], total: { lowMs: 0, highMs: 0 } })
  const down = await deploywatch(['estimate', '--env', 'production', '--format', 'json'], {
    cwd: folder,
    env: { STAGING: staging.url, PRODUCTION: 'postgres://127.0.0.1:1/orders' },
  })
  expect(down.code).toBe(2)
  expect(JSON.parse(down.stdout)).toMatchObject({
    migrations: [],
    total: null,
    findings: [{ code: 'database-unreachable' }],
  })
})

/** What Flyway does for one of them, in so many milliseconds. */
function applying(path: string, rank: number, ms: number): string {
  const [, version = ''] = /V(\d+)/u.exec(path) ?? []
  const text = FILES[path] ?? ''
  return `${text}INSERT INTO flyway_schema_history VALUES (${rank}, '${version}', 'd', 'SQL', '${basename(path)}', ${flywayChecksum(text)}, 'deployer', now() AT TIME ZONE 'UTC', ${ms}, true);`
}

test('what ran is kept beside what was said of it, by migrate and by record: later answers say how earlier ones held', async () => {
  await writeFile(join(folder, 'V2.sql'), applying('db/migration/V2__by_total.sql', 2, 300_000))
  const migrated = await deploywatch(['migrate', '--env', 'production', '--', process.execPath, STEPS, 'sql:V2.sql'], {
    cwd: folder,
    env: { STAGING: staging.url, PRODUCTION: production.url, DATABASE_URL: production.url },
  })
  expect(migrated.stdout).toContain('it brought V2__by_total.sql')
  await production.run(applying('db/migration/V4__items.sql', 3, 1))
  const recorded = await program('record', '--env', 'production')
  expect(recorded.code, recorded.stderr).toBe(0)
  // Within 3 to 14 minutes, and far below 36 s.
  expect((await estimated()).hitRate).toEqual({ held: 1, of: 2 })
  expect((await program('estimate', '--env', 'production')).stdout).toContain('1 of 2 earlier estimates held')
})
