/**
 * Puts metrics into CloudWatch. What cannot be put is told, and never stops a look: the alarms on missing data say it then.
 * Nothing here knows a database: the heartbeat must not wake a paused cluster.
 */
import type { CloudWatchClient, MetricDatum as SdkDatum } from '@aws-sdk/client-cloudwatch'
import { PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import type { MetricDatum } from '../outputs/metrics.ts'
import { METRIC_DIMENSIONS, METRIC_NAMESPACE, METRICS } from '../outputs/metrics.ts'
import { backoffMs, failureOf } from '../pages/aws-retry.ts'

export interface MetricPorts {
  /** With a timeout for each request that throws, and one attempt: the attempts are made here. */
  readonly client: Pick<CloudWatchClient, 'send'>
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
}

export interface PutOutcome {
  /** Data that CloudWatch took. */
  readonly put: number
  /** Values that are no numbers, and data that no attempt could put. */
  readonly lost: number
  /** The latest failure; null: none. It holds no value of a metric. */
  readonly why: string | null
}

/** PutMetricData takes 1,000 metrics and 1 MB a call, and 150 distinct values a metric. Half of the bytes: the SDK's JSON is counted. */
const MOST_METRICS = 1_000
const MOST_BYTES = 500_000
const MOST_VALUES = 150
const ATTEMPTS = 3
/** Larger magnitudes than 2^360 are refused. */
const LARGEST = 2 ** 360

/** @returns what came of it; never rejects for what CloudWatch answers */
export async function putMetrics(
  ports: MetricPorts,
  about: { readonly service: string; readonly environment: string },
  data: readonly MetricDatum[],
): Promise<PutOutcome> {
  const { taken, lost } = sdkData(about, data)
  let outcome: PutOutcome = { put: 0, lost, why: lost === 0 ? null : `${lost} values are no numbers` }
  for (const batch of batchesOf(taken)) {
    const why = await putBatch(ports, batch)
    outcome =
      why === null
        ? { ...outcome, put: outcome.put + batch.length }
        : { ...outcome, lost: outcome.lost + batch.length, why }
  }
  return outcome
}

async function putBatch(ports: MetricPorts, batch: readonly SdkDatum[]): Promise<string | null> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await ports.client.send(new PutMetricDataCommand({ Namespace: METRIC_NAMESPACE, MetricData: [...batch] }))
      return null
    } catch (error) {
      const failure = failureOf(error)
      if (!failure.again || attempt >= ATTEMPTS) return failure.why
      await ports.sleep(backoffMs(attempt, ports.random()))
    }
  }
}

function sdkData(
  about: { readonly service: string; readonly environment: string },
  data: readonly MetricDatum[],
): { readonly taken: readonly SdkDatum[]; readonly lost: number } {
  const values = [about.service, about.environment]
  const dimensions = METRIC_DIMENSIONS.map((Name, at) => ({ Name, Value: dimensionValue(values[at] ?? '') }))
  let lost = 0
  const taken = data.flatMap(({ name, at, values: all }): readonly SdkDatum[] => {
    const time = new Date(at)
    const fit = Number.isNaN(time.getTime()) ? [] : all.filter((value) => Math.abs(value) < LARGEST)
    lost += all.length - fit.length
    return chunks(countsOf(fit), MOST_VALUES).map((counts) => ({
      MetricName: name,
      Dimensions: dimensions,
      Timestamp: time,
      Unit: METRICS[name].unit,
      Values: counts.map(([value]) => value),
      Counts: counts.map(([, count]) => count),
    }))
  })
  return { taken, lost }
}

/** CloudWatch takes 1 to 1,024 characters of ASCII without controls, and no colon in front. */
function dimensionValue(text: string): string {
  const ascii = text.replaceAll(/[^\x20-\x7E]/gu, '?').replace(/^:/u, '?')
  return ascii.trim() === '' ? '?' : ascii.slice(0, 1_024)
}

function countsOf(values: readonly number[]): readonly (readonly [value: number, count: number])[] {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts]
}

function chunks<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, at) => items.slice(at * most, (at + 1) * most))
}

function batchesOf(data: readonly SdkDatum[]): readonly (readonly SdkDatum[])[] {
  const batches: SdkDatum[][] = []
  let bytes = 0
  for (const datum of data) {
    const size = Buffer.byteLength(JSON.stringify(datum))
    const last = batches.at(-1)
    if (last === undefined || last.length >= MOST_METRICS || bytes + size > MOST_BYTES) {
      batches.push([datum])
      bytes = size
    } else {
      last.push(datum)
      bytes += size
    }
  }
  return batches
}
