/**
 * What the function does that runs by the clock and never touches a database: it says that the watchdog is alive, lets time pass
 * for an incident, and sends the pages that could not be sent.
 */
import type { MetricPorts } from '../metrics/put.ts'
import { putMetrics } from '../metrics/put.ts'
import { heartbeatMetric, incidentMetric } from '../outputs/metrics.ts'
import type { WatchFunctionSettings } from '../settings.ts'
import { recordIncident } from './incidents.ts'
import type { PagingPorts } from './paging.ts'
import { openIncidents } from './paging.ts'
import { awsParkedQueue, redrivePages } from './redrive.ts'

export interface TendPorts extends PagingPorts {
  readonly cloudWatch: MetricPorts['client']
}

/** It rejects where the incident could not be kept, or what is parked not be read: then there is no heartbeat either. */
export function createTend(settings: WatchFunctionSettings, ports: TendPorts): () => Promise<void> {
  const incidents = openIncidents(settings, ports)
  const parked = awsParkedQueue(ports.sqs, settings.deadLetters)
  const metrics = { client: ports.cloudWatch, sleep: ports.sleep, random: ports.random }
  return async () => {
    const { open } = await recordIncident(incidents, settings, { kind: 'passed' })
    const { left } = await redrivePages(incidents, parked)
    if (left > 0) ports.log({ kind: 'beside', what: 'pages', why: `${left} wait in the dead-letter queue` })
    const at = new Date(ports.clock()).toISOString()
    const data = [...heartbeatMetric(at), ...incidentMetric(open?.kind ?? 'none', at)]
    const put = await putMetrics(metrics, settings, data)
    if (put.why !== null) throw new Error(`the heartbeat could not be put: ${put.why}`)
  }
}
