import * as cloudwatch from '@aws-sdk/client-cloudwatch'
import { build } from 'esbuild'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { Sample } from '../../functions/core/baseline.ts'
import { finding } from '../../functions/core/finding.ts'
import { putMetrics, type MetricPorts } from '../../functions/metrics/put.ts'
import type { MetricDatum } from '../../functions/outputs/metrics.ts'
import {
  heartbeatMetric,
  incidentMetric,
  lookMetrics,
  METRIC_PRICE,
  METRICS,
  monthlyMetricCost,
  unwatchedMetric,
  verdictMetric,
  windowMetrics,
} from '../../functions/outputs/metrics.ts'
import { INCIDENT, PASS, reportOf, UNSURE, V42 } from '../outputs/sample-reports.ts'
import type { AwsFault, AwsServiceFake } from '../support/aws-service-fake.ts'
import { awsError, awsService, SILENCE, startAwsServiceFake } from '../support/aws-service-fake.ts'

const AT = '2026-11-22T10:00:00.000Z'
const ABOUT = { service: 'orders', environment: 'production' }

let fake: AwsServiceFake | null = null
afterEach(async () => {
  const open = fake
  fake = null
  await open?.close()
})

async function stage(answers: readonly AwsFault[] = [], requestTimeout = 300) {
  const put: cloudwatch.PutMetricDataCommandInput[] = []
  const slept: number[] = []
  let calls = 0
  fake = await startAwsServiceFake([
    awsService(cloudwatch, {
      PutMetricData: (input) => {
        const answer = answers[calls++]
        if (answer !== undefined) return answer
        refuseAsCloudWatch(input)
        put.push(input)
        return {}
      },
    }),
  ])
  const client = new cloudwatch.CloudWatchClient({
    ...fake.client,
    // The fake reads no compressed bodies.
    disableRequestCompression: true,
    requestHandler: { connectionTimeout: 1_000, requestTimeout, throwOnRequestTimeout: true },
  })
  const ports: MetricPorts = {
    client,
    sleep: async (ms) => void slept.push(ms),
    random: () => 1,
  }
  return { ports, put, slept }
}

/** What the service model does not say, and CloudWatch refuses with InvalidParameterValue. */
function refuseAsCloudWatch({ Namespace, MetricData = [] }: cloudwatch.PutMetricDataCommandInput): void {
  expect(Namespace).toBe('Deploywatch')
  expect(MetricData.length).toBeGreaterThan(0)
  expect(MetricData.length).toBeLessThanOrEqual(1_000)
  expect(Buffer.byteLength(JSON.stringify(MetricData))).toBeLessThan(1_000_000)
  for (const { MetricName = '', Dimensions = [], Values = [], Counts = [] } of MetricData) {
    expect(Object.keys(METRICS)).toContain(MetricName)
    expect(Dimensions.map(({ Name }) => Name)).toEqual(['Service', 'Environment'])
    for (const { Value = '' } of Dimensions) expect(Value).toMatch(/^[\x20-\x39\x3B-\x7E][\x20-\x7E]{0,1023}$/)
    expect(Values.length).toBeGreaterThan(0)
    expect(Values.length).toBeLessThanOrEqual(150)
    expect(Counts).toHaveLength(Values.length)
    expect(Values.every(Number.isFinite)).toBe(true)
  }
}

const sample = (check: Sample['check'], durationMs: number, resumed = false): Sample => ({
  check,
  name: 'one',
  at: AT,
  durationMs,
  rows: null,
  resumed,
  revision: null,
})

const byName = (data: readonly MetricDatum[]) => Object.fromEntries(data.map(({ name, values }) => [name, values]))

describe('the registry', () => {
  test('has at most ten metrics, which is what README promises', () => {
    expect(Object.keys(METRICS).length).toBeLessThanOrEqual(10)
  })

  test('docs/metrics.md has each with its unit and meaning, and the cost that follows', () => {
    const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
    for (const [name, { unit, meaning, put }] of Object.entries(METRICS)) {
      expect(docs).toContain(`| \`${name}\` | ${unit} | ${meaning} | ${put} |`)
    }
    expect(docs).toContain(`**$${monthlyMetricCost(0).metricsUsd.toFixed(2)}**`)
    expect(docs).toContain(`$${METRIC_PRICE.usdPerMetricMonth.toFixed(2)}`)
    expect(docs).toContain(`$${monthlyMetricCost(24).requestsUsd.toFixed(2)}`)
    expect(docs).toContain(METRIC_PRICE.assumedOn)
  })
})

describe('a look as metrics', () => {
  test('a missing migration', () => {
    expect(byName(lookMetrics(INCIDENT, [], AT))).toEqual({ LookVerdict: [2], Findings: [1], MigrationsBehind: [1] })
  })

  test('a pass, with its durations', () => {
    const samples = [sample('query', 12), sample('query', 12), sample('query', 9_000, true), sample('endpoint', 80)]
    expect(byName(lookMetrics(PASS, samples, AT))).toEqual({
      LookVerdict: [0],
      Findings: [0],
      MigrationsBehind: [0],
      QueryDuration: [12, 12],
      EndpointDuration: [80],
    })
  })

  test('where nobody could read the ledger, nobody knows how far behind it is', () => {
    expect(byName(lookMetrics(UNSURE, [], AT))).toEqual({ LookVerdict: [1], Findings: [0] })
  })

  test('migrations that another one explains are behind too', () => {
    const first = finding({
      ...V42,
      consequences: ['migration-skipped V43', 'column-missing a.b', 'migration-missing V44'],
    })
    const report = reportOf([first], { checks: [{ name: 'ledger', outcome: 'fail', durationMs: 1 }] })
    expect(byName(lookMetrics(report, [], AT))).toMatchObject({ MigrationsBehind: [3] })
  })

  test('the time to a verdict is never negative, and never NaN', () => {
    expect(verdictMetric(AT, '2026-11-22T10:00:05.500Z')).toMatchObject([
      { name: 'DeploymentToVerdict', values: [5.5] },
    ])
    expect(verdictMetric('2026-11-22T10:00:09.000Z', AT)).toMatchObject([{ values: [0] }])
    expect(verdictMetric('yesterday', AT)).toEqual([])
  })

  test('a watch window is put ahead of time, minute by minute, within the two hours that CloudWatch takes', () => {
    const data = windowMetrics('2026-11-22T10:00:30.000Z', 15 * 60_000)
    expect(data).toHaveLength(15)
    expect(data[14]?.at).toBe('2026-11-22T10:14:00.000Z')
    const last = windowMetrics(AT, 24 * 3_600_000).at(-1)?.at ?? ''
    expect(Date.parse(last) - Date.parse(AT)).toBeLessThan(2 * 3_600_000)
  })
})

