import { RDSDataClient } from '@aws-sdk/client-rds-data'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ConnectionError, DatabaseError } from '../../functions/connections/connection.ts'
import { openDataApi } from '../../functions/connections/data-api.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import type { DataApiOptions } from '../../functions/connections/data-api.ts'
import { parseDatabaseText } from '../../functions/connections/data-api-errors.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import type { ExceptionName } from '../../local/data-api/service-error.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { CLUSTER, dataApiTarget, SECRET } from './fixtures.ts'

const WRONG_PASSWORD = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:wrong-AbCdEf'

let database: TestDatabase
let server: DataApiServer
let connection: Connection
let clock: number
let slept: number[]

const options = (): DataApiOptions => ({
  now: () => clock,
  sleep: async (ms) => {
    clock += ms
    slept.push(ms)
  },
})

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

beforeEach(async () => {
  clock = 0
  slept = []
  server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null, [WRONG_PASSWORD]: { username: 'postgres', password: 'hunter22' } },
    now: () => clock,
  })
  connection = await openDataApi(dataApiTarget(server.endpoint, database.name), options())
})

afterEach(async () => {
  await connection.close()
  await server.close()
})

const look = (sql = "SELECT 'x'"): Promise<readonly unknown[]> =>
  connection.read([{ sql, parse: (rows) => rows[0]?.[0] }])

async function errorOf(promise: Promise<unknown>): Promise<ConnectionError | DatabaseError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error === null || error instanceof ConnectionError || error instanceof DatabaseError).toBe(true)
  return error as ConnectionError | DatabaseError
}

const operations = (): readonly string[] => server.calls.map((call) => call.operation)

