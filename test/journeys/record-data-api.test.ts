/**
 * Learnt in staging, checked in production, both through the Data API alone, as a role that may little: by the built program, over
 * a real PostgreSQL. The application finds its tables by the search_path of its role.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import type { Report } from '../../functions/core/report.ts'
import type { Statement } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { observeStatements } from '../../functions/queries/observe-statements.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { parseEvidence } from '../../functions/release/evidence.ts'
import type { DataApiServer } from '../../local/data-api/server.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import { deploywatch, folderWith } from '../cli/deploywatch.ts'
import { CLUSTER, dataApiTarget, SECRET } from '../connections/fixtures.ts'
import { flywayHistory } from '../support/looks.ts'
import { migrated } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

/** A server that CI gives may have no library loaded. */
const given = process.env['DEPLOYWATCH_TEST_POSTGRES'] !== undefined

const COLUMNS = Array.from({ length: 60 }, (_, at) => `c${at}`)
const FILES: Readonly<Record<string, string>> = {
  'db/migration/V1__shop.sql': `CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total numeric);
CREATE TABLE shop.customers (id bigint PRIMARY KEY, name text);
CREATE TABLE shop.wide (${COLUMNS.map((name) => `${name} int`).join(', ')});
`,
  'db/migration/V2__status_note.sql': 'ALTER TABLE shop.orders ADD COLUMN status_note text;\n',
}
const RENAME = 'db/migration/V3__full_name.sql'
const RENAMED = { ...FILES, [RENAME]: 'ALTER TABLE shop.customers RENAME COLUMN name TO full_name;\n' }

const NEEDED = "SELECT id, status_note FROM orders WHERE status_note = 'a secret'"
const NAMES = "SELECT id, name FROM customers WHERE name = 'x'"
/** As many different statements, each named by its columns. */
const WIDE = COLUMNS.flatMap((name, at) =>
  [0, 1, 2].map((step) => `SELECT ${name} FROM wide WHERE ${COLUMNS[(at + step + 1) % 60]} = 1`),
)

let staging: TestDatabase
let production: TestDatabase
let server: DataApiServer
let folder = ''
let role = ''

