/** The embedded server with its one session, as several clients at once see it. */
import { connect } from 'node:net'
import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { embeddedBackends } from '../../../functions/release/command/embedded-backend.ts'
import type { Front } from '../../../functions/release/command/front.ts'
import type { Exchange } from '../../../functions/release/command/served-client.ts'
import { openFront } from '../../../functions/release/command/front.ts'
import { createTurns } from '../../../functions/release/command/turns.ts'
import { createSplitter, messageOf, rowOf, zeroEnded } from '../../../functions/release/command/wire-messages.ts'
import { startPglite } from '../../../functions/release/postgres/pglite.ts'
import type { Throwaway } from '../../../functions/release/throwaway.ts'
import { TOUCH_TRIGGERS as TOUCHES } from '../../../functions/release/postgres/touches.ts'
import { makeCache } from '../support.ts'

let cache: Awaited<ReturnType<typeof makeCache>>
let server: Throwaway
let front: Front
let exchanges: Exchange[] = []

beforeAll(async () => {
  cache = await makeCache()
  server = await startPglite({ extensions: [], cache: cache.cache, state: null })
  if (server.reach.kind !== 'embedded') throw new Error('this server is embedded')
  const backends = embeddedBackends({ exchange: server.reach.exchange, stalled: () => {} })
  front = await openFront({
    backends,
    observe: async (exchange) => void exchanges.push(exchange),
  })
})
afterAll(async () => {
  await front.close()
  await server.close()
  await cache.remove()
})

async function open(options: ClientConfig = {}): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port: front.port, user: 'app', database: 'orders', ...options })
  await client.connect()
  return client
}

async function valueOf(client: Client, sql: string): Promise<unknown> {
  const { rows } = await client.query({ text: sql, rowMode: 'array' })
  return (rows as readonly (readonly unknown[])[])[0]?.[0]
}

test('a client waits while another one has a transaction, and then goes on', async () => {
  const [one, two] = [await open(), await open()]
  await one.query('BEGIN')
  await one.query('CREATE TABLE turns (id int)')
  const waiting = two.query('INSERT INTO turns VALUES (1)')
  await one.query('INSERT INTO turns VALUES (0)')
  await one.query('COMMIT')
  await waiting
  expect(await valueOf(one, 'SELECT count(*)::int FROM turns')).toBe(2)
  await Promise.all([one.end(), two.end()])
})

test('each client has its own settings and prepared statements', async () => {
  const [one, two] = [await open({ options: '-c search_path=app' }), await open()]
  await two.query("SET application_name = 'two'; SET ROLE pg_monitor")
  expect(await valueOf(one, 'SHOW search_path')).toBe('app')
  expect(await valueOf(one, 'SELECT current_user::text')).toBe('postgres')
  expect(await valueOf(two, 'SHOW search_path')).toBe('"$user", public')
  expect(await valueOf(two, 'SELECT current_user::text')).toBe('pg_monitor')
  expect(await valueOf(two, 'SHOW application_name')).toBe('two')
  const prepared = async (client: Client, text: string): Promise<unknown> =>
    ((await client.query({ name: 'same', text, rowMode: 'array' })).rows as readonly (readonly unknown[])[])[0]?.[0]
  expect([await prepared(one, 'SELECT 1'), await prepared(two, 'SELECT 2')]).toEqual([1, 2])
  expect([await prepared(one, 'SELECT 1'), await prepared(two, 'SELECT 2')]).toEqual([1, 2])
  await Promise.all([one.end(), two.end()])
  const next = await open()
  expect(await valueOf(next, 'SHOW application_name')).toBe('')
  await next.end()
})

test('a client that goes in the middle of a transaction leaves nothing of it, and nobody waiting', async () => {
  const [one, two] = [await open(), await open()]
  one.on('error', () => {})
  await one.query('BEGIN; CREATE TABLE abandoned (id int)')
  const waiting = valueOf(two, "SELECT to_regclass('abandoned')::text")
  ;(one as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  expect(await waiting).toBe(null)
  await two.end()
})

test('each exchange is told with its statements, their touches and whether a transaction is open; nothing of ours reaches the client', async () => {
  for (const sql of TOUCHES) await server.run(sql)
  const client = await open()
  const heard: string[] = []
  client.on('notice', ({ message }) => heard.push(message ?? ''))
  exchanges = []
  await client.query(
    "BEGIN; CREATE TABLE told (id int PRIMARY KEY); DO $$ BEGIN RAISE NOTICE 'from the migration'; END $$",
  )
  await client.query('SELECT nothing').catch(() => {})
  await client.query('ROLLBACK')
  expect(heard).toEqual(['from the migration'])
  const [first, failed, last] = exchanges
  expect(first?.ran.map(({ tag }) => tag)).toEqual(['BEGIN', 'CREATE TABLE', 'DO'])
  expect(first?.ran[1]?.sql).toBe('CREATE TABLE told (id int PRIMARY KEY)')
  expect(first?.ran[1]?.touches.map(({ tag }) => tag)).toContain('CREATE TABLE')
  expect(first?.ran[1]?.notices.some((notice) => notice.startsWith('DEBUG'))).toBe(true)
  expect([first?.state, failed?.state, last?.state]).toEqual(['open', 'aborted', 'idle'])
  expect([first?.failed, failed?.failed, last?.failed]).toEqual([false, true, false])
  await client.end()
})

test('a client that sends all at once, its login too, is answered in order', async () => {
  const startup = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 0, 3, 0, 0]),
    zeroEnded('user'),
    zeroEnded('app'),
    Buffer.alloc(1),
  ])
  startup.writeInt32BE(startup.length, 0)
  const query = (sql: string): Buffer => messageOf('Q', zeroEnded(sql))
  const socket = connect(front.port, '127.0.0.1')
  socket.write(
    Buffer.concat([startup, query('SELECT 1'), query('SELECT 2; SELECT 3'), messageOf('X', Buffer.alloc(0))]),
  )
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const messages = createSplitter()(Buffer.concat(chunks))
  expect(messages.filter(({ type }) => type === 'D').map(rowOf)).toEqual([['1'], ['2'], ['3']])
  expect(messages.filter(({ type }) => type === 'Z')).toHaveLength(3)
})

test('whoever waits for one that does nothing is told as stalled, and not while that one works', async () => {
  vi.useFakeTimers()
  try {
    const stalled = vi.fn()
    const turns = createTurns<string>(stalled, 100)
    await turns.take('one')
    const second = turns.take('two')
    for (let at = 0; at < 4; at += 1) {
      vi.advanceTimersByTime(90)
      turns.touch('one')
    }
    expect(stalled).not.toHaveBeenCalled()
    vi.advanceTimersByTime(100)
    expect(stalled).toHaveBeenCalledOnce()
    turns.leave('one')
    await second
  } finally {
    vi.useRealTimers()
  }
})
