/**
 * `npm run bench:tenants`: one look at a thousand tenants' schemas of fifty tables each in one real PostgreSQL, beside the look at one
 * schema alone, which a thousand looks would be. Making the schemas takes many minutes: `--folder DIR` keeps them for the next run.
 * Exits 1 where a look did not answer rightly, or needed more than three round trips over the wire.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { connect } from '../functions/connections/connect.ts'
import type { Connection } from '../functions/connections/connection.ts'
import type { Report } from '../functions/core/report.ts'
import type { ReleaseManifest } from '../functions/release/manifest.ts'
import { folderStore } from '../functions/stores/folder.ts'
import { startDataApi } from '../local/data-api/server.ts'
import { flywayHistory, look, releaseOf } from '../test/support/looks.ts'
import { median } from './goals.ts'
import { CLUSTER, SECRET } from './project.ts'
import { listMigrations } from './schema.ts'
import { query, startServer } from './server.ts'

const { values } = parseArgs({
  options: {
    tenants: { type: 'string', default: '1000' },
    tables: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
  },
})
const [tenants, tables, rounds] = [values.tenants, values.tables, values.rounds].map(Number) as [number, number, number]
const DATABASE = 'tenants'
/** Single looks that are measured; their median stands for each of the thousand. */
const SAMPLE = 20
const MOST_ROUND_TRIPS = 3

const files = Object.fromEntries(
  listMigrations(tables)
    .filter(({ sql }) => sql.trim() !== '')
    .map(({ name, sql }) => [`db/migration/${name}`, sql]),
)
const nameOf = (number: number): string => `tenant_${String(number).padStart(4, '0')}`
const say = (text: string): void => void process.stderr.write(`${text}\n`)

/** What is there already stays. */
async function fill(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ count: string }>(
      String.raw`SELECT count(*) AS count FROM pg_namespace WHERE nspname LIKE 'tenant\_%'`,
    )
    const history = flywayHistory(files)
    for (let number = Number(rows[0]?.count ?? 0) + 1; number <= tenants; number += 1) {
      const name = nameOf(number)
      await client.query(
        `BEGIN; CREATE SCHEMA ${name}; SET LOCAL search_path = ${name}; ${Object.values(files).join('\n')}; ${history}; COMMIT`,
      )
      if (number % 100 === 0) say(`${number} of ${tenants} schemas`)
    }
    await client.query('VACUUM ANALYZE')
  } finally {
    await client.end()
  }
}

/** Nothing of the data is worth keeping through a crash; 150,000 files would each be synced. */
const QUICKLY = ['fsync = off', 'full_page_writes = off', "max_wal_size = '8GB'"]

async function prepare(server: string): Promise<string> {
  for (const setting of QUICKLY) await query(server, `ALTER SYSTEM SET ${setting}`)
  await query(server, 'SELECT pg_reload_conf()')
  const there = await query(server, `SELECT 1 FROM pg_database WHERE datname = '${DATABASE}'`)
  if (there.length === 0) await query(server, `CREATE DATABASE ${DATABASE}`)
  const url = new URL(server)
  url.pathname = `/${DATABASE}`
  await fill(url.href)
  return url.href
}

interface Measured {
  readonly label: string
  readonly ms: number
  readonly report: Report
}

function row({ label, ms, report }: Measured): string {
  const { roundTrips = 0, bytesRead = 0 } = report.database ?? {}
  return `| ${label} | ${(ms / 1000).toFixed(2)} s | ${roundTrips} | ${bytesRead.toLocaleString('en-US')} |`
}

async function main(url: string, open: () => Promise<Connection>): Promise<boolean> {
  const release: ReleaseManifest = await releaseOf({ config: 'migrations: { path: db/migration }\n', files })
  const all = { schemas: ['tenant_*'], except: [] }
  const of = async (label: string, verdict: string, take: () => Promise<Report>, count = rounds): Promise<Measured> => {
    const reports: Report[] = []
    for (let at = 0; at < count; at += 1) reports.push(await take())
    const wrong = reports.find((report) => report.verdict !== verdict)
    if (wrong !== undefined) throw new Error(`${label}: ${wrong.verdict}: ${wrong.findings[0]?.found ?? ''}`)
    const last = reports.at(-1)
    if (last === undefined) throw new Error('there is no round')
    return { label, ms: median(reports.map(({ durationMs }) => durationMs)), report: last }
  }
  const newStore = async () => folderStore(await mkdtemp(join(tmpdir(), 'deploywatch-tenants-')))
  await look(release, url, { searchPath: [nameOf(1)] })
  const one = await of(
    'one schema, by its search path',
    'pass',
    () => look(release, url, { searchPath: [nameOf(7)] }),
    SAMPLE,
  )
  const alike = await of(`${tenants} schemas, all alike`, 'pass', async () =>
    look(release, url, { tenants: all, store: await newStore() }),
  )
  const store = await newStore()
  await look(release, url, { tenants: all, store })
  const unchanged = await of('the same, unchanged', 'pass', () => look(release, url, { tenants: all, store }))
  const dataApi = await of('all alike, calls of the Data API', 'pass', () => look(release, open, { tenants: all }))
  const three = [nameOf(7), nameOf(19), nameOf(400)].filter((_, at) => at === 0 || tenants >= 400)
  await query(url, three.map((name) => `ALTER TABLE ${name}.table_00007 DROP COLUMN title`).join(';'))
  const wrong = await of(`${three.length} that lack a column`, 'fail', () => look(release, url, { tenants: all }))
  await query(url, three.map((name) => `ALTER TABLE ${name}.table_00007 ADD COLUMN title text`).join(';'))
  const single = one.report.database
  const thousand = {
    ms: one.ms * tenants,
    bytes: (single?.bytesRead ?? 0) * tenants,
    trips: (single?.roundTrips ?? 0) * tenants,
  }
  process.stdout.write(
    `${[
      `${tenants} schemas × ${tables} tables, PostgreSQL ${one.report.database?.version ?? ''}, Node ${process.versions.node}, ${rounds} rounds, ${SAMPLE} single looks`,
      '',
      '| what | median | round trips | bytes read |',
      '| --- | --- | --- | --- |',
      ...[one, alike, unchanged, wrong, dataApi].map(row),
      '',
      `${tenants} looks at one schema each, computed from the sample: ${(thousand.ms / 1000).toFixed(0)} s, ${thousand.trips} round trips, ${thousand.bytes.toLocaleString('en-US')} bytes.`,
      `One look at all: ${(thousand.ms / alike.ms).toFixed(1)} times as fast, ${(thousand.bytes / (alike.report.database?.bytesRead ?? 1)).toFixed(0)} times fewer bytes.`,
      `finding: ${wrong.report.findings[0]?.code ?? ''} ${wrong.report.findings[0]?.subject ?? ''}: ${wrong.report.findings[0]?.found ?? ''}`,
    ].join('\n')}\n`,
  )
  return (alike.report.database?.roundTrips ?? Infinity) <= MOST_ROUND_TRIPS
}

const folder =
  values.folder === undefined ? await mkdtemp(join(tmpdir(), 'deploywatch-tenants-')) : resolve(values.folder)
const server = await startServer(folder)
try {
  const url = await prepare(server.url)
  const api = await startDataApi({ backend: { url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  try {
    const target = {
      kind: 'data-api',
      cluster: CLUSTER,
      secret: SECRET,
      name: DATABASE,
      region: 'eu-west-1',
      endpoint: api.endpoint,
    } as const
    if (!(await main(url, () => connect(target)))) process.exitCode = 1
  } finally {
    await api.close()
  }
} finally {
  await server.stop()
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true })
}
