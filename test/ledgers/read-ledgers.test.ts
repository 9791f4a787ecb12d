/** Ledgers of a real database: found, read, refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startDataApi } from '../../local/data-api/server.ts'
import { connect } from '../../functions/connections/connect.ts'
import { drizzle } from '../../functions/ledgers/drizzle.ts'
import { flyway } from '../../functions/ledgers/flyway.ts'
import { knex } from '../../functions/ledgers/knex.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import { readLedgers } from '../../functions/ledgers/read-ledgers.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { candidateTables, expectLedger, ledgerEngine, lookAt, lookAtLedger } from '../support/ledgers.ts'
import { insertRows } from '../support/load-dump.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const FLYWAY = expectLedger(projectOf({ 'm/V1__x.sql': 'SELECT 1', 'm/V2__b.sql': 'SELECT 2' }), 'm')
const KNEX = expectLedger(projectOf({ 'm/a.js': 'exports.up = (knex) => {}', 'knexfile.js': '' }), 'm')

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase()
})
afterAll(() => database.drop())

/** Runs in an emptied database. */
async function having(sql: string): Promise<void> {
  await database.run(
    'DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS "Ops ""1""" CASCADE; DROP SCHEMA IF EXISTS drizzle CASCADE',
  )
  await database.run(sql)
}
const version = (rank: number): Readonly<Record<string, string>> => ({
  installed_rank: String(rank),
  version: String(rank),
  description: 'x',
  type: 'SQL',
  script: `V${rank}__x.sql`,
  checksum: '7',
  installed_by: 'm',
  execution_time: '1',
  success: 't',
})

test('rank orders as a number: ten comes after nine', async () => {
  const rows = Array.from({ length: 12 }, (_, at) => version(at + 1)).reverse()
  await having(`${flyway.ledgerDdl}; ${insertRows('flyway_schema_history', rows)}`)
  const { observation, tables, roundTrips } = await lookAt(database.url, await FLYWAY)
  expect(observation).toMatchObject({ reading: { table: 'public.flyway_schema_history' } })
  expect('reading' in observation ? observation.reading.applied.map(({ key }) => key) : []).toEqual(
    rows.map((row) => row['version']).reverse(),
  )
  expect(tables).toMatchObject([{ schema: 'public', table: 'flyway_schema_history' }])
  expect(roundTrips).toBe(2)
})

test('several ledgers are read together; the lock is one of the tables', async () => {
  await having(
    `${flyway.ledgerDdl}; ${knex.ledgerDdl}; INSERT INTO knex_migrations_lock VALUES (1, 1); ${drizzle.ledgerDdl}`,
  )
  const connection = await connect({ kind: 'url', url: database.url, ca: null })
  const [candidates] = await connection.read([candidateTables()])
  const before = connection.usage().roundTrips
  const ledgers = [await FLYWAY, await KNEX]
  const found = await readLedgers(connection, ledgerEngine, {
    ledgers,
    candidates,
    searchPath: ['public'],
    role: 'watch',
  })
  expect(connection.usage().roundTrips - before).toBe(1)
  await connection.close()
  expect(found.tables.map(({ table }) => table)).toEqual([
    'flyway_schema_history',
    'knex_migrations',
    'knex_migrations_lock',
  ])
  expect(found.observations[1]).toMatchObject({
    reading: {
      lock: { table: 'public.knex_migrations_lock' },
      recognisedBy: expect.stringContaining('knex_migrations_lock stands beside it') as string,
    },
  })
})

test('a schema and a table of any name', async () => {
  const ddl = flyway.ledgerDdl
    .replaceAll('flyway_schema_history', '"Größe ""x"" y"')
    .replace('"Größe ""x"" y"_pk', 'pk')
    .replace('"Größe ""x"" y"_s_idx', 'idx')
  await having(
    `CREATE SCHEMA "Ops ""1"""; SET search_path = "Ops ""1"""; ${ddl}; ${insertRows('"Größe ""x"" y"', [version(1)])}`,
  )
  const { observation } = await lookAt(database.url, {
    ...(await FLYWAY),
    table: { schema: 'Ops "1"', table: 'Größe "x" y' },
  })
  expect(observation).toMatchObject({ reading: { table: 'Ops "1".Größe "x" y', applied: [{ key: '1' }] } })
})

