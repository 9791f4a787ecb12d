/** From a checkout to what its release needs: plan, replay, digest. */
import type { LoadedConfig } from '../config/load.ts'
import type { Connection } from '../connections/connection.ts'
import type { Expectation, Release } from '../core/release.ts'
import type { Engine } from '../engines/engine.ts'
import type { LedgerTool, ProjectFiles } from '../ledgers/ledger.ts'
import { openProject } from '../ledgers/project-files.ts'
import type { Cache } from './cache.ts'
import { openCache } from './cache.ts'
import { computeCatalog } from './expected-catalog.ts'
import type { BuiltRelease } from './manifest.ts'
import { digestOfExpectation, summarise } from './manifest.ts'
import { addNeededGrants } from './needed-grants.ts'
import { planReplay } from './plan.ts'
import { listStatements } from './statements.ts'

export interface BuildInput {
  readonly loaded: LoadedConfig
  /** What the release is called; its service is the config's. */
  readonly release: Pick<Release, 'version' | 'commit'>
  readonly engine: Engine
  readonly tools: readonly LedgerTool[]
  /** Default: the config's folder. */
  readonly project?: ProjectFiles
  readonly cache?: Cache
  /** What a command of the config is given, but for its database; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Opens an environment's database: for schema.replay.mode environment only. */
  readonly connect: (environment: string) => Promise<Connection>
}

/**
 * Computes the release. The same checkout gives the same release: nothing of a clock, of chance or of this machine is in it.
 *
 * @throws {ConfigError} something that the config asks for is not there, each with its place.
 */
export async function buildRelease(input: BuildInput): Promise<BuiltRelease> {
  const { loaded, engine, connect } = input
  const { config } = loaded
  const project = input.project ?? openProject(loaded.folder)
  const plan = await planReplay(loaded, project, input.tools)
  const statements = await listStatements(loaded, project)
  const cache = input.cache ?? openCache()
  const result = await computeCatalog({ loaded, project, plan, engine, cache, env: input.env ?? process.env, connect })
  const { effects } = result
  const { match, ignore, role } = config.schema
  const { objects, notes: grantNotes } = await addNeededGrants(result.objects, statements, role)
  const expectation: Omit<Expectation, 'release' | 'digest'> = {
    ledgers: plan.ledgers,
    catalog: summarise(objects, effects, result),
    policy: { match, ignore, role },
    statements,
  }
  const kept = configForLooks(config)
  const release = { service: config.service, version: input.release.version, commit: input.release.commit }
  return {
    expectation: { ...expectation, release, digest: digestOfExpectation(expectation, kept) },
    config: kept,
    objects,
    effects,
    notes: [
      ...plan.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`),
      ...result.notes,
      ...grantNotes,
    ],
  }
}

/** What of the config a look needs that has only the manifest. `${VAR}` stays as it is: no secret enters a manifest. */
function configForLooks(config: LoadedConfig['config']): BuiltRelease['config'] {
  const { service, environments, endpoints, queries, statements, store } = config
  return JSON.parse(
    JSON.stringify({ service, environments, endpoints, queries, statements, store }),
  ) as BuiltRelease['config']
}
