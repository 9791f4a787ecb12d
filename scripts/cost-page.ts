/** What the ready app's stack costs a month, counted in its template: a test compares the page with it. */
import { METRICS } from '../functions/outputs/metrics.ts'
import type { StackTemplate } from './stack-docs.ts'

/** List prices in US dollars of us-east-1, assumed on 2026-11-23, without any free tier. */
const PRICES = {
  metric: 0.3,
  alarm: 0.1,
  dashboard: 3,
  putThousand: 0.01,
  gbSecond: 0.0000133334,
  transition: 0.000025,
}
const HOURS = 730
/** Seconds each, and memory in GB, of those that run by the clock. */
const BY_THE_CLOCK = { seconds: 1, gb: 0.25 }
/** Of one watch: looks of a quarter of an hour, and what the state machine does for each. */
const WATCH = { looks: 20, seconds: 3, gb: 0.5, transitions: 4 }
const DEPLOYMENTS = 100

export function costPage({ Resources }: StackTemplate): string {
  const count = (type: string): number => Object.values(Resources).filter(({ Type }) => Type === type).length
  const metrics = Object.keys(METRICS).length
  const alarms = count('AWS::CloudWatch::Alarm') + count('AWS::CloudWatch::CompositeAlarm')
  const hourly = Object.values(Resources)
    .flatMap(({ Type, Properties = {} }) => (Type === 'AWS::Events::Rule' ? [Properties['ScheduleExpression']] : []))
    .reduce<number>((sum, rate) => sum + timesAnHour(rate), 0)
  const ticks = hourly * HOURS * BY_THE_CLOCK.seconds * BY_THE_CLOCK.gb * PRICES.gbSecond
  const looked = DEPLOYMENTS * WATCH.looks * WATCH.seconds * WATCH.gb * PRICES.gbSecond
  const moved = DEPLOYMENTS * WATCH.looks * WATCH.transitions * PRICES.transition
  const rows: readonly (readonly [string, string, number])[] = [
    ['metrics', `${metrics} × $${PRICES.metric.toFixed(2)}`, metrics * PRICES.metric],
    ['alarms', `${alarms} × $${PRICES.alarm.toFixed(2)}`, alarms * PRICES.alarm],
    [
      'PutMetricData by the clock',
      `${hourly} an hour × ${HOURS} h × $${PRICES.putThousand} a thousand`,
      ((hourly * HOURS) / 1000) * PRICES.putThousand,
    ],
    [
      'functions that run by the clock',
      `${hourly} an hour × ${HOURS} h × ${BY_THE_CLOCK.seconds} s × ${BY_THE_CLOCK.gb} GB`,
      ticks,
    ],
    [
      `looks after ${DEPLOYMENTS} deployments`,
      `${DEPLOYMENTS} × ${WATCH.looks} looks × ${WATCH.seconds} s × ${WATCH.gb} GB`,
      looked,
    ],
    [
      `transitions of the state machine, ${DEPLOYMENTS} deployments`,
      `${DEPLOYMENTS} × ${WATCH.looks} looks × ${WATCH.transitions} × $${PRICES.transition.toFixed(6)}`,
      moved,
    ],
  ]
  const sum = rows.reduce((total, [, , dollars]) => total + dollars, 0)
  return `${[
    '# Cost',
    '',
    'Generated from the template of the ready app (`npx tsx scripts/generate-docs.ts`); a test compares the two. One service in one',
    'environment, a month, at list prices of us-east-1 as assumed on 2026-11-23, without any free tier. Prices differ by region and change:',
    'put your own in.',
    '',
    '| what | arithmetic | $ a month |',
    '|---|---|---:|',
    ...rows.map(([what, how, dollars]) => `| ${what} | ${how} | ${dollars.toFixed(2)} |`),
    `| **sum** | | **${sum.toFixed(2)}** |`,
    '',
    `A dashboard (\`WatchDashboard\`, which the ready app does not have) is $${PRICES.dashboard.toFixed(2)} more beyond an account's first three.`,
    'Not counted, since they are cents for one service: the table (on demand), the bucket, the queues, EventBridge rules of AWS events (free),',
    'SNS, logs (kept for three months) and X-Ray. A composite alarm, where you add one, is $0.50.',
    '',
    'What the database is charged: with the Data API its requests, and the capacity of a cluster that a look wakes. The heartbeat never',
    'touches it. A database in a VPC needs a NAT gateway or an interface endpoint of Secrets Manager: more than all of the above.',
  ].join('\n')}\n`
}

/** `rate(5 minutes)`; a rule of events has none. */
function timesAnHour(expression: unknown): number {
  if (expression === undefined) return 0
  const rate = typeof expression === 'string' ? expression : JSON.stringify(expression)
  const [, count = '', unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/u.exec(rate) ?? []
  const minutes = Number(count) * ({ minute: 1, hour: 60, day: 1_440 }[unit] ?? Number.NaN)
  if (!(minutes > 0)) throw new Error(`${rate} is no rate that is known here`)
  return 60 / minutes
}
