/** What people do: record in staging what the application runs, and check production with it. By the built program. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import type { Report } from '../../functions/core/report.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import { parseEvidence } from '../../functions/release/evidence.ts'
import { deploywatch, folderWith } from '../cli/deploywatch.ts'
import type { Run } from '../cli/deploywatch.ts'
import { createDatabase } from '../support/postgres.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { first, migrated, MIGRATIONS, V42 } from '../support/project.ts'
import { untilUnchanged } from '../support/unchanged.ts'

const SECRET = 'hunter2-4711-secret'
const NEEDED = `SELECT id, status_note FROM orders WHERE status_note = '${SECRET}' /* ${SECRET} */`

/** A server that CI gives may have no library loaded. */
const given = process.env['DEPLOYWATCH_TEST_POSTGRES'] !== undefined

const drops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const drop of drops.splice(0).reverse()) await drop()
})

interface World {
  readonly folder: string
  readonly role: string
  readonly staging: TestDatabase
  readonly production: TestDatabase
  readonly app: (...statements: readonly string[]) => Promise<void>
  readonly deploywatch: (...args: readonly string[]) => Promise<Run>
  readonly check: (...args: readonly string[]) => Promise<{ readonly code: number | null; readonly report: Report }>
  readonly record: (...args: readonly string[]) => Promise<Run>
}

async function world(
  options: { readonly extension?: boolean; readonly files?: typeof MIGRATIONS } = {},
): Promise<World> {
  const files = options.files ?? MIGRATIONS
  const [staging, production] = [await createDatabase(), await createDatabase()]
  const role = `app_${staging.name}`
  drops.push(
    () => staging.drop(),
    () => production.drop(),
  )
  await staging.run(`${options.extension === false ? '' : 'CREATE EXTENSION pg_stat_statements;'}
    CREATE ROLE ${role} LOGIN PASSWORD 'x'; ${migrated(files)};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role}`)
  const folder = await folderWith({
    ...files,
    'deploywatch.yaml': `service: orders
migrations: { path: db/migration }
statements: { roles: [${role}] }
environments:
  staging: { database: { url: "\${STAGING}" } }
  production: { database: { url: "\${PRODUCTION}" } }
