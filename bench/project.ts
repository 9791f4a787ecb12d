/** What is measured, made once: the database with its ledger, and a folder with the config and the manifest that was shipped. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { flyway } from '../functions/ledgers/flyway.ts'
import { flywayChecksum } from '../functions/ledgers/flyway-files.ts'
import { runCli } from './processes.ts'
import { listMigrations } from './schema.ts'
import type { MigrationFile } from './schema.ts'

export const CLUSTER = 'arn:aws:rds:eu-west-1:111122223333:cluster:bench'
export const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:bench-AbCdEf'
export const DATABASE = 'bench'

export interface Project {
  /** Of the measured database. */
  readonly url: string
  /** With the config and the manifest alone, as in a production image. */
  readonly folder: string
}

/** Makes what is not there yet. */
export async function prepareProject(
  server: string,
  folder: string,
  tables: number,
  say: (text: string) => void,
): Promise<Project> {
  const at = new URL(server)
  at.pathname = `/${DATABASE}`
  const url = at.href
  const migrations = listMigrations(tables)
  if (!(await isLoaded(server))) {
    say(`creating ${tables} tables by ${migrations.length} migrations: minutes`)
    await load(server, url, migrations)
  }
  const source = join(folder, 'source')
  const shipped = join(folder, 'shipped')
  await rm(source, { recursive: true, force: true })
  await mkdir(join(source, 'db', 'migration'), { recursive: true })
  await mkdir(shipped, { recursive: true })
  for (const { name, sql } of migrations) await writeFile(join(source, 'db', 'migration', name), sql)
  for (const place of [source, shipped]) await writeFile(join(place, 'deploywatch.yaml'), CONFIG)
  say('building the manifest from the database (replay.mode environment)')
  const manifest = join(shipped, 'deploywatch.release.json')
  const built = await runCli(['build', '--out', manifest, '--release-version', '1.0.0'], {
    cwd: source,
    env: { BENCH_DATABASE_URL: url },
  })
  if (built.code !== 0) throw new Error(`deploywatch build failed: ${built.stderr}`)
  return { url, folder: shipped }
}

/** An own ledger of Flyway's is part of every look. */
const CONFIG = `service: bench
migrations: { tool: flyway, path: db/migration }
schema:
  replay: { mode: environment, environment: wire }
environments:
  wire: { database: { url: "\${BENCH_DATABASE_URL}" } }
  data-api:
    database: { cluster: "${CLUSTER}", secret: "${SECRET}", name: ${DATABASE}, region: eu-west-1, endpoint: "\${BENCH_DATA_API}" }
`

/** Whether an earlier run got to the end: the name is given last. */
async function isLoaded(server: string): Promise<boolean> {
  return withClient(server, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    return rowCount === 1
  })
}

async function load(server: string, url: string, migrations: readonly MigrationFile[]): Promise<void> {
  const draft = `${DATABASE}_draft`
  await withClient(server, async (client) => {
    await client.query(`DROP DATABASE IF EXISTS ${draft}`)
    await client.query(`CREATE DATABASE ${draft} TEMPLATE template0`)
  })
  const at = new URL(url)
  at.pathname = `/${draft}`
  await withClient(at.href, async (client) => {
    await client.query('SET synchronous_commit = off')
    await client.query(flyway.ledgerDdl)
    for (const [index, { name, sql }] of migrations.entries()) {
      await client.query(sql)
      await client.query(
        `INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
         VALUES ($1, $2, $3, 'SQL', $4, $5, 'postgres', 100, true)`,
        [
          index + 1,
          String(index + 1),
          name.replace(/^V\d+__|\.sql$/g, '').replaceAll('_', ' '),
          name,
          flywayChecksum(sql),
        ],
      )
    }
    // What autovacuum would do within minutes.
    await client.query('VACUUM ANALYZE')
    await client.query('CHECKPOINT')
  })
  await withClient(server, async (client) => {
    await client.query(`ALTER DATABASE ${draft} RENAME TO ${DATABASE}`)
  })
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
