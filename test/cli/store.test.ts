/** Looks with a store in S3 and DynamoDB: what it remembers, and what is left where it cannot be used. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { checkInProcess } from '../support/in-process.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { AwsStoreFake } from '../support/aws-store/server.ts'
import { folderWith } from './deploywatch.ts'
import { untilUnchanged } from '../support/unchanged.ts'

const MIGRATION = "CREATE TABLE orders (id bigint PRIMARY KEY, note text DEFAULT '' NOT NULL)"
const STORE = `s3://${BUCKET}`

let database: TestDatabase
let cwd = ''
let fake: AwsStoreFake

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`${MIGRATION};
    CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
    INSERT INTO schema_migrations VALUES (1, false)`)
  cwd = await folderWith({
    'deploywatch.yaml': `service: orders
migrations: { tool: golang-migrate, path: migrations }
environments:
  production: { database: { url: "\${DATABASE_URL}" } }
`,
    'migrations/1_orders.up.sql': MIGRATION,
  })
})
afterAll(() => database.drop())
afterEach(async () => {
  vi.unstubAllEnvs()
  await fake.close()
})

async function start(): Promise<void> {
  fake = await startAwsStore()
  for (const [name, value] of Object.entries(fake.env)) vi.stubEnv(name, value)
}

const check = async () => checkInProcess({ cwd, env: { DATABASE_URL: database.url }, store: STORE })

test('a look that passes leaves its stamp in the table, and the next one is short', async () => {
  await start()
  const first = await check()
  expect([first.exit, first.report?.verdict]).toEqual([0, 'pass'])
  const second = await untilUnchanged(check, ({ report }) => report?.notes)
  expect([second.exit, second.report?.verdict]).toEqual([0, 'pass'])
  expect(second.report?.notes.join('\n')).toMatch(/nothing ran DDL here/)
  expect(second.report?.database?.roundTrips ?? 99).toBeLessThan(first.report?.database?.roundTrips ?? 0)
})

test('a store that may not be read makes a look unsure, by findings that say what to allow', async () => {
  await start()
  fake.fail(({ action }) =>
    action.startsWith('s3:')
      ? { code: 'AccessDenied', status: 403 }
      : { code: 'AccessDeniedException', status: 400, message: 'no identity-based policy allows the action' },
  )
  const { exit, report } = await check()
  expect([exit, report?.verdict]).toEqual([2, 'unsure'])
  expect(report?.findings.map(({ code }) => code).sort()).toEqual(['evidence-unreadable', 'release-unknown'])
  const found = report?.findings.map((finding) => finding.found).join('\n') ?? ''
  expect(found).toContain('allow s3:ListBucket')
  expect(found).toContain('allow dynamodb:GetItem on the table orders-deploywatch')
  // The database was looked at all the same.
  expect(report?.checks.find(({ name }) => name === 'schema')?.outcome).toBe('pass')
})

test('stamps that cannot be read or kept are no shortcut, and no reason to be unsure', async () => {
  await start()
  fake.fail(({ action, about }) =>
    action.startsWith('dynamodb:') && about.includes('stamps/') ? { code: 'AccessDeniedException', status: 400 } : null,
  )
  const { exit, report } = await check()
  expect([exit, report?.verdict]).toEqual([0, 'pass'])
  // No stamp: what a good look saw is kept beside, for the next one to say what changed.
  const kept = fake.tables.items(BUCKET).map(({ pk }) => (pk !== undefined && 'S' in pk ? pk.S.split('/')[0] : null))
  expect(kept.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(['good', 'schemas'])
})
