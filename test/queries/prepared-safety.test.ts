/** What is only prepared runs nothing that somebody wrote: tried as superuser, on a database whose domains check by functions that write. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import type { StatementObservation } from '../../functions/core/observation.ts'
import type { Statement } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeStatements } from '../../functions/queries/observe-statements.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'
import { checksSql, trapsSql } from './stage.ts'
import type { Outside, Victim, Witness } from './world.ts'
import { describeWorld, listenOutside, lsn, openVictim, openWitness } from './world.ts'
import { waysToWrite } from './writes.ts'

let database: TestDatabase
let outside: Outside
let witness: Witness
let victim: Victim
let folder = ''
let server: DataApiServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deploywatch-prepared-'))
  // The server runs as another user.
  await chmod(folder, 0o777)
  database = await createDatabase()
  outside = await listenOutside()
  await database.run(trapsSql(outside.port, folder) + checksSql(outside.port, folder))
  witness = await openWitness(database.url)
  victim = await openVictim(database.url)
  server = await startDataApi({ backend: { url: database.url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
})

afterAll(async () => {
  await server?.close()
  await victim?.end()
  await witness?.client.end()
  await outside?.close()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

/** Each would run a CHECK as it is parsed: what it writes is in the name. */
const BY_CONSTANT: readonly string[] = ['locks', 'counts', 'notifies', 'calls_out', 'starts_a_program'].flatMap(
  (domain) => [
    `SELECT '{1}'::${domain}[]`,
    `SELECT CAST('{1}' AS public.${domain}[])`,
    `SELECT E'{1}'::_${domain}`,
    `SELECT $$ {1} $$::${domain}[] -- it's a comment`,
    `SELECT _${domain} '{1}'`,
    `SELECT U&'\\007b1}'::${domain}[]`,
    `SELECT '{'\n'1}'::${domain}[]`,
    `SELECT '(1)'::row_${domain}`,
    `SELECT row_${domain} '(1)'`,
    `SELECT '{"(1)"}'::row_${domain}[]`,
    `SELECT '(1)'::t_${domain}`,
    `SELECT '[1,2)'::range_${domain}`,
    `SELECT '{[1,2)}'::multirange_${domain}`,
    `SELECT '{1}'::many_${domain}`,
    `INSERT INTO t_${domain} (many) VALUES ('{1}')`,
    `INSERT INTO t_${domain} (many, one) VALUES ('{1}', '(1)'), ('{2}', '(2)')`,
    `INSERT INTO t_${domain} (many) SELECT '{1}'`,
    `INSERT INTO t_${domain} (id, many) VALUES ($1, '{1}') ON CONFLICT (id) DO UPDATE SET many = '{2}'`,
    `UPDATE t_${domain} SET one = '(1)' WHERE id = $1`,
    `DELETE FROM t_${domain} WHERE many = '{1}'`,
    `SELECT id FROM t_${domain} WHERE one IN ('(1)'::row_${domain}, one)`,
    `SELECT id FROM t_${domain} WHERE many @> '{1}' OR '1' = ANY (many)`,
    `SELECT takes_${domain}('{1}')`,
    `SELECT many FROM t_${domain} UNION SELECT '{1}'`,
    `SELECT CASE WHEN id = 1 THEN '{1}' ELSE many END FROM t_${domain}`,
    `SELECT coalesce(many, '{1}') FROM t_${domain}`,
    `SELECT coalesce(many, n'{1}', B'1'::text::${domain}[], '{1}') FROM t_${domain}`,
    `WITH x AS (SELECT '{1}'::${domain}[] AS a) SELECT a FROM x`,
    `MERGE INTO t_${domain} t USING (SELECT 1) s ON t.many = '{1}' WHEN MATCHED THEN DELETE`,
  ],
)

function statementOf(sql: string, at: number): Statement {
  return { subject: `q${at}`, sql, source: null, from: 'config', calls: null, expect: null }
}

async function prepare(through: Connection, sqls: readonly string[]): Promise<readonly StatementObservation[]> {
  return observeStatements(through, postgres, sqls.map(statementOf), '"public"')
}

const wire = (): Promise<Connection> => connect({ kind: 'url', url: database.url, ca: null })
const dataApi = (): Promise<Connection> => connect(dataApiTarget(server.endpoint, database.name))

