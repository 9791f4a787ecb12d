/** What happened around a deployment, in order: the deployment, the looks, the pages, the end. For the report's page. Pure. */
import type { PageMark } from './incident-state.ts'
import type { Report } from './report.ts'
import type { WatchAccount, WatchEnd } from './watch-summary.ts'
import type { LookRun } from './watch-history.ts'

/** Times are ISO 8601, UTC. */
export type TimelineEvent =
  | { readonly kind: 'deployed'; readonly at: string; readonly release: Report['release'] }
  /** `at`: when the first of them began; `times`: when each did. */
  | ({ readonly kind: 'looks'; readonly at: string; readonly times: readonly string[] } & Omit<LookRun, 'beganMs'>)
  | ({ readonly kind: 'page' } & PageMark)
  | { readonly kind: 'ended'; readonly at: string; readonly how: WatchEnd; readonly verdict: Report['verdict'] }

export interface Timeline {
  /** When the watch began. */
  readonly startedAt: string
  /** How long the watch was to last, in milliseconds. */
  readonly forMs: number
  /** In the order of their times. */
  readonly events: readonly TimelineEvent[]
  /** Looks of which nothing is kept any more. */
  readonly forgotten: number
}

export interface TimelineInput extends Pick<WatchAccount, 'plan' | 'state' | 'about' | 'elapsedMs'> {
  /** null: it goes on. */
  readonly end: { readonly how: WatchEnd; readonly verdict: Report['verdict'] } | null
  /** When the release was deployed; null: not known. */
  readonly deployedAt: string | null
}

export function timelineOf(input: TimelineInput): Timeline {
  const { plan, state, about, elapsedMs, end, deployedAt } = input
  const { startedAt, release } = about
  const listed = state.history.reduce((sum, { beganMs }) => sum + beganMs.length, 0)
  const events: TimelineEvent[] = [
    ...(deployedAt === null ? [] : [{ kind: 'deployed', at: deployedAt, release } as const]),
    ...state.history.map(({ beganMs, ...run }): TimelineEvent => {
      const times = beganMs.map((ms) => later(startedAt, ms))
      return { kind: 'looks', at: times[0] ?? startedAt, times, ...run }
    }),
    ...(end === null ? [] : [{ kind: 'ended', at: later(startedAt, elapsedMs), ...end } as const]),
  ]
  return {
    startedAt,
    forMs: plan.forMs,
    events: inOrder(events),
    forgotten: Math.max(0, state.looks - listed),
  }
}

/** With the pages of this service in this environment; those from before its deployment are left out. */
export function withPages(timeline: Timeline, pages: readonly PageMark[]): Timeline {
  const deployed = timeline.events.find(({ kind }) => kind === 'deployed')
  const since = deployed !== undefined && deployed.at < timeline.startedAt ? deployed.at : timeline.startedAt
  const added = pages.filter(({ at }) => at >= since).map((page) => ({ kind: 'page', ...page }) as const)
  return { ...timeline, events: inOrder([...timeline.events, ...added]) }
}

function inOrder(events: readonly TimelineEvent[]): readonly TimelineEvent[] {
  return events.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function later(iso: string, ms: number): string {
  return new Date(Date.parse(iso) + ms).toISOString()
}
