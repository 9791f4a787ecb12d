/** The stand-in is stricter than the service, seen through the unmodified SDK client. */
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data'
import type { ExecuteStatementCommandInput, ExecuteStatementCommandOutput, Field } from '@aws-sdk/client-rds-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDataApi } from '../../local/data-api/server.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'

const CLUSTER = 'arn:aws:rds:eu-west-1:111122223333:cluster:orders'
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf'

const credentials = { accessKeyId: 'x', secretAccessKey: 'y' }

let database: TestDatabase
let server: DataApiServer
let client: RDSDataClient
let clock = 0

beforeAll(async () => {
  database = await createDatabase()
  await database.run(
    "CREATE TABLE t (id bigint PRIMARY KEY, note text, at timestamptz, price numeric(10,2)); CREATE TYPE mood AS ENUM ('good')",
  )
  server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
    now: () => clock,
    limits: { callMs: 1500 },
  })
  client = new RDSDataClient({
    endpoint: server.endpoint,
    region: 'eu-west-1',
    credentials,
    maxAttempts: 1,
  })
})

afterAll(async () => {
  client.destroy()
  await server.close()
  await database.drop()
})

const base = (): { resourceArn: string; secretArn: string; database: string } => ({
  resourceArn: CLUSTER,
  secretArn: SECRET,
  database: database.name,
})

const execute = (
  sql: string,
  more: Partial<ExecuteStatementCommandInput> = {},
): Promise<ExecuteStatementCommandOutput> => client.send(new ExecuteStatementCommand({ ...base(), sql, ...more }))

const begin = async (): Promise<string> => (await client.send(new BeginTransactionCommand(base()))).transactionId ?? ''

const nameOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error as Error).name,
  )

const fieldOf = async (sql: string, more: Partial<ExecuteStatementCommandInput> = {}): Promise<Field | undefined> =>
  (await execute(sql, more)).records?.[0]?.[0]

describe('results are typed as the service types them', () => {
  test.each<[string, Field]>([
    ['SELECT 7::int2', { longValue: 7 }],
    ['SELECT -7::int4', { longValue: -7 }],
    ['SELECT 7::int8', { longValue: 7 }],
    ["SELECT 'x'::text", { stringValue: 'x' }],
    ["SELECT ''::varchar", { stringValue: '' }],
    ['SELECT NULL::text', { isNull: true }],
    ['SELECT true', { booleanValue: true }],
    ['SELECT 1.5::float8', { doubleValue: 1.5 }],
    ['SELECT 1.50::numeric(10,2)', { stringValue: '1.50' }],
    ["SELECT '\\xdead'::bytea", { blobValue: new Uint8Array([0xde, 0xad]) }],
    ["SELECT '2026-01-01 02:00:00.25+02'::timestamptz", { stringValue: '2026-01-01 00:00:00.25' }],
    ["SELECT '2026-01-01'::date", { stringValue: '2026-01-01' }],
    ["SELECT '{1,NULL,3}'::int[]", { arrayValue: { longValues: [1, null, 3] } }],
    [`SELECT ARRAY['a"b', NULL, 'c,d', 'NULL']`, { arrayValue: { stringValues: ['a"b', null, 'c,d', 'NULL'] } }],
  ])('%s', async (sql, field) => {
    expect(await fieldOf(sql)).toEqual(field)
  })

  test('whole numbers above 2^53 are whole only as strings', async () => {
    const sql = 'SELECT 9007199254740993::int8'
    expect(await fieldOf(sql, { resultSetOptions: { longReturnType: 'STRING' } })).toEqual({
      stringValue: '9007199254740993',
    })
  })

  test.each([
    'SELECT 1::money',
    "SELECT '(1,2)'::point",
    "SELECT 'good'::mood",
    "SELECT '{{1},{2}}'::int[]",
    'SELECT ARRAY[gen_random_uuid()]',
    "SELECT '1 day'::interval",
    'SELECT pg_sleep(0)',
  ])('unsupported: %s', async (sql) => {
    expect(await nameOf(execute(sql))).toBe('UnsupportedResultException')
  })

  test('metadata comes only when it is asked for', async () => {
    expect((await execute('SELECT 1 AS one')).columnMetadata).toBeUndefined()
    const { columnMetadata } = await execute('SELECT 1 AS one', { includeResultMetadata: true })
    expect(columnMetadata).toMatchObject([{ name: 'one', label: 'one', typeName: 'int4' }])
  })

  test('formatted as JSON: keyed by label, decimals as strings, duplicate labels refused', async () => {
    const answer = await execute("SELECT 1 AS a, 1.50::numeric AS b, NULL::text AS c, 'x' AS d", {
      formatRecordsAs: 'JSON',
    })
    expect(JSON.parse(answer.formattedRecords ?? '')).toEqual([{ a: 1, b: '1.50', c: null, d: 'x' }])
    expect(answer.records).toBeUndefined()
    expect(await nameOf(execute('SELECT 1 AS a, 2 AS a', { formatRecordsAs: 'JSON' }))).toBe('BadRequestException')
  })
})

