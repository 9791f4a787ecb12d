/** Caches of a suite's own. To make an empty server costs seconds: where the user's cache has one, it begins with that. */
import { copyFile, mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder } from '../../functions/release/cache.ts'

/** The folder of a cache that knows nothing of any migration. */
export async function freshCache(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-cache-'))
  const users = cacheFolder()
  const servers = (await readdir(users).catch(() => [])).filter(
    (name) => name.endsWith('.fresh') && !name.startsWith('.'),
  )
  // One that is taken away meanwhile is made anew.
  for (const name of servers) await copyFile(join(users, name), join(folder, name)).catch(() => undefined)
  return folder
}
