/**
 * Real migration tools of the catalogue of scenarios, at pinned versions. Knex is a development dependency; what npm does not
 * have, or what weighs too much for everybody's `npm ci`, is installed by `npm run tools` into a folder of its own.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const TOOL_NAMES = ['knex', 'golang-migrate', 'flyway', 'prisma'] as const
export type MigrationToolName = (typeof TOOL_NAMES)[number]

export const PINNED = {
  'golang-migrate': '4.18.3',
  flyway: '11.14.1',
  // The last one that runs without an engine that is downloaded while it is installed.
  prisma: '6.18.0',
} as const satisfies Partial<Record<MigrationToolName, string>>

/** Raise it with whatever the installation does otherwise. */
const RECIPE = 2

export type InstalledTool = keyof typeof PINNED

export function toolsRoot(): string {
  return process.env['DEPLOYWATCH_TEST_TOOLS'] ?? join(homedir(), '.cache', 'deploywatch-test-tools')
}

/** Where a tool is, or is to be. */
export function toolFolder(name: InstalledTool): string {
  return join(toolsRoot(), `${name}-${PINNED[name]}-${RECIPE}`)
}

export interface MigrationToolPlace {
  /** A folder for the PATH; null: `npx` finds it. */
  readonly bin: string | null
  /** The `node_modules` that its project is to have; null: none. */
  readonly modules: string | null
  readonly env: Readonly<Record<string, string>>
}

/** null: it is not installed here. */
export function findTool(name: MigrationToolName): MigrationToolPlace | null {
  if (name === 'knex')
    return { bin: null, modules: fileURLToPath(new URL('../../node_modules', import.meta.url)), env: {} }
  const folder = toolFolder(name)
  if (!existsSync(folder)) return null
  switch (name) {
    case 'golang-migrate':
    case 'flyway':
      return { bin: folder, modules: null, env: {} }
    case 'prisma':
      return prismaPlace(folder)
  }
}

/** Its engines are downloads, but for the one in WebAssembly of `engine: 'js'`: a stand-in says that they are there. */
export function prismaPlace(folder: string): MigrationToolPlace {
  const engine = join(folder, 'engine')
  return {
    bin: null,
    modules: join(folder, 'node_modules'),
    env: {
      PRISMA_QUERY_ENGINE_LIBRARY: engine,
      PRISMA_SCHEMA_ENGINE_BINARY: engine,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  }
}