describe('putting metrics', () => {
  const all = [
    ...lookMetrics(INCIDENT, [sample('query', 12), sample('query', 12)], AT),
    ...heartbeatMetric(AT),
    ...unwatchedMetric(0, AT),
    ...incidentMetric('failure', AT),
  ]

  test('is one call, with units, times and counts', async () => {
    const { ports, put } = await stage()
    expect(await putMetrics(ports, ABOUT, all)).toEqual({ put: 7, lost: 0, why: null })
    expect(put).toHaveLength(1)
    expect(put[0]?.MetricData?.[3]).toEqual({
      MetricName: 'QueryDuration',
      Dimensions: [
        { Name: 'Service', Value: 'orders' },
        { Name: 'Environment', Value: 'production' },
      ],
      Timestamp: new Date(AT),
      Unit: 'Milliseconds',
      Values: [12],
      Counts: [2],
    })
  })

  test('leaves out what is no number, and says so', async () => {
    const { ports, put } = await stage()
    const data: MetricDatum[] = [
      { name: 'QueryDuration', at: AT, values: [Number.NaN, 1, Number.POSITIVE_INFINITY, 2 ** 361] },
      { name: 'Heartbeat', at: 'yesterday', values: [1] },
    ]
    expect(await putMetrics(ports, ABOUT, data)).toEqual({ put: 1, lost: 4, why: '4 values are no numbers' })
    expect(put[0]?.MetricData?.[0]?.Values).toEqual([1])
  })

  test.each([
    ['1,000 metrics', 1_200, 1, 1_200],
    ['150 values a metric, and 1 MB', 300, 151, 600],
  ])('keeps the limits of a call: %s', async (_what, metrics, count, expected) => {
    const { ports, put } = await stage([], 20_000)
    const values = Array.from({ length: count }, (_, n) => n + 0.123456789)
    const data = Array.from({ length: metrics }, (): MetricDatum => ({ name: 'QueryDuration', at: AT, values }))
    expect(await putMetrics(ports, ABOUT, data)).toEqual({ put: expected, lost: 0, why: null })
    expect(put.length).toBeGreaterThan(1)
    expect(put.flatMap(({ MetricData = [] }) => MetricData)).toHaveLength(expected)
  })

  test.each(['', ':colon', 'Köln', '\u0000', 'x'.repeat(3_000)])('takes the service %j', async (service) => {
    const { ports } = await stage()
    expect((await putMetrics(ports, { service, environment: 'production' }, heartbeatMetric(AT))).put).toBe(1)
  })

  test.each<[string, AwsFault]>([
    ['throttled', awsError('ThrottlingException', 'slow down')],
    ['broken', awsError('InternalServiceFault', 'try again', 500)],
    ['silent', SILENCE],
  ])('tries again where CloudWatch is %s', async (_what, fault) => {
    const { ports, slept } = await stage([fault])
    expect(await putMetrics(ports, ABOUT, heartbeatMetric(AT))).toEqual({ put: 1, lost: 0, why: null })
    expect(slept).toEqual([200])
  })

  test('gives up without an error: the alarm on missing data says it', async () => {
    const { ports } = await stage([awsError('AccessDeniedException', 'not allowed')])
    const outcome = await putMetrics(ports, ABOUT, heartbeatMetric(AT))
    expect(outcome).toEqual({ put: 0, lost: 1, why: 'AccessDeniedException: not allowed' })
  })

  test('holds nothing of a finding: a secret in one is in no metric', async () => {
    const { ports, put } = await stage()
    const secret = 'hunter2-the-planted'
    const leaking = reportOf([finding({ ...V42, subject: secret, found: secret, expected: secret })])
    await putMetrics(ports, ABOUT, lookMetrics(leaking, [{ ...sample('query', 3), name: secret }], AT))
    expect(put).toHaveLength(1)
    expect(JSON.stringify(put)).not.toContain(secret)
  })
})

test('whoever puts the heartbeat knows no database', async () => {
  const { metafile } = await build({
    entryPoints: ['functions/metrics/put.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    packages: 'external',
  })
  const files = Object.keys(metafile.inputs)
  expect(files).toContain('functions/outputs/metrics.ts')
  const known = files.filter((file) =>
    /functions\/(?:connections|engines|ledgers|release|queries|look|check|observe)/.test(file),
  )
  // The names of AWS's errors, and what their codes are.
  expect(known.filter((file) => !/aws-errors|connections\/connection\.ts/.test(file))).toEqual([])
  const external = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  expect(external.filter((path) => /^(?:pg|mysql2|@electric-sql|@aws-sdk\/client-rds)/.test(path))).toEqual([])
})
