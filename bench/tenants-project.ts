/** Many tenants' schemas in one database, each with a ledger of its own, and a folder with the config and the manifest that was shipped. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { flywayHistory } from '../test/support/looks.ts'
import { runCli } from './processes.ts'
import { CLUSTER, SECRET } from './project.ts'
import type { Project } from './project.ts'
import { listMigrations } from './schema.ts'
import { query } from './server.ts'

const DATABASE = 'tenants'
/** The one that is looked at alone. */
const ONE = 7

export function tenantName(number: number): string {
  return `tenant_${String(number).padStart(4, '0')}`
}

/** Below `environments`: `wire` and `data-api` look at all tenants, `one` at a single one. The store is the command line's. */
const CONFIG = `service: bench
migrations: { tool: flyway, path: db/migration }
environments:
  one: { database: { url: "\${BENCH_DATABASE_URL}" }, searchPath: [${tenantName(ONE)}] }
  wire: { database: { url: "\${BENCH_DATABASE_URL}" }, tenants: { schemas: ["tenant_*"] } }
  data-api:
    database: { cluster: "${CLUSTER}", secret: "${SECRET}", name: ${DATABASE}, region: eu-west-1, endpoint: "\${BENCH_DATA_API}" }
    tenants: { schemas: ["tenant_*"] }
`

/** Makes what is not there yet: a thousand schemas of fifty tables take a quarter of an hour. */
export async function prepareTenants(
  server: string,
  folder: string,
  size: { readonly tenants: number; readonly tables: number },
  say: (text: string) => void,
): Promise<Project> {
  const files = Object.fromEntries(
    listMigrations(size.tables)
      .filter(({ sql }) => sql.trim() !== '')
      .map(({ name, sql }) => [name, sql]),
  )
  const there = await query(server, `SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`)
  if (there.length === 0) await query(server, `CREATE DATABASE ${DATABASE}`)
  const at = new URL(server)
  at.pathname = `/${DATABASE}`
  await fill(at.href, files, size.tenants, say)
  const source = join(folder, 'source')
  const shipped = join(folder, 'shipped')
  await rm(source, { recursive: true, force: true })
  await mkdir(join(source, 'db', 'migration'), { recursive: true })
  await mkdir(shipped, { recursive: true })
  for (const [name, sql] of Object.entries(files)) await writeFile(join(source, 'db', 'migration', name), sql)
  for (const place of [source, shipped]) await writeFile(join(place, 'deploywatch.yaml'), CONFIG)
  const manifest = join(shipped, 'deploywatch.release.json')
  const built = await runCli(['build', '--out', manifest, '--release-version', '1.0.0'], { cwd: source })
  if (built.code !== 0) throw new Error(`deploywatch build failed: ${built.stderr}`)
  return { url: at.href, folder: shipped }
}

async function fill(
  url: string,
  files: Readonly<Record<string, string>>,
  tenants: number,
  say: (text: string) => void,
): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    // Nothing of this is worth keeping through a crash.
    await client.query('SET synchronous_commit = off')
    const { rows } = await client.query<{ count: string }>(
      String.raw`SELECT count(*) AS count FROM pg_namespace WHERE nspname LIKE 'tenant\_%'`,
    )
    const history = flywayHistory(files)
    const from = Number(rows[0]?.count ?? 0) + 1
    for (let number = from; number <= tenants; number += 1) {
      const name = tenantName(number)
      await client.query(
        `BEGIN; CREATE SCHEMA ${name}; SET LOCAL search_path = ${name}; ${Object.values(files).join('\n')}; ${history}; COMMIT`,
      )
      if (number % 100 === 0) say(`${number} of ${tenants} schemas`)
    }
    // What autovacuum would do within minutes.
    if (from <= tenants) await client.query('VACUUM ANALYZE')
  } finally {
    await client.end()
  }
}
