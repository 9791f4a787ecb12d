/** What a watch tells after each look and at its end: the incident, the metrics, the report, and what runs now. */
import { watchName } from '../core/deployment.ts'
import { lookOfWatch, lookOfWatchEnd } from '../core/incident-look.ts'
import type { MetricDatum } from '../outputs/metrics.ts'
import { lookMetrics, verdictMetric, windowMetrics } from '../outputs/metrics.ts'
import type { TellLookPorts } from '../pages/tell-look.ts'
import { tellLook } from '../pages/tell-look.ts'
import type { ReportPageContent, ReportPagePorts, ReportPageStore } from '../pages/report-page.ts'
import { writeReportPage } from '../pages/report-page.ts'
import { findRelease } from '../release/find-release.ts'
import { markStored } from '../release/mark-running.ts'
import type { Store } from '../stores/store.ts'
import type { WindowNews } from './step-window.ts'

export interface TellPorts extends TellLookPorts {
  readonly store: ReportPageStore & Pick<Store, 'putReport' | 'putRunningRelease'>
  readonly sleep: ReportPagePorts['sleep']
}

/**
 * Told again, it is the same: an incident knows which looks it was told of, a report is overwritten by itself.
 *
 * @throws {Error} the incident could not be read or written: tell the news again
 */
export async function tellWindow(ports: TellPorts, news: WindowNews): Promise<void> {
  const { order, state, about, report } = news
  const { deployedAt } = order
  const look =
    news.kind === 'over'
      ? lookOfWatchEnd(report, deployedAt)
      : lookOfWatch({ plan: order.plan, state, about }, deployedAt)
  const reportPage = isWorthAPage(news) ? await writeReportPage(ports, pageOf(news)) : null
  const at = await tellLook(ports, order, { ...look, reportPage }, (now) => dataOf(news, now))
  if (news.kind !== 'over') return
  // With the pages that the end brought about.
  await writeReportPage(ports, pageOf(news))
  await beside(ports, 'report', () =>
    ports.store.putReport(order.service, order.environment, JSON.stringify(report), about.startedAt),
  )
  if (report.verdict === 'pass' && order.deployed)
    await beside(ports, 'running release', () => markRunning(ports, news, at))
}

/** While all is well a window has nothing new to show between its first look and its end. */
function isWorthAPage({ kind, state, firstVerdict }: WindowNews): boolean {
  return kind === 'over' || firstVerdict || state.history.some(({ outcome }) => outcome !== 'verified')
}

function pageOf({ order, report, timeline, durations }: WindowNews): ReportPageContent {
  const { service, environment, release, watch } = order
  return { service, environment, release, report, timeline, durations, name: watchName(watch) }
}

function dataOf({ kind, order, state, about, firstVerdict }: WindowNews, at: string): readonly MetricDatum[] {
  const last = state.last?.report ?? null
  return [
    // A look that saw nothing has a verdict too, and it is not pass.
    ...(kind === 'over' ? [] : last === null ? blindMetric(at) : lookMetrics(last, [], at)),
    ...(state.looks === 1 ? windowMetrics(about.startedAt, order.plan.forMs) : []),
    ...(firstVerdict && order.deployed ? verdictMetric(order.deployedAt, at) : []),
  ]
}

function blindMetric(at: string): readonly MetricDatum[] {
  return [{ name: 'LookVerdict', at, values: [1] }]
}

/** The release that was seen to work through the window is the one that runs. */
async function markRunning({ store }: TellPorts, { order }: WindowNews, at: string): Promise<void> {
  const { service, environment, release } = order
  if (release.by === 'running') return
  const found = await findRelease({ store, service, environment, reference: release })
  if (!found.found) throw new Error(found.why)
  await markStored(store, environment, {
    release: found.manifest.expectation.release,
    manifestDigest: found.digest,
    at,
  })
}

async function beside(ports: TellPorts, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    ports.tell(what, error instanceof Error ? error.message : String(error))
  }
}
