/**
 * What the function does that looks between deployments: the running release, as a watch without a window, which looks again on
 * its own where it suspects something. While a deployment is watched it stays away: the watch looks.
 */
import type { LambdaClient } from '@aws-sdk/client-lambda'
import { ListExecutionsCommand } from '@aws-sdk/client-sfn'
import type { SFNClient } from '@aws-sdk/client-sfn'
import { lookOfWatchEnd } from './core/incident-look.ts'
import type { Looker } from './core/look-order.ts'
import type { Report } from './core/report.ts'
import type { Verdict } from './core/verdict.ts'
import type { MetricPorts } from './metrics/put.ts'
import { lookMetrics } from './outputs/metrics.ts'
import type { PagingPorts } from './pages/paging.ts'
import type { ReportPageStore } from './pages/report-page.ts'
import { writeReportPage } from './pages/report-page.ts'
import type { TellLookPorts } from './pages/tell-look.ts'
import { openTelling, tellLook } from './pages/tell-look.ts'
import { createRemoteLooker } from './remote-looker.ts'
import type { ScheduledFunctionSettings } from './settings.ts'
import type { RunningRelease, Store } from './stores/store.ts'
import type { WatchSummary } from './watch.ts'
import { watch } from './watch.ts'

export interface ScheduledLookPorts extends PagingPorts {
  readonly store: ReportPageStore & Pick<Store, 'runningRelease' | 'putReport'>
  readonly cloudWatch: MetricPorts['client']
  readonly lambda: Pick<LambdaClient, 'send'>
  readonly sfn: Pick<SFNClient, 'send'>
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** Aborted after so many milliseconds. */
  readonly deadline?: (ms: number) => AbortSignal
}

export type ScheduledLook =
  | { readonly looked: true; readonly verdict: Verdict }
  /** `why`: one sentence for the log. */
  | { readonly looked: false; readonly why: string }

/** It rejects where the incident could not be read or written: whoever invoked it does so again. */
export function createScheduledLook(
  settings: ScheduledFunctionSettings,
  ports: ScheduledLookPorts,
): () => Promise<ScheduledLook> {
  const { store, log } = ports
  const looker = createRemoteLooker({
    functionName: settings.looker,
    invoke: (command, options) => ports.lambda.send(command, options),
    ...(ports.deadline === undefined ? {} : { deadline: ports.deadline }),
  })
  const stayAway = (why: string): ScheduledLook => {
    log({ kind: 'scheduled', looked: false, why })
    return { looked: false, why }
  }
  return async () => {
    if (await isWatched(settings, ports)) return stayAway('a deployment is being watched')
    const running = await runningNow(settings, ports)
    const { report } = await lookNow(settings, ports, looker, running)
    // What it saw may be of the release before, or of half a deployment.
    const after = await runningNow(settings, ports)
    if (after?.manifestDigest !== running?.manifestDigest || (await isWatched(settings, ports)))
      return stayAway('a deployment came in between')
    await tell(settings, ports, report)
    log({ kind: 'scheduled', looked: true, verdict: report.verdict })
    return { looked: true, verdict: report.verdict }
  }

  async function tell(about: ScheduledFunctionSettings, own: ScheduledLookPorts, report: Report): Promise<void> {
    const { service, environment } = about
    const telling = openTelling(about, own)
    const reportPage = await pageOf(own, telling, report)
    const look = { ...lookOfWatchEnd(report, null), reportPage }
    await tellLook(telling, about, look, (at) => lookMetrics(report, [], at))
    try {
      await store.putReport(service, environment, JSON.stringify(report), report.startedAt)
    } catch (error) {
      log({ kind: 'beside', what: 'report', why: error instanceof Error ? error.message : String(error) })
    }
  }
}

/** One name for all of them: it shows what the latest one saw. */
async function pageOf(
  { store, sleep }: ScheduledLookPorts,
  { tell }: Pick<TellLookPorts, 'tell'>,
  report: Report,
): Promise<string | null> {
  const { service, environment } = report
  if (environment === null) return null
  const release = { by: 'running' } as const
  const content = { service, environment, name: 'between-deployments', release, report, timeline: null, durations: [] }
  return writeReportPage({ store, sleep, tell }, content)
}

/** Where nobody can say, it looks: one look too many does no harm, and one too few hides what changed. */
async function isWatched({ window }: ScheduledFunctionSettings, { sfn, log }: ScheduledLookPorts): Promise<boolean> {
  try {
    const { executions = [] } = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn: window, statusFilter: 'RUNNING', maxResults: 1 }),
    )
    return executions.length > 0
  } catch (error) {
    log({ kind: 'beside', what: 'open watches', why: error instanceof Error ? error.message : String(error) })
    return false
  }
}

/** For its name alone: the looker asks the store itself, and says `release-unknown` where that does not know. */
async function runningNow(
  { service, environment }: ScheduledFunctionSettings,
  { store }: ScheduledLookPorts,
): Promise<RunningRelease | null> {
  // One that cannot be read is not known.
  return store.runningRelease(service, environment).catch(() => null)
}

async function lookNow(
  settings: ScheduledFunctionSettings,
  ports: ScheduledLookPorts,
  looker: Looker,
  running: RunningRelease | null,
): Promise<WatchSummary> {
  const { service, environment, deadlineMs, required } = settings
  const release = { version: running?.version ?? 'the running release', commit: running?.commit ?? null }
  return watch({
    service,
    environment,
    release,
    forMs: 0,
    deadlineMs,
    required,
    look: async (request) => {
      const order = { service, environment, release: { by: 'running' }, deployed: true } as const
      const { report } = await looker({ ...order, deadlineMs: request.deadlineMs })
      // Another's report would be a verdict on something else.
      if (report.service !== service || report.environment !== environment)
        throw new Error(`it answered for ${report.service} in ${String(report.environment)}`)
      return { report, samples: [] }
    },
    // The looker keeps its samples itself, and between deployments there is no before and after.
    store: null,
    // That is asked at the end: such a look is seconds long.
    newer: async () => null,
    clock: ports.clock,
    sleep: (ms, signal) => ports.sleep(ms, signal),
    interrupted: new AbortController().signal,
    tell: () => undefined,
  })
}
