/** What every mode of computing the expected catalog needs. */
import type { LoadedConfig } from '../config/load.ts'
import { ConfigError, problemAt } from '../config/problem.ts'
import type { Connection } from '../connections/connection.ts'
import { factsText, identityOf } from '../core/catalog.ts'
import type { ExpectedObject, MigrationEffect, ReplayMode } from '../core/release.ts'
import type { Engine } from '../engines/engine.ts'
import type { ProjectFiles } from '../ledgers/ledger.ts'
import type { Cache } from './cache.ts'
import { ServerUnavailable, startEmbeddedPostgres } from './postgres/embedded-postgres.ts'
import type { Plan } from './plan.ts'
import type { Replayed, Trouble } from './replay.ts'
import type { Throwaway } from './throwaway.ts'

export interface ExpectedCatalogResult {
  readonly mode: ReplayMode
  /** The servers that it was computed on, the first one's texts being the catalog's. */
  readonly servers: readonly string[]
  readonly schemas: readonly string[]
  readonly objects: readonly ExpectedObject[]
  /** One a migration. */
  readonly effects: readonly MigrationEffect[]
  /** Remarks for whoever builds, each one sentence. */
  readonly notes: readonly string[]
}

export interface ExpectedCatalogInput {
  readonly loaded: LoadedConfig
  readonly project: ProjectFiles
  readonly plan: Plan
  readonly engine: Engine
  readonly cache: Cache
  /** The process's environment: for mode command. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Opens an environment's database, for mode environment. */
  readonly connect: (environment: string) => Promise<Connection>
}

/** The embedded server's major: another one is a real server, installed on demand. */
export const EMBEDDED_MAJOR = 18

export const NO_EFFECT: MigrationEffect = { brought: [], changed: [], removed: [], costs: [], failed: null }

export function configError(loaded: LoadedConfig, path: readonly (string | number)[], message: string): ConfigError {
  return new ConfigError([problemAt(loaded.place(path), message)])
}

/** A replay on another server, for its words. */
export interface Other {
  readonly major: number
  readonly replayed: Replayed
}

export function together(
  mode: ReplayMode,
  first: Replayed,
  rest: readonly Other[],
): Omit<ExpectedCatalogResult, 'notes'> {
  const variants = rest.map(({ major, replayed }) => ({
    major,
    objects: new Map(replayed.objects.map(({ object }) => [identityOf(object), object])),
  }))
  const objects = first.objects.map((expected) => {
    const texts = variants.flatMap(({ major, objects }) => {
      const other = objects.get(identityOf(expected.object))
      return other === undefined || factsText(other) === factsText(expected.object)
        ? []
        : [[String(major), factsText(other)] as const]
    })
    return texts.length === 0 ? expected : { ...expected, variants: Object.fromEntries(texts) }
  })
  return {
    mode,
    servers: [first, ...rest.map(({ replayed }) => replayed)].map(({ version }) => version),
    schemas: first.schemas,
    objects,
    effects: withTroubles(first.effects, first.troubles),
  }
}

/** What failed before the migrations belongs to none of them, and makes them unsure: the first one carries it. */
export function withTroubles(
  effects: readonly MigrationEffect[],
  troubles: readonly Trouble[],
): readonly MigrationEffect[] {
  const [first, ...rest] = effects
  const before = troubles.flatMap(({ file, failure }) =>
    [failure, ...failure.further].map((one) => ({
      ...one,
      line: 1,
      reason: `before it, at ${file}:${one.line}: ${one.reason}`,
      further: [],
    })),
  )
  const own = first?.failed ?? null
  const [failed, ...further] = [...before, ...(own === null ? [] : [{ ...own, further: [] }, ...own.further])]
  if (first === undefined || failed === undefined) return effects
  return [{ ...first, failed: { ...failed, further } }, ...rest]
}

export async function startServer({ loaded, cache }: ExpectedCatalogInput, major: number): Promise<Throwaway> {
  return startEmbeddedPostgres(major, cache.folder).catch((error: unknown) => {
    if (!(error instanceof ServerUnavailable)) throw error
    throw configError(loaded, ['schema', 'replay', 'versions'], error.message)
  })
}
