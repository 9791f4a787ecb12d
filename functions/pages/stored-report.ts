/** What the page of a report says beside it, from the store: which migrations are where, and which pages were sent. */
import type { Comparison } from '../core/compare-environments.ts'
import type { PageMark } from '../core/incident-state.ts'
import type { Timeline } from '../core/timeline.ts'
import { withPages } from '../core/timeline.ts'
import { renderReportPage } from '../outputs/report-page.ts'
import { findRelease } from '../release/find-release.ts'
import { compareStored } from '../stored-comparison.ts'
import type { Documents } from '../stores/documents.ts'
import { incidentKey, parseDocument } from './incident-document.ts'
import type { ReportPageContent, ReportPagePorts, ReportPageStore } from './report-page.ts'

/** What cannot be read of the store is left out of the page, and said to the log. */
export async function renderStoredReport(
  ports: Pick<ReportPagePorts, 'store' | 'tell'>,
  content: ReportPageContent,
): Promise<string> {
  const { store } = ports
  const { report, durations } = content
  const orNothing = async <T>(what: string, work: Promise<T>): Promise<T | null> => {
    try {
      return await work
    } catch (error) {
      ports.tell(what, error instanceof Error ? error.message : String(error))
      return null
    }
  }
  const [comparison, timeline] = await Promise.all([
    orNothing('migrations of other environments', comparisonOf(store, content)),
    content.timeline === null ? null : orNothing('pages of the timeline', timelineOf(store, content, content.timeline)),
  ])
  return renderReportPage(report, { comparison, timeline: timeline ?? content.timeline, durations })
}

async function comparisonOf(store: ReportPageStore, content: ReportPageContent): Promise<Comparison | null> {
  const { service, environment, release, report } = content
  const found = await findRelease({ store, service, environment, reference: release })
  if (!found.found) return null
  const { expectation } = found.manifest
  const now = report.startedAt
  const { comparison } = await compareStored({
    service,
    environment,
    store,
    expectation,
    release: expectation.release,
    now,
  })
  return comparison
}

async function timelineOf(
  store: Documents,
  { service, environment }: ReportPageContent,
  known: Timeline,
): Promise<Timeline> {
  const kept = await store.document(incidentKey(service, environment))
  const pages: readonly PageMark[] = kept === null ? [] : (parseDocument(kept.text)?.state.recent ?? [])
  return withPages(known, pages)
}