describe('the calls of a look', () => {
  test('are a transaction around isolation, settings and the statements, rolled back', async () => {
    await look()
    expect(operations()).toEqual([
      'BeginTransaction',
      'ExecuteStatement',
      'ExecuteStatement',
      'ExecuteStatement',
      'RollbackTransaction',
    ])
    expect(server.calls.map((call) => call.sql)[1]).toBe('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    expect(connection.usage().roundTrips).toBe(5)
  })

  test('end in a rollback when a statement is refused', async () => {
    await errorOf(look('SELECT nope'))
    expect(operations().at(-1)).toBe('RollbackTransaction')
    expect(server.calls.at(-1)?.exception).toBe(null)
  })

  test('count the bytes of the answers as they came', async () => {
    await look("SELECT repeat('x', 5000)")
    expect(connection.usage().bytesRead).toBeGreaterThan(5000)
    expect(connection.usage().bytesRead).toBeLessThan(6500)
  })

  test('a rollback that fails is told, also after a good look', async () => {
    server.fail('ForbiddenException', 1, { operation: 'RollbackTransaction' })
    expect(await errorOf(look())).toMatchObject({ name: 'ConnectionError', code: 'permission-denied' })
    server.fail('ForbiddenException', 1, { operation: 'RollbackTransaction' })
    const error = await errorOf(look('SELECT nope'))
    expect(error).toMatchObject({ name: 'DatabaseError', facts: { sqlState: '42703' } })
    expect(error.message).toMatch(/the rollback failed too: .*ForbiddenException/)
  })
})

describe('each exception of the service', () => {
  const cases: readonly (readonly [ExceptionName, string, boolean])[] = [
    ['AccessDeniedException', 'permission-denied', false],
    ['ForbiddenException', 'permission-denied', false],
    ['DatabaseNotFoundException', 'database-unreachable', false],
    ['NotFoundException', 'database-unreachable', false],
    ['HttpEndpointNotEnabledException', 'data-api-disabled', false],
    ['InvalidSecretException', 'credentials-invalid', false],
    ['SecretsErrorException', 'credentials-invalid', true],
    ['DatabaseResumingException', 'database-resuming', true],
    ['DatabaseUnavailableException', 'database-unreachable', true],
    ['InternalServerErrorException', 'database-unreachable', true],
    ['InvalidResourceStateException', 'database-unreachable', true],
    ['ServiceUnavailableError', 'database-unreachable', true],
    ['ThrottlingException', 'database-unreachable', true],
    ['TransactionNotFoundException', 'database-unreachable', true],
    ['StatementTimeoutException', 'check-timeout', false],
    ['MissingAuthenticationTokenException', 'credentials-invalid', false],
    ['BadRequestException', 'database-unreachable', false],
    ['DatabaseErrorException', 'database-unreachable', false],
    ['ValidationException', 'database-unreachable', false],
    ['UnsupportedResultException', 'database-unreachable', false],
  ]

  test.each(cases)('%s at the beginning is %s', { timeout: 30_000 }, async (name, code, transient) => {
    server.fail(name, 1000)
    const error = await errorOf(look())
    expect(error).toMatchObject({ name: 'ConnectionError', code, transient })
    expect(error.message).toContain(CLUSTER)
  })

  test.each(cases.filter(([, , transient]) => transient))(
    '%s passes: the look is made again',
    { timeout: 30_000 },
    async (name) => {
      // The SDK itself tries twice where the service is at fault.
      server.fail(name, 2)
      expect(await look()).toEqual(['x'])
    },
  )

  const statement: readonly (readonly [ExceptionName, string, string])[] = [
    ['StatementTimeoutException', 'Request timed out', '57014'],
    ['DatabaseErrorException', 'ERROR: canceling statement due to statement timeout', '57014'],
    ['DatabaseErrorException', 'ERROR: permission denied for table t; SQLState: 42501', '42501'],
    ['DatabaseErrorException', 'Packet for query is too large (70000 > 65536)', '54000'],
    ['UnsupportedResultException', 'Database returned more than the allowed response size limit', '54000'],
    ['UnsupportedResultException', 'The result contains the unsupported data type MONEY', '0A000'],
    ['BadRequestException', 'Database returned more than the allowed response size limit', '54000'],
    ['BadRequestException', 'ERROR: column "x" does not exist\n  Position: 8; SQLState: 42703', '42703'],
    ['ValidationException', "Multistatements aren't supported", '42601'],
    ['ValidationException', 'sql: length 70000 must be at most 65536', '54000'],
  ]

  test.each(statement)(
    '%s of a statement (%s) is the refusal of that statement, SQLSTATE %s',
    async (name, message, sqlState) => {
      const marked = "SELECT 'marked'"
      await server.close()
      server = await startDataApi({
        backend: { url: database.url },
        clusters: [CLUSTER],
        secrets: { [SECRET]: null },
        faults: (call) => (call.sql === marked ? { name, message } : null),
      })
      connection = await openDataApi(dataApiTarget(server.endpoint, database.name), options())
      const error = await errorOf(
        connection.read([
          { sql: "SELECT 'x'", parse: () => 0 },
          { sql: marked, parse: () => 0 },
        ]),
      )
      expect(error).toMatchObject({ name: 'DatabaseError', facts: { sqlState, statement: 1 } })
    },
  )

  test.each([
    ['HttpEndpoint is not enabled for resource arn:aws:rds:x', 'data-api-disabled'],
    ['Communications link failure', 'database-resuming'],
    ['FATAL: password authentication failed for user "app"; SQLState: 28P01', 'credentials-invalid'],
    ['ERROR: database "orders" does not exist; SQLState: 3D000', 'database-unreachable'],
  ])('older clusters say it in a BadRequestException: %s', async (message, code) => {
    server.fail('BadRequestException', 1000, { message })
    expect(await errorOf(look())).toMatchObject({ name: 'ConnectionError', code })
  })
})

test('a statement that still runs when the SDK asks again is a timeout', async () => {
  server.fail('DatabaseErrorException', 1, {
    operation: 'ExecuteStatement',
    message: 'Transaction is still running a query',
  })
  expect(await errorOf(look())).toMatchObject({ name: 'ConnectionError', code: 'check-timeout' })
})

describe('a paused cluster', () => {
  test('is waited for in steps of 2.5 s, and how long it took is known', async () => {
    server.pause(15_000)
    expect(await look()).toEqual(['x'])
    expect(slept).toEqual(Array.from({ length: 6 }, () => 2500))
    expect(connection.usage().resumeMs).toBe(15_000)
    await look()
    expect(connection.usage().resumeMs).toBe(15_000)
  })

  test('is given up at the deadline', async () => {
    server.pause(120_000)
    const error = await errorOf(look())
    expect(error).toMatchObject({ code: 'database-resuming', transient: true })
    expect(error.message).toMatch(/waited 60 s/)
    expect(slept).toHaveLength(24)
  })

  test('is not waited for where the deadline is nought', async () => {
    server.pause()
    const impatient = await openDataApi(dataApiTarget(server.endpoint, database.name), {
      ...options(),
      resumeTimeoutMs: 0,
    })
    expect(await errorOf(impatient.read([{ sql: "SELECT 'x'", parse: () => 0 }]))).toMatchObject({
      code: 'database-resuming',
    })
    expect(slept).toEqual([])
  })
})

describe('what the real database behind it says', () => {
  const read = async (
    changes: Partial<Parameters<typeof openDataApi>[0]>,
  ): Promise<ConnectionError | DatabaseError> => {
    const other = await openDataApi({ ...dataApiTarget(server.endpoint, database.name), ...changes }, options())
    return errorOf(other.read([{ sql: "SELECT 'x'", parse: () => 0 }]))
  }

  test('a wrong password', async () => {
    expect(await read({ secret: WRONG_PASSWORD })).toMatchObject({ code: 'credentials-invalid', transient: false })
  })

  test('a database that does not exist', async () => {
    const error = await read({ name: 'nowhere' })
    expect(error).toMatchObject({ code: 'database-unreachable' })
    expect(error.message).toMatch(/database "nowhere" does not exist/)
  })

  test('an unknown cluster and an unknown secret', async () => {
    expect(await read({ cluster: `${CLUSTER}2` })).toMatchObject({ code: 'database-unreachable' })
    expect(await read({ secret: `${SECRET}2` })).toMatchObject({ code: 'credentials-invalid' })
  })

  test('an endpoint that nobody listens on', async () => {
    expect(await read({ endpoint: 'http://127.0.0.1:1' })).toMatchObject({
      code: 'database-unreachable',
      transient: true,
    })
  })

  test('an answer over 1 MiB is an error that names the query', async () => {
    const error = await errorOf(look("SELECT repeat('x', 1000) FROM generate_series(1, 1100) AS big"))
    expect(error).toMatchObject({ name: 'DatabaseError', facts: { sqlState: '54000', statement: 0 } })
    expect(error.message).toMatch(/query: SELECT repeat/)
    expect(await look()).toEqual(['x'])
  })
})

test('the SDK client that is used is the unmodified one', async () => {
  expect(new RDSDataClient({ region: 'eu-west-1' }).config.serviceId).toBe('RDS Data')
})

test.each([
  [
    'ERROR: column "x" does not exist; Position: 8; SQLState: 42703',
    'column "x" does not exist',
    '42703',
    8,
    null,
    null,
  ],
  [
    'ERROR: relation "t" does not exist\n  Position: 15; SQLState: 42P01',
    'relation "t" does not exist',
    '42P01',
    15,
    null,
    null,
  ],
  [
    'ERROR: duplicate key; see it\n  Detail: Key (id)=(1) already exists.\n  Hint: Try; another. ; SQLState: 23505',
    'duplicate key; see it',
    '23505',
    null,
    'Key (id)=(1) already exists.',
    'Try; another.',
  ],
  ['something else', 'something else', null, null, null, null],
])('the text %j is taken apart', (text, message, sqlState, position, detail, hint) => {
  expect(parseDatabaseText(text)).toEqual({ message, sqlState, position, detail, hint })
})