describe.skipIf(given)('through the Data API', () => {
  beforeAll(async () => {
    ;[staging, production] = [await createDatabase(), await createDatabase()]
    role = `app_${staging.name}`
    const watcher = `watch_${staging.name}`
    const [[v1, sql] = ['', '']] = Object.entries(FILES)
    await staging.run(`CREATE ROLE ${role} LOGIN PASSWORD 'x'; CREATE ROLE ${watcher} LOGIN PASSWORD 'x'; GRANT pg_read_all_stats TO ${watcher};
      CREATE EXTENSION pg_stat_statements; ${migrated(FILES)}`)
    await production.run(migrated({ [v1]: sql }))
    for (const database of [staging, production]) {
      await database.run(`ALTER ROLE ${role} IN DATABASE ${database.name} SET search_path = "$user", shop;
        GRANT USAGE ON SCHEMA shop TO ${role}, ${watcher}; GRANT SELECT ON ALL TABLES IN SCHEMA shop TO ${role};
        GRANT SELECT ON public.flyway_schema_history TO ${watcher}`)
    }
    server = await startDataApi({
      backend: { url: staging.url },
      clusters: [CLUSTER],
      secrets: { [SECRET]: { username: watcher, password: 'x' } },
    })
    const of = ({ name }: TestDatabase) =>
      `{ database: { cluster: "${CLUSTER}", secret: "${SECRET}", name: ${name}, region: eu-west-1, endpoint: "${server.endpoint}" } }`
    folder = await folderWith({
      ...FILES,
      'deploywatch.yaml': `service: orders
migrations: { path: db/migration }
statements: { roles: [${role}] }
environments:
  staging: ${of(staging)}
  production: ${of(production)}
`,
    })
  })

  afterAll(async () => {
    await server?.close()
    await production?.drop()
    await staging?.drop()
  })

  const program = (...args: readonly string[]) =>
    deploywatch(args, { cwd: folder, env: { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' } })

  async function record(): Promise<string> {
    const { code, stdout, stderr } = await program('record', '--env', 'staging')
    expect(code, stderr + stdout).toBe(0)
    return stdout
  }

  interface Checked {
    readonly code: number | null
    readonly report: Report
    /** What the service was asked for. */
    readonly calls: number
  }

  async function check(...args: readonly string[]): Promise<Checked> {
    const before = server.calls.length
    const { code, stdout, stderr } = await program('check', '--env', 'production', '--format', 'json', ...args)
    expect(stdout, stderr).not.toBe('')
    return { code, report: reportSchema.parse(JSON.parse(stdout)), calls: server.calls.length - before }
  }

  async function app(...statements: readonly string[]): Promise<void> {
    const url = new URL(staging.url)
    url.username = role
    url.password = 'x'
    const client = new Client({ connectionString: url.href })
    await client.connect()
    for (const sql of statements) await client.query(sql)
    await client.end()
  }

  const evidence = () => readFile(join(folder, 'deploywatch.evidence.staging.json'), 'utf8')

  test('what staging ran is learnt, and breaks in production are told with all that is known', async () => {
    expect((await program('build', '--release-version', '1.41.0')).code).toBe(0)
    expect(await record()).toContain('1.41.0 is marked as running in staging')
    await app(...Array.from({ length: 12 }, () => NEEDED), ...Array.from({ length: 7 }, () => NAMES))
    expect(await record()).toContain('2 statements of 1.41.0 ran 19 times in staging since the last record')
    const parsed = parseEvidence(await evidence())
    expect(parsed).toMatchObject({ kind: 'evidence' })
    expect(await evidence()).not.toContain('a secret')

    const few = await check()
    expect(few.code).toBe(1)
    const [finding] = few.report.findings
    const subject = 'SELECT id, status_note FROM orders WHERE status_note = $1'
    expect(few.report.findings).toHaveLength(1)
    // One missing migration is one finding: the statement is its consequence, and the note tells of it.
    expect(finding).toMatchObject({ code: 'migration-missing', subject: 'V2__status_note.sql' })
    expect(finding?.consequences).toContain(`query-broken ${subject}`)
    expect(finding?.found).toContain('a statement that needs it ran 12 times in staging')
    expect(few.report.notes.join('\n')).toContain(
      `statement \`${subject}\` breaks: column "status_note" does not exist (SQLSTATE 42703, at character 12: \`status_note FROM orders WHERE\`); it ran 12 times in staging`,
    )

    // A hundred and eighty more cost two batches more, not hundreds of calls.
    await app(...WIDE)
    await record()
    const many = await check()
    expect(many.report.findings).toHaveLength(1)
    expect(many.report.notes.join('\n')).not.toContain('could not be prepared')
    expect(many.calls - few.calls).toBeLessThanOrEqual(12)
    expect(many.calls).toBeLessThanOrEqual(70)
    expect(many.calls).toBe(many.report.database?.roundTrips)
  })

  test('the migration run, it passes: under the search_path of the role alone', async () => {
    await production.run(
      `${FILES['db/migration/V2__status_note.sql']}; DROP TABLE flyway_schema_history; ${flywayHistory(FILES)}; GRANT SELECT ON public.flyway_schema_history TO watch_${staging.name}`,
    )
    const passed = await check()
    expect([passed.code, passed.report.findings]).toEqual([0, []])
    await production.run(`ALTER ROLE ${role} IN DATABASE ${production.name} RESET search_path`)
    const lost = await check('--store', 'nothing-remembered')
    await production.run(`ALTER ROLE ${role} IN DATABASE ${production.name} SET search_path = shop`)
    expect(lost.code).toBe(1)
    expect(new Set(lost.report.findings.map(({ code }) => code))).toEqual(new Set(['query-broken']))
    expect(lost.report.findings.map(({ found }) => found).join('\n')).toContain('relation "orders" does not exist')
  })

  test('what the running release sends is prepared too, and names the migration that broke it', async () => {
    await mkdir(join(folder, 'running'))
    for (const name of (await readdir(folder)).filter((file) => /^deploywatch\.(release|evidence)/u.test(file))) {
      await rename(join(folder, name), join(folder, 'running', name))
    }
    await writeFile(join(folder, RENAME), RENAMED[RENAME] ?? '')
    expect((await program('build', '--release-version', '1.42.0')).code).toBe(0)
    await production.run(
      `${RENAMED[RENAME]}; DROP TABLE flyway_schema_history; ${flywayHistory(RENAMED)}; GRANT SELECT ON public.flyway_schema_history TO watch_${staging.name}`,
    )
    const { code, report, calls } = await check('--running', 'running/deploywatch.release.json')
    expect(code).toBe(1)
    expect(report.findings).toMatchObject([
      {
        code: 'query-broken',
        subject: 'SELECT id, name FROM customers WHERE name = $1',
        expected: 'every name in it resolves on this database, and it ran 7 times in staging',
        found: expect.stringMatching(
          /the running release 1\.41\.0.*column "name" does not exist \(SQLSTATE 42703, at character 12: `name FROM customers WHERE name/,
        ) as unknown,
        causes: [{ text: expect.stringContaining('V3__full_name.sql of this release removed column') as unknown }],
        source: [{ file: RENAME, line: 1 }, { file: expect.stringContaining('evidence.staging.json') as unknown }],
      },
    ])
    expect(calls).toBeLessThanOrEqual(70)
  })

  test('no prepared statement and no lock outlives its statement, also within the transaction', async () => {
    const through = await connect(dataApiTarget(server.endpoint, staging.name))
    const left: unknown[] = []
    const behind = {
      sql: `SELECT pg_catalog.concat_ws(' ', (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements), (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l WHERE l.pid = pg_catalog.pg_backend_pid() AND l.relation = 'shop.orders'::pg_catalog.regclass))`,
      parse: (rows: readonly (readonly (string | null)[])[]) => rows[0]?.[0],
    }
    const watched: Connection = {
      ...through,
      read: async (queries, options) => {
        const values: readonly unknown[] = await through.read([...queries, behind], options)
        left.push(values.at(-1))
        return values.slice(0, -1) as never
      },
    }
    const sqls = ['UPDATE orders SET total = 1 WHERE id = $1', 'DELETE FROM orders', 'SELECT gone FROM orders']
    const statements = sqls.map((sql, at): Statement => ({
      subject: `q${at}`,
      sql,
      source: null,
      from: { environments: ['staging'], role, running: null },
      calls: 1,
      expect: null,
    }))
    const observed = await observeStatements(watched, postgres, statements, 'public')
    await through.close()
    expect(observed.map(({ error }) => error?.sqlState ?? null)).toEqual([null, null, '42703'])
    expect(left.length).toBeGreaterThan(0)
    expect(left.every((one) => one === '0 0')).toBe(true)
  })
})
