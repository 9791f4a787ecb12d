import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import { ConnectionError } from '../../functions/connections/connection.ts'
import type { Connection, DatabaseTarget } from '../../functions/connections/connection.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

const url = (text: string): DatabaseTarget => ({ kind: 'url', url: text, ca: null })

async function connectionErrorOf(promise: Promise<unknown>): Promise<ConnectionError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConnectionError)
  return error as ConnectionError
}

function changed(change: (at: URL) => void): string {
  const at = new URL(database.url)
  change(at)
  return at.href
}

const scalar = async (connection: Connection, sql: string): Promise<unknown> =>
  (await connection.read([{ sql, parse: (rows) => rows[0]?.[0] }]))[0]

describe('who cannot be reached is told apart', () => {
  test('a wrong password, without showing it', async () => {
    const error = await connectionErrorOf(connect(url(changed((at) => (at.password = 'hunter22')))))
    expect(error).toMatchObject({ code: 'credentials-invalid', transient: false })
    expect(error.message).toMatch(/28P01/)
    expect(JSON.stringify([error.message, error.stack])).not.toContain('hunter22')
  })

  test('a database that does not exist, by its name', async () => {
    const error = await connectionErrorOf(connect(url(changed((at) => (at.pathname = '/nowhere')))))
    expect(error).toMatchObject({ code: 'database-unreachable', transient: false })
    expect(error.message).toMatch(/database "nowhere" does not exist .*check the database's name/)
  })

  test('a port that nobody listens on', async () => {
    const error = await connectionErrorOf(connect(url('postgres://app:hunter22@127.0.0.1:1/orders')))
    expect(error).toMatchObject({ code: 'database-unreachable', transient: true })
    expect(error.message).toMatch(/postgres:\/\/app:\*\*\*@127\.0\.0\.1:1\/orders: connection refused/)
  })

  test('a host that does not exist', async () => {
    const error = await connectionErrorOf(connect(url('postgres://app@nowhere.invalid/orders')))
    expect(error.code).toBe('database-unreachable')
    expect(error.message).toMatch(/nowhere\.invalid.*(no such host|could not be resolved)/)
  })

  test('a socket folder without a server', async () => {
    const error = await connectionErrorOf(connect(url('postgres:///orders?host=/nowhere')))
    expect(error.message).toMatch(/no such socket/)
  })

  test('what is no url, without showing its password', async () => {
    const error = await connectionErrorOf(connect(url('postgres://app:hunter22@:99999999/orders')))
    expect(error.code).toBe('database-unreachable')
    expect(error.message).not.toContain('hunter22')
  })

  test('a server that accepts and then says nothing', async () => {
    const server = createServer(() => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const started = Date.now()
    const error = await connectionErrorOf(
      connect(url(`postgres://app@127.0.0.1:${port}/orders`), { connectTimeoutMs: 300 }),
    )
    expect(error).toMatchObject({ code: 'database-unreachable', transient: true })
    expect(error.message).toMatch(/no answer in time/)
    expect(Date.now() - started).toBeLessThan(20_000)
    server.close()
  })

  test('a role that has no connection left', async () => {
    await database.run("CREATE ROLE busy LOGIN PASSWORD 'hunter22' CONNECTION LIMIT 0")
    const target = url(changed((at) => Object.assign(at, { username: 'busy', password: 'hunter22' })))
    const error = await connectionErrorOf(connect(target))
    expect(error).toMatchObject({ code: 'database-unreachable', transient: true })
    await database.run('DROP ROLE busy')
  })
})

describe('an open connection', () => {
  test('is named deploywatch, and as the url says where it does', async () => {
    const connection = await connect(url(database.url))
    expect(await scalar(connection, "SELECT current_setting('application_name')")).toBe('deploywatch')
    await connection.close()
    const named = await connect(url(`${database.url}?application_name=gate`))
    expect(await scalar(named, "SELECT current_setting('application_name')")).toBe('gate')
    await named.close()
  })

  test('that the server ends is a connection error, and stays one', async () => {
    const connection = await connect(url(database.url))
    const pid = await scalar(connection, 'SELECT pg_backend_pid()::text')
    const slow = connectionErrorOf(scalar(connection, 'SELECT pg_sleep(10)::text'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    await database.run(`SELECT pg_terminate_backend(${String(pid)})`)
    expect(await slow).toMatchObject({ code: 'database-unreachable', transient: true })
    expect(await connectionErrorOf(scalar(connection, "SELECT 'x'"))).toMatchObject({ code: 'database-unreachable' })
    await connection.close()
  })

  test('judges statements by literal backslashes, also where the role has the old rule', async () => {
    await database.run(`CREATE ROLE old LOGIN SUPERUSER PASSWORD 'hunter22'; ALTER ROLE old SET standard_conforming_strings = off;
      CREATE TABLE precious (id int)`)
    const connection = await connect(url(changed((at) => Object.assign(at, { username: 'old', password: 'hunter22' }))))
    // With the old rule the first string ends behind `' `, and a second statement follows.
    const text = String.raw`SELECT '\' || ' ; COMMIT; DROP TABLE precious; --'`
    expect(await scalar(connection, text)).toBe(String.raw`\ ; COMMIT; DROP TABLE precious; --`)
    await connection.close()
    await database.run('DROP TABLE precious; DROP ROLE old')
  })

  test('holds no transaction between looks, and none while it is closed', async () => {
    const connection = await connect(url(database.url))
    const pid = await scalar(connection, 'SELECT pg_backend_pid()::text')
    await scalar(connection, 'SELECT nope').catch(() => {})
    const other = new Client({ connectionString: database.url })
    await other.connect()
    const { rows } = await other.query<{ state: string }>('SELECT state FROM pg_stat_activity WHERE pid = $1', [pid])
    expect(rows).toEqual([{ state: 'idle' }])
    await other.end()
    await connection.close()
  })

  test('reads 300,000 rows without keeping the rows of statements that were parsed', { timeout: 120_000 }, async () => {
    const connection = await connect(url(database.url))
    const many = {
      sql: 'SELECT n::text, md5(n::text) FROM generate_series(1, 100000) AS n',
      parse: (rows: readonly unknown[]) => rows.length,
    }
    expect(await connection.read([many, many, many])).toEqual([100_000, 100_000, 100_000])
    expect(connection.usage().roundTrips).toBe(1)
    expect(connection.usage().bytesRead).toBeGreaterThan(3 * 100_000 * 40)
    await connection.close()
  })
})

describe('host targets', () => {
  const host = (changes: Partial<Extract<DatabaseTarget, { kind: 'host' }>>): DatabaseTarget => ({
    kind: 'host',
    host: '127.0.0.1',
    port: Number(new URL(database.url).port),
    name: database.name,
    user: null,
    secret: null,
    iam: false,
    ca: null,
    region: null,
    ...changes,
  })

  test('never go without TLS', async () => {
    const error = await connectionErrorOf(connect(host({ user: 'postgres' })))
    expect(error.code).toBe('database-unreachable')
    expect(error.message).toMatch(/the server does not speak TLS/)
  })

  test.each([
    ['{"username":"app"}', 'credentials-invalid', /not a JSON object with `username` and `password`/],
    ['hunter22', 'credentials-invalid', /not a JSON object/],
  ])('a secret without a login is told without its text: %s', async (text, code, message) => {
    const secrets = { readSecret: async () => text }
    const error = await connectionErrorOf(connect(host({ secret: 'orders' }), { secrets }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain('hunter22')
  })

  test.each([
    ['AccessDeniedException', 'permission-denied'],
    ['ResourceNotFoundException', 'credentials-invalid'],
    ['DecryptionFailure', 'credentials-invalid'],
    ['CredentialsProviderError', 'credentials-invalid'],
    ['ThrottlingException', 'database-unreachable'],
  ])('Secrets Manager answering %s is %s', async (name, code) => {
    const secrets = { readSecret: () => Promise.reject(Object.assign(new Error('no'), { name })) }
    const error = await connectionErrorOf(connect(host({ secret: 'orders' }), { secrets }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(/^cannot read the secret orders: no/)
  })

  test('an IAM token needs a user', async () => {
    const error = await connectionErrorOf(connect(host({ iam: true })))
    expect(error.message).toMatch(/`iam: true` needs `user`/)
  })
})