describe('limits', () => {
  test.each<[string, string, Partial<ExecuteStatementCommandInput>]>([
    ['SELECT 1; SELECT 2', 'ValidationException', {}],
    ['', 'ValidationException', {}],
    ['COMMIT', 'ValidationException', {}],
    ['SELECT 1', 'ValidationException', { schema: 'public' }],
    [
      'SELECT 1 WHERE 1 = ANY(:ids)',
      'ValidationException',
      { parameters: [{ name: 'ids', value: { arrayValue: { longValues: [1] } } }] },
    ],
    ['SELECT :missing', 'BadRequestException', {}],
    [`SELECT '${'x'.repeat(65_530)}'`, 'ValidationException', {}],
    ["SELECT repeat('x', 1000) FROM generate_series(1, 1100)", 'UnsupportedResultException', {}],
    ["SELECT repeat('x', 65536)", 'DatabaseErrorException', {}],
    ['SELECT pg_sleep(30)::text', 'StatementTimeoutException', {}],
  ])('%s is refused with %s', async (sql, exception, more) => {
    expect(await nameOf(execute(sql, more))).toBe(exception)
  })

  test('just under them it answers', async () => {
    expect((await execute(`SELECT length('${'x'.repeat(65_000)}')`)).records).toEqual([[{ longValue: 65_000 }]])
    expect((await execute("SELECT repeat('x', 65000)")).records).toHaveLength(1)
    expect((await execute("SELECT repeat('x', 1000) FROM generate_series(1, 1000)")).records).toHaveLength(1000)
  })

  test('a request of more than 4 MiB is refused', async () => {
    const value = { stringValue: 'x'.repeat(4 * 1024 * 1024) }
    expect(await nameOf(execute('SELECT length(:long)', { parameters: [{ name: 'long', value }] }))).toBe(
      'BadRequestException',
    )
  })

  test('limits can be lowered, and not raised', async () => {
    const generous = await startDataApi({
      backend: { url: database.url },
      clusters: [CLUSTER],
      secrets: { [SECRET]: null },
      limits: { rowBytes: 1e9, answerBytes: 1e9 },
    })
    const other = new RDSDataClient({
      endpoint: generous.endpoint,
      region: 'eu-west-1',
      credentials,
    })
    const sql = "SELECT repeat('x', 70000)"
    expect(await nameOf(other.send(new ExecuteStatementCommand({ ...base(), sql })))).toBe('DatabaseErrorException')
    other.destroy()
    await generous.close()
  })
})

