/** What is where: by the built program, live, by evidence, and told in a look at the environment that is behind. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Comparison } from '../../functions/core/compare-environments.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { first, migrated, MIGRATIONS } from '../support/project.ts'
import { deploywatch, folderWith } from './deploywatch.ts'
import type { Run } from './deploywatch.ts'

const V42 = 'V42__add_status_note.sql'
const EVIDENCE = 'deploywatch.evidence.staging.json'

let staging: TestDatabase
let production: TestDatabase
let folder = ''

beforeAll(async () => {
  ;[staging, production] = [await createDatabase(), await createDatabase()]
  await staging.run(
    `${migrated(MIGRATIONS)}; UPDATE flyway_schema_history SET installed_on = now() AT TIME ZONE 'UTC' - interval '21 days 1 hour', execution_time = 1234`,
  )
  await production.run(
    `${migrated(first(2))}; CREATE INDEX by_total ON orders (total); ALTER TABLE customers DROP COLUMN name`,
  )
  folder = await folderWith({
    ...MIGRATIONS,
    'deploywatch.yaml': `service: orders
migrations: { path: db/migration }
environments:
  staging: { database: { url: "\${STAGING}" } }
  production: { database: { url: "\${PRODUCTION}" } }
`,
  })
  const { code, stderr } = await program({}, 'build', '--release-version', '1.42.0')
  expect(code, stderr).toBe(0)
})

afterAll(async () => {
  await staging?.drop()
  await production?.drop()
})

async function program(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Run> {
  return deploywatch(args, { cwd: folder, env })
}

const both = () => ({ STAGING: staging.url, PRODUCTION: production.url })
const only = () => ({ PRODUCTION: production.url })

async function compared(env: Readonly<Record<string, string>>): Promise<Comparison & { readonly code: number | null }> {
  const { code, stdout, stderr } = await program(env, 'compare', 'staging', 'production', '--format', 'json')
  expect(stdout, stderr).not.toBe('')
  return { code, ...(JSON.parse(stdout) as Comparison) }
}

test('live: states, ages, objects that differ, and who is behind', async () => {
  const comparison = await compared(both())
  expect(comparison.code).toBe(0)
  expect(comparison).toMatchObject({
    schema: 'deploywatch/comparison/1',
    environments: ['staging', 'production'],
    sources: { staging: { from: 'database', why: null }, production: { from: 'database', why: null } },
  })
  expect(comparison.migrations.at(-1)).toMatchObject({
    subject: V42,
    states: { staging: { state: 'applied', tookMs: 1234 }, production: { state: 'missing', at: null } },
  })
  const at = comparison.migrations.at(-1)?.states['staging']?.at ?? ''
  expect(Date.now() - Date.parse(at)).toBeGreaterThan(21 * 86_400_000)
  // by_total is extra, and the release's `match: subset` does not ask for extras.
  expect(comparison.objects.map(({ code, subject, migration }) => [`${code} ${subject}`, migration])).toEqual([
    ['column-missing customers.name', 'V41__customers.sql'],
    ['column-missing orders.status_note', V42],
    ['index-missing orders_status_note_idx', V42],
  ])
  expect(comparison.findings).toMatchObject([
    { code: 'environment-behind', severity: 'warning', subject: V42, found: 'staging 21 days ago, production never' },
  ])
})

test('as text and as a page', async () => {
  const text = await program(both(), 'compare', 'staging', 'production')
  expect(text.code, text.stderr).toBe(0)
  expect(text.stdout).toMatch(/^V42__add_status_note\.sql +✓ 21 days ago, in 1\.2 s +✗ never$/mu)
  expect(text.stdout).toContain('staging: its database just now, postgres')
  expect(text.stdout).toContain(`warning[environment-behind]: ${V42}: staging 21 days ago, production never`)
  expect(text.stdout).toContain('    npx deploywatch check --env production')
  const page = await program(both(), 'compare', 'staging', 'production', '--format', 'html', '--output', 'matrix.html')
  expect([page.code, page.stdout]).toEqual([0, ''])
  const html = await readFile(join(folder, 'matrix.html'), 'utf8')
  expect(html).toContain('<th scope="col"')
  expect(html).not.toMatch(/src=|https?:\/\//u)
})

test('by evidence, where a database is not reachable from here: which was used, how old it is, and why', async () => {
  const recorded = await program(both(), 'record', '--env', 'staging')
  expect(recorded.code, recorded.stderr).toBe(0)
  const evidence = JSON.parse(await readFile(join(folder, EVIDENCE), 'utf8'))
  expect(evidence.migrations.records.at(-1)).toMatchObject({ subject: V42, took: { ms: 1234, by: 'ledger' } })
  const comparison = await compared(only())
  expect(comparison.code).toBe(0)
  expect(comparison.sources['staging']).toMatchObject({
    from: 'evidence',
    seenAt: evidence.migrations.seenAt,
    why: expect.stringContaining('STAGING') as unknown,
  })
  expect(comparison.findings).toMatchObject([{ code: 'environment-behind', subject: V42 }])
  const down = await program(
    { ...only(), STAGING: 'postgres://127.0.0.1:1/orders' },
    'compare',
    'staging',
    'production',
  )
  expect(down.code).toBe(0)
  expect(down.stdout).toMatch(/^staging: its evidence of less than a minute ago, .*\(.*127\.0\.0\.1/mu)
})

test('a look says who is ahead, once: as a cause of what is missing, with its evidence', async () => {
  const { code, stdout } = await program(only(), 'check', '--env', 'production', '--format', 'json')
  expect(code).toBe(1)
  const { findings } = reportSchema.parse(JSON.parse(stdout))
  const missing = findings.find(({ subject }) => subject === V42)
  expect(missing?.causes[0]).toMatchObject({ evidence: 'staging 21 days ago, production never' })
  expect(missing?.consequences).toContain(`environment-behind ${V42}`)
  expect(findings.map((finding) => finding.code)).not.toContain('environment-behind')

  const page = await program(only(), 'check', '--env', 'production', '--format', 'html')
  expect(page.code).toBe(1)
  const rows = [...page.stdout.matchAll(/<tr>.*?<\/tr>/gsu)].map(([row]) =>
    row
      .replaceAll(/<[^>]*>/gu, ' ')
      .replaceAll(/\s+/gu, ' ')
      .trim(),
  )
  expect(rows[0]).toMatch(/^migration staging .* production /u)
  expect(rows).toContain(`${V42} ✓ 21 days ago, in 1.2 s ✗ never`)
  expect(page.stdout).toContain('staging 21 days ago, production never')

  // Where all of a ledger is missing, its finding names no migration: the newest one has a row.
  await production.run('DROP TABLE flyway_schema_history')
  const none = await program(only(), 'check', '--env', 'production', '--format', 'json')
  const told = reportSchema.parse(JSON.parse(none.stdout)).findings
  expect(told.map((finding) => [finding.code, finding.subject])).toContainEqual(['environment-behind', V42])
  expect(told.find((finding) => finding.code === 'environment-behind')?.found).toBe(
    'staging 21 days ago, production never, and so 2 of those before it',
  )
})

test('nothing known of one is no answer; one environment is nothing to compare', async () => {
  await rm(join(folder, EVIDENCE))
  const down = { ...only(), STAGING: 'postgres://127.0.0.1:1/orders' }
  const args = ['compare', 'staging', 'production', '--store', 'nothing-kept', '--format', 'json']
  const { code, stdout } = await program(down, ...args)
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toMatchObject({
    sources: { staging: { from: null, seenAt: null } },
    findings: [{ code: 'database-unreachable', severity: 'unsure' }],
  })
  const alone = await program(both(), 'compare', 'staging')
  expect([alone.code, alone.stdout]).toEqual([64, ''])
  expect(alone.stderr).toContain('compare needs two environments or more')
  const unset = await program(only(), 'compare', 'staging', 'production', '--store', 'nothing-kept')
  expect([unset.code, unset.stdout]).toEqual([64, ''])
})
