/** How long the missing migrations of a release will take in an environment: what was seen there, joined with what others showed. */
import type { Elsewhere } from './core/environment-behind.ts'
import { estimateMissing } from './core/estimate.ts'
import type { MigrationEstimate } from './core/estimate.ts'
import { missingOf, tellEstimates } from './core/estimate-findings.ts'
import type { ToldEstimates } from './core/estimate-findings.ts'
import type { KeptRun } from './core/estimate-history.ts'
import type { Finding } from './core/finding.ts'
import type { MigrationEvidence } from './core/migration-evidence.ts'
import type { Seen } from './core/observation.ts'
import type { TargetSight } from './look/target.ts'
import type { ReleaseManifest } from './release/manifest.ts'

export interface EstimateSight {
  readonly environment: string
  readonly release: ReleaseManifest
  readonly elsewhere: readonly Elsewhere[]
  /** What a look just saw of the migrations there. */
  readonly migrations: Pick<MigrationEvidence, 'records' | 'server'>
  /** What the missing ones will find; null: none is missing. */
  readonly target: Seen<TargetSight> | null
  readonly history: readonly KeptRun[]
  /** The environment variable that holds the address of its database; null where none is known. */
  readonly variable: string | null
  /** ISO 8601, UTC. */
  readonly now: string
}

const NOTHING: TargetSight = { volumes: [], activity: null, cache: null }

/** One a missing migration, in the order in which they will run. */
export async function estimatesOf(sight: EstimateSight): Promise<readonly MigrationEstimate[]> {
  const { environment, release, elsewhere, migrations, target, history, variable, now } = sight
  const missing = missingOf(release.expectation, await release.effects(), migrations.records)
  return estimateMissing({
    missing,
    target: { environment, version: migrations.server.version, ...(target?.seen === true ? target.value : NOTHING) },
    elsewhere,
    others: otherEnvironments(release, environment),
    history,
    variable,
    now,
  })
}

export interface Told extends ToldEstimates {
  readonly estimates: readonly MigrationEstimate[]
}

/** The findings of a look with how long what they miss will take. */
export async function tellEstimatesOf(sight: EstimateSight, findings: readonly Finding[]): Promise<Told> {
  const estimates = await estimatesOf(sight)
  return { ...tellEstimates(findings, estimates, sight.release.expectation), estimates }
}

/** Those of the config that the release was built with. */
function otherEnvironments({ config }: ReleaseManifest, own: string): readonly string[] {
  const known = config['environments']
  return typeof known === 'object' && known !== null ? Object.keys(known).filter((name) => name !== own) : []
}
