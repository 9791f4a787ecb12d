/** Which release a command is about: `--release FILE`, the manifest that is there, or the working tree. */
import { readFile, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { LoadedConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import type { LedgerTool, ProjectFiles } from '../ledgers/ledger.ts'
import { openProject } from '../ledgers/project-files.ts'
import type { BuildInput } from './build.ts'
import { buildRelease } from './build.ts'
import type { ManifestFiles, ReleaseManifest } from './manifest.ts'
import { encodeManifest, manifestOfBuilt, openManifest, partPath } from './manifest.ts'
import { planReplay } from './plan.ts'

export const DEFAULT_MANIFEST = 'deploywatch.release.json'

export interface ResolveInput extends Omit<BuildInput, 'release' | 'engine'> {
  /** `--release` as it was typed, or null where it was not said. */
  readonly named: string | null
  readonly cwd: string
  /** What a release that is built from the working tree is called. */
  readonly release: () => Promise<BuildInput['release']>
  /** Loaded only where something is replayed. */
  readonly engine: () => Promise<BuildInput['engine']>
}

export interface ResolvedRelease {
  readonly manifest: ReleaseManifest
  /** The manifest's file, or null: built from the working tree. */
  readonly file: string | null
  /** The manifest's bytes, as a store keeps them. */
  files(): Promise<ManifestFiles>
}

/**
 * A manifest that was named is taken as it is. One that lies there by its default name is taken if the migrations beside
 * it are those that it was built from; where there is none, the release is built.
 *
 * @throws {ConfigError} the manifest cannot be read, or is not of these migrations.
 */
export async function resolveRelease(input: ResolveInput): Promise<ResolvedRelease> {
  const file = input.named ?? DEFAULT_MANIFEST
  const path = resolve(input.named === null ? input.loaded.folder : input.cwd, file)
  const isThere = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
  if (input.named === null && !isThere) {
    const built = await buildRelease({ ...input, release: await input.release(), engine: await input.engine() })
    return { manifest: manifestOfBuilt(built), file: null, files: async () => encodeManifest(built) }
  }
  const manifest = await openManifest(path)
  if (input.named === null) await refuseStale(manifest, path, input)
  const files = async () => ({ header: await readFile(path), catalog: await readFile(partPath(path)) })
  return { manifest, file: path, files }
}

/** Compares the files only: nothing is replayed. A folder that is not there (a production image) proves nothing. */
async function refuseStale(manifest: ReleaseManifest, path: string, input: ResolveInput): Promise<void> {
  const project = input.project ?? openProject(input.loaded.folder)
  if (!(await hasFolders(input.loaded, project))) return
  const now = await migrationDigests(input.loaded, project, input.tools)
  const then = manifest.expectation.ledgers.flatMap(({ name, migrations }) =>
    migrations.map(({ file, digest }) => `${name} ${file} ${digest}`),
  )
  const differs = [...now.filter((line) => !then.includes(line)), ...then.filter((line) => !now.includes(line))][0]
  if (differs === undefined) return
  throw new ConfigError([
    {
      file: path,
      line: 0,
      column: 0,
      message: `it was built from other migrations than those beside it (${differs.split(' ').slice(1, -1).join(' ')} is not the same): run \`npx deploywatch build\`, or name a manifest with --release ${basename(path)}`,
    },
  ])
}

async function hasFolders(loaded: LoadedConfig, project: ProjectFiles): Promise<boolean> {
  for (const { path } of loaded.config.migrations) if (!(await project.isFolder(path))) return false
  return true
}

async function migrationDigests(
  loaded: LoadedConfig,
  project: ProjectFiles,
  tools: readonly LedgerTool[],
): Promise<readonly string[]> {
  const { ledgers } = await planReplay(loaded, project, tools)
  return ledgers.flatMap(({ name, migrations }) => migrations.map(({ file, digest }) => `${name} ${file} ${digest}`))
}
