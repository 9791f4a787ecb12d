/** Queries with expectations, asked for real: counts, times and scalars come back, rows never do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection, Query } from '../../functions/connections/connection.ts'
import { compareQueries } from '../../functions/core/compare-queries.ts'
import type { AnsweredQuery, QueryOutcome } from '../../functions/core/observation.ts'
import type { Statement, StatementExpect } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeQueries } from '../../functions/queries/observe-queries.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { createDatabase } from '../support/postgres.ts'

const STAGE = `
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE TABLE orders (id bigint, note text, state state DEFAULT 'new', total numeric(12, 2), big bigint DEFAULT 9007199254740993, extra jsonb DEFAULT '{"a": 1}', paid boolean DEFAULT true, at timestamp DEFAULT (now() AT TIME ZONE 'UTC'), updated_at timestamptz DEFAULT now());
INSERT INTO orders (id, note, total) SELECT i, 'secret ' || i, i * 1.5 FROM generate_series(1, 20) i;
CREATE TABLE quiet (id int, updated_at timestamptz);
CREATE TABLE stale AS SELECT now() - interval '2 hours' AS updated_at;
CREATE SCHEMA tenant; CREATE TABLE tenant.orders (id int);
CREATE FUNCTION tenant.max(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 42';
CREATE FUNCTION late(id int) RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN (SELECT missing FROM orders); END $$;
`

interface Fixture {
  readonly connection: Connection
  readonly run: (sql: string) => Promise<void>
  readonly close: () => Promise<void>
}

async function overWire(): Promise<Fixture> {
  const database = await createDatabase()
  await database.run(STAGE)
  const connection = await connect({ kind: 'url', url: database.url, ca: null })
  return { connection, run: (sql) => database.run(sql), close: async () => (await connection.close(), database.drop()) }
}

async function overDataApi(): Promise<Fixture> {
  const database = await createDatabase()
  await database.run(STAGE)
  const server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  const connection = await connect(dataApiTarget(server.endpoint, database.name))
  const close = async (): Promise<void> => {
    await connection.close()
    await server.close()
    await database.drop()
  }
  return { connection, run: (sql) => database.run(sql), close }
}

const statementOf = (sql: string, expectation: StatementExpect, subject = sql): Statement => ({
  subject,
  sql,
  source: { file: 'deploywatch.yaml', line: 3 },
  from: 'config',
  calls: null,
  expect: expectation,
})

describe.each([
  ['wire', overWire],
  ['the Data API', overDataApi],
])('over %s', (_name, open) => {
  let fixture: Fixture

  beforeAll(async () => {
    fixture = await open()
  })
  afterAll(() => fixture.close())

  async function outcomeOf(
    sql: string,
    expectation: StatementExpect,
    path = 'public',
  ): Promise<QueryOutcome | undefined> {
    const statements = [statementOf(sql, expectation)]
    const { observed } = await observeQueries(fixture.connection, postgres, { statements, searchPath: path })
    return observed[0]?.outcome
  }

  async function answerOf(sql: string, expectation: StatementExpect, path = 'public'): Promise<AnsweredQuery> {
    const outcome = await outcomeOf(sql, expectation, path)
    if (outcome?.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(outcome)}`)
    return outcome.answer
  }

  async function found(sql: string, expectation: StatementExpect): Promise<readonly string[]> {
    const statements = [statementOf(sql, expectation, 'q')]
    const sight = await observeQueries(fixture.connection, postgres, { statements, searchPath: 'public' })
    const { findings, breaks } = compareQueries({
      statements,
      ...sight,
      breaks: postgres.breaks,
      environment: 'production',
      variable: null,
    })
    return [...findings, ...breaks.map((broken) => broken.finding)].map(
      (one) => `${one.code}: ${one.expected} | ${one.found}`,
    )
  }

  test('rows are counted on the server, up to a limit', async () => {
    expect(await answerOf('SELECT * FROM orders', { minRows: 1 })).toMatchObject({
      rows: 20,
      more: false,
      columns: null,
      values: {},
    })
    expect(await answerOf('SELECT * FROM quiet -- none', { minRows: 0 })).toMatchObject({ rows: 0, more: false })
    expect(await answerOf('SELECT FROM generate_series(1, 30000);', { minRows: 1 })).toMatchObject({
      rows: 10_000,
      more: true,
    })
    expect(await answerOf('SELECT FROM generate_series(1, 30000)', { minRows: 20_000 })).toMatchObject({
      rows: 20_000,
      more: true,
    })
  })

  test('values are those of the first row, in the order of the query, exact', async () => {
    const { values, columns } = await answerOf('SELECT * FROM orders ORDER BY id DESC', {
      values: {
        id: { equals: 20 },
        total: { atLeast: 1 },
        big: { equals: 1 },
        extra: { exists: true },
        paid: { equals: true },
        state: { equals: 'new' },
        none: { equals: 1 },
      },
    })
    expect(values).toEqual({ id: 20, total: 30, big: '9007199254740993', extra: '{"a": 1}', paid: true, state: 'new' })
    expect(columns).toContain('updated_at')
  })

  test('types are those of the server, also of a query without rows', async () => {
    const { types } = await answerOf('SELECT *, 1.5 AS x, ARRAY[1] AS list FROM orders WHERE false', {
      columns: { id: 'bigint', state: 'state', total: 'numeric', x: 'numeric', list: 'int[]', at: 'timestamp' },
    })
    expect(types).toEqual({
      id: 'bigint',
      state: 'state',
      total: 'numeric',
      x: 'numeric',
      list: 'integer[]',
      at: 'timestamp without time zone',
    })
  })

  test.each([
    ['SELECT id, note FROM orders', { columns: { id: 'int8', note: 'text' } }, []],
    [
      'SELECT id, id FROM orders',
      { columns: ['id'] },
      ['query-result: the query has a column id | it has 2 columns id: name them apart'],
    ],
    [
      'SELECT id FROM orders',
      { columns: ['note'] },
      ['query-result: the query has a column note | it has no column note, its columns are id'],
    ],
    [
      'SELECT id::text FROM orders',
      { columns: { id: 'bigint' } },
      ['query-result: the query has a column id of type bigint | its column id is of type text'],
    ],
    ['SELECT id FROM quiet', { minRows: 1 }, ['query-result: the query returns at least 1 row | it returned no row']],
    ['SELECT id FROM quiet', { maxRows: 5 }, []],
    ['SELECT id FROM orders', { rows: 19 }, ['query-result: the query returns exactly 19 rows | it returned 20 rows']],
    ['SELECT id FROM orders', { maxRows: 3 }, ['query-result: the query returns at most 3 rows | it returned 20 rows']],
    [
      'SELECT count(*) AS failed FROM orders',
      { values: { failed: { atMost: 3 } } },
      ['query-result: failed of the first row is at most 3 | failed is 20'],
    ],
    [
      'SELECT id FROM quiet',
      { values: { id: { equals: 1 } } },
      ['query-result: id of the first row is 1 | it returned no row'],
    ],
    ['SELECT updated_at FROM orders', { newest: { column: 'updated_at', within: 600_000 } }, []],
    ['SELECT at FROM orders', { newest: { column: 'at', within: 600_000 } }, []],
    [
      'SELECT * FROM stale',
      { newest: { column: 'updated_at', within: 600_000 } },
      ['query-result: the newest updated_at is younger than 10 min | the newest updated_at is 2 h old'],
    ],
    [
      'SELECT * FROM quiet',
      { newest: { column: 'updated_at', within: 600_000 } },
      ['query-result: the newest updated_at is younger than 10 min | it returned no row'],
    ],
    [
      'SELECT note FROM orders',
      { newest: { column: 'note', within: 600_000 } },
      ['query-result: the newest note is younger than 10 min | no row has a time in note, which is of type text'],
    ],
    [
      'SELECT 1 / (id - id) FROM orders',
      { minRows: 1 },
      ['query-result: the query answers | division by zero (SQLSTATE 22012)'],
    ],
    ['SELECT 1 / 0 AS a', { columns: ['a'] }, ['query-result: the query answers | division by zero (SQLSTATE 22012)']],
    ['SELECT id FROM orders WHERE id = $1', { minRows: 1 }, []],
    [
      'SELECT late(1)',
      { minRows: 1 },
      ['query-broken: every name in it resolves on this database | column "missing" does not exist (SQLSTATE 42703)'],
    ],
    ['SELECT nope FROM orders', { minRows: 1 }, []],
    ['SELECT x.id FROM orders a, orders b', { minRows: 1 }, []],
    [
      'SELECT id FROM orders a, orders b',
      { minRows: 1 },
      ['query-result: the query answers | column reference "id" is ambiguous (SQLSTATE 42702)'],
    ],
  ] as const)('%s with %j', async (sql, expectation, expected) => {
    expect(await found(sql, expectation)).toEqual(expected)
  })

  test('nothing of the environment captures what stands around the query', async () => {
    expect(
      await answerOf(
        'SELECT id, now() AS at FROM orders',
        { newest: { column: 'at', within: 1000 } },
        'tenant, public',
      ),
    ).toMatchObject({ rows: 0 })
    expect(await outcomeOf('SELECT max(id) FROM orders', { minRows: 0 }, 'tenant, pg_catalog')).toMatchObject({
      kind: 'answered',
    })
  })

  test('the duration is the server’s, and a slow query is slow', async () => {
    const slow = 'SELECT count(*) FROM generate_series(1, 600000) g'
    const { durationMs } = await answerOf(slow, { minRows: 1 })
    expect(durationMs).toBeGreaterThan(20)
    expect((await found(slow, { maxMillis: 1 }))[0]).toMatch(
      /^query-slow: the query answers within 1 ms \| it took \d+ ms$/u,
    )
    expect(await found('SELECT 1', { maxMillis: 2000 })).toEqual([])
  })
})

test('what the role may not read is unsure, and names the query', async () => {
  const { connection, run, close } = await overWire()
  try {
    // The role is the cluster's: it goes with the transaction that this look is.
    const denied: Connection = {
      ...connection,
      read: (queries, options) =>
        connection
          .read(
            [{ sql: 'SET LOCAL ROLE pg_monitor', parse: () => null }, ...(queries as readonly Query<unknown>[])],
            options,
          )
          .then((answers) => answers.slice(1)) as never,
    }
    await run('REVOKE ALL ON orders FROM PUBLIC')
    const statements = [statementOf('SELECT id FROM orders', { minRows: 1 }, 'q')]
    const sight = await observeQueries(denied, postgres, { statements, searchPath: 'public' })
    const { findings } = compareQueries({
      statements,
      ...sight,
      breaks: postgres.breaks,
      environment: 'e',
      variable: null,
    })
    expect(findings).toMatchObject([
      {
        code: 'permission-denied',
        severity: 'unsure',
        subject: 'q',
        found: 'permission denied for table orders (SQLSTATE 42501)',
      },
    ])
  } finally {
    await close()
  }
})

test('a query that takes too long is cancelled, and is slow or unsure', async () => {
  const { connection, close } = await overWire()
  try {
    // A statement's time is the look's own: here the connection that is handed in shortens it.
    const hasty: Connection = {
      ...connection,
      read: (queries, options) =>
        connection.read(
          queries,
          options?.statementTimeoutMs === undefined ? options : { ...options, statementTimeoutMs: 50 },
        ) as never,
    }
    const sql = 'SELECT count(*) FROM generate_series(1, 50000000)'
    const judged = async (expectation: StatementExpect): Promise<readonly string[]> => {
      const statements = [statementOf(sql, expectation)]
      const sight = await observeQueries(hasty, postgres, { statements, searchPath: null })
      expect(sight.observed[0]?.outcome.kind).toBe('timed-out')
      return compareQueries({
        statements,
        ...sight,
        breaks: postgres.breaks,
        environment: 'e',
        variable: null,
      }).findings.map(({ code, severity }) => `${code} ${severity}`)
    }
    expect(await judged({ minRows: 1 })).toEqual(['check-timeout unsure'])
    expect(await judged({ maxMillis: 20 })).toEqual(['query-slow error'])
  } finally {
    await close()
  }
})

test('a hundred queries cost few round trips besides their own', async () => {
  const { connection, close } = await overWire()
  try {
    const statements = Array.from({ length: 100 }, (_, at) =>
      statementOf(
        `SELECT id, updated_at FROM orders WHERE id > ${at % 7} AND note LIKE 'secret%'`,
        { columns: ['id'], newest: { column: 'updated_at', within: 600_000 } },
        `q${at}`,
      ),
    )
    const before = connection.usage()
    const started = performance.now()
    const { observed } = await observeQueries(connection, postgres, { statements, searchPath: 'public' })
    expect(observed.every(({ outcome }) => outcome.kind === 'answered')).toBe(true)
    const { roundTrips, bytesRead } = connection.usage()
    expect(roundTrips - before.roundTrips).toBeLessThan(100 + 12)
    // Scalars, never rows.
    expect(bytesRead - before.bytesRead).toBeLessThan(100 * 1500)
    expect(performance.now() - started).toBeLessThan(15_000)
  } finally {
    await close()
  }
})
