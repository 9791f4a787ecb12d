/** Runs the looker's own bundle as a process, over the Data API and over the wire, and reads how much memory it had resident. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import type { LookAnswer } from '../functions/core/look-order.ts'
import { BUCKET, startAwsStore } from '../test/support/aws-store/server.ts'
import { run, runCli, startScript } from './processes.ts'
import { CLUSTER, DATABASE, prepareProject, SECRET } from './project.ts'
import { startServer } from './server.ts'
import { startTlsFront } from './tls-front.ts'

export interface MemoryOfLooks {
  readonly look: 'whole' | 'unchanged'
  readonly database: string
  readonly peakBytes: readonly number[]
}

const ROUNDS = 3
/** Looks of a release in this service's project: see bench/project.ts. */
const ORDER = { service: 'bench', release: { by: 'version', version: '1.0.0' }, deployed: false, deadlineMs: 118_000 }

export async function measureMemory(
  folder: string,
  tables: number,
  say: (text: string) => void,
): Promise<readonly MemoryOfLooks[]> {
  const server = await startServer(folder)
  const store = await startAwsStore()
  const secrets = await startSecrets(new URL(server.url))
  const front = await startTlsFront(new URL(server.url), folder)
  try {
    const project = await prepareProject(server.url, folder, tables, say)
    const dataApi = await startScript('./data-api.ts', [server.url])
    try {
      const published = await runCli(['publish', '--store', `s3://${BUCKET}`], { cwd: project.folder, env: store.env })
      if (published.code !== 0) throw new Error(`deploywatch publish failed: ${published.stderr}`)
      const databases = {
        'Data API': { cluster: CLUSTER, secret: SECRET, name: DATABASE, region: 'eu-west-1', endpoint: dataApi.line },
        wire: { host: front.host, port: front.port, name: DATABASE, secret: SECRET },
      }
      const found: MemoryOfLooks[] = []
      for (const [name, database] of Object.entries(databases)) {
        const [whole, unchanged]: [number[], number[]] = [[], []]
        for (let round = 1; round <= ROUNDS; round += 1) {
          // Nothing is remembered of an environment that was never looked at.
          const environment = `${Object.keys(databases).indexOf(name)}-${round}`
          const own = { AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint, NODE_EXTRA_CA_CERTS: front.certificate }
          const env = { ...store.env, ...own }
          whole.push(await look(environment, database, env, 'nothing'))
          unchanged.push(await look(environment, database, env, 'unchanged'))
          say(`memory: ${name}, round ${round} of ${ROUNDS}`)
        }
        found.push({ look: 'whole', database: name, peakBytes: whole })
        found.push({ look: 'unchanged', database: name, peakBytes: unchanged })
      }
      return found
    } finally {
      await dataApi.stop()
    }
  } finally {
    front.close()
    secrets.close()
    await store.close()
    await server.stop()
  }
}

/** The most bytes that were resident. Throws where the look did not pass, or was not of that kind: that is no measurement. */
async function look(
  environment: string,
  database: object,
  env: Readonly<Record<string, string>>,
  remembered: 'nothing' | 'unchanged',
): Promise<number> {
  const settings = {
    service: 'bench',
    environment,
    config: { database },
    store: { bucket: BUCKET, table: BUCKET },
  }
  const code = `require(${JSON.stringify(resolve('dist/handlers/looker/index.js'))})
    .handler(${JSON.stringify({ ...ORDER, environment })}, { getRemainingTimeInMillis: () => 120000 })
    .then((answer) => console.log(JSON.stringify(answer)))`
  const done = await run(process.execPath, ['--no-warnings', '-e', code], {
    env: { ...env, DEPLOYWATCH_SETTINGS: JSON.stringify(settings) },
  })
  if (done.code !== 0) throw new Error(`the looker failed: ${done.stderr.slice(-600)}`)
  const { report } = JSON.parse(done.stdout) as LookAnswer
  const isUnchanged = report.notes.some((note) => note.startsWith('nothing ran DDL here'))
  if (report.verdict !== 'pass' || isUnchanged !== (remembered === 'unchanged')) {
    throw new Error(`the looker answered ${JSON.stringify(report).slice(0, 1000)}`)
  }
  if (done.peakBytes === null)
    throw new Error('this system does not tell how much memory a process has: run it on Linux')
  return done.peakBytes
}

/** Secrets Manager, with the one login that the measured server has. */
async function startSecrets(server: URL): Promise<{ readonly endpoint: string; close(): void }> {
  const login = { username: decodeURIComponent(server.username), password: decodeURIComponent(server.password) }
  const service = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      response.end(JSON.stringify({ ARN: SECRET, SecretString: JSON.stringify(login) }))
    })
  })
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done))
  const { port } = service.address() as AddressInfo
  return { endpoint: `http://127.0.0.1:${port}`, close: () => void service.close() }
}
