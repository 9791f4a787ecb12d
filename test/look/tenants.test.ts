/** One release against forty tenants' schemas of one PostgreSQL: what they cost together, and who has what. */
import { createHash } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Report } from '../../functions/core/report.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection, Query } from '../../functions/connections/connection.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { sqlx } from '../../functions/ledgers/sqlx.ts'
import { LEDGER_COLUMN_SETS } from '../../functions/ledgers/read-ledgers.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { amiss, flywayHistory, look, releaseOf } from '../support/looks.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { unmoved } from '../support/unmoved.ts'

const FILES: Readonly<Record<string, string>> = {
  'db/migration/V40__orders.sql': `CREATE TYPE state AS ENUM ('new', 'done');
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'nobody');
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL REFERENCES customers (id), state state NOT NULL DEFAULT 'new');
CREATE FUNCTION done(state) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = ''done''';
CREATE VIEW open_orders AS SELECT o.id FROM orders o WHERE o.state <> 'done';\n`,
  'db/migration/V41__items.sql': `CREATE TABLE products (id bigint PRIMARY KEY, price numeric(12,2) CHECK (price > 0));
CREATE TABLE items (orders bigint REFERENCES orders (id), product bigint REFERENCES products (id), PRIMARY KEY (orders, product));
CREATE TABLE stock (product bigint REFERENCES products (id), pieces int DEFAULT 0);\n`,
  'db/migration/V42__add_status_note.sql':
    'ALTER TABLE orders ADD COLUMN status_note text;\nCREATE INDEX orders_status_note_idx ON orders (status_note);\n',
}
const TENANTS = Array.from({ length: 40 }, (_, at) => `tenant_${at + 1}`)
const PATTERNS = { schemas: ['tenant_*'], except: ['tenant_template'] }

function tenantSql(schema: string, files: Readonly<Record<string, string>>, ledger = true): string {
  const history = ledger ? flywayHistory(files) : ''
  return `CREATE SCHEMA ${schema}; SET search_path = ${schema}; ${Object.values(files).join('\n')}; ${history};`
}

let release: ReleaseManifest
let whole: TestDatabase
let database: TestDatabase

beforeAll(async () => {
  const config = 'migrations: { path: db/migration }\nqueries: [{ name: notes, sql: SELECT status_note FROM orders }]\n'
  ;[release, whole] = await Promise.all([releaseOf({ config, files: FILES }), createDatabase()])
  await whole.run([...TENANTS.map((name) => tenantSql(name, FILES)), 'CREATE SCHEMA tenant_template'].join('\n'))
})
afterAll(() => whole.drop())
beforeEach(async () => {
  database = await createDatabase(inject('postgresUrl'), whole.name)
  return async () => database.drop()
})

function lookAt(options: Parameters<typeof look>[2] = {}): Promise<Report> {
  return look(release, database.url, { tenants: PATTERNS, ...options })
}

async function expectUnchanged(manifest: ReleaseManifest, options: Parameters<typeof look>[2]): Promise<void> {
  expect((await unmoved(() => look(manifest, database.url, options))).verdict).toBe('pass')
}

function behind(schema: string): string {
  return `SET search_path = ${schema}; ALTER TABLE orders DROP COLUMN status_note; DELETE FROM flyway_schema_history WHERE version = '42';`
}

