/**
 * What an incident hears of a look. A page needs a confirmed failure, so that each way here says which errors are confirmed:
 * in a watch its tracks have judged that already; of a look that stands alone nothing is, and the next one has to find it too.
 */
import type { Report } from './report.ts'
import { verdictOf } from './verdict.ts'
import type { WatchAccount } from './watch-summary.ts'
import { watchReport } from './watch-summary.ts'
import { isHealthy, keyOf, unverifiedChecks } from './watch.ts'

export interface Deployment {
  readonly release: Report['release']
  /** ISO 8601, UTC: one that is later than another takes its place, also where it brings an older release back. */
  readonly at: string
}

export interface IncidentLook {
  /** ISO 8601, UTC: looks count in this order, however late or often each one is told. */
  readonly startedAt: string
  /** When the release that was looked at was deployed, as its `Deployment` says; null: not known, taken as the present one. */
  readonly deployedAt: string | null
  readonly report: Report
  /** Which of its errors are confirmed, and since when each was seen (ISO 8601, UTC). */
  readonly confirmed: readonly { readonly key: string; readonly since: string }[]
  /** The release was seen to work: what was skipped has not passed. Nothing else resolves an incident. */
  readonly verified: boolean
  /** Where people read what it saw (a URL); null: nowhere. */
  readonly reportPage: string | null
}

/** After each look of a watch. `account` as for `watchReport`, the latest look's end as `elapsedMs`. */
export function lookOfWatch(
  { plan, state, about }: Pick<WatchAccount, 'plan' | 'state' | 'about'>,
  deployedAt: string | null,
): IncidentLook {
  const beganMs = state.last?.beganMs ?? 0
  const elapsedMs = state.last?.endedMs ?? 0
  const end = { kind: 'window' } as const
  return {
    startedAt: later(about.startedAt, beganMs),
    deployedAt,
    report: watchReport({ plan, state, end, elapsedMs, judgements: [], remarks: [], about }),
    confirmed: state.tracks
      .filter((track) => track.state === 'confirmed')
      .map(({ key, firstMs }) => ({ key, since: later(about.startedAt, firstMs) })),
    verified: isHealthy(state),
    reportPage: null,
  }
}

/**
 * The end of a watch: of `watchReport` every error is confirmed, and a pass is verified. Also for looks between deployments:
 * run one as a watch whose window is 0, which looks again on its own where it suspects something.
 */
export function lookOfWatchEnd(report: Report, deployedAt: string | null): IncidentLook {
  return {
    // The report is dated when its watch began; its looks are told already.
    startedAt: later(report.startedAt, report.durationMs),
    deployedAt,
    report,
    confirmed: errorKeys(report).map((key) => ({ key, since: report.startedAt })),
    verified: report.verdict === 'pass' && verdictOf(report.findings) === 'pass',
    reportPage: null,
  }
}

/** One look that no watch has judged. `required`: the checks that must have passed, as in a watch's plan. */
export function lookAlone(report: Report, required: readonly string[], deployedAt: string | null): IncidentLook {
  const passed = report.verdict === 'pass' && verdictOf(report.findings) === 'pass' && required.length > 0
  return {
    startedAt: report.startedAt,
    deployedAt,
    report,
    confirmed: [],
    verified: passed && unverifiedChecks({ forMs: 0, deadlineMs: 0, required }, report).length === 0,
    reportPage: null,
  }
}

function errorKeys(report: Report): readonly string[] {
  return report.findings.filter(({ severity }) => severity === 'error').map(keyOf)
}

function later(iso: string, ms: number): string {
  return new Date(Date.parse(iso) + ms).toISOString()
}
