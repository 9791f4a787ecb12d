/** Releases in memory: a config and files, replayed on the embedded server. */
import { rm } from 'node:fs/promises'
import { parseConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import type { ObjectReference } from '../../functions/core/release.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { projectOf } from '../../functions/ledgers/project-files.ts'
import type { BuildInput } from '../../functions/release/build.ts'
import { buildRelease } from '../../functions/release/build.ts'
import { openCache } from '../../functions/release/cache.ts'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { freshCache } from '../support/fresh-cache.ts'

/** One cache for all of a suite: the fresh server is made once. */
export async function makeCache(): Promise<{
  readonly cache: ReturnType<typeof openCache>
  readonly remove: () => Promise<void>
}> {
  const folder = await freshCache()
  return { cache: openCache(folder), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Numbered Flyway files: the first text is V1. */
export function flywayFiles(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(texts.map((text, at) => [`db/migration/V${at + 1}__m${at + 1}.sql`, text]))
}

export function configOf(more = ''): LoadedConfig {
  return parseConfig(
    `service: orders\nmigrations: { tool: flyway, path: db/migration }\n${more}`,
    'deploywatch.yaml',
    '/project',
  )
}

export async function build(
  files: Readonly<Record<string, string>>,
  options: Partial<BuildInput> & Pick<BuildInput, 'cache'> & { readonly config?: string },
): Promise<BuiltRelease> {
  return buildRelease({
    loaded: configOf(options.config),
    release: { version: '1.0.0', commit: null },
    engine: postgres,
    tools: LEDGER_TOOLS,
    project: projectOf(files),
    connect: async () => Promise.reject(new Error('no environment is to be reached here')),
    ...options,
  })
}

/** `kind group.name` of references, for short assertions. */
export function names(references: readonly ObjectReference[] | undefined): readonly string[] {
  return (references ?? []).map(({ kind, group, name }) =>
    group === name ? `${kind} ${name}` : `${kind} ${group}.${name}`,
  )
}