describe('parameters', () => {
  test('are named, cast beside, and left alone in quotes, comments and casts', async () => {
    const sql = 'SELECT :a::int + :a, \':a\', $$ :a $$, ":b".x /* :c */ FROM (SELECT 1 AS x) AS ":b" -- :d'
    const { records } = await execute(sql, { parameters: [{ name: 'a', value: { longValue: 2 } }] })
    expect(records).toEqual([[{ longValue: 4 }, { stringValue: ':a' }, { stringValue: ' :a ' }, { longValue: 1 }]])
  })

  test.each<[string, string, string | undefined, Field | string]>([
    ['SELECT :v = gen_random_uuid()', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', 'UUID', { booleanValue: false }],
    ['SELECT :v = gen_random_uuid()', '3f2504e0-4f89-11d3-9a0c-0305e82c3301', undefined, 'DatabaseErrorException'],
    ['SELECT :v + 1', '1.5', 'DECIMAL', { stringValue: '2.5' }],
    ["SELECT :v + interval '1 hour'", '2026-01-01 00:00:00.000', 'TIMESTAMP', { stringValue: '2026-01-01 01:00:00' }],
    ['SELECT :v', '2026-01-01T00:00:00Z', 'TIMESTAMP', 'BadRequestException'],
    ["SELECT :v->>'a'", '{"a":"b"}', 'JSON', { stringValue: 'b' }],
  ])('%s with %s as %s', async (sql, text, typeHint, expected) => {
    const parameters = [
      { name: 'v', value: { stringValue: text }, ...(typeHint === undefined ? {} : { typeHint: typeHint as 'UUID' }) },
    ]
    if (typeof expected === 'string') expect(await nameOf(execute(sql, { parameters }))).toBe(expected)
    else expect(await fieldOf(sql, { parameters })).toEqual(expected)
  })

  test('sets of them run a statement as often', async () => {
    const sets = [1, 2].map((id) => [{ name: 'id', value: { longValue: id } }])
    await client.send(
      new BatchExecuteStatementCommand({ ...base(), sql: 'INSERT INTO t (id) VALUES (:id)', parameterSets: sets }),
    )
    expect(await fieldOf('SELECT count(*) FROM t')).toEqual({ longValue: 2 })
    await execute('DELETE FROM t')
  })
})

describe('transactions', () => {
  test('keep what is committed, and nothing that is rolled back', async () => {
    for (const [id, Command] of [
      [1, CommitTransactionCommand],
      [2, RollbackTransactionCommand],
    ] as const) {
      const transactionId = await begin()
      await execute(`INSERT INTO t (id) VALUES (${id})`, { transactionId })
      await client.send(new Command({ resourceArn: CLUSTER, secretArn: SECRET, transactionId }))
      expect(await nameOf(execute('SELECT 1', { transactionId }))).toBe('TransactionNotFoundException')
    }
    expect((await execute('SELECT id FROM t')).records).toEqual([[{ longValue: 1 }]])
  })

  test('are rolled back after three idle minutes', async () => {
    const idle = await begin()
    clock += 179_000
    expect(await nameOf(execute('SELECT 1', { transactionId: idle }))).toBe('no error')
    clock += 180_000
    expect(await nameOf(execute('SELECT 1', { transactionId: idle }))).toBe('TransactionNotFoundException')
  })

  test('are rolled back when they are too old, however busy', async () => {
    const strict = await startDataApi({
      backend: { url: database.url },
      clusters: [CLUSTER],
      secrets: { [SECRET]: null },
      now: () => clock,
      limits: { transactionMs: 600_000 },
    })
    const other = new RDSDataClient({ endpoint: strict.endpoint, region: 'eu-west-1', credentials, maxAttempts: 1 })
    const { transactionId } = await other.send(new BeginTransactionCommand(base()))
    const outcomes: string[] = []
    for (let minutes = 2; minutes <= 10; minutes += 2) {
      clock += 120_000
      outcomes.push(
        await nameOf(other.send(new ExecuteStatementCommand({ ...base(), sql: 'SELECT 1', transactionId }))),
      )
    }
    expect(outcomes).toEqual(['no error', 'no error', 'no error', 'no error', 'TransactionNotFoundException'])
    other.destroy()
    await strict.close()
  })

  test('run one statement at a time', async () => {
    const transactionId = await begin()
    const slow = execute('SELECT pg_sleep(0.5)::text', { transactionId })
    await new Promise((resolve) => setTimeout(resolve, 150))
    const error = (await execute('SELECT 1', { transactionId }).catch((thrown: unknown) => thrown)) as Error
    expect(error.message).toBe('Transaction is still running a query')
    await slow
    await client.send(new RollbackTransactionCommand({ resourceArn: CLUSTER, secretArn: SECRET, transactionId }))
  })

  test('belong to who began them, and to their database', async () => {
    expect(await nameOf(execute('SELECT 1', { transactionId: 'nobody' }))).toBe('TransactionNotFoundException')
    const transactionId = await begin()
    expect(await nameOf(execute('SELECT 1', { transactionId, database: 'postgres' }))).toBe('BadRequestException')
    await client.send(new RollbackTransactionCommand({ resourceArn: CLUSTER, secretArn: SECRET, transactionId }))
  })
})

test('errors of the database are worded as the service words them', async () => {
  const error = (await execute('SELECT nope FROM t').catch((thrown: unknown) => thrown)) as Error
  expect(error.name).toBe('DatabaseErrorException')
  expect(error.message).toMatch(/^ERROR: column "nope" does not exist; (Hint: .*; )?Position: 8; SQLState: 42703$/)
})

test('a request that is not signed is refused', async () => {
  const answer = await fetch(`${server.endpoint}/Execute`, {
    method: 'POST',
    body: JSON.stringify({ ...base(), sql: 'SELECT 1' }),
  })
  expect(answer.status).toBe(403)
  expect(answer.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException')
})
