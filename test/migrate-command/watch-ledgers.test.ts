import { Client } from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { LedgerExpectation } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import type { LedgersSight } from '../../functions/migrate-command/watch-ledgers.ts'
import { watchLedgers, WATCH_TIMEOUTS } from '../../functions/migrate-command/watch-ledgers.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const VERSIONS = ['40', '41', '42']

const LEDGER = {
  name: 'default',
  tool: 'golang-migrate',
  detectedBy: 'said so',
  path: 'db',
  table: null,
  migrations: VERSIONS.map((key) => ({
    key,
    subject: `${key}_of_ours.up.sql`,
    kind: 'versioned',
    file: `db/${key}_of_ours.up.sql`,
    checksums: [],
    digest: '',
    form: 'sql',
  })),
  commands: { addressIn: null, migrate: 'migrate up', migrateLate: null, repair: null, record: null },
  late: 'never-runs',
  notes: [],
} as const satisfies LedgerExpectation

let database: TestDatabase
let client: Client

beforeEach(async () => {
  database = await createDatabase()
  client = new Client({ connectionString: database.url })
  await client.connect()
})

afterEach(async () => {
  await client.end()
  await database.drop()
})

/** A watch whose sights are called for. */
async function watching(url = database.url) {
  const sights: LedgersSight[] = []
  let told: (sight: LedgersSight) => void = () => undefined
  let wake: () => void = () => undefined
  const watch = await watchLedgers({
    connect: () => connect({ kind: 'url', url, ca: null }, WATCH_TIMEOUTS),
    engine: postgres,
    ledgers: [LEDGER],
    searchPath: ['public'],
    clock: Date.now,
    sleep: async (_, signal) =>
      new Promise((resolve) => {
        wake = resolve
        signal.addEventListener('abort', () => resolve())
      }),
    tell: (sight) => {
      sights.push(sight)
      told(sight)
    },
  })
  const see = async (): Promise<LedgersSight> =>
    new Promise((resolve) => {
      told = resolve
      wake()
    })
  return { watch, sights, see }
}

test('a ledger that is made while it is watched is found, and a mark that moves tells what ran', async () => {
  const { watch, see } = await watching()
  await client.query(
    'CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (40, false)',
  )
  await see()
  await client.query('UPDATE schema_migrations SET version = 41, dirty = true')
  await see()
  await client.query('UPDATE schema_migrations SET dirty = false')
  await see()
  await client.query('UPDATE schema_migrations SET version = 42')
  const progress = await watch.end()
  expect(progress?.appeared.map(({ row }) => row.key)).toEqual(VERSIONS)
  expect(progress?.appeared[1]?.begunAfter).not.toBeNull()
})

test('a ledger that the tool has locked is not waited for, and is seen once it is free', async () => {
  await client.query('CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)')
  const { watch, see } = await watching()
  await client.query('BEGIN; LOCK TABLE schema_migrations IN ACCESS EXCLUSIVE MODE')
  const from = Date.now()
  expect(await see()).toMatchObject({ seen: false, why: expect.stringContaining('lock timeout') as string })
  expect(Date.now() - from).toBeLessThan(1_000)
  const [blocker] = await watch.blockers()
  expect(blocker).toMatchObject({ state: 'idle in transaction' })
  await client.query('INSERT INTO schema_migrations VALUES (40, false); COMMIT')
  expect(await see()).toMatchObject({ seen: true })
  expect((await watch.end())?.appeared.map(({ row }) => row.key)).toEqual(['40'])
})

test('a connection that is cut is opened anew; a database that is not there costs the durations alone', async () => {
  await client.query('CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)')
  const { watch, see } = await watching()
  await client.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  )
  expect(await see()).toMatchObject({ seen: false })
  await client.query('INSERT INTO schema_migrations VALUES (40, false)')
  expect(await see()).toMatchObject({ seen: true })
  expect((await watch.end())?.appeared).toHaveLength(1)

  const nowhere = new URL(database.url)
  nowhere.pathname = '/nowhere'
  const blind = await watching(nowhere.href)
  expect(blind.sights).toMatchObject([{ seen: false }])
  expect(await blind.watch.end()).toBeNull()
})
