/** The repository on disk, as a tool may look at it. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ProjectFiles } from './ledger.ts'

/** Folders that hold other people's files: thousands of them, and no migration of this release. */
const SKIPPED = new Set(['.git', 'node_modules', '.deploywatch', '.venv', '.tox', 'site-packages', '__pycache__'])

/** Reads below `root`, the config file's folder. Errors other than "does not exist" are thrown. */
export function openProject(root: string): ProjectFiles {
  return {
    list: async (folder) => {
      const paths = await walk(resolve(root, folder), trimFolder(folder))
      return paths.sort()
    },
    read: async (path) => orWhereAbsent(readFile(resolve(root, path)), null),
    isFolder: async (path) =>
      orWhereAbsent(
        stat(resolve(root, path)).then((found) => found.isDirectory()),
        false,
      ),
  }
}

/** A project in memory: path → text or bytes. */
export function projectOf(files: Readonly<Record<string, string | Buffer>>): ProjectFiles {
  const paths = Object.keys(files).sort()
  const below = (folder: string): readonly string[] => {
    const prefix = trimFolder(folder)
    return prefix === '' ? paths : paths.filter((path) => path.startsWith(`${prefix}/`))
  }
  return {
    list: async (folder) => below(folder),
    read: async (path) => {
      const found = files[trimFolder(path)]
      return found === undefined ? null : Buffer.from(found)
    },
    isFolder: async (path) => below(path).length > 0,
  }
}

/** `./db/migrations/` → `db/migrations`; `.` → ``. */
export function trimFolder(folder: string): string {
  return folder
    .replaceAll('\\', '/')
    .replace(/^(?:\.\/+)+/, '')
    .replace(/\/+$/, '')
    .replace(/^\.$/, '')
}

/** Joins with '/', without a leading './'. */
export function joinPath(folder: string, name: string): string {
  const trimmed = trimFolder(folder)
  return trimmed === '' ? name : `${trimmed}/${name}`
}

/** The folder of a path, '' for the root. */
export function folderOf(path: string): string {
  const at = path.lastIndexOf('/')
  return at < 0 ? '' : path.slice(0, at)
}

/** The folder itself and those above it up to the root: `a/b` → `a/b`, `a`, ``. */
export function upwards(folder: string): readonly string[] {
  const trimmed = trimFolder(folder)
  return trimmed === '' ? [''] : [trimmed, ...upwards(folderOf(trimmed))]
}

async function walk(absolute: string, relative: string): Promise<string[]> {
  const entries = await orWhereAbsent(readdir(absolute, { withFileTypes: true }), [])
  const found: string[] = []
  for (const entry of entries) {
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) found.push(...(await walk(`${absolute}/${entry.name}`, path)))
    } else if (entry.isFile() || entry.isSymbolicLink()) found.push(path)
  }
  return found
}

async function orWhereAbsent<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return otherwise
    throw error
  }
}
