/**
 * The report as a page in the store, where the person who was paged reads it: written before the page is sent, since that names it,
 * and never waited for longer than a page may be late.
 */
import type { BaselineJudgement } from '../core/baseline.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { Timeline } from '../core/timeline.ts'
import type { ReleaseStore } from '../release/find-release.ts'
import type { Documents } from '../stores/documents.ts'
import type { Store } from '../stores/store.ts'

export interface ReportPageStore extends ReleaseStore, Documents, Pick<Store, 'evidence' | 'putReportPage'> {}

export interface ReportPagePorts {
  readonly store: ReportPageStore
  /** Resolves early where the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** For the log: why there is none. */
  tell(what: string, why: string): void
}

export interface ReportPageContent {
  readonly service: string
  readonly environment: string
  /** Of the page: written again, it is the newer one. */
  readonly name: string
  readonly release: ReleaseReference
  readonly report: Report
  readonly timeline: Timeline | null
  readonly durations: readonly BaselineJudgement[]
}

const LATEST_MS = 4_000

/** Where it is, as a URL; null: it could not be written in time. It does not throw: a page without a link is a page. */
export async function writeReportPage(ports: ReportPagePorts, content: ReportPageContent): Promise<string | null> {
  const done = new AbortController()
  const late = async (): Promise<string | null> => {
    await ports.sleep(LATEST_MS, done.signal)
    return null
  }
  try {
    const url = await Promise.race([write(ports, content), late()])
    if (url === null) ports.tell('report page', `it was not written within ${LATEST_MS / 1_000} s`)
    return url
  } catch (error) {
    ports.tell('report page', error instanceof Error ? error.message : String(error))
    return null
  } finally {
    done.abort()
  }
}

async function write(ports: ReportPagePorts, content: ReportPageContent): Promise<string> {
  const { store } = ports
  const { service, environment, name } = content
  // Loaded by the look that has something to show: most find that all is well.
  const { renderStoredReport } = await import('./stored-report.ts')
  return store.putReportPage(service, environment, name, await renderStoredReport(ports, content))
}