describe('tenants that are all alike', () => {
  test('pass, in two round trips beside the statements, however many they are', async () => {
    const { expectation } = release
    const bare = { ...release, expectation: { ...expectation, statements: [] } }
    const all = await look(bare, database.url, { tenants: PATTERNS })
    expect(all).toMatchObject({ verdict: 'pass', findings: [], database: { roundTrips: 2 } })
    expect(all.notes).toContain('all 40 schemas of tenant_* were looked at')
    const one = await look(bare, database.url, { tenants: { schemas: ['tenant_7'], except: [] } })
    expect(one).toMatchObject({ verdict: 'pass', database: { roundTrips: 2 } })
    const bytes = (report: Report): number => report.database?.bytesRead ?? 0
    expect(bytes(all)).toBeLessThan(bytes(one) + 3_000)
  })

  test('are remembered with a third one, and cost one as long as nothing moves in any of them', async () => {
    const { expectation } = release
    const bare = { ...release, expectation: { ...expectation, statements: [] } }
    const store = folderStore(await mkdtemp(join(tmpdir(), 'deploywatch-tenants-')))
    const options = { tenants: PATTERNS, store }
    expect(await look(bare, database.url, options)).toMatchObject({ verdict: 'pass', database: { roundTrips: 3 } })
    await expectUnchanged(bare, options)
    await database.run(`UPDATE tenant_31.flyway_schema_history SET success = false WHERE version = '42'`)
    expect(amiss(await look(bare, database.url, options))).toEqual(['migration-failed V42__add_status_note.sql'])
    await database.run(`UPDATE tenant_31.flyway_schema_history SET success = true WHERE version = '42'`)
    await expectUnchanged(bare, options)
    await database.run('CREATE SCHEMA tenant_new')
    expect(await look(bare, database.url, options)).toMatchObject({ verdict: 'fail' })
  })

  test('a session that ends before it is remembered costs the shortcut alone', async () => {
    const store = folderStore(await mkdtemp(join(tmpdir(), 'deploywatch-tenants-')))
    const { expectation } = release
    const bare = { ...release, expectation: { ...expectation, statements: [] } }
    let reads = 0
    const open = async (): Promise<Connection> => {
      const connection = await connect({ kind: 'url', url: database.url, ca: null })
      const read: Connection['read'] = async (...asked) => {
        if ((reads += 1) === 3)
          await database.run(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database.name}' AND pid <> pg_backend_pid()`,
          )
        return connection.read(...asked)
      }
      return { ...connection, read }
    }
    expect(await look(bare, open, { tenants: PATTERNS, store })).toMatchObject({ verdict: 'pass', findings: [] })
    expect(reads).toBe(3)
    expect(await look(bare, database.url, { tenants: PATTERNS, store })).toMatchObject({
      verdict: 'pass',
      database: { roundTrips: 3 },
    })
  })

  test('the locks that reading their ledgers takes are counted before they are taken', async () => {
    const connection = await connect({ kind: 'url', url: database.url, ca: null })
    try {
      const held: Query<number> = {
        sql: `SELECT count(*)::text FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE l.pid = pg_backend_pid() AND n.nspname LIKE 'tenant%'`,
        parse: (rows) => Number(rows[0]?.[0]),
      }
      const [{ candidates, lockRoom }, , locks] = await connection.read([
        postgres.tenants.sight(PATTERNS, LEDGER_COLUMN_SETS),
        postgres.tenants.tableDigest(PATTERNS, 'flyway_schema_history'),
        held,
      ])
      expect(candidates.map((group) => [group.table, group.locks])).toEqual([['flyway_schema_history', locks]])
      // Of each the table, its primary key and one index more.
      expect(locks).toBe(3 * TENANTS.length)
      expect(lockRoom).toBeGreaterThan(2 * locks)
    } finally {
      await connection.close()
    }
  })

  test('the rows of a run at another time, by another, are no difference', async () => {
    await database.run(
      `UPDATE tenant_9.flyway_schema_history SET installed_on = now() - interval '1 day', installed_by = 'other', execution_time = 77`,
    )
    expect(await lookAt()).toMatchObject({ verdict: 'pass' })
  })
})

