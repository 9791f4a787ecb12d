/** PGlite as the throwaway server: the embedded default. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { PGlite, PGliteOptions } from '@electric-sql/pglite'
import { embeddedConnection } from '../../connections/embedded.ts'
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
 * - max_locks_per_transaction: a migration of 20,000 statements locks more than the default's 64 allow.
 * - client_min_messages: the server says what a statement costs only at debug1. Set here, DISCARD ALL keeps it.
 * - plan_cache_mode: what the replay prepares would else be planned anew at each of its first runs, which is most of its cost.
 * - search_path: PGlite starts with `public` alone, a server with this.
 */
const SETTINGS = [
  'max_locks_per_transaction=4096',
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

type Settings = Pick<PGliteOptions, 'extensions' | 'startParams'>

/** An empty server, whose files are kept in the cache: initdb takes seconds, and loading its result a seventh of that. */
export async function openFresh(cache: Cache, settings: Settings): Promise<PGlite> {
  const fresh = `pglite-${await pgliteVersion()}.fresh`
  const saved = await cache.read(fresh)
  // Files of another build of PGlite, say: begin anew.
  const loaded = saved === null ? null : await create(settings, saved).catch(() => null)
  if (loaded !== null) return loaded
  const made = await create(settings, null)
  await cache.write(fresh, await pack(made), KEPT_FRESH)
  return made
}

async function create(settings: Settings, saved: Uint8Array | null): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite')
  return PGlite.create({ ...settings, ...(saved === null ? {} : { loadDataDir: new Blob([await unpack(saved)]) }) })
}

/** 40 MB, nearly all of it zeros of the write-ahead log: level 1 makes 5 MB of it, twice as fast as the default. */
async function pack(database: PGlite): Promise<Uint8Array> {
  const dump = await database.dumpDataDir('none')
  return promisify(gzip)(Buffer.from(await dump.arrayBuffer()), { level: 1 })
}

async function unpack(saved: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await promisify(gunzip)(saved))
}

async function throwaway(database: PGlite): Promise<Throwaway> {
  const run = async (sql: string): Promise<StatementResult> => {
    const notices: string[] = []
    try {
      const results = await database.exec(sql, {
        rowMode: 'array',
        onNotice: (notice) => notices.push(`${notice.severity ?? ''} ${notice.message ?? ''}`),
      })
      return { rows: (results.at(-1)?.rows ?? []) as unknown as StatementResult['rows'], notices }
    } catch (error) {
      throw refusal(error)
    }
  }
  const { rows } = await run("SELECT current_setting('server_version')")
  return {
    version: (rows[0]?.[0] ?? '').split(' ')[0] ?? '',
    run,
    oneSession: true,
    connection: embeddedConnection(database),
    save: () => pack(database),
    close: () => database.close(),
  }
}
