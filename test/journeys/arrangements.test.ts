/** Arrangements of a release and its database: several ledgers, tenants, exact, ignore, and each way to an expectation. */
import { afterEach, describe, expect, test } from 'vitest'
import { connect } from '../../functions/connections/connect.ts'
import { amiss, flywayHistory, look, releaseOf } from '../support/looks.ts'
import { first, MIGRATIONS, migrated } from '../support/project.ts'
import type { TestDatabase } from '../support/postgres.ts'
import { createDatabase } from '../support/postgres.ts'

const databases: TestDatabase[] = []

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop()
})

async function databaseWith(sql: string): Promise<TestDatabase> {
  const database = await createDatabase()
  databases.push(database)
  await database.run(sql)
  return database
}

const ONE = 'migrations: { path: db/migration }\n'

describe('several ledgers', () => {
  const billing = { 'billing/migration/V1__invoices.sql': 'CREATE TABLE invoices (id int PRIMARY KEY);\n' }
  const files = { ...MIGRATIONS, ...billing }
  const both = `${migrated(MIGRATIONS)};\n${Object.values(billing).join('')}${flywayHistory(billing, 'billing_history')}`

  test('two services of one database, each with its own: both are judged', async () => {
    const config = `migrations:
  - { name: orders, path: db/migration, table: flyway_schema_history }
  - { name: billing, path: billing/migration, table: billing_history }
`
    const release = await releaseOf({ config, files })
    expect(amiss(await look(release, (await databaseWith(both)).url))).toEqual([])
    const behind = await databaseWith(`${migrated(first(2))};\n${flywayHistory({}, 'billing_history')}`)
    expect(amiss(await look(release, behind.url))).toEqual([
      'migration-missing V1__invoices.sql',
      'migration-missing V42__add_status_note.sql',
    ])
  })

  test('two of one tool, and nothing says which is whose: named and asked about', async () => {
    const release = await releaseOf({ config: ONE, files: MIGRATIONS })
    const report = await look(release, (await databaseWith(both)).url)
    expect(report.verdict).toBe('unsure')
    const [finding] = report.findings
    expect(finding?.code).toBe('ledger-ambiguous')
    for (const table of ['public.flyway_schema_history', 'public.billing_history'])
      expect(finding?.found).toContain(table)
  })

  test('two tools in one database need no telling', async () => {
    const release = await releaseOf({ config: ONE, files: MIGRATIONS })
    const mixed = `${migrated(MIGRATIONS)}; CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)`
    expect(amiss(await look(release, (await databaseWith(mixed)).url))).toEqual([])
  })
})

test('one expectation serves every tenant schema, each with its own ledger', async () => {
  const release = await releaseOf({ config: ONE, files: MIGRATIONS })
  const tenant = (name: string, sql: string) => `CREATE SCHEMA ${name}; SET search_path = ${name}; ${sql};\n`
  const { url } = await databaseWith(tenant('acme', migrated(MIGRATIONS)) + tenant('globex', migrated(first(2))))
  expect(amiss(await look(release, url, { searchPath: ['acme'] }))).toEqual([])
  const behind = await look(release, url, { searchPath: ['globex'] })
  expect(amiss(behind)).toEqual(['migration-missing V42__add_status_note.sql'])
  expect(behind.findings[0]?.consequences).toContain('column-missing orders.status_note')
})

test('exact: what the release does not know is a finding, but for the ledger and what is ignored', async () => {
  const more = 'CREATE TABLE leftover (id int); CREATE INDEX by_hand ON orders (total); CREATE TABLE audit_1 (id int)'
  const { url } = await databaseWith(`${migrated(MIGRATIONS)}; ${more}`)
  const subset = await releaseOf({ config: ONE, files: MIGRATIONS })
  expect(amiss(await look(subset, url))).toEqual([])
  const exact = await releaseOf({ config: `${ONE}schema: { match: exact, ignore: ["audit_*"] }\n`, files: MIGRATIONS })
  const found = await look(exact, url)
  expect(amiss(found)).toEqual(expect.arrayContaining(['object-unexpected by_hand', 'object-unexpected leftover']))
  expect(JSON.stringify(found.findings)).not.toMatch(/audit_1|flyway_schema_history/u)
})

test('ignore: what it names may lack', async () => {
  const { url } = await databaseWith(`${migrated(MIGRATIONS)}; DROP INDEX orders_status_note_idx; DROP TABLE customers`)
  const strict = await releaseOf({ config: ONE, files: MIGRATIONS })
  expect(amiss(await look(strict, url))).toEqual(['index-missing orders_status_note_idx', 'table-missing customers'])
  const config = `${ONE}schema: { ignore: ["*_note_idx", "customers", "customers*"] }\n`
  expect(amiss(await look(await releaseOf({ config, files: MIGRATIONS }), url))).toEqual([])
})

describe('where the expectation comes from', () => {
  const behind = () => databaseWith(`${migrated(MIGRATIONS)}; ALTER TABLE customers DROP COLUMN name`)

  test('none: the ledger alone', async () => {
    const release = await releaseOf({ config: `${ONE}schema: { replay: { mode: none } }\n`, files: MIGRATIONS })
    const report = await look(release, (await behind()).url)
    expect({ verdict: report.verdict, schema: report.checks.find(({ name }) => name === 'schema')?.outcome }).toEqual({
      verdict: 'pass',
      schema: 'skipped',
    })
  })

  test('dump: a structure file', async () => {
    const files = { ...MIGRATIONS, 'db/structure.sql': Object.values(MIGRATIONS).join('') }
    const config = `${ONE}schema: { replay: { mode: dump, file: db/structure.sql } }\n`
    const release = await releaseOf({ config, files })
    expect(amiss(await look(release, (await databaseWith(migrated(MIGRATIONS))).url))).toEqual([])
    expect(amiss(await look(release, (await behind()).url))).toEqual(['column-missing customers.name'])
  })

  test('environment: another database', async () => {
    const staging = await databaseWith(migrated(MIGRATIONS))
    const config = `${ONE}schema: { replay: { mode: environment, environment: staging } }\nenvironments:\n  staging: { database: { url: "${staging.url}" } }\n`
    const release = await releaseOf({
      config,
      files: MIGRATIONS,
      connect: () => connect({ kind: 'url', url: staging.url, ca: null }),
    })
    expect(amiss(await look(release, staging.url))).toEqual([])
    expect(amiss(await look(release, (await behind()).url))).toEqual(['column-missing customers.name'])
    // What the ledger misses is one row there too: the objects hang on nothing that says which migration brought them.
    const pending = amiss(await look(release, (await databaseWith(migrated(first(2)))).url))
    expect(pending).toContain('migration-missing V42__add_status_note.sql')
  })
})