`,
  })
  const env = { STAGING: staging.url, PRODUCTION: production.url }
  const program = (...args: readonly string[]): Promise<Run> => deploywatch(args, { cwd: folder, env })
  const app = async (...statements: readonly string[]): Promise<void> => {
    const url = new URL(staging.url)
    url.username = role
    url.password = 'x'
    const client = new Client({ connectionString: url.href })
    await client.connect()
    try {
      for (const sql of statements) await client.query(sql)
    } finally {
      await client.end()
    }
  }
  return {
    folder,
    role,
    staging,
    production,
    app,
    deploywatch: program,
    check: async (...args) => {
      const { code, stdout, stderr } = await program('check', '--env', 'production', '--format', 'json', ...args)
      expect(stdout, stderr).not.toBe('')
      return { code, report: reportSchema.parse(JSON.parse(stdout)) }
    },
    record: async (...args) => program('record', '--env', 'staging', ...args),
  }
}

async function evidenceIn(folder: string, name = 'deploywatch.evidence.staging.json') {
  const text = await readFile(join(folder, name), 'utf8')
  const parsed = parseEvidence(text)
  if (parsed.kind === 'unreadable') throw new Error(parsed.reason)
  return { text, ...parsed.evidence }
}

const many = (sql: string, times: number): readonly string[] => Array.from({ length: times }, () => sql)

describe.skipIf(given)('record', () => {
  test('learns what grew since the release was marked as running, and production that lacks it fails the check', async () => {
    const { app, record, check, folder, production, staging } = await world()
    await production.run(migrated(first(2)))
    // Last month's code: it ran before this release was there, and names what is gone.
    await staging.run('ALTER TABLE orders ADD COLUMN legacy text')
    await app('SELECT legacy FROM orders')
    const one = await record()
    expect(one.code, one.stderr).toBe(0)
    expect(one.stdout).toContain('is marked as running in staging')
    expect((await evidenceIn(folder)).statements).toEqual([])
    await staging.run('ALTER TABLE orders DROP COLUMN legacy')

    await app(
      ...many(NEEDED, 12),
      'SELECT name FROM customers WHERE id IN (1, 2, 3)',
      "SELECT total FROM orders WHERE updated_at > now() - interval '10 minutes'",
      "SELECT count(*) FROM pg_catalog.pg_class WHERE relname = 'x'",
      'BEGIN',
      "SET application_name = 'app'",
      'COMMIT',
    )
    const two = await record()
    expect(two.code, two.stderr).toBe(0)
    expect(two.stdout).toContain('2 statements of')
    expect(two.stdout).toMatch(
      /1 statement left out, because they do not prepare in staging itself:\n {2}`SELECT total FROM/,
    )
    const evidence = await evidenceIn(folder)
    expect(evidence.text).not.toContain(SECRET)
    expect(two.stdout + two.stderr).not.toContain(SECRET)
    expect(
      evidence.statements.map(({ sql, calls }) => [sql, calls] as const).toSorted(([a], [b]) => a.localeCompare(b)),
    ).toEqual([
      ['SELECT id, status_note FROM orders WHERE status_note = $1', 12],
      ['SELECT name FROM customers WHERE id IN ($1)', 1],
    ])

    const { code, report } = await check()
    expect(code).toBe(1)
    expect(report.findings.map((finding) => finding.code)).toEqual(['migration-missing'])
    expect(report.findings[0]).toMatchObject({ subject: 'V42__add_status_note.sql' })
    expect(report.findings[0]?.consequences).toContain(
      'query-broken SELECT id, status_note FROM orders WHERE status_note = $1',
    )
    expect(report.findings[0]?.found).toContain('a statement that needs it ran 12 times in staging')
    expect(report.notes.join('\n')).toMatch(/at character 12: `status_note FROM orders.*it ran 12 times in staging/)

    await production.run(MIGRATIONS[V42] ?? '')
    await production.run(
      `INSERT INTO flyway_schema_history SELECT (SELECT max(installed_rank) + 1 FROM flyway_schema_history), '42', 'add status note', 'SQL', 'V42__add_status_note.sql', ${await checksum(staging)}, 'x', now(), 1, true`,
    )
    expect((await check()).report.verdict).toBe('pass')
    // The second look is the remembered one, of the same statements.
    const again = await untilUnchanged(check, ({ report }) => report.notes)
    expect(again.report.notes.join('\n')).toContain('nothing ran DDL here')
  })

  test('run again, it adds to it: the same statements, the same bytes', async () => {
    const { app, record, folder } = await world()
    await record()
    await app(...many(NEEDED, 3))
    await record()
    const before = await evidenceIn(folder)
    await record()
    // Of statements it knows no clock; that the migrations were seen again, and when, is news.
    const { migrations, statements } = await evidenceIn(folder)
    expect(statements).toEqual(before.statements)
    expect(migrations?.records.map(({ state }) => state)).toEqual(['applied', 'applied', 'applied'])
    expect(migrations?.seenAt && before.migrations && migrations.seenAt > before.migrations.seenAt).toBe(true)
    await app(...many(NEEDED, 4), 'UPDATE orders SET total = 5 WHERE id = 1')
    const { stdout } = await record('--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'deploywatch/recording/1',
      environment: 'staging',
      first: false,
      statements: 2,
      learnt: { statements: 2, calls: 5 },
      findings: [],
    })
    expect((await evidenceIn(folder)).statements.map(({ calls }) => calls)).toEqual(expect.arrayContaining([1, 7]))
    // Where the file is lost, the store has what was learnt.
    await record('--out', 'elsewhere/evidence.json')
    expect((await evidenceIn(folder, 'elsewhere/evidence.json')).statements).toHaveLength(2)
  })

  test('counts that were reset in between are noticed, and what ran since is kept', async () => {
    const { app, record, folder, staging } = await world()
    await app(...many(NEEDED, 50))
    await record()
    await staging.run(
      `SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)`,
    )
    await app(...many(NEEDED, 2))
    expect((await record()).stdout).toMatch(/note: \d+ counts? began anew/)
    expect((await evidenceIn(folder)).statements.map(({ calls }) => calls)).toEqual([2])
  })

  test('where the application sets its search_path in its session, it says which one to name', async () => {
    const { app, record, folder, staging, role } = await world()
    await staging.run(`CREATE SCHEMA shop; CREATE TABLE shop.baskets (id int, note text);
      GRANT USAGE ON SCHEMA shop TO ${role}; GRANT SELECT ON shop.baskets TO ${role}`)
    const work = [
      'SET search_path = shop, public',
      ...many('SELECT note FROM baskets WHERE id = 1', 5),
      'SELECT id FROM baskets',
    ]
    await record()
    await app(...work)
    const blind = await record()
    expect(blind.stdout).toContain('2 statements left out, because they do not prepare in staging itself')
    expect(blind.stdout).toContain(
      `note: 2 left out of role ${role} ran here, yet name tables that the search path "public" does not lead to, and that schema shop has: the application sets its search_path in its session; set \`searchPath: "shop, public"\` below staging`,
    )
    const path = join(folder, 'deploywatch.yaml')
    const config = await readFile(path, 'utf8')
    await writeFile(path, config.replace('staging: {', 'staging: { searchPath: "shop, public",'))
    // Another config is another manifest: it is learnt anew.
    await record()
    await app(...work)
    const seeing = await record()
    expect(seeing.stdout).toContain('2 statements of')
    expect(seeing.stdout).not.toContain('left out of role')
    expect((await evidenceIn(folder)).statements.map(({ calls }) => calls).toSorted((a, b) => a - b)).toEqual([1, 5])
    // The role's own setting counts more than the config: then it is that one which has to say the same.
    await staging.run(`ALTER ROLE ${role} SET search_path = public`)
    await app(...work)
    expect((await record()).stdout).toContain(`other than ALTER ROLE ${role} SET search_path says`)
  })

  test('says what stands in its way, and exits 2', async () => {
    const without = await world({ extension: false })
    const none = await without.record()
    expect([none.code, none.stdout]).toEqual([2, expect.stringContaining('CREATE EXTENSION pg_stat_statements')])
    // What could be seen is kept all the same.
    expect((await evidenceIn(without.folder)).migrations?.records).toHaveLength(3)
    const hidden = await world()
    await hidden.app(NEEDED)
    await hidden.staging.run(`CREATE ROLE watch_${hidden.staging.name} LOGIN PASSWORD 'x'`)
    const url = new URL(hidden.staging.url)
    url.username = `watch_${hidden.staging.name}`
    url.password = 'x'
    const run = await deploywatch(['record', '--env', 'staging', '--format', 'json'], {
      cwd: hidden.folder,
      env: { STAGING: url.href },
    })
    expect(run.code).toBe(2)
    const answer = JSON.parse(run.stdout)
    expect(answer.findings[0]).toMatchObject({
      code: 'permission-denied',
      found: expect.stringContaining('GRANT pg_read_all_stats TO'),
    })
    // It may not read the ledger either: what is applied is not known, and the sizes need no privilege.
    expect(answer).toMatchObject({ migrations: { states: { unknown: 3 }, tables: 2 } })
    expect(answer.findings[1]).toMatchObject({ code: 'permission-denied', subject: 'public.flyway_schema_history' })
  })

  test('without a role to learn from, it records the migrations, and says what it leaves out', async () => {
    const { folder, record, check } = await world({ extension: false })
    const config = await readFile(join(folder, 'deploywatch.yaml'), 'utf8')
    await writeFile(join(folder, 'deploywatch.yaml'), config.replace(/statements:.*\n/, ''))
    const { code, stdout } = await record()
    expect(code).toBe(0)
    expect(stdout).toContain('of its statements nothing was recorded: set statements.roles')
    expect(stdout).toContain('migrations in staging: 3 applied')
    const evidence = await evidenceIn(folder)
    expect(evidence.statements).toEqual([])
    expect(evidence.migrations?.records).toHaveLength(3)
    expect((await check()).report.notes.join('\n')).not.toContain('is not used')
  })

  test('evidence that cannot be read is unsure, evidence of another expectation a note', async () => {
    const { check, record, folder, production } = await world()
    await production.run(migrated(MIGRATIONS))
    expect((await check()).code).toBe(0)
    await writeFile(join(folder, 'deploywatch.evidence.staging.json'), '{"schema": "deploywatch/evid')
    const cut = await check()
    expect(cut.code).toBe(2)
    expect(cut.report.findings).toMatchObject([
      { code: 'evidence-unreadable', subject: 'deploywatch.evidence.staging.json' },
    ])
    expect(cut.report.checks.find(({ name }) => name === 'queries')?.outcome).toBe('unsure')
    await record()
    const { text } = await evidenceIn(folder)
    await writeFile(
      join(folder, 'deploywatch.evidence.staging.json'),
      text.replace(/"expectation": "\w+"/, '"expectation": "other"'),
    )
    const other = await check()
    expect(other.code).toBe(0)
    expect(other.report.notes.join('\n')).toContain('deploywatch.evidence.staging.json is not used')
  })
})

