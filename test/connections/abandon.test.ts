/** Nobody waits any more: what runs ends on the server too, and nothing is left behind. */
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import { openDataApi } from '../../functions/connections/data-api.ts'
import { ConnectionError } from '../../functions/connections/connection.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { CLUSTER, dataApiTarget, SECRET } from './fixtures.ts'

let database: TestDatabase
let server: DataApiServer
let witness: Client

beforeAll(async () => {
  database = await createDatabase()
  server = await startDataApi({ backend: { url: database.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  witness = new Client({ connectionString: database.url })
  await witness.connect()
})

afterAll(async () => {
  await witness?.end()
  await server?.close()
  await database?.drop()
})

/** What other sessions of this database do. */
async function others(): Promise<readonly string[]> {
  const { rows } = await witness.query<{ what: string }>(
    "SELECT concat_ws(' ', state, wait_event) AS what FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  )
  return rows.map(({ what }) => what)
}

const SLEEP = { sql: 'SELECT pg_sleep(60)::text', parse: () => null }

describe.each([
  ['on the wire', (): Promise<Connection> => connect({ kind: 'url', url: database.url, ca: null })],
  ['through the Data API', (): Promise<Connection> => connect(dataApiTarget(server.endpoint, database.name))],
])('a connection that is abandoned, %s', (_where, open) => {
  test('ends what runs on the server, and is gone', async () => {
    const connection = await open()
    const reading = connection.read([SLEEP], { statementTimeoutMs: 60_000 }).catch((error: unknown) => error)
    const waiting = connection.read([SLEEP]).catch((error: unknown) => error)
    await expect.poll(others).toEqual(['active PgSleep'])
    const since = performance.now()
    connection.abandon()
    connection.abandon()
    const answers = [await reading, await waiting, await connection.read([SLEEP]).catch((error: unknown) => error)]
    expect(performance.now() - since).toBeLessThan(20_000)
    for (const answer of answers) {
      expect(answer).toBeInstanceOf(ConnectionError)
      expect(answer).toMatchObject({ code: 'check-timeout', transient: false })
    }
    await expect.poll(others, { timeout: 3_000 }).toEqual([])
    await connection.close()
  })

  test('that runs nothing is gone as well', async () => {
    const connection = await open()
    await connection.read([{ sql: 'SELECT 1::text', parse: () => null }])
    connection.abandon()
    await expect.poll(others, { timeout: 3_000 }).toEqual([])
    await expect(connection.read([SLEEP])).rejects.toThrow(ConnectionError)
  })
})

test('through the Data API it is rolled back once the cancelled statement has ended, not before', async () => {
  const calls: string[] = []
  let cancel = (_error: Error): void => undefined
  const connection = await openDataApi(dataApiTarget('http://127.0.0.1:1', 'orders'), {
    dataApi: {
      begin: async () => ({ output: { transactionId: 'tx' }, bytes: 0 }),
      execute: async ({ sql, transactionId }) => {
        if (transactionId === undefined) calls.push('cancel')
        else if (sql.includes('pg_sleep'))
          await new Promise((_resolve, reject) => {
            cancel = reject
          }).finally(() => calls.push('ended'))
        const pid = sql.includes('pg_backend_pid') ? '42' : 't'
        return { output: { records: [[{ stringValue: 't' }, { stringValue: pid }]] }, bytes: 0 }
      },
      rollBack: async () => {
        calls.push('rolled back')
        return { output: {}, bytes: 0 }
      },
      destroy: () => void calls.push('destroyed'),
    },
  })
  const reading = connection.read([SLEEP]).catch(() => 'abandoned')
  await pause(20)
  connection.abandon()
  expect(await reading).toBe('abandoned')
  await pause(20)
  cancel(new Error('canceling statement due to user request'))
  await expect.poll(() => calls).toEqual(['cancel', 'ended', 'rolled back', 'destroyed'])
})

test('through the Data API a cluster that resumes is not waited for', async () => {
  const paused = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  paused.pause(60_000)
  const connection = await connect(dataApiTarget(paused.endpoint, database.name))
  const reading = connection.read([SLEEP]).catch((error: unknown) => error)
  await expect.poll(() => paused.calls.length).toBeGreaterThan(0)
  const since = performance.now()
  connection.abandon()
  expect(await reading).toBeInstanceOf(ConnectionError)
  expect(performance.now() - since).toBeLessThan(20_000)
  const calls = paused.calls.length
  await new Promise((resolve) => void setTimeout(resolve, 3_000))
  expect(paused.calls.length).toBe(calls)
  await paused.close()
})
