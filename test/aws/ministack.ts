/** The emulator of AWS (`ministack`, from PyPI): installed into the cache folder once, started on loopback, and surely ended. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What was measured; boto3 has to be the one that this version's botocore pin takes. */
const PINNED = ['ministack==1.5.33', 'boto3==1.43.106', 'microburst==0.10.0']
export const REGION = 'eu-west-1'
export const ACCOUNT = '111111111111'

/** The folder of the virtual environment, or why there is none. */
export async function installMinistack(): Promise<{ readonly folder: string } | { readonly why: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'deploywatch')
  const folder = join(cache, PINNED.join('-').replaceAll('==', '-'))
  if (existsSync(join(folder, 'installed'))) return { folder }
  try {
    await mkdir(cache, { recursive: true })
    await rm(folder, { recursive: true, force: true })
    // Paths are written into a virtual environment: it is made where it stays, and marked when it is whole.
    await run('python3', ['-m', 'venv', folder])
    await run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...PINNED], {
      timeout: 240_000,
    })
    const marker = await mkdtemp(join(tmpdir(), 'deploywatch-installed-'))
    await rename(marker, join(folder, 'installed')).catch(async () => mkdir(join(folder, 'installed')))
    return { folder }
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
    return { why: `ministack cannot be installed (${line}): it needs python3 with venv, and PyPI` }
  }
}

export interface Ministack {
  readonly endpoint: string
  /** For SDK clients. */
  readonly clientConfig: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
  readonly python: string
  /** What it wrote so far. */
  output(): string
  stop(): Promise<void>
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/** Health takes a second on an idle machine, and ten on a busy one. */
const START_MS = 60_000

export async function startMinistack(venv: string): Promise<Ministack> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-ministack-'))
  const endpoint = `http://127.0.0.1:${port}`
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  let output = ''
  const child = spawn(join(venv, 'bin', 'ministack'), [], {
    cwd: folder,
    // Its workers are Node processes of the same group: the group is ended, so that none is left over.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its workers inherit its environment: nothing of this one may get into a function.
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      TMPDIR: folder,
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_REGION: REGION,
      MINISTACK_ACCOUNT_ID: ACCOUNT,
      // The roles' policies are enforced for what functions call.
      AUTH: 'true',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
    },
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const stop = stopper(child, folder)
  await waitForHealth(endpoint, child, () => output).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    endpoint,
    clientConfig: { endpoint, region: REGION, credentials },
    python: join(venv, 'bin', 'python'),
    output: () => output,
    stop,
  }
}

async function waitForHealth(endpoint: string, child: ChildProcess, output: () => string): Promise<void> {
  const until = Date.now() + START_MS
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`ministack ended with ${child.exitCode}: ${output()}`)
    const healthy = await fetch(`${endpoint}/_ministack/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (healthy) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`ministack was not healthy after ${START_MS / 1000} s: ${output()}`)
}

/** It hangs on SIGTERM while a custom resource waits, so the whole group is killed; also where the test run itself ends early. */
function stopper(child: ChildProcess, folder: string): () => Promise<void> {
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // ESRCH: the group is gone.
    }
  }
  process.once('exit', kill)
  return async () => {
    const ended = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve()
      else child.once('exit', () => resolve())
    })
    kill()
    await ended
    process.off('exit', kill)
    await rm(folder, { recursive: true, force: true })
  }
}
