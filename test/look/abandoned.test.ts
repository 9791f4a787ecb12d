/** A look that nobody waits for any more, by its signal, by its deadline, or as a late look of a watch. */
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { look } from '../../functions/check.ts'
import type { CheckInput } from '../../functions/check.ts'
import { connect } from '../../functions/connections/connect.ts'
import { createTextComparer } from '../../functions/engines/postgres/normalise-text.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { watch } from '../../functions/watch.ts'
import { fakeLookup, prepare } from '../endpoints/look.ts'
import type { FaultServer } from '../support/fault-server.ts'
import { hang, startFaultServer } from '../support/fault-server.ts'
import { flywayHistory, releaseOf } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const FILES = { 'db/migration/V1__orders.sql': 'CREATE TABLE orders (id int);\n' }
/** It would run for minutes, and nothing but its end stops it. */
const ENDLESS = 'SELECT count(*) FROM generate_series(1, 20000000000) a (n) WHERE n % 7 = 8'
const CONFIG = `migrations: { path: db/migration }
queries:
${[1, 2, 3].map((at) => `  - { name: endless-${at}, sql: "${ENDLESS}", expect: { minRows: 1, maxMillis: 60000 } }\n`).join('')}environments:
  production: { database: { url: "postgres://x/y" } }
`

let database: TestDatabase
let witness: Client
let web: FaultServer
let input: CheckInput
let opened = 0

beforeAll(async () => {
  database = await createDatabase()
  await database.run(`${Object.values(FILES).join('')}${flywayHistory(FILES)}`)
  witness = new Client({ connectionString: database.url })
  await witness.connect()
  web = await startFaultServer({ '/hangs': hang })
  const endpoints = await prepare(`  - { name: hangs, url: "http://api.example:${web.port}/hangs" }`)
  input = {
    environment: { name: 'production', database: 'orders', searchPath: ['public'] },
    release: await releaseOf({ config: CONFIG, files: FILES }),
    engine: postgres,
    connect: () => {
      opened += 1
      return connect({ kind: 'url', url: database.url, ca: null })
    },
    deployed: true,
    changes: 'told',
    endpoints: { prepared: endpoints, context: { network: { lookup: fakeLookup() } } },
    concurrency: 2,
    store: null,
    createTextComparer,
    variable: null,
    clock: Date.now,
    startedAt: Date.now(),
    deadlineMs: 60_000,
    signal: null,
  }
})

afterEach(() => {
  opened = 0
})

afterAll(async () => {
  await web?.close()
  await witness?.end()
  await database?.drop()
})

async function sessions(condition = 'true'): Promise<number> {
  const { rows } = await witness.query<{ count: string }>(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ${condition}`,
  )
  return Number(rows[0]?.count)
}

/** The text of what runs begins with the look's settings, and is cut off before the query. */
const RUNNING = "state = 'active' AND query_start < clock_timestamp() - interval '150 ms'"

/** Requests that hang, seen from the server. */
const hanging = (): number => web.open()

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

describe('a look that is aborted', () => {
  test('ends its queries, its requests and its connections, and starts nothing more', async () => {
    const stop = new AbortController()
    const looking = look({ ...input, startedAt: Date.now(), signal: stop.signal })
    await expect.poll(() => sessions(RUNNING), { timeout: 5_000 }).toBe(2)
    await expect.poll(hanging).toBe(1)
    const [connections, requests] = [opened, web.requests.length]
    const since = performance.now()
    stop.abort()
    const { report } = await looking
    expect(performance.now() - since).toBeLessThan(8_000)
    expect(report.verdict).toBe('unsure')
    expect(report.findings.map(({ code }) => code)).toContain('check-timeout')
    await expect.poll(() => sessions(), { timeout: 3_000 }).toBe(0)
    await expect.poll(hanging).toBe(0)
    await wait(1_500)
    expect([opened, web.requests.length, await sessions()]).toEqual([connections, requests, 0])
  })

  test('before it began does nothing', async () => {
    const requests = web.requests.length
    const { report } = await look({ ...input, startedAt: Date.now(), signal: AbortSignal.abort() })
    expect([report.verdict, opened, web.requests.length]).toEqual(['unsure', 0, requests])
  })
})

test('a look that reaches its deadline ends then, and leaves nothing running', async () => {
  const startedAt = Date.now()
  const { report } = await look({ ...input, startedAt, deadlineMs: 1_500 })
  expect(Date.now() - startedAt).toBeLessThan(9_000)
  expect(report.verdict).toBe('unsure')
  await expect.poll(() => sessions(), { timeout: 3_000 }).toBe(0)
  expect(hanging()).toBe(0)
})

test('a late look of a watch leaves nothing behind', async () => {
  const looks: Promise<unknown>[] = []
  const summary = await watch({
    forMs: 1_000,
    deadlineMs: 1_500,
    required: ['ledger', 'schema', 'queries', 'endpoints'],
    service: 'orders',
    environment: 'production',
    release: { version: '1.0.0', commit: null },
    // It does not know how long the watch waits for it: only the signal ends it.
    look: ({ signal }) => {
      const looking = look({ ...input, startedAt: Date.now(), signal })
      looks.push(looking)
      return looking
    },
    store: null,
    newer: async () => null,
    clock: Date.now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
      }),
    interrupted: new AbortController().signal,
    tell: () => undefined,
  })
  expect(summary.report.verdict).toBe('unsure')
  expect(looks.length).toBeGreaterThan(0)
  await Promise.all(looks)
  await expect.poll(() => sessions(), { timeout: 3_000 }).toBe(0)
  await expect.poll(hanging).toBe(0)
})
