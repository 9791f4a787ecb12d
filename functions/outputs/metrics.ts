/**
 * The custom metrics: the only ones that are put, each with its unit and meaning, and how a report becomes their data.
 * CloudWatch bills by metric, which is a name with its dimensions: so few names, and no dimensions but these two.
 */
import type { Sample } from '../core/baseline.ts'
import type { Report } from '../core/report.ts'

export const METRIC_NAMESPACE = 'Deploywatch'
/** The dimensions of every metric, in the order in which alarms and dashboards write them. */
export const METRIC_DIMENSIONS = ['Service', 'Environment'] as const

interface MetricDefinition {
  readonly unit: 'None' | 'Count' | 'Milliseconds' | 'Seconds'
  readonly meaning: string
  /** When it is put: between these times it has no data. */
  readonly put: string
}

/** At most ten, which is what the README promises. A metric is added by taking one away. */
export const METRICS = {
  LookVerdict: {
    unit: 'None',
    meaning: 'the verdict: 0 pass, 1 unsure, 2 fail; the verdict alarm stands at 2',
    put: 'with each look',
  },
  Findings: {
    unit: 'Count',
    meaning: 'errors that a look found; what another one explains is not counted again',
    put: 'with each look',
  },
  MigrationsBehind: {
    unit: 'Count',
    meaning: 'migrations of the release that have not run, were passed over or failed',
    put: 'with each look that could read the ledger: unknown is not 0',
  },
  QueryDuration: {
    unit: 'Milliseconds',
    meaning: 'how long the synthetic queries took, all of them as one distribution',
    put: 'with each look that ran queries; without those taken while a paused cluster resumed',
  },
  EndpointDuration: {
    unit: 'Milliseconds',
    meaning: 'how long the endpoints took to answer, all of them as one distribution',
    put: 'with each look that asked endpoints',
  },
  DeploymentToVerdict: {
    unit: 'Seconds',
    meaning: 'from the time that a deployment names as its end to the first look that says pass or fail',
    put: 'once a deployment',
  },
  Heartbeat: {
    unit: 'Count',
    meaning: '1 while the watchdog runs; its alarm breaches on missing data',
    put: 'by the schedule, without touching the database',
  },
  DeploymentsUnwatched: {
    unit: 'Count',
    meaning: 'deployments that the reconciler found and no event had announced',
    put: 'by the reconciler, 0 too',
  },
  IncidentOpen: {
    unit: 'None',
    meaning: 'the open incident: 0 none, 1 nobody can look, 2 failure',
    put: 'with each look, and by the schedule',
  },
  WatchOpen: {
    unit: 'None',
    meaning: '1 in each minute of a watch window; while it is 1, silence of LookVerdict is not OK',
    put: 'for the whole window at its beginning, ahead of time: whatever dies in it takes nothing back',
  },
} as const satisfies Record<string, MetricDefinition>

export type MetricName = keyof typeof METRICS

/** One metric's values at a time. Several values are a distribution, of which CloudWatch makes percentiles. */
export interface MetricDatum {
  readonly name: MetricName
  /** ISO 8601, UTC. */
  readonly at: string
  readonly values: readonly number[]
}

const VERDICTS = { pass: 0, unsure: 1, fail: 2 } as const satisfies Record<Report['verdict'], number>

/** @param samples of this look */
export function lookMetrics(report: Report, samples: readonly Sample[], at: string): readonly MetricDatum[] {
  const behind = migrationsBehind(report)
  const datum = (name: MetricName, ...values: readonly number[]): readonly MetricDatum[] =>
    values.length === 0 ? [] : [{ name, at, values }]
  return [
    ...datum('LookVerdict', VERDICTS[report.verdict]),
    ...datum('Findings', report.findings.filter(({ severity }) => severity === 'error').length),
    ...(behind === null ? [] : datum('MigrationsBehind', behind)),
    ...datum('QueryDuration', ...durationsOf(samples, 'query')),
    ...datum('EndpointDuration', ...durationsOf(samples, 'endpoint')),
  ]
}

const BEHIND = ['migration-missing', 'migration-skipped', 'migration-failed']

/** null: no look at the ledger, so that nobody knows. */
function migrationsBehind({ checks, findings }: Report): number | null {
  const ledger = checks.filter(({ name }) => name === 'ledger')
  if (!ledger.some(({ outcome }) => outcome === 'pass' || outcome === 'fail')) return null
  const keys = findings
    .filter(({ severity }) => severity === 'error')
    .flatMap(({ code, subject, consequences }) => [`${code} ${subject}`, ...consequences])
  return new Set(keys.filter((key) => BEHIND.some((code) => key.startsWith(`${code} `)))).size
}

function durationsOf(samples: readonly Sample[], check: Sample['check']): readonly number[] {
  return samples.filter((sample) => sample.check === check && !sample.resumed).map(({ durationMs }) => durationMs)
}

/** The first look after a deployment that says pass or fail. Clocks of two machines: never below 0. */
export function verdictMetric(deployedAt: string, verdictAt: string): readonly MetricDatum[] {
  const seconds = (Date.parse(verdictAt) - Date.parse(deployedAt)) / 1_000
  return Number.isFinite(seconds)
    ? [{ name: 'DeploymentToVerdict', at: verdictAt, values: [Math.max(0, seconds)] }]
    : []
}

export function heartbeatMetric(at: string): readonly MetricDatum[] {
  return [{ name: 'Heartbeat', at, values: [1] }]
}

export function unwatchedMetric(deployments: number, at: string): readonly MetricDatum[] {
  return [{ name: 'DeploymentsUnwatched', at, values: [deployments] }]
}

const INCIDENTS = { failure: 2, blind: 1, none: 0 } as const

export function incidentMetric(open: 'failure' | 'blind' | 'none', at: string): readonly MetricDatum[] {
  return [{ name: 'IncidentOpen', at, values: [INCIDENTS[open]] }]
}

const MINUTE_MS = 60_000
/** CloudWatch takes times up to two hours ahead. */
const AHEAD_MS = 2 * 60 * MINUTE_MS - MINUTE_MS

/** A window that begins now: a datum for each of its minutes, at most two hours ahead; put again for a longer one. */
export function windowMetrics(beginsAt: string, forMs: number): readonly MetricDatum[] {
  const begins = Math.floor(Date.parse(beginsAt) / MINUTE_MS) * MINUTE_MS
  if (!Number.isFinite(begins)) return []
  const minutes = Math.ceil(Math.max(0, Math.min(forMs, AHEAD_MS)) / MINUTE_MS)
  return Array.from({ length: minutes }, (_, minute) => ({
    name: 'WatchOpen' as const,
    at: new Date(begins + minute * MINUTE_MS).toISOString(),
    values: [1],
  }))
}

/** What the monthly cost is computed from. */
export const METRIC_PRICE = {
  usdPerMetricMonth: 0.3,
  usdPerThousandRequests: 0.01,
  /** When these were believed, and where they hold. */
  assumedOn: '2026-11-23',
  region: 'us-east-1, the first 10,000 metrics of an account; list price, without the free tier',
} as const

/** US dollars a month for one service in one environment, if every metric has data in every hour. */
export function monthlyMetricCost(requestsPerHour: number): {
  readonly metricsUsd: number
  readonly requestsUsd: number
} {
  const hours = 730
  return {
    metricsUsd: Object.keys(METRICS).length * METRIC_PRICE.usdPerMetricMonth,
    requestsUsd: (requestsPerHour * hours * METRIC_PRICE.usdPerThousandRequests) / 1_000,
  }
}
