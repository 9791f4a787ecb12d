/** PGlite as the throwaway server: the embedded default. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { PGlite, PGliteOptions } from '@electric-sql/pglite'
import { embeddedConnection, queryMessage } from '../../connections/embedded.ts'
import type { Cache } from '../cache.ts'
import { refusal } from './refusal.ts'
import type { StatementResult, Throwaway } from '../throwaway.ts'
import { loadExtensions } from './extensions.ts'

/** The package's version, which names the server's too: known without loading 20 MB of WebAssembly. */
export async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  const manifest: unknown = JSON.parse(await readFile(join(entry, '..', '..', 'package.json'), 'utf8'))
  return String((manifest as { readonly version?: unknown }).version)
}

/**
 * - max_locks_per_transaction, times max_connections: a migration of 20,000 statements locks more than the default's 6,400 objects.
 * - max_connections, shared_buffers, wal_buffers, max_wal_senders: there is one session, and the files are in memory: what the
 *   defaults set aside beside them costs a sixth of the start.
 * - client_min_messages: the server says what a statement costs only at debug1. Set here, DISCARD ALL keeps it.
 * - plan_cache_mode: what the replay prepares would else be planned anew at each of its first runs, which is most of its cost.
 * - search_path: PGlite starts with `public` alone, a server with this.
 */
const SETTINGS = [
  'max_locks_per_transaction=16384',
  'max_connections=8',
  'shared_buffers=16MB',
  'wal_buffers=64kB',
  'max_wal_senders=0',
  'client_min_messages=debug1',
  'search_path="$user", public',
  'plan_cache_mode=force_generic_plan',
]

const KEPT_FRESH = 2

/** Starts a server for a replay: from `state`, else an empty one. */
export async function startPglite(options: {
  readonly extensions: readonly string[]
  readonly cache: Cache
  readonly state: Uint8Array | null
}): Promise<Throwaway> {
  const [{ PGlite }, extensions] = await Promise.all([
    import('@electric-sql/pglite'),
    loadExtensions(options.extensions),
  ])
  const startParams = [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ['-c', setting])]
  if (options.state === null) return throwaway(await openFresh(options.cache, { extensions, startParams }))
  const loaded = await create({ extensions, startParams }, options.state).catch(() => null)
  if (loaded === null) throw new Error('the saved state of the embedded server does not load')
  return throwaway(loaded)
}

type Settings = Pick<PGliteOptions, 'extensions' | 'startParams' | 'initDbStartParams'>

/** An empty server, whose files are kept in the cache: initdb takes seconds, and loading its result a seventh of that. */
export async function openFresh(cache: Cache, settings: Settings): Promise<PGlite> {
  const fresh = `pglite-${await pgliteVersion()}-slim.fresh`
  const saved = await cache.read(fresh)
  // Files of another build of PGlite, say: begin anew.
  const loaded = saved === null ? null : await create(settings, saved).catch(() => null)
  if (loaded !== null) return loaded
  const made = await create({ ...settings, initDbStartParams: INITDB }, null)
  for (const sql of SLIM) await made.exec(sql)
  await cache.write(fresh, await (await dump(made))(), KEPT_FRESH)
  return made
}

/** 1 MB of write-ahead log to begin with, not 16. */
const INITDB = ['--wal-segsize=1']

/** The templates are two thirds of what is left. A `CREATE DATABASE` that wants one is given it by the session. */
const SLIM = ['UPDATE pg_database SET datistemplate = false', 'DROP DATABASE template0', 'DROP DATABASE template1']

async function create(settings: Settings, saved: Uint8Array | null): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite')
  return PGlite.create({ ...settings, ...(saved === null ? {} : { loadDataDir: new Blob([await unpack(saved)]) }) })
}

/** Bytes that zlib works on at a time: with its default, 16 KB, going to and fro between threads takes most of the time. */
const CHUNK = 1 << 20

/**
 * Copies the files as they are now, 15 MB of an empty server. What is answered packs them: level 1 makes 2 MB of it, twice as
 * fast as the default, and outside of the main thread.
 */
async function dump(database: PGlite): Promise<() => Promise<Uint8Array>> {
  // Else whoever starts from the files goes through the log first.
  await database.exec('CHECKPOINT')
  const files = Buffer.from(await (await database.dumpDataDir('none')).arrayBuffer())
  return () => promisify(gzip)(files, { level: 1, chunkSize: CHUNK })
}

async function unpack(saved: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await promisify(gunzip)(saved, { chunkSize: CHUNK }))
}

/** What PGlite parses of the protocol, as far as it is read here. */
interface ServerMessage {
  readonly name: string
  readonly severity?: string
  readonly message?: string
  readonly fields?: readonly (string | null)[]
}

/** The last statement's rows, and every notice. @throws {DatabaseError} */
function resultOf(messages: readonly ServerMessage[]): StatementResult {
  const notices: string[] = []
  let rows: (readonly (string | null)[])[] = []
  let isNext = true
  for (const message of messages) {
    if (message.name === 'notice') notices.push(`${message.severity ?? ''} ${message.message ?? ''}`)
    else if (message.name === 'error') throw refusal(message)
    else if (message.name === 'commandComplete') isNext = true
    else if (message.name === 'dataRow') {
      if (isNext) rows = []
      isNext = false
      rows.push(message.fields ?? [])
    }
  }
  return { rows, notices }
}

async function throwaway(database: PGlite): Promise<Throwaway> {
  const run = async (sql: string): Promise<StatementResult> => {
    const { messages } = await database.execProtocol(queryMessage(sql), { throwOnError: false })
    return resultOf(messages)
  }
  const { rows } = await run("SELECT current_setting('server_version')")
  return {
    version: (rows[0]?.[0] ?? '').split(' ')[0] ?? '',
    run,
    oneSession: true,
    connection: embeddedConnection(database),
    reach: { kind: 'embedded', exchange: (messages) => database.execProtocolRaw(messages) },
    save: () => dump(database),
    close: () => database.close(),
  }
}
