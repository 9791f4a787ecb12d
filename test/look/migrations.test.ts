/** What an environment shows of a release's migrations: over the wire and the Data API, as a role that may read the ledger alone. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Connection, DatabaseTarget } from '../../functions/connections/connection.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { MigrationEvidence } from '../../functions/core/migration-evidence.ts'
import { takeMigrationsLook } from '../../functions/looking.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { flywayHistory, releaseOf } from '../support/looks.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const FILES: Readonly<Record<string, string>> = {
  'db/V1__orders.sql': 'CREATE TABLE orders (id bigint PRIMARY KEY, total numeric);\n',
  'db/V2__events.sql': `CREATE SCHEMA log;
CREATE TABLE log.events (day date NOT NULL, note text) PARTITION BY RANGE (day);
CREATE TABLE log.events_1 PARTITION OF log.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE log.events_2 PARTITION OF log.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');\n`,
  'db/V3__note.sql': 'ALTER TABLE orders ADD COLUMN note text;\nCREATE INDEX orders_note_idx ON orders (note);\n',
  'db/V4__backfill.sql': "UPDATE orders SET note = 'none';\n",
}
const RAN = Object.fromEntries(Object.entries(FILES).slice(0, 2))

let database: TestDatabase
let server: DataApiServer
let release: ReleaseManifest
let role = ''

beforeAll(async () => {
  database = await createDatabase()
  role = `watch_${database.name}`
  release = await releaseOf({ config: 'migrations: { tool: flyway, path: db }\nenvironments: {}\n', files: FILES })
  await database.run(`${Object.values(RAN).join('')}${flywayHistory(RAN)};
    UPDATE flyway_schema_history SET execution_time = 1234 WHERE version = '2';
    INSERT INTO orders SELECT n, n FROM generate_series(1, 20000) n; ANALYZE orders;
    INSERT INTO log.events SELECT '2026-01-02', 'x' FROM generate_series(1, 1000); INSERT INTO log.events SELECT '2026-02-02', 'x' FROM generate_series(1, 500);
    ANALYZE log.events_1; ANALYZE log.events_2;
    CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA log TO ${role}; GRANT SELECT ON flyway_schema_history TO ${role}`)
  server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: { username: role, password: 'x' } },
  })
})

afterAll(async () => {
  await server?.close()
  await database?.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  await database?.drop()
})

const wire = (): DatabaseTarget => {
  const url = new URL(database.url)
  url.username = role
  url.password = 'x'
  return { kind: 'url', url: url.href, ca: null }
}

async function take(target: DatabaseTarget, open?: () => Promise<Connection>) {
  const environment = { name: 'staging', target, searchPath: [] }
  const looked = { environment, release, connect: open ?? (() => connect(target)), clock: Date.now }
  return takeMigrationsLook(looked, Date.now(), 60_000)
}

test.each([
  ['the wire', wire],
  ['the Data API', () => dataApiTarget(server.endpoint, database.name)],
] as const)('over %s it shows states, durations, and the size and age of what each one touched', async (_, target) => {
  const before = server.calls.length
  const { evidence, unseen } = await take(target())
  expect(unseen).toEqual([])
  const seen = evidence as MigrationEvidence
  expect(seen.server.engine).toBe('postgres')
  expect(
    seen.records.map(({ subject, state, took, tables }) => [subject, state, took?.ms ?? null, tables.join()]),
  ).toEqual([
    ['V1__orders.sql', 'applied', 1, 'orders'],
    ['V2__events.sql', 'applied', 1234, 'log.events'],
    ['V3__note.sql', 'missing', null, 'orders'],
    ['V4__backfill.sql', 'missing', null, 'orders'],
  ])
  expect(seen.records.map(({ at }) => at !== null && /^\d{4}-.*Z$/u.test(at))).toEqual([true, true, false, false])
  expect(seen.objects?.differing.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
    'column-missing orders.note',
    'index-missing orders_note_idx',
  ])
  const sizes = Object.fromEntries(seen.volumes.map((volume) => [volume.table, volume]))
  expect(Object.keys(sizes).sort()).toEqual(['log.events', 'orders'])
  expect(sizes['orders']?.rows).toBe(20_000)
  expect(sizes['orders']?.totalBytes).toBeGreaterThan(sizes['orders']?.heapBytes ?? 0)
  // Of a partitioned table it is what its partitions hold.
  expect(sizes['log.events']?.rows).toBe(1500)
  for (const { countedAt, seenAt } of seen.volumes) {
    expect(Date.parse(countedAt ?? '')).toBeLessThanOrEqual(Date.parse(seenAt) + 1000)
    expect(Date.parse(seenAt) - Date.parse(countedAt ?? '')).toBeLessThan(600_000)
  }
  // Begin, settings, catalog, ledger, sizes, rollback: few, whatever the number of tables.
  expect(server.calls.length - before).toBeLessThanOrEqual(50)
})

test('a count that nobody made is none, and rows that came since are reckoned by the pages', async () => {
  const fresh = await createDatabase()
  try {
    await fresh.run(`${Object.values(RAN).join('')}${flywayHistory(RAN)};
      ALTER TABLE orders SET (autovacuum_enabled = off); INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) n`)
    const target = { kind: 'url', url: fresh.url, ca: null } as const
    const never = (await take(target)).evidence?.volumes
    expect(never?.find(({ table }) => table === 'orders')).toMatchObject({ rows: null, countedAt: null })
    // No page, no row: nobody has to count that.
    expect(never?.find(({ table }) => table === 'log.events')).toMatchObject({ rows: 0, heapBytes: 0 })
    await fresh.run('ANALYZE orders; INSERT INTO orders SELECT n, n FROM generate_series(1001, 5000) n')
    const grown = (await take(target)).evidence?.volumes.find(({ table }) => table === 'orders')
    expect(grown?.rows).toBeGreaterThan(4500)
    expect(grown?.rows).toBeLessThan(5500)
  } finally {
    await fresh.drop()
  }
})

test('a ledger that may not be read leaves states unknown, one that is not there leaves all of them missing', async () => {
  const fresh = await createDatabase()
  const other = `other_${fresh.name}`
  try {
    await fresh.run(
      `${Object.values(RAN).join('')}${flywayHistory(RAN)}; CREATE ROLE ${other} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA log TO ${other}`,
    )
    const url = new URL(fresh.url)
    url.username = other
    url.password = 'x'
    const denied = await take({ kind: 'url', url: url.href, ca: null })
    expect(denied.evidence?.records.map(({ state, at, took }) => [state, at, took])).toEqual(
      Array.from({ length: 4 }, () => ['unknown', null, null]),
    )
    expect(denied.unseen.map(({ code, subject }) => [code, subject])).toEqual([
      ['permission-denied', 'public.flyway_schema_history'],
    ])
    await fresh.run('DROP TABLE flyway_schema_history')
    const none = await take({ kind: 'url', url: fresh.url, ca: null })
    expect(new Set(none.evidence?.records.map(({ state }) => state))).toEqual(new Set(['missing']))
  } finally {
    await fresh.run(`DROP OWNED BY ${other}; DROP ROLE ${other}`)
    await fresh.drop()
  }
})

test('a lock on a table leaves its size unknown, and says who holds it; what else was seen stays', async () => {
  const holder = new (await import('pg')).Client({ connectionString: database.url })
  await holder.connect()
  try {
    await holder.query('BEGIN; LOCK TABLE log.events_1 IN ACCESS EXCLUSIVE MODE')
    const { evidence, unseen } = await take(wire())
    expect(evidence?.records[0]?.state).toBe('applied')
    expect(evidence?.volumes).toEqual([])
    expect(unseen.map(({ code }) => code)).toEqual(['look-blocked'])
  } finally {
    await holder.end()
  }
})

test('a database that cannot be reached shows nothing, and says why', async () => {
  const { evidence, unseen } = await take({ kind: 'url', url: 'postgres://127.0.0.1:1/orders', ca: null })
  expect(evidence).toBeNull()
  expect(unseen.map(({ code }) => code)).toEqual(['database-unreachable'])
})
