/**
 * Migrations × environments of a release from the store alone: what other environments showed was published with it; this one's own
 * standing is what the function that looks saw last. No database is asked.
 */
import { compareEnvironments } from './core/compare-environments.ts'
import type { Comparison, EnvironmentSight } from './core/compare-environments.ts'
import { uniteMigrations } from './core/migration-evidence.ts'
import type { MigrationEvidence } from './core/migration-evidence.ts'
import type { Release } from './core/release.ts'
import { parseEvidence } from './release/evidence.ts'
import type { ReleaseManifest } from './release/manifest.ts'
import { readStanding } from './standing.ts'
import type { Documents } from './stores/documents.ts'
import type { Store } from './stores/store.ts'

export interface StoredComparisonInput {
  readonly service: string
  readonly environment: string
  readonly store: Pick<Store, 'evidence'> & Documents
  readonly expectation: ReleaseManifest['expectation']
  /** As it is to be called. */
  readonly release: Release
  /** ISO 8601, UTC. */
  readonly now: string
}

/** `problems`: what of the store could not be read, a sentence each. */
export async function compareStored(
  input: StoredComparisonInput,
): Promise<{ readonly comparison: Comparison; readonly problems: readonly string[] }> {
  const { sights, problems } = await sightsOf(input)
  const comparison = compareEnvironments({
    release: input.release,
    ledgers: input.expectation.ledgers,
    effects: [],
    environments: sights,
    unseen: [],
    now: input.now,
  })
  return { comparison, problems }
}

interface Sights {
  readonly sights: readonly EnvironmentSight[]
  readonly problems: readonly string[]
}

/** The other environments by name, and this one last: the way that releases travel. */
async function sightsOf({ service, environment, store, expectation }: StoredComparisonInput): Promise<Sights> {
  const { digest } = expectation
  const [texts, standing] = await Promise.all([
    store.evidence(service, digest),
    readStanding(store, { service, environment }),
  ])
  const byEnvironment = new Map<string, MigrationEvidence>()
  const problems: string[] = []
  const add = (name: string, migrations: MigrationEvidence): void => {
    const earlier = byEnvironment.get(name)
    byEnvironment.set(name, earlier === undefined ? migrations : uniteMigrations(earlier, migrations))
  }
  for (const text of texts) {
    const parsed = parseEvidence(text)
    if (parsed.kind === 'unreadable') problems.push(`evidence in the store cannot be read: ${parsed.reason}`)
    else if (parsed.evidence.migrations !== undefined) add(parsed.evidence.environment, parsed.evidence.migrations)
  }
  if (standing?.digest === digest) add(environment, standing.migrations)
  const others = [...byEnvironment.keys()].filter((name) => name !== environment).sort()
  return {
    sights: [...others, environment].map((name): EnvironmentSight => {
      const evidence = byEnvironment.get(name) ?? null
      return { environment: name, from: evidence === null ? null : 'evidence', evidence, why: null }
    }),
    problems,
  }
}
