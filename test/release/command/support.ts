/** Projects on disk whose release is computed by their own migration command. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseConfig } from '../../../functions/config/load.ts'
import { postgres } from '../../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../../functions/ledgers/index.ts'
import type { BuildInput } from '../../../functions/release/build.ts'
import { buildRelease } from '../../../functions/release/build.ts'
import type { openCache } from '../../../functions/release/cache.ts'
import type { BuiltRelease } from '../../../functions/release/manifest.ts'

export interface CommandProject {
  readonly folder: string
  remove(): Promise<void>
}

export const OWN_MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** A folder with these files; `modules`: whose packages it has. */
export async function commandProject(
  files: Readonly<Record<string, string>>,
  modules: string | null = OWN_MODULES,
): Promise<CommandProject> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'deploywatch-command-')))
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), text)
  }
  if (modules !== null) await symlink(modules, join(folder, 'node_modules'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

export interface CommandBuild {
  readonly cache: ReturnType<typeof openCache>
  /** The value of `migrations:`; null: there is none. */
  readonly migrations: string | null
  /** The rest of `schema.replay`, a flow mapping's inside. */
  readonly replay: string
  /** More of the config. */
  readonly more?: string
  readonly env?: BuildInput['env']
}

export async function buildBy(
  { folder }: Pick<CommandProject, 'folder'>,
  { cache, migrations, replay, more = '', env = process.env }: CommandBuild,
): Promise<BuiltRelease> {
  const ledger = migrations === null ? '' : `migrations: ${migrations}\n`
  const text = `service: orders\n${ledger}schema:\n  replay: { mode: command, ${replay} }\n${more}`
  return buildRelease({
    loaded: parseConfig(text, 'deploywatch.yaml', folder),
    release: { version: '1.0.0', commit: null },
    engine: postgres,
    tools: LEDGER_TOOLS,
    connect: async () => Promise.reject(new Error('no environment is to be reached here')),
    cache,
    env,
  })
}

/** What each migration brought and changed, as `subject: kind group.name, ~kind group.name`, in order. */
export function attributed({ expectation, effects }: BuiltRelease): readonly string[] {
  const subjects = expectation.ledgers.flatMap(({ migrations }) => migrations.map(({ subject }) => subject))
  return effects.map(({ brought, changed, removed }, at) => {
    const listed = (mark: string, references: typeof brought): readonly string[] =>
      references.map(({ kind, group, name }) => `${mark}${kind} ${group === name ? name : `${group}.${name}`}`)
    return `${subjects[at] ?? ''}: ${[...listed('', brought), ...listed('~', changed), ...listed('-', removed)].join(', ')}`
  })
}

/** The server that is a development dependency, where a build looks for one that it has installed. */
export async function linkServer({ folder }: ReturnType<typeof openCache>): Promise<void> {
  const place = join(folder, 'postgres', '18')
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'package.json'), '{}')
  await symlink(OWN_MODULES, join(place, 'node_modules')).catch(() => {})
}