describe('tenants that differ', () => {
  test('one finding a root cause, with those that have it by name', async () => {
    await database.run([behind('tenant_7'), behind('tenant_19'), behind('tenant_4')].join('\n'))
    const { verdict, findings } = await lookAt()
    expect(verdict).toBe('fail')
    expect(findings).toHaveLength(1)
    expect(findings[0]).toMatchObject({
      code: 'migration-missing',
      subject: 'V42__add_status_note.sql',
      consequences: ['column-missing orders.status_note', 'index-missing orders_status_note_idx', 'query-broken notes'],
    })
    expect(findings[0]?.found).toMatch(
      /^3 of 40 schemas: tenant_19, tenant_4, tenant_7; in tenant_19: tenant_19\.flyway_schema_history has 2 migrations/,
    )
  })

  test('how long what is missing will take is not said, and that it is not is', async () => {
    await database.run([behind('tenant_7'), behind('tenant_19')].join('\n'))
    const { findings, notes } = await lookAt()
    expect(findings.map(({ code, estimate }) => [code, estimate])).toEqual([['migration-missing', null]])
    expect(notes).toContain(
      'no estimate of how long V42__add_status_note.sql will take: it would run once a schema, and what many small tables take was not measured; name one of the schemas as searchPath of an environment of its own to have one of that',
    )
    await database.run('DROP SCHEMA tenant_7 CASCADE; DROP SCHEMA tenant_19 CASCADE')
    expect((await lookAt()).notes.filter((note) => note.startsWith('no estimate'))).toEqual([])
  })

  test('a tenant with another cause has a finding of its own; what both miss is one', async () => {
    await database.run(
      `${behind('tenant_2')} SET search_path = tenant_3; DROP VIEW open_orders; ${behind('tenant_5')} DROP TABLE stock;`,
    )
    const { findings } = await lookAt()
    expect(findings.map(({ code, subject, found }) => [code, subject, found.replace(/;.*/, '')])).toEqual(
      expect.arrayContaining([
        ['migration-missing', 'V42__add_status_note.sql', '2 of 40 schemas: tenant_2, tenant_5'],
        ['view-missing', 'open_orders', '1 of 40 schemas: tenant_3'],
        ['table-missing', 'stock', '1 of 40 schemas: tenant_5'],
      ]),
    )
    expect(findings).toHaveLength(3)
  })

  test('one that was made half way: no ledger, no tables', async () => {
    await database.run(`CREATE SCHEMA tenant_41; CREATE TABLE tenant_41.customers (id bigint PRIMARY KEY)`)
    const { verdict, findings } = await lookAt()
    expect(verdict).toBe('fail')
    expect(findings.map(({ code, subject }) => `${code} ${subject}`)).toEqual([
      'ledger-missing tenant_41.flyway_schema_history',
    ])
    expect(findings[0]?.found).toMatch(/^1 of 41 schemas: tenant_41; /)
    expect(findings[0]?.consequences).toContain('table-missing orders')
  })

  test('a reference into another tenant is no reference of its own', async () => {
    await database.run(
      `SET search_path = tenant_8; ALTER TABLE stock DROP CONSTRAINT stock_product_fkey; ALTER TABLE stock ADD CONSTRAINT stock_product_fkey FOREIGN KEY (product) REFERENCES tenant_9.products (id)`,
    )
    expect(amiss(await lookAt())).toEqual(['object-differs stock_product_fkey'])
  })

  test('more than a sentence holds are counted there, and all named in a note', async () => {
    await database.run(TENANTS.slice(0, 15).map(behind).join('\n'))
    const { findings, notes } = await lookAt()
    expect(findings[0]?.found).toMatch(/^15 of 40 schemas: (tenant_\d+, ){9}tenant_\d+ and 5 more; in /)
    expect(notes.find((note) => note.startsWith('migration-missing'))?.match(/tenant_\d+/g)).toHaveLength(15)
  })
})

