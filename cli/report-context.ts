/** What is known beside a report, for its page: asked only where a page was asked for. */
import type { Look } from '../functions/check.ts'
import type { BaselineJudgement } from '../functions/core/baseline.ts'
import { judgeBaseline, revisionOf } from '../functions/core/baseline.ts'
import type { Comparison } from '../functions/core/compare-environments.ts'
import type { Elsewhere } from '../functions/core/environment-behind.ts'
import { comparisonOfLook } from '../functions/core/look-comparison.ts'
import type { Report } from '../functions/core/report.ts'
import type { ReportContext } from '../functions/outputs/report-page.ts'
import { NO_CONTEXT } from '../functions/outputs/report-page.ts'
import type { ReleaseManifest } from '../functions/release/manifest.ts'
import type { Store } from '../functions/stores/store.ts'
import type { WatchSummary } from '../functions/watch.ts'
import type { CommonOptions } from './options.ts'

export interface ContextInput {
  readonly environment: { readonly name: string }
  readonly manifest: ReleaseManifest
  /** What environments showed of the release's migrations. */
  readonly elsewhere: readonly Elsewhere[]
  readonly store: Pick<Store, 'samples'>
}

/** @param samples of the look, which the store may have by now */
export async function contextOfLook(
  { format }: Pick<CommonOptions, 'format'>,
  input: ContextInput,
  { report, migrations, samples }: Pick<Look, 'report' | 'migrations' | 'samples'>,
): Promise<ReportContext> {
  if (format !== 'html') return NO_CONTEXT
  const durations = await durationsOf(input, samples)
  return { comparison: comparisonOf(input, report, migrations), timeline: null, durations }
}

/** @param migrations what the last look saw of them */
export function contextOfWatch(
  { format }: Pick<CommonOptions, 'format'>,
  input: Omit<ContextInput, 'store'>,
  { report, timeline, judgements }: WatchSummary,
  migrations: Look['migrations'],
): ReportContext {
  if (format !== 'html') return NO_CONTEXT
  return { comparison: comparisonOf(input, report, migrations), timeline, durations: judgements }
}

function comparisonOf(
  { environment, manifest, elsewhere }: Omit<ContextInput, 'store'>,
  report: Report,
  migrations: Look['migrations'],
): Comparison {
  const { release, ledgers } = manifest.expectation
  return comparisonOfLook({ release, ledgers, environment: environment.name, report, migrations, elsewhere })
}

/** This look against those before it. A store that cannot be read is no reason to lose the page. */
async function durationsOf(
  { store, environment, manifest }: ContextInput,
  samples: Look['samples'],
): Promise<readonly BaselineJudgement[]> {
  if (samples.length === 0) return []
  const { release } = manifest.expectation
  const kept = await store.samples(release.service, environment.name).catch(() => [])
  const own = revisionOf(release)
  const since = samples.reduce((first, { at }) => (at < first ? at : first), samples[0]?.at ?? '')
  const before = kept.filter(({ at, revision }) => at < since && revision !== own)
  const after = kept.filter(({ at, revision }) => at < since && revision === own)
  return judgeBaseline(before, [...after, ...samples])
}
