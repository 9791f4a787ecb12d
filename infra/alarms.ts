/** What tells people: the environment fails, the watchdog is silent, and an alarm that a deployment system may ask. */
import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  AlarmRule,
  ComparisonOperator,
  CompositeAlarm,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { IAlarm, IMetric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { METRIC_DIMENSIONS, METRIC_NAMESPACE } from '../functions/outputs/metrics.ts'
import type { MetricName } from '../functions/outputs/metrics.ts'

export interface Watched {
  readonly service: string
  readonly environment: string
}

/** One of our ten metrics, of one service in one environment. */
export function metricOf(of: Watched, name: MetricName, options: MetricOptions): Metric {
  const values = [of.service, of.environment]
  const dimensionsMap = Object.fromEntries(METRIC_DIMENSIONS.map((dimension, at) => [dimension, values[at] ?? '']))
  return new Metric({ namespace: METRIC_NAMESPACE, metricName: name, dimensionsMap, ...options })
}

/** Pages when there is one of what must not be. Silence is fine: most of the time there is nothing to count. */
export function pageOnAny(
  scope: Construct,
  id: string,
  {
    metric,
    description,
    pages,
  }: {
    readonly metric: IMetric
    readonly description: string
    readonly pages: readonly ITopic[]
  },
): void {
  const alarm = new Alarm(scope, id, {
    metric,
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: description,
  })
  for (const page of pages) alarm.addAlarmAction(new SnsAction(page))
}

/** Pages when an execution of a state machine ends without what it was to end with: nobody else says so then. */
export function pageOnFailures(
  scope: Construct,
  machine: StateMachine,
  { what, pages }: { readonly what: string; readonly pages: readonly ITopic[] },
): void {
  const period = Duration.minutes(5)
  const ends = { Failed: machine.metricFailed({ period }), Late: machine.metricTimedOut({ period }) }
  const descriptions = { Failed: 'ended without its answer', Late: 'did not end in its time' }
  for (const id of ['Failed', 'Late'] as const)
    pageOnAny(scope, `Runs${id}`, { metric: ends[id], description: `Deploywatch: ${what} ${descriptions[id]}`, pages })
}

/** As `LookVerdict` is put. */
const FAILS = 2
/** How often the heartbeat is put. */
export const HEARTBEAT_EVERY = Duration.minutes(5)

export class WatchAlarms extends Construct {
  /** A look says fail. */
  readonly verdict: Alarm
  /** Nothing was heard of the watchdog for a quarter of an hour. */
  readonly heartbeat: Alarm

  constructor(scope: Construct, id: string, of: Watched) {
    super(scope, id)
    const { service, environment } = of
    const shared = { evaluationPeriods: 1, comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD }
    this.verdict = new Alarm(this, 'Verdict', {
      ...shared,
      metric: metricOf(of, 'LookVerdict', { statistic: Stats.MAXIMUM, period: Duration.minutes(1) }),
      threshold: FAILS,
      // Looks are minutes apart; that there are none is what the heartbeat is for.
      treatMissingData: TreatMissingData.IGNORE,
      alarmDescription: `Deploywatch: the release of ${service} and its environment ${environment} disagree; the page that was sent says where`,
    })
    this.heartbeat = new Alarm(this, 'Heartbeat', {
      metric: metricOf(of, 'Heartbeat', { statistic: Stats.SUM, period: HEARTBEAT_EVERY }),
      threshold: 1,
      evaluationPeriods: 3,
      datapointsToAlarm: 3,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: `Deploywatch: nothing was heard of the watchdog of ${service} in ${environment} for 15 minutes: nobody looks`,
    })
  }
}

/**
 * The alarm for CloudFormation's rollback triggers and CodePipeline's conditions: a failure, or silence while a watch is open.
 * Both take INSUFFICIENT_DATA for OK, so that outside of a window there is always a value. Belongs into a stack of its
 * own: metric maths and composite alarms are what stand-ins for AWS do not deploy.
 */
export class GateAlarm extends Construct {
  readonly alarm: Alarm

  constructor(scope: Construct, id: string, of: Watched) {
    super(scope, id)
    // Looks are at most two minutes apart: in five there is one, or nobody looks.
    const period = Duration.minutes(5)
    const usingMetrics = {
      open: metricOf(of, 'WatchOpen', { statistic: Stats.MAXIMUM, period }),
      verdict: metricOf(of, 'LookVerdict', { statistic: Stats.MAXIMUM, period }),
    }
    this.alarm = new Alarm(this, 'Alarm', {
      metric: new MathExpression({
        expression: `IF(FILL(verdict, ${FAILS} * FILL(open, 0)) >= ${FAILS}, 1, 0)`,
        usingMetrics,
        period,
        label: 'fails, or is silent while a watch is open',
      }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      // Neither metric was ever put: no watch was ever opened.
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: `Deploywatch: ${of.service} in ${of.environment} fails after a deployment, or nobody looked while it was watched`,
    })
  }
}

/** The one alarm to page on: any of these. Belongs into a stack of its own, as the above. */
export class PageAlarm extends Construct {
  readonly alarm: CompositeAlarm

  constructor(
    scope: Construct,
    id: string,
    { alarms, pages, ...of }: Watched & { readonly alarms: readonly IAlarm[]; readonly pages: readonly ITopic[] },
  ) {
    super(scope, id)
    this.alarm = new CompositeAlarm(this, 'Alarm', {
      alarmRule: AlarmRule.anyOf(...alarms),
      alarmDescription: `Deploywatch: ${of.service} in ${of.environment} needs somebody: it fails, or its watchdog does`,
    })
    for (const page of pages) this.alarm.addAlarmAction(new SnsAction(page))
  }
}
