/** What every connection promises, run against each of them on a real database. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Connection, Query, ReadOptions, Row } from '../../functions/connections/connection.ts'
import { ConnectionError, DatabaseError } from '../../functions/connections/connection.ts'
import { PINNED_SETTINGS } from '../../functions/connections/postgres-settings.ts'

/** A database of the suite's own, and connections to it. */
export interface ConnectionFixture {
  /** Runs SQL beside the connection, as its owner; several statements may stand in one text. */
  run(sql: string): Promise<void>
  connect(read?: Partial<ReadOptions>): Promise<Connection>
  /** Holds ACCESS EXCLUSIVE on a table until it is released; null where there is one session only. */
  lock: ((table: string) => Promise<() => Promise<void>>) | null
  /** The server cancels statements that take too long. */
  readonly timeouts: boolean
  close(): Promise<void>
}

const rowsOf = (sql: string): Query<readonly Row[]> => ({ sql, parse: (rows) => rows })
const scalarOf = (sql: string): Query<string | null | undefined> => ({ sql, parse: (rows) => rows[0]?.[0] })

async function failureOf(promise: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DatabaseError)
  return error as DatabaseError
}

const settingSql = (name: string): string => `SELECT current_setting('${name}')::text`

export function connectionContract(name: string, makeFixture: () => Promise<ConnectionFixture>): void {
  describe(`${name} keeps the contract of a connection`, () => {
    let fixture: ConnectionFixture
    let connection: Connection

    beforeAll(async () => {
      fixture = await makeFixture()
      await fixture.run(`
        CREATE TABLE items (id int PRIMARY KEY, note text);
        INSERT INTO items VALUES (1, 'one'), (2, NULL), (3, '');
        CREATE SEQUENCE counter;
        CREATE SCHEMA tenant; CREATE TABLE tenant.items (id int)`)
      connection = await fixture.connect()
    })

    afterAll(async () => {
      await connection?.close()
      await fixture?.close()
    })

    const count = async (): Promise<unknown> =>
      (await connection.read([scalarOf('SELECT count(*)::text FROM public.items')]))[0]

    test('several statements answer in order, each with its own parser', async () => {
      const [notes, total, upper] = await connection.read([
        rowsOf('SELECT id::text, note FROM public.items ORDER BY id'),
        { sql: 'SELECT count(*)::text FROM public.items', parse: (rows) => Number(rows[0]?.[0]) },
        scalarOf("SELECT upper('x')"),
      ])
      expect(notes).toEqual([
        ['1', 'one'],
        ['2', null],
        ['3', ''],
      ])
      expect(total).toBe(3)
      expect(upper).toBe('X')
    })

    test('a statement without rows answers none, and no statements cost nothing', async () => {
      expect(await connection.read([rowsOf('SELECT id::text FROM public.items WHERE false')])).toEqual([[]])
      const before = connection.usage()
      expect(await connection.read([])).toEqual([])
      expect(connection.usage()).toEqual(before)
    })

    test('null, empty, unicode and control characters come back as they are', async () => {
      const values = [
        null,
        '',
        ' ',
        'žluťoučký 🐘 \u{10ffff}',
        'tab\tnew\nline\r\u0001',
        `quote ' " \\ back`,
        'null',
        ':name ::x',
      ]
      const literal = (value: string | null): string =>
        value === null ? 'NULL::text' : `'${value.replaceAll("'", "''")}'::text`
      const [rows] = await connection.read([rowsOf(`SELECT ${values.map(literal).join(', ')}`)])
      expect(rows).toEqual([values])
    })

    test('a value of 50 kB and whole 64-bit numbers arrive undamaged', async () => {
      const [rows] = await connection.read([
        rowsOf("SELECT repeat('ř', 25000), 9223372036854775807::text, (-9007199254740993)::text, 0.1::numeric::text"),
      ])
      expect(rows).toEqual([['ř'.repeat(25_000), '9223372036854775807', '-9007199254740993', '0.1']])
    })

    test('whole numbers, booleans and nulls that were not cast are text too', async () => {
      const [rows] = await connection.read([rowsOf('SELECT 9223372036854775807, true, false, NULL::int, 1.50')])
      expect(rows).toEqual([['9223372036854775807', 't', 'f', null, '1.50']])
    })

    test.each([
      ["INSERT INTO public.items VALUES (9, 'x')", '25006'],
      ['CREATE TABLE public.other (id int)', '25006'],
      ['TRUNCATE public.items', '25006'],
      ["SELECT nextval('public.counter')::text", '25006'],
      ["DO $$ BEGIN INSERT INTO public.items VALUES (9, 'x'); END $$", '25006'],
    ])('refuses to write: %s', async (sql, sqlState) => {
      const failure = await failureOf(connection.read([rowsOf(sql)]))
      expect(failure.facts).toMatchObject({ sqlState, statement: 0 })
      expect(await count()).toBe('3')
    })

    test.each([
      'SET transaction_read_only = off',
      'SET LOCAL transaction_read_only = off',
      'SET TRANSACTION READ WRITE',
      'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
      'RESET transaction_read_only',
      'COMMIT',
      'ROLLBACK',
      'end',
      'BEGIN',
      '/* hi */ COMMIT AND CHAIN',
      "PREPARE TRANSACTION 'x'",
      'SAVEPOINT s',
    ])('a statement cannot leave the read-only transaction: %s', async (sql) => {
      const { roundTrips } = connection.usage()
      const write = rowsOf("INSERT INTO public.items VALUES (9, 'x')")
      const failure = await failureOf(connection.read([rowsOf(sql), write]))
      expect(failure.facts).toMatchObject({ sqlState: '2D000', statement: 0 })
      expect(connection.usage().roundTrips).toBe(roundTrips)
      expect(await count()).toBe('3')
    })

    test("what the lexer does not see, the server refuses: the transaction's mode through set_config, COMMIT in a DO block", async () => {
      const mode = await failureOf(
        connection.read([rowsOf("SELECT set_config('transaction_read_only', 'off', false)")]),
      )
      expect(mode.facts.sqlState).toBe('25001')
      const commit = await failureOf(connection.read([rowsOf('DO $$ BEGIN COMMIT; END $$')]))
      expect(commit.facts.sqlState).toBe('2D000')
      expect(await count()).toBe('3')
    })

    test.each([
      ['SELECT 1; DROP TABLE public.items', '42601'],
      ['SELECT 1;;SELECT 2', '42601'],
      [`SELECT $$;$$; SELECT ';'`, '42601'],
      [String.raw`SELECT E'\''; DROP TABLE public.items --'`, '42601'],
      ['', '42601'],
      ['-- nothing', '42601'],
      [';', '42601'],
      ["SELECT 'open", '42601'],
      ['SELECT 1 /* open', '42601'],
      ['SELECT 1\0; DROP TABLE public.items', '42601'],
      ['COPY public.items TO STDOUT', '0A000'],
    ])('refuses what is not one statement before it is sent: %j', async (sql, sqlState) => {
      const { roundTrips } = connection.usage()
      const failure = await failureOf(connection.read([rowsOf("SELECT 'first'"), rowsOf(sql)]))
      expect(failure.facts).toMatchObject({ sqlState, statement: 1 })
      expect(connection.usage().roundTrips).toBe(roundTrips)
      expect(await count()).toBe('3')
    })

    test.each([
      'SELECT 1::text;',
      'SELECT 1::text -- the end',
      'SELECT 1::text /* ; */ ; -- the end;',
      "SELECT (CASE WHEN ';' = $a$;$a$ THEN 1 END)::text",
      '(SELECT 1::text)',
      "VALUES ('1')",
    ])('takes one statement however it is written: %s', async (sql) => {
      const [first, second] = await connection.read([scalarOf(sql), scalarOf("SELECT 'next'")])
      expect([first, second]).toEqual(['1', 'next'])
    })

    test('a refused statement is named by its index, with SQLSTATE, position and hint, and nothing after it is run', async () => {
      const failure = await failureOf(
        connection.read([
          rowsOf("SELECT 'fine'"),
          rowsOf("SELECT '🐘ř', notee FROM public.items"),
          rowsOf('SELECT 1/0'),
        ]),
      )
      expect(failure.facts).toMatchObject({ sqlState: '42703', statement: 1, position: 14, detail: null })
      expect(failure.facts.hint).toMatch(/items\.note/)
      expect(failure.message).toMatch(/^column "notee" does not exist/)
    })

    test('a syntax error is the fault of its own statement', async () => {
      const middle = await failureOf(
        connection.read([rowsOf("SELECT 'ř'"), rowsOf('SELEC 1'), rowsOf('SELECT 2::text')]),
      )
      expect(middle.facts).toMatchObject({ sqlState: '42601', statement: 1, position: 1 })
      const atEnd = await failureOf(
        connection.read([rowsOf("SELECT 'ř'"), rowsOf('SELECT 1 FROM'), rowsOf('SELECT 2::text')]),
      )
      expect(atEnd.facts).toMatchObject({ sqlState: '42601', statement: 1, position: 14 })
      expect(atEnd.message).toMatch(/^syntax error at end of input/)
    })

    test('an error while rows are made has no position, and its index all the same', async () => {
      const failure = await failureOf(
        connection.read([rowsOf("SELECT 'a'"), rowsOf('SELECT (1 / (id - 2))::text FROM public.items')]),
      )
      expect(failure.facts).toMatchObject({ sqlState: '22012', statement: 1, position: null })
    })

    test('after an error the connection works, and nothing of the failed look is left', async () => {
      await failureOf(connection.read([rowsOf("SELECT set_config('work_mem', '77MB', false)"), rowsOf('SELECT nope')]))
      expect(await connection.read([scalarOf(settingSql('work_mem'))])).not.toEqual(['77MB'])
      expect(await count()).toBe('3')
    })

    test('an error in a parser reaches the caller, and the connection works on', async () => {
      const broken: Query<never> = {
        sql: "SELECT 'x'",
        parse: () => {
          throw new RangeError('unreadable')
        },
      }
      await expect(connection.read([broken, scalarOf("SELECT 'y'")])).rejects.toThrow('unreadable')
      expect(await count()).toBe('3')
    })

    test('the look is one REPEATABLE READ transaction with pinned settings', async () => {
      const names = [
        ...PINNED_SETTINGS.map(([setting]) => setting),
        'transaction_isolation',
        'transaction_read_only',
        'lock_timeout',
        'statement_timeout',
        'search_path',
      ]
      const values = await connection.read(names.map((setting) => scalarOf(settingSql(setting))))
      const seen = Object.fromEntries(names.map((setting, at) => [setting, values[at]]))
      expect(seen).toMatchObject({
        TimeZone: 'UTC',
        DateStyle: 'ISO, YMD',
        IntervalStyle: 'postgres',
        bytea_output: 'hex',
        jit: 'off',
        standard_conforming_strings: 'on',
        transaction_isolation: 'repeatable read',
        transaction_read_only: 'on',
        lock_timeout: '1s',
        statement_timeout: '10s',
        search_path: 'pg_catalog',
      })
    })

    test('statements of one look share a snapshot', async () => {
      const [first, second] = await connection.read([
        scalarOf('SELECT pg_current_snapshot()::text'),
        scalarOf('SELECT pg_current_snapshot()::text'),
      ])
      expect(first).toBe(second)
    })

    test('settings of the session and of the database do not reach a look, and come back after it', async () => {
      await fixture.run(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''Asia/Tokyo''', current_database()); END $$",
      )
      const other = await fixture.connect()
      const [zone] = await other.read([scalarOf("SELECT timestamptz '2026-01-01 00:00:00+00'::text")])
      expect(zone).toBe('2026-01-01 00:00:00+00')
      await other.close()
      await fixture.run("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET TimeZone', current_database()); END $$")
    })

    test("search path and timeouts are the caller's, a lock timeout of a second at most", async () => {
      const settings = [
        scalarOf(settingSql('search_path')),
        scalarOf(settingSql('statement_timeout')),
        scalarOf(settingSql('lock_timeout')),
      ]
      const values = await connection.read(
        [...settings, scalarOf("SELECT 'items'::regclass::oid = 'tenant.items'::regclass::oid")],
        { searchPath: 'tenant, "$user", public', statementTimeoutMs: 1234, lockTimeoutMs: 90_000 },
      )
      expect(values).toEqual(['tenant, "$user", public', '1234ms', '1s', 't'])
      expect(await connection.read(settings)).toEqual(['pg_catalog', '10s', '1s'])
    })

    test("a connection's own timeouts hold where a look names none", async () => {
      const patient = await fixture.connect({ statementTimeoutMs: 4321, lockTimeoutMs: 100 })
      const values = await patient.read([
        scalarOf(settingSql('statement_timeout')),
        scalarOf(settingSql('lock_timeout')),
      ])
      expect(values).toEqual(['4321ms', '100ms'])
      await patient.close()
    })

    test('a search path that the server refuses is told as that, not as the fault of a statement', async () => {
      const error = await connection
        .read([rowsOf("SELECT 'x'")], { searchPath: '"open' })
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ConnectionError)
      expect((error as ConnectionError).message).toMatch(/search_path/)
      expect(await count()).toBe('3')
    })

    test('a statement that takes too long is cancelled, by itself: the timeout is not shared', async (context) => {
      if (!fixture.timeouts) return context.skip()
      const slow = 'SELECT pg_sleep(0.25)::text'
      await connection.read([rowsOf(slow), rowsOf(slow), rowsOf(slow)], { statementTimeoutMs: 600 })
      const started = Date.now()
      const failure = await failureOf(
        connection.read([rowsOf("SELECT 'x'"), rowsOf('SELECT pg_sleep(20)::text')], { statementTimeoutMs: 200 }),
      )
      expect(Date.now() - started).toBeLessThan(5000)
      expect(failure.facts).toMatchObject({ sqlState: '57014', statement: 1 })
      expect(await count()).toBe('3')
    })

    test('a look that meets a lock gives up, and says which statement met it', async (context) => {
      if (fixture.lock === null) return context.skip()
      const release = await fixture.lock('public.items')
      try {
        const failure = await failureOf(
          connection.read([rowsOf("SELECT 'x'"), rowsOf('SELECT note FROM public.items')], { lockTimeoutMs: 150 }),
        )
        expect(failure.facts).toMatchObject({ sqlState: '55P03', statement: 1 })
      } finally {
        await release()
      }
      expect(await count()).toBe('3')
    })

    test('looks that are asked for at once take turns', async () => {
      const outcomes = await Promise.allSettled([
        connection.read([scalarOf("SELECT 'a'"), scalarOf('SELECT nope')]),
        connection.read([scalarOf("SELECT 'b'")]),
        connection.read([scalarOf("SELECT 'c'")]),
      ])
      expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : outcome.status))).toEqual([
        'rejected',
        ['b'],
        ['c'],
      ])
    })

    test('prepared statements work as the engine uses them, and can be deallocated', async () => {
      await connection.read([
        rowsOf('PREPARE look AS SELECT note FROM public.items WHERE id = $1'),
        rowsOf('DEALLOCATE look'),
      ])
      const failure = await failureOf(
        connection.read([rowsOf('PREPARE look AS INSERT INTO public.items (nope) VALUES (1)')]),
      )
      expect(failure.facts.sqlState).toBe('42703')
      await connection.read([rowsOf('DEALLOCATE ALL')])
    })

    test('usage counts round trips and the bytes of the answers', async () => {
      const before = connection.usage()
      await connection.read([scalarOf("SELECT repeat('x', 10000)"), scalarOf("SELECT 'y'")])
      const after = connection.usage()
      expect(after.roundTrips - before.roundTrips).toBe(connection.traits.batches ? 1 : 6)
      expect(after.bytesRead - before.bytesRead).toBeGreaterThan(10_000)
      expect(after.bytesRead - before.bytesRead).toBeLessThan(12_000)
      await failureOf(connection.read([scalarOf('SELECT nope')]))
      expect(connection.usage().roundTrips - after.roundTrips).toBe(connection.traits.batches ? 2 : 5)
    })
  })
}
