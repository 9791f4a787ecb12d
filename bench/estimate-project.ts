/** Two environments of one project, one ten times the other, and a release with migrations of every class that takes time. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { flywayHistory } from '../test/support/looks.ts'
import { runCli } from './processes.ts'
import { query } from './server.ts'

export type Class = 'scan' | 'foreign-key' | 'index' | 'rewrite' | 'data'
export const CLASSES: readonly Class[] = ['scan', 'foreign-key', 'index', 'rewrite', 'data']
/** `again` is of staging's size: how often a range holds there is what the machine's own unevenness leaves of it. */
const ENVIRONMENTS = ['staging', 'production', 'again'] as const
export type EnvironmentName = (typeof ENVIRONMENTS)[number]

/** What a script does, by its name in the ledger. */
export interface Step {
  readonly script: string
  readonly class: Class
  readonly sql: string
}

/** Of the smaller environment. Beside its note a row has about 90 bytes. */
const TABLES = [
  { name: 'events', rows: 150_000, note: 0 },
  { name: 'readings', rows: 100_000, note: 60 },
  { name: 'orders', rows: 80_000, note: 300 },
  { name: 'documents', rows: 50_000, note: 800 },
] as const
const CUSTOMERS = 50_000
const KINDS = 100

/** In the order in which they run. The names of constraints and indexes are the server's own. */
function stepsOf(table: string): readonly { readonly does: string; readonly class: Class; readonly sql: string }[] {
  const alter = `ALTER TABLE ${table}`
  return [
    { does: 'amount_not_null', class: 'scan', sql: `${alter} ALTER COLUMN amount SET NOT NULL` },
    { does: 'amount_check', class: 'scan', sql: `${alter} ADD CHECK (amount >= 0)` },
    { does: 'customer', class: 'foreign-key', sql: `${alter} ADD FOREIGN KEY (customer) REFERENCES customers (id)` },
    { does: 'kind', class: 'foreign-key', sql: `${alter} ADD FOREIGN KEY (kind) REFERENCES kinds (id)` },
    { does: 'amount_bigint', class: 'rewrite', sql: `${alter} ALTER COLUMN amount TYPE bigint` },
    { does: 'token', class: 'rewrite', sql: `${alter} ADD COLUMN token uuid DEFAULT gen_random_uuid()` },
    { does: 'amounts', class: 'data', sql: `UPDATE ${table} SET amount = amount + 1` },
    { does: 'by_amount', class: 'index', sql: `CREATE INDEX ON ${table} (amount)` },
    { does: 'by_code', class: 'index', sql: `CREATE INDEX ON ${table} (code)` },
    {
      does: 'by_customer',
      class: 'index',
      sql: `CREATE INDEX CONCURRENTLY ${table}_by_customer ON ${table} (customer, happened)`,
    },
    { does: 'emptied', class: 'data', sql: `DELETE FROM ${table}` },
  ]
}

const TABLES_SCRIPT = 'V1__tables.sql'
const TABLES_SQL = `CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE kinds (id int PRIMARY KEY);
${TABLES.map(({ name }) => `CREATE TABLE ${name} (id int PRIMARY KEY, customer int, kind int, amount int, code text, happened timestamp, note text);`).join('\n')}
`

/** Table after table, so that no class meets another hour of the machine than the others. */
export const STEPS: readonly Step[] = TABLES.flatMap(({ name }) =>
  stepsOf(name).map((step) => ({ name, ...step })),
).map(({ name, does, class: own, sql }, at) => ({
  script: `V${at + 2}__${name}_${does}.sql`,
  class: own,
  sql: `${sql};\n`,
}))

const CONFIG = `service: bench
migrations: { tool: flyway, path: db/migration }
environments:
  staging: { database: { url: "\${STAGING_URL}" } }
  production: { database: { url: "\${PRODUCTION_URL}" } }
  again: { database: { url: "\${AGAIN_URL}" } }
`

export interface EstimateProject {
  readonly folder: string
  readonly migrations: string
  readonly urls: Readonly<Record<EnvironmentName, string>>
}

/** Both databases with the tables alone, filled, and the built release that has the migrations. */
export async function prepareEstimates(
  server: string,
  folder: string,
  { size, times }: { readonly size: number; readonly times: number },
  say: (text: string) => void,
): Promise<EstimateProject> {
  const urls = {
    staging: urlOf(server, 'staging'),
    production: urlOf(server, 'production'),
    again: urlOf(server, 'again'),
  }
  for (const name of ENVIRONMENTS) {
    say(`filling ${name}`)
    await query(server, `DROP DATABASE IF EXISTS ${name}`)
    await query(server, `CREATE DATABASE ${name} TEMPLATE template0`)
    await fill(urls[name], name === 'production' ? size * times : size)
  }
  const migrations = join(folder, 'db', 'migration')
  await mkdir(migrations, { recursive: true })
  await writeFile(join(folder, 'deploywatch.yaml'), CONFIG)
  await writeFile(join(migrations, TABLES_SCRIPT), TABLES_SQL)
  for (const { script, sql } of STEPS) await writeFile(join(migrations, script), sql)
  const built = await runCli(['build', '--release-version', '1.0.0'], { cwd: folder })
  if (built.code !== 0) throw new Error(`deploywatch build failed: ${built.stderr}`)
  return { folder, migrations, urls }
}

function urlOf(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}

async function fill(url: string, times: number): Promise<void> {
  const customers = CUSTOMERS * times
  await query(url, `${TABLES_SQL}${flywayHistory({ [TABLES_SCRIPT]: TABLES_SQL })}`)
  await query(
    url,
    `SET synchronous_commit = off;
    INSERT INTO customers SELECT n, md5(n::text) FROM generate_series(1, ${customers}) n;
    INSERT INTO kinds SELECT generate_series(1, ${KINDS});
    ${TABLES.map(({ name, rows, note }) => `INSERT INTO ${name} SELECT n, 1 + (n::bigint * 7919) % ${customers}, 1 + n % ${KINDS}, (n::bigint * 7919) % 1000, md5(n::text), timestamp '2024-01-01' + n * interval '1 minute', repeat('x', ${note}) FROM generate_series(1, ${rows * times}) n;`).join('\n')}`,
  )
  // What autovacuum would do within minutes.
  await query(url, 'VACUUM ANALYZE')
  await query(url, 'CHECKPOINT')
}