describe('what cannot be looked at is no pass', () => {
  test('no tenant is there, or one that is named', async () => {
    const none = await lookAt({ tenants: { schemas: ['shop_*'], except: [] } })
    expect(none).toMatchObject({ verdict: 'fail', findings: [{ code: 'expectation-empty', subject: 'shop_*' }] })
    const named = await lookAt({ tenants: { schemas: ['tenant_1', 'tenant_99'], except: [] } })
    expect(amiss(named)).toEqual(['expectation-empty tenant_99'])
  })

  test('a schema and a ledger that the role may not use are named', async () => {
    const role = `watch_${database.name}`
    const url = new URL(database.url)
    await database.run(`CREATE ROLE ${role} LOGIN PASSWORD '${url.password}';
      ${TENANTS.map((name) => `GRANT USAGE ON SCHEMA ${name} TO ${role}; GRANT SELECT ON ALL TABLES IN SCHEMA ${name} TO ${role};`).join('\n')}
      REVOKE USAGE ON SCHEMA tenant_12 FROM ${role}; REVOKE SELECT ON tenant_30.flyway_schema_history FROM ${role};`)
    url.username = role
    try {
      const report = await look(release, url.href, { tenants: PATTERNS })
      expect(report.verdict).toBe('unsure')
      const denied = report.findings.filter(({ code }) => code === 'permission-denied')
      expect(denied.map(({ subject }) => subject).toSorted()).toEqual(['tenant_12', 'tenant_30.flyway_schema_history'])
      expect(denied.map(({ found }) => found.replace(/;.*/, '')).toSorted()).toEqual([
        '1 of 40 schemas: tenant_12',
        '1 of 40 schemas: tenant_30',
      ])
    } finally {
      await database.run(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    }
  })
})

test('one ledger for all tenants is told from one in each: by where it is', async () => {
  const other = await createDatabase()
  try {
    const tenants = TENANTS.slice(0, 5).map((name) => tenantSql(name, FILES, false))
    await other.run(`${tenants.join('\n')} SET search_path = public; ${flywayHistory(FILES)}`)
    expect(await look(release, other.url, { tenants: PATTERNS })).toMatchObject({ verdict: 'pass' })
    await other.run('ALTER TABLE tenant_4.orders DROP COLUMN status_note')
    const broken = await look(release, other.url, { tenants: PATTERNS })
    expect(amiss(broken)).toEqual(['column-missing orders.status_note'])
    expect(broken.findings[0]?.found).toMatch(/^1 of 5 schemas: tenant_4; /)
    await other.run(`DELETE FROM flyway_schema_history WHERE version = '42'`)
    const { findings } = await look(release, other.url, { tenants: PATTERNS })
    expect(findings.map(({ code, found }) => `${code} ${found.replace(/;.*/, '')}`)).toEqual([
      'migration-missing all 5 schemas: tenant_1, tenant_2, tenant_3, tenant_4, tenant_5',
    ])
  } finally {
    await other.drop()
  }
})

describe('files that two tools name alike', () => {
  const NAMED: Readonly<Record<string, string>> = {
    'm/0001_a.up.sql': 'CREATE TABLE a (id bigint PRIMARY KEY);\n',
    'm/0001_a.down.sql': 'DROP TABLE a;\n',
    'm/0002_b.up.sql': 'CREATE TABLE b (id bigint PRIMARY KEY);\n',
  }
  const tables = (count: number): string =>
    ['a', 'b']
      .slice(0, count)
      .map((name) => `CREATE TABLE ${name} (id bigint PRIMARY KEY);`)
      .join('\n')
  const sqlxRows = (count: number): string =>
    Object.values(NAMED)
      .filter((text) => text.startsWith('CREATE'))
      .slice(0, count)
      .map(
        (text, at) =>
          `INSERT INTO _sqlx_migrations VALUES (${at + 1}, 'a', now(), true, '\\x${createHash('sha384').update(text).digest('hex')}', 1);`,
      )
      .join('\n')
  const tenant = (schema: string, ledger: string, count: number): string =>
    `CREATE SCHEMA ${schema}; SET search_path = ${schema}; ${tables(count)} ${ledger}; RESET search_path;`
  const reader: TestDatabase[] = []
  const databaseOf = async (sql: string): Promise<TestDatabase> => {
    const made = await createDatabase()
    reader.push(made)
    await made.run(sql)
    return made
  }
  afterAll(() => Promise.all(reader.map((made) => made.drop())))

  test('are each tenant’s own ledger’s, where that is there', async () => {
    const named = await releaseOf({ config: 'migrations: { path: m }\n', files: NAMED })
    const sqlxIn = (count: number): string => `${sqlx.ledgerDdl}; ${sqlxRows(count)}`
    const made = await databaseOf(
      [tenant('tenant_1', sqlxIn(2), 2), tenant('tenant_2', sqlxIn(2), 2), tenant('tenant_3', sqlxIn(1), 1)].join('\n'),
    )
    const report = await look(named, made.url, { tenants: PATTERNS })
    expect(amiss(report)).toEqual(['migration-missing 0002_b.up.sql'])
    expect(report.findings[0]?.found).toContain('1 of 3 schemas: tenant_3')
    expect(report.findings[0]?.nextSteps[0]?.command).toContain('sqlx migrate run')
  })

  test('are one ledger’s that stands beside the tenants', async () => {
    const named = await releaseOf({ config: 'migrations: { path: m }\n', files: NAMED })
    const made = await databaseOf(
      [`${sqlx.ledgerDdl}; ${sqlxRows(2)}`, tenant('tenant_1', '', 2), tenant('tenant_2', '', 2)].join('\n'),
    )
    expect(await look(named, made.url, { tenants: PATTERNS })).toMatchObject({ verdict: 'pass' })
  })
})

test('through the Data API: the same findings, each statement a call', async () => {
  await database.run(behind('tenant_7'))
  const cluster = 'arn:aws:rds:eu-west-1:111111111111:cluster:orders'
  const secret = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch'
  const server = await startDataApi({
    backend: { url: inject('postgresUrl') },
    clusters: [cluster],
    secrets: { [secret]: null },
  })
  try {
    const target = {
      kind: 'data-api',
      cluster,
      secret,
      name: database.name,
      region: 'eu-west-1',
      endpoint: server.endpoint,
    } as const
    const open = () => connect(target)
    const report = await look(release, open, { tenants: PATTERNS })
    expect(amiss(report)).toEqual(['migration-missing V42__add_status_note.sql'])
    expect(report.findings[0]?.found).toMatch(/^1 of 40 schemas: tenant_7; /)
  } finally {
    await server.close()
  }
})
