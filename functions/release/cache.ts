/**
 * What can be computed again, kept in the user's cache: a fresh server's files, replayed prefixes, whole results. An
 * entry that is damaged is as good as none, and a cache that cannot be written is no reason to fail.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Cache {
  readonly folder: string
  /** The entry's bytes, or null: absent, or not what was written. */
  read(name: string): Promise<Buffer | null>
  /** Replaces the entry in one step, then keeps the newest `keep` entries with the same ending. */
  write(name: string, bytes: Uint8Array, keep: number): Promise<void>
  /** Names of all entries. */
  list(): Promise<ReadonlySet<string>>
}

/** `DEPLOYWATCH_CACHE`, else `deploywatch` in the user's cache folder. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const own = env['DEPLOYWATCH_CACHE']
  if (own !== undefined && own !== '') return own
  const users = env['XDG_CACHE_HOME']
  return join(users !== undefined && users !== '' ? users : join(homedir(), '.cache'), 'deploywatch')
}

const SEAL_BYTES = 32

function seal(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

export function openCache(folder: string = cacheFolder()): Cache {
  return {
    folder,
    read: async (name) => {
      const path = join(folder, name)
      const bytes = await readFile(path).catch(() => null)
      if (bytes === null || bytes.length < SEAL_BYTES) return null
      const content = bytes.subarray(SEAL_BYTES)
      if (!seal(content).equals(bytes.subarray(0, SEAL_BYTES))) return null
      const now = new Date()
      // Entries are dropped by age of use, not of making.
      await utimes(path, now, now).catch(() => {})
      return content
    },
    write: async (name, bytes, keep) => {
      try {
        await mkdir(folder, { recursive: true })
        // Two builds may write at once: each its own file, and the last rename wins whole.
        const temporary = join(folder, `.${name}.${randomBytes(4).toString('hex')}`)
        await writeFile(temporary, Buffer.concat([seal(bytes), bytes]))
        await rename(temporary, join(folder, name))
        await prune(folder, name.slice(name.lastIndexOf('.')), keep)
      } catch {
        // A read-only home (CI) only costs time.
      }
    },
    list: async () => new Set(await readdir(folder).catch(() => [])),
  }
}

/** Removes all but the newest `keep` entries, and what an interrupted write left behind an hour ago. */
async function prune(folder: string, ending: string, keep: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending) || name.startsWith('.'))
  const aged = await Promise.all(
    names.map(async (name) => ({ name, at: (await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? 0 })),
  )
  const whole = aged.filter((entry) => !entry.name.startsWith('.')).sort((a, b) => b.at - a.at)
  const left = aged.filter((entry) => entry.name.startsWith('.') && entry.at < Date.now() - 3_600_000)
  for (const { name } of [...whole.slice(keep), ...left]) await rm(join(folder, name), { force: true })
}
