/** The repository as a pipeline sees it. Paths are relative to its root, with '/'. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { posix, resolve } from 'node:path'

export interface Repository {
  /** null: no such file, or it cannot be read as text from here. */
  read(path: string): string | null
  /** Files below a folder, in order; [] where there is none. */
  list(folder: string): readonly string[]
}

/** Folders that hold other people's files. */
const SKIPPED = new Set(['.git', 'node_modules', '.deploywatch', 'vendor', '.venv'])

/** Larger ones are no definitions. */
const MOST_BYTES = 4_000_000

export function openRepository(root: string): Repository {
  const inside = (path: string): string | null => {
    const clean = cleanPath(path)
    return clean === null ? null : resolve(root, clean)
  }
  const list = (folder: string): readonly string[] => {
    const absolute = inside(folder)
    if (absolute === null) return []
    try {
      return readdirSync(absolute, { withFileTypes: true })
        .flatMap((entry) => {
          const path = posix.join(folder, entry.name)
          if (!entry.isDirectory()) return [path]
          return SKIPPED.has(entry.name) ? [] : list(path)
        })
        .sort()
    } catch {
      return []
    }
  }
  return {
    list: (folder) => list(cleanPath(folder) ?? '.'),
    read: (path) => {
      const absolute = inside(path)
      try {
        if (absolute === null || statSync(absolute).size > MOST_BYTES) return null
        return readFileSync(absolute, 'utf8')
      } catch {
        return null
      }
    },
  }
}

/** A repository in memory. */
export function repositoryOf(files: Readonly<Record<string, string>>): Repository {
  const paths = Object.keys(files).sort()
  return {
    read: (path) => files[cleanPath(path) ?? ''] ?? null,
    list: (folder) => {
      const clean = cleanPath(folder) ?? '.'
      return clean === '.' ? paths : paths.filter((path) => path.startsWith(`${clean}/`))
    },
  }
}

/** `./a/../b` → `b`; null where it leaves the repository. */
export function cleanPath(path: string): string | null {
  const clean = posix.normalize(path.replace(/^\/+/u, '')).replace(/\/$/u, '')
  return clean === '..' || clean.startsWith('../') ? null : clean
}