describe.each([
  ['on the wire', wire],
  ['through the Data API', dataApi],
])('a statement without an expectation, %s', (_where, open) => {
  test('is prepared without running a CHECK by one of its constants', async () => {
    const through = await open()
    const since = await lsn(witness)
    const before = await describeWorld(witness, { outside, victim, folder, since })
    const observed = await prepare(through, BY_CONSTANT)
    const after = await describeWorld(witness, { outside, victim, folder, since })
    await through.close()
    expect(after).toEqual(before)
    expect(before).toMatchObject({ calls: 0, victim: true, files: [], notifications: [], wal: [] })
    // None is a break: every name in them is there. Most prepare; of the others it is said why not.
    const errors = observed.flatMap(({ error }) => (error === null ? [] : [error]))
    expect(errors.filter(({ sqlState }) => postgres.breaks.has(sqlState))).toEqual([])
    expect(errors.length).toBeLessThanOrEqual(BY_CONSTANT.length * 0.15)
    for (const { message } of errors) expect(message).toContain('may run the CHECK of a domain')
  })

  test('writes nothing, whatever it is', async () => {
    const through = await open()
    const since = await lsn(witness)
    const sqls = waysToWrite({ port: outside.port, pid: victim.pid, folder }).map(({ sql }) => sql)
    const before = await describeWorld(witness, { outside, victim, folder, since })
    await prepare(through, sqls)
    expect(await describeWorld(witness, { outside, victim, folder, since })).toEqual(before)
    await through.close()
  })
})

describe('where domains check by functions', () => {
  test('what breaks is told as elsewhere, with its place, and constants of an enum are still read', async () => {
    const through = await wire()
    const observed = await prepare(through, [
      "SELECT '{1}'::locks[], gone FROM t_locks",
      "SELECT '{1}'::locks[] FROM t_locks WHERE mood = 'sad'",
      "SELECT '{1}'::locks[] FROM t_locks WHERE mood = 'glad'",
      "SELECT interval '1 day', date '2026-01-01', timestamp(3) '2026-01-01' FROM t_locks WHERE note <> 'it''s'",
      "SELECT id FROM t_locks WHERE note = 'x' AND id > $1",
    ])
    await through.close()
    expect(observed.map(({ error }) => error)).toEqual([
      { sqlState: '42703', message: 'column "gone" does not exist', position: 24 },
      { sqlState: '22P02', message: 'invalid input value for enum mood: "sad"', position: 49 },
      null,
      null,
      null,
    ])
  })

  test('hundreds still cost a few round trips', async () => {
    const through = await wire()
    const sqls = Array.from({ length: 300 }, (_, at) => `INSERT INTO t_locks (id, many) VALUES (${at}, '{1}')`)
    const observed = await prepare(through, sqls)
    expect(observed.every(({ error, refused }) => error === null && refused === null)).toBe(true)
    expect(through.usage().roundTrips).toBeLessThanOrEqual(12)
    await through.close()
  })

  test('where PL/pgSQL is not to be had, it holds as well', async () => {
    await database.run(
      `REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC; CREATE ROLE plain_${database.name} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA public TO plain_${database.name}; GRANT ALL ON ALL TABLES IN SCHEMA public TO plain_${database.name}`,
    )
    const url = new URL(database.url)
    url.username = `plain_${database.name}`
    url.password = 'x'
    const through = await connect({ kind: 'url', url: url.href, ca: null })
    const since = await lsn(witness)
    const before = await describeWorld(witness, { outside, victim, folder, since })
    const observed = await prepare(through, ["SELECT '{1}'::locks[]", "SELECT '{1}'::locks[], gone FROM t_locks"])
    expect(await describeWorld(witness, { outside, victim, folder, since })).toEqual(before)
    await through.close()
    await database.run(
      `DROP OWNED BY plain_${database.name}; DROP ROLE plain_${database.name}; GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC`,
    )
    expect(observed.map(({ error }) => error?.sqlState ?? null)).toEqual([null, '42703'])
  })

  test.each([
    ['locks', 'locks'],
    ['counts', 'sequences'],
    ['notifies', 'notifications'],
    ['calls_out', 'calls'],
    ['starts_a_program', 'files'],
  ])('the trap %s springs when nobody is careful', async (domain, fact) => {
    const own = await wire()
    const since = await lsn(witness)
    const before = await describeWorld(witness, { outside, victim, folder, since })
    const sql = `PREPARE p AS SELECT '{1}'::${domain}[]`
    if (domain === 'counts' || domain === 'notifies' || domain === 'starts_a_program')
      await database.run(sql).catch(() => null)
    else await own.read([{ sql, parse: () => null }], { searchPath: '"public"' }).catch(() => null)
    await expect
      .poll(async () => (await describeWorld(witness, { outside, victim, folder, since }))[fact])
      .not.toEqual(before[fact])
    await own.close()
  })
})
