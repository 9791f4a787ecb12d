/**
 * One look with 100 queries and 20 endpoints, through the local Data API: everything runs side by side, so that a look
 * takes little longer than its slowest check. Prints the ratio; the goal is at most 2.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareLooks } from '../cli/commands/check.ts'
import { startDataApi } from '../local/data-api/server.ts'
import { median } from './goals.ts'
import { CLUSTER, DATABASE, SECRET } from './project.ts'
import { letThrough, query, startServer } from './server.ts'

const QUERIES = 100
const ENDPOINTS = 20
/** What the slowest endpoint takes; the others are spread below it. */
const SLOWEST_MS = 1_500
const ROUNDS = 7

/** An HTTP server whose path says after how many milliseconds it answers. */
async function startEndpoints(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    setTimeout(() => response.end('{"status":"ok"}'), Number((request.url ?? '/0').slice(1)))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() ?? server.close() }
}

function configOf(dataApi: string, endpoints: string): string {
  const queries = Array.from({ length: QUERIES }, (_, at) => ({
    name: `query-${at}`,
    sql: `SELECT id, note FROM orders WHERE id > ${at * 100} ORDER BY id LIMIT 5`,
    expect: { minRows: 1, columns: { id: 'bigint' } },
  }))
  const requests = Array.from({ length: ENDPOINTS }, (_, at) => ({
    name: `endpoint-${at}`,
    url: `${endpoints}/${Math.round((SLOWEST_MS * (at + 1)) / ENDPOINTS)}`,
    expect: { status: 200, json: { '$.status': 'ok' } },
  }))
  const database = { cluster: CLUSTER, secret: SECRET, name: DATABASE, region: 'eu-west-1', endpoint: dataApi }
  // JSON is YAML.
  return JSON.stringify(
    { service: 'bench', queries, endpoints: requests, environments: { bench: { database } } },
    null,
    1,
  )
}

async function measure(folder: string, url: string): Promise<number> {
  await query(
    url,
    'CREATE TABLE orders (id bigint PRIMARY KEY, note text); INSERT INTO orders SELECT i, i::text FROM generate_series(1, 100000) i; ANALYZE orders',
  )
  const dataApi = await startDataApi({ backend: { url }, clusters: [CLUSTER], secrets: { [SECRET]: null } })
  const endpoints = await startEndpoints()
  const ratios: number[] = []
  try {
    await writeFile(join(folder, 'deploywatch.yaml'), configOf(dataApi.endpoint, endpoints.url))
    const io = { stdout: process.stdout, stderr: process.stderr, env: process.env, cwd: folder }
    const options = {
      config: 'deploywatch.yaml',
      release: null,
      running: null,
      store: null,
      env: 'bench',
      deployed: true,
    }
    for (let round = 0; round <= ROUNDS; round += 1) {
      const prepared = await prepareLooks({ ...options, changes: 'told' }, io)
      const { report, samples } = await prepared.look(Date.now(), 60_000)
      if (report.verdict !== 'pass' || samples.length !== QUERIES + ENDPOINTS) {
        throw new Error(
          `the look did not pass, or did not answer everything: ${JSON.stringify(report.findings.slice(0, 3))}`,
        )
      }
      const slowest = Math.max(...samples.map((sample) => sample.durationMs))
      // The first one warms up: modules, connections.
      if (round > 0) ratios.push(report.durationMs / slowest)
      process.stdout.write(
        `${round === 0 ? 'warm-up' : `round ${round}`}: look ${report.durationMs} ms, slowest check ${Math.round(slowest)} ms, ratio ${(report.durationMs / slowest).toFixed(2)}, ${report.database?.roundTrips ?? 0} calls\n`,
      )
    }
  } finally {
    endpoints.close()
    await dataApi.close()
  }
  return median(ratios)
}

const folder = await mkdtemp(join(tmpdir(), 'deploywatch-look-'))
await letThrough(folder)
const server = await startServer(join(folder, 'server'))
try {
  await query(server.url, `CREATE DATABASE ${DATABASE}`)
  const url = new URL(server.url)
  url.pathname = `/${DATABASE}`
  const ratio = await measure(folder, url.href)
  process.stdout.write(
    `${QUERIES} queries and ${ENDPOINTS} endpoints: median ratio ${ratio.toFixed(2)}, goal 2.00, ${ratio <= 2 ? 'reached' : 'missed'}\n`,
  )
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
