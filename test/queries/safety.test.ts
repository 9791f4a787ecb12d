/** A query changes nothing and reaches nothing outside: tried for real, as superuser, on everything that would. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import type { QueryObservation, StatementObservation } from '../../functions/core/observation.ts'
import type { Statement } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeQueries } from '../../functions/queries/observe-queries.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { trapsSql } from './stage.ts'
import type { Outside, Victim, Witness } from './world.ts'
import { describeWorld, listenOutside, lsn, openVictim, openWitness } from './world.ts'
import { waysToWrite } from './writes.ts'

let database: TestDatabase
let connection: Connection
let outside: Outside
let witness: Witness
let victim: Victim
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-outside-'))
  // The server runs as another user.
  await chmod(folder, 0o777)
  database = await createDatabase()
  outside = await listenOutside()
  await database.run(trapsSql(outside.port, folder))
  witness = await openWitness(database.url)
  victim = await openVictim(database.url)
  connection = await connect({ kind: 'url', url: database.url, ca: null })
})

afterAll(async () => {
  await connection?.close()
  await victim?.end()
  await witness?.client.end()
  await outside?.close()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

const PATH = '"public"'

function statementOf(sql: string, at: number): Statement {
  return { subject: `q${at}`, sql, source: null, from: 'config', calls: null, expect: { minRows: 0 } }
}

interface Tried {
  readonly prepared: StatementObservation | undefined
  readonly observed: QueryObservation | undefined
}

/** As a look does it: judged, prepared, and run when nothing speaks against it. */
async function tryAll(through: Connection, sqls: readonly string[]): Promise<readonly Tried[]> {
  const statements = sqls.map(statementOf)
  const { prepared, observed } = await observeQueries(through, postgres, { statements, searchPath: PATH })
  return statements.map(({ subject }) => ({
    prepared: prepared.find((one) => one.subject === subject),
    observed: observed.find((one) => one.subject === subject),
  }))
}

function fate({ prepared, observed }: Tried): string {
  if (prepared !== undefined && prepared.refused !== null) return 'refused'
  if (prepared !== undefined && prepared.error !== null) return 'not prepared'
  return observed?.outcome.kind ?? 'lost'
}

const sqlOf = (): readonly string[] =>
  waysToWrite({ port: outside.port, pid: victim.pid, folder }).map(({ sql }) => sql)

describe('a way to write through a query', () => {
  test('leaves data, sequences, locks, notifications, sessions, WAL, files and the outside as they were', async () => {
    const since = await lsn(witness)
    const sqls = sqlOf()
    expect(sqls.length).toBeGreaterThan(250)
    const before = await describeWorld(witness, { outside, victim, folder, since })
    const tried = await tryAll(connection, sqls)
    const after = await describeWorld(witness, { outside, victim, folder, since })
    expect(after).toEqual(before)
    expect(before).toMatchObject({ calls: 0, victim: true, files: [], notifications: [], wal: [] })
    // None was run at all: what the server does not even prepare needs no judge.
    const run = sqls.filter((_, at) => !['refused', 'not prepared'].includes(fate(tried[at] as Tried)))
    expect(run).toEqual([])
  })

  test('is refused by the judge alone, whether or not the server would prepare it', async () => {
    const sqls = sqlOf()
    const judged = await postgres.judgeQueries(
      connection,
      sqls.map((sql) => ({ sql })),
      PATH,
    )
    const reasons = judged.map(({ refused, unknown }) => refused ?? unknown)
    expect(sqls.filter((_, at) => reasons[at] === null)).toEqual([])
    for (const reason of reasons) expect(reason).toMatch(/^[^A-Z.].*[^.]$/su)
  })

  test('leaves the session as it was', async () => {
    const [left] = await connection.read([
      {
        sql: `SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('transaction_read_only'), pg_catalog.current_setting('search_path'), (SELECT pg_catalog.count(*) FROM pg_prepared_statements))`,
        parse: (rows) => rows[0]?.[0],
      },
    ])
    expect(left).toBe('on pg_catalog 0')
  })

  test('is refused through the Data API as well', async () => {
    const server = await startDataApi({
      backend: { url: database.url },
      clusters: [CLUSTER],
      secrets: { [SECRET]: null },
    })
    const through = await connect(dataApiTarget(server.endpoint, database.name))
    try {
      const since = await lsn(witness)
      const sqls = [
        'DELETE FROM orders',
        'WITH x AS (DELETE FROM orders RETURNING *) SELECT * FROM x',
        "SELECT nextval('counter')",
        'SELECT * FROM over_innocent',
        'SELECT take_lock_in_depth()',
        "SELECT pg_notify('watched', 'x')",
        `SELECT pg_terminate_backend(${victim.pid})`,
        'SELECT pg_switch_wal()',
        'SELECT 1; DELETE FROM orders',
        'SELECT * FROM orders FOR UPDATE',
        'TABLE elsewhere_orders',
        'SELECT o.sneaky FROM orders o',
      ]
      const before = await describeWorld(witness, { outside, victim, folder, since })
      const tried = await tryAll(through, sqls)
      expect(await describeWorld(witness, { outside, victim, folder, since })).toEqual(before)
      expect(tried.map(fate).filter((one) => one !== 'refused' && one !== 'not prepared')).toEqual([])
    } finally {
      await through.close()
      await server.close()
    }
  })
})

describe('the traps of this test spring', () => {
  test.each([
    ['an advisory lock behind a STABLE function', 'SELECT take_lock_as_stable()', 'locks'],
    ['a view', 'SELECT * FROM hidden.innocent', 'locks'],
    ['preparing, by a literal', "PREPARE p AS SELECT '{1}'::checked[]", 'locks'],
    ['a row’s function', 'SELECT o.sneaky FROM orders o', 'locks'],
    ['an operator', 'SELECT 1 @@@ 2', 'locks'],
    ['a domain', "SELECT pg_input_is_valid('1', 'checked')", 'locks'],
    ['a default', 'SELECT take_lock_by_default()', 'locks'],
    ['a cast', "SELECT '(1)'::box_of::text", 'locks'],
    ['an aggregate', 'SELECT sneaky_sum(id) FROM orders', 'locks'],
    ['a program', 'SELECT program_runs()', 'files'],
    ['a foreign table', 'SELECT * FROM programmed', 'files'],
    ['a WAL switch', 'SELECT pg_switch_wal()', 'wal'],
    ['a logical message', "SELECT pg_logical_emit_message(false, 'w', 'x')", 'wal'],
    ['dblink', `SELECT by_stable_dblink()`, 'calls'],
    ['the end of a session', 'SELECT pg_terminate_backend(VICTIM)', 'victim'],
  ])('%s works in a read-only transaction that nobody judges', async (_what, sql, fact) => {
    const own = await connect({ kind: 'url', url: database.url, ca: null })
    const prey = await openVictim(database.url)
    try {
      const since = await lsn(witness)
      const before = await describeWorld(witness, { outside, victim: prey, folder, since })
      await own
        .read([{ sql: sql.replace('VICTIM', String(prey.pid)), parse: () => null }], { searchPath: PATH })
        .catch(() => null)
      // What a session leaves behind is there until it ends; a signal takes a moment.
      await expect
        .poll(async () => (await describeWorld(witness, { outside, victim: prey, folder, since }))[fact])
        .not.toEqual(before[fact])
    } finally {
      await own.close()
      if (prey.lives()) await prey.end()
    }
  })
})