describe('the running release', () => {
  const DROP = 'db/migration/V43__drop_name.sql'
  const NEW = { ...MIGRATIONS, [DROP]: 'ALTER TABLE customers RENAME COLUMN name TO full_name;\n' }

  test('a migration that breaks the code that still serves is found before the new code is deployed', async () => {
    const { folder, production, deploywatch, check } = await world({ extension: false })
    const config = await readFile(join(folder, 'deploywatch.yaml'), 'utf8')
    const query = 'queries:\n  - { name: customer-names, sql: SELECT name FROM customers }\nenvironments:'
    await writeFile(join(folder, 'deploywatch.yaml'), config.replace('environments:', query))
    expect((await deploywatch('build', '--release-version', '1.41.0', '--out', 'running.json')).code).toBe(0)
    await writeFile(join(folder, DROP), NEW[DROP] ?? '')
    await writeFile(
      join(folder, 'deploywatch.yaml'),
      config.replace('environments:', query.replace('SELECT name', 'SELECT full_name')),
    )
    await production.run(migrated(MIGRATIONS))
    // Before the migration: the new one's query is the migration's affair, the running one's is sound.
    const before = await check('--running', 'running.json')
    expect(before.report.findings.map(({ code, subject }) => [code, subject])).toEqual([
      ['migration-missing', 'V43__drop_name.sql'],
    ])
    await production.run(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${migrated(NEW)}`)
    const unknown = await check()
    expect([unknown.code, unknown.report.findings]).toEqual([0, []])
    expect(unknown.report.notes.join('\n')).toContain('which release runs in production is not known')
    const { code, report } = await check('--running', 'running.json')
    expect(code).toBe(1)
    expect(report.findings).toMatchObject([
      {
        code: 'query-broken',
        subject: 'customer-names (running 1.41.0)',
        found: expect.stringContaining('the running release 1.41.0'),
        causes: [{ text: expect.stringContaining('V43__drop_name.sql of this release removed column customers.name') }],
        source: [{ file: DROP, line: 1 }, {}],
      },
    ])
    const missing = await check('--running', 'nowhere.json')
    expect(missing.code).toBe(2)
    expect(missing.report.findings.map((finding) => finding.code)).toEqual(['release-unknown'])
  })

  test.skipIf(given)(
    'the store knows which one runs since it was recorded there, and what it was seen to run',
    async () => {
      const { folder, app, record, staging, deploywatch } = await world()
      await deploywatch('build', '--release-version', '1.41.0')
      await record()
      await app(...many("SELECT name FROM customers WHERE name = 'x'", 7))
      await record()
      await mkdir(join(folder, 'old'), { recursive: true })
      await writeFile(join(folder, DROP), NEW[DROP] ?? '')
      expect((await deploywatch('build', '--release-version', '1.42.0')).code).toBe(0)
      await staging.run(`ALTER TABLE customers RENAME COLUMN name TO full_name;
      INSERT INTO flyway_schema_history VALUES (9, '43', 'drop name', 'SQL', 'V43__drop_name.sql', NULL, 'x', now(), 1, true)`)
      const { code, stdout } = await deploywatch('check', '--env', 'staging', '--format', 'json')
      expect(code).toBe(1)
      const { findings } = reportSchema.parse(JSON.parse(stdout))
      expect(findings.filter((finding) => finding.code === 'query-broken')).toMatchObject([
        {
          subject: 'SELECT name FROM customers WHERE name = $1',
          expected: expect.stringContaining('it ran 7 times in staging'),
          found: expect.stringContaining('the running release 1.41.0'),
        },
      ])
      // Deployed, it is 1.42.0 that runs.
      const deployed = await deploywatch('check', '--env', 'staging', '--deployed', '--format', 'json')
      const codes = reportSchema.parse(JSON.parse(deployed.stdout)).findings.map((finding) => finding.code)
      expect(codes).not.toContain('query-broken')
    },
  )
})

/** The checksum of V42 as staging's history has it. */
async function checksum(staging: TestDatabase): Promise<string> {
  const client = new Client({ connectionString: staging.url })
  await client.connect()
  const { rows } = await client.query("SELECT checksum FROM flyway_schema_history WHERE version = '42'")
  await client.end()
  return String(rows[0].checksum)
}
