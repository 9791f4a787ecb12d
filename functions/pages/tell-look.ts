/** What is told of every look that nobody types: the incident, then what was measured. */
import type { IncidentLook } from '../core/incident-look.ts'
import type { MetricPorts } from '../metrics/put.ts'
import { putMetrics } from '../metrics/put.ts'
import type { MetricDatum } from '../outputs/metrics.ts'
import { incidentMetric } from '../outputs/metrics.ts'
import type { IncidentPorts } from './incidents.ts'
import { recordIncident } from './incidents.ts'
import type { PagingPorts } from './paging.ts'
import { openIncidents } from './paging.ts'

export interface TellLookPorts {
  readonly incidents: IncidentPorts
  readonly metrics: MetricPorts
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** For the log: what could not be done beside the page. */
  tell(what: string, why: string): void
}

export function openTelling(
  settings: Parameters<typeof openIncidents>[0],
  ports: PagingPorts & { readonly cloudWatch: MetricPorts['client'] },
): TellLookPorts {
  const { cloudWatch: client, clock, sleep, random, log } = ports
  return {
    incidents: openIncidents(settings, ports),
    metrics: { client, sleep, random },
    clock,
    tell: (what, why) => log({ kind: 'beside', what, why }),
  }
}

/**
 * @param dataAt what was measured, by the time at which it is put (ISO 8601, UTC): that is answered
 * @throws {Error} the incident could not be read or written: tell the same again
 */
export async function tellLook(
  ports: TellLookPorts,
  about: { readonly service: string; readonly environment: string },
  look: IncidentLook,
  dataAt: (at: string) => readonly MetricDatum[],
): Promise<string> {
  // The page first: metrics and reports can wait.
  const { open } = await recordIncident(ports.incidents, about, { kind: 'looked', look })
  const at = new Date(ports.clock()).toISOString()
  const { why } = await putMetrics(ports.metrics, about, [...dataAt(at), ...incidentMetric(open?.kind ?? 'none', at)])
  if (why !== null) ports.tell('metrics', why)
  return at
}