test('a role that may not read the ledger is told what it lacks', async () => {
  await having(flyway.ledgerDdl)
  const role = `watch_${database.name}`
  await database.run(`CREATE ROLE ${role} LOGIN PASSWORD 'w'; GRANT USAGE ON SCHEMA public TO ${role}`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'w'
  try {
    const { observation } = await lookAt(url.href, await FLYWAY)
    expect(observation).toMatchObject({
      problem: { problem: 'denied', table: 'public.flyway_schema_history', role: 'watch' },
    })

    // The privilege went away between the two reads: the server's own words.
    const connection = await connect({ kind: 'url', url: url.href, ca: null })
    const [candidates] = await connection.read([candidateTables()])
    const claimed = candidates.map((table) => ({ ...table, readable: true }))
    const what = { ledgers: [await FLYWAY], candidates: claimed, searchPath: ['public'], role }
    const { observations } = await readLedgers(connection, ledgerEngine, what)
    await connection.close()
    expect(observations[0]).toMatchObject({
      problem: { problem: 'denied', detail: 'permission denied for table flyway_schema_history' },
    })
  } finally {
    await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})

test('one ledger that is refused does not keep the others from being read', async () => {
  await having(`${flyway.ledgerDdl}; ${knex.ledgerDdl}`)
  const role = `some_${database.name}`
  await database.run(
    `CREATE ROLE ${role} LOGIN PASSWORD 'w'; GRANT USAGE ON SCHEMA public TO ${role}; GRANT SELECT ON knex_migrations TO ${role}`,
  )
  const url = new URL(database.url)
  url.username = role
  url.password = 'w'
  try {
    const connection = await connect({ kind: 'url', url: url.href, ca: null })
    const [candidates] = await connection.read([candidateTables()])
    const claimed = candidates.map((table) => ({ ...table, readable: !table.table.endsWith('_lock') }))
    const what = { ledgers: [await FLYWAY, await KNEX], candidates: claimed, searchPath: ['public'], role }
    const { observations } = await readLedgers(connection, ledgerEngine, what)
    await connection.close()
    expect(observations).toMatchObject([{ problem: { problem: 'denied' } }, { reading: { lock: null } }])
  } finally {
    await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  }
})

test('another error than a refusal is thrown on', async () => {
  await having(flyway.ledgerDdl)
  const connection = await connect({ kind: 'url', url: database.url, ca: null })
  const [candidates] = await connection.read([candidateTables()])
  await database.run('DROP TABLE flyway_schema_history')
  const what = { ledgers: [await FLYWAY], candidates, searchPath: ['public'], role: 'watch' }
  await expect(readLedgers(connection, ledgerEngine, what)).rejects.toThrow('does not exist')
  await connection.close()
})

test('the only ledger of the tool, at another place, with none of our migrations: ours is missing', async () => {
  const strange = insertRows('history', [version(1)])
  await having(`${flyway.ledgerDdl.replaceAll('flyway_schema_history', 'history')}; ${strange}`)
  const { observation } = await lookAt(database.url, await FLYWAY)
  expect(observation).toMatchObject({
    problem: {
      problem: 'missing',
      lookedFor: 'public.flyway_schema_history',
      detail: expect.stringContaining('public.history') as string,
    },
  })

  const [first] = (await FLYWAY).migrations
  await database.run(`UPDATE history SET checksum = ${first?.checksums[0] ?? ''}`)
  const ours = await lookAt(database.url, await FLYWAY)
  expect(ours.observation).toMatchObject({
    reading: { table: 'public.history', notes: [expect.stringContaining('is not where Flyway puts it')] },
  })
})

test('a table of the name with other columns, or one that lost some, is said to be there', async () => {
  for (const ddl of [
    'CREATE TABLE flyway_schema_history (id int)',
    `${flyway.ledgerDdl}; ALTER TABLE flyway_schema_history DROP COLUMN checksum`,
  ]) {
    await having(ddl)
    const { observation } = await lookAt(database.url, await FLYWAY)
    expect(observation).toMatchObject({
      problem: {
        problem: 'missing',
        detail: expect.stringContaining('public.flyway_schema_history is there') as string,
      },
    })
  }
  await having('')
  expect((await lookAt(database.url, await FLYWAY)).observation).toMatchObject({
    problem: { problem: 'missing', detail: null },
  })
})

test('a tool without a reader is unsupported, not a crash', async () => {
  await having('')
  const { observation } = await lookAt(database.url, { ...(await FLYWAY), tool: 'tern' })
  expect(observation).toMatchObject({ problem: { problem: 'unsupported', tool: 'tern' } })
})

test('through the Data API 5,000 rows come in pages below its limit, the same rows', async () => {
  const rows = Array.from({ length: 5000 }, (_, at) => version(at + 1))
  await having(`${flyway.ledgerDdl}; ${insertRows('flyway_schema_history', rows)}`)
  const server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  const connection = await connect(dataApiTarget(server.endpoint, database.name))
  try {
    const paged = await lookAtLedger(connection, await FLYWAY)
    const whole = await lookAt(database.url, await FLYWAY)
    expect(paged.observation).toEqual(whole.observation)
    expect('reading' in paged.observation ? paged.observation.reading.applied.length : 0).toBe(5000)
  } finally {
    await connection.close()
    await server.close()
  }
})
