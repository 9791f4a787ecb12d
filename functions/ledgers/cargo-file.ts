/** What Cargo.toml says: which crates a Rust repository uses. */
import type { ProjectFiles } from './ledger.ts'
import { joinPath, upwards } from './project-files.ts'

export interface UsedCrate {
  /** The Cargo.toml that names it. */
  readonly file: string
  /** As written, without its operator: `0.9`; null where the workspace or nobody says it. */
  readonly version: string | null
}

/** The crate in the nearest Cargo.toml that names it, of a package or of a workspace. */
export async function findCrate(project: ProjectFiles, path: string, crate: string): Promise<UsedCrate | null> {
  const line = new RegExp(
    `^[ \\t]*(?:(?:[\\w-]+\\.)*)(?:${crate}(?:\\.\\w+)?[ \\t]*=(.*)|\\[[^\\]\\n]*dependencies\\.${crate}\\][^\\[]*)`,
    'm',
  )
  let found: UsedCrate | null = null
  for (const folder of upwards(path)) {
    const file = joinPath(folder, 'Cargo.toml')
    const match = line.exec((await project.read(file))?.toString('utf8') ?? '')
    if (match === null) continue
    const version = /["'][\^~=<> ]*(\d+(?:\.\d+)*)/.exec(match[1] ?? match[0])?.[1] ?? null
    found ??= { file, version }
    // A member takes the version of its workspace, which stands above it.
    if (version !== null) return { ...found, version }
  }
  return found
}
