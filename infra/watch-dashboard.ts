/** One page for one service in one environment: is it well, since when, what is open, and does anybody look. */
import { Duration } from 'aws-cdk-lib'
import {
  AlarmStatusWidget,
  Color,
  CustomWidget,
  Dashboard,
  GraphWidget,
  GraphWidgetView,
  PeriodOverride,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import type { IAlarm, IWidget } from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import type { Watched } from './alarms.ts'
import { metricOf } from './alarms.ts'
import type { WatchFunction } from './watch-function.ts'

export interface WatchDashboardProps extends Watched {
  readonly alarms: readonly IAlarm[]
  /** `Deploywatch.matrixFunction`; without it there is no matrix. */
  readonly matrix?: WatchFunction | undefined
}

const WIDTH = 24

export class WatchDashboard extends Construct {
  readonly dashboard: Dashboard

  constructor(scope: Construct, id: string, props: WatchDashboardProps) {
    super(scope, id)
    this.dashboard = new Dashboard(this, 'Dashboard', {
      defaultInterval: Duration.days(1),
      periodOverride: PeriodOverride.INHERIT,
      widgets: [
        [title(props)],
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: 12, height: 4 }), now(props)],
        [verdicts(props)],
        ...(props.matrix === undefined ? [] : [[matrix(props.matrix)]]),
        [durations(props, 'QueryDuration', 'Queries'), durations(props, 'EndpointDuration', 'Endpoints')],
        [behind(props), speed(props)],
      ],
    })
  }
}

function title({ service, environment }: Watched): IWidget {
  const markdown = `# ${service} in ${environment}\nVerdict: 0 pass, 1 unsure, 2 fail. A hill under the line is a watch after a deployment. \`npx deploywatch check --env ${environment} --deployed\` looks again.`
  return new TextWidget({ markdown, width: WIDTH, height: 2 })
}

function now(of: Watched): IWidget {
  const latest = { statistic: Stats.MAXIMUM, period: Duration.minutes(5) }
  return new SingleValueWidget({
    title: 'Now',
    width: 12,
    height: 4,
    metrics: [
      metricOf(of, 'IncidentOpen', { ...latest, label: 'incident (1 blind, 2 failure)' }),
      metricOf(of, 'Findings', { ...latest, label: 'errors' }),
      metricOf(of, 'MigrationsBehind', { ...latest, label: 'migrations behind' }),
    ],
  })
}

function verdicts(of: Watched): IWidget {
  const period = Duration.minutes(1)
  return new GraphWidget({
    title: 'Verdict, and deployments',
    view: GraphWidgetView.TIME_SERIES,
    width: WIDTH,
    height: 6,
    left: [metricOf(of, 'LookVerdict', { statistic: Stats.MAXIMUM, period, label: 'verdict', color: Color.RED })],
    leftYAxis: { min: 0, max: 2.2, showUnits: false },
    leftAnnotations: [
      { value: 1, label: 'unsure', color: Color.ORANGE },
      { value: 2, label: 'fail', color: Color.RED },
    ],
    right: [
      metricOf(of, 'WatchOpen', { statistic: Stats.MAXIMUM, period, label: 'a watch is open', color: Color.BLUE }),
    ],
    rightYAxis: { min: 0, max: 4, showUnits: false },
  })
}

function matrix({ function: handler }: WatchFunction): IWidget {
  return new CustomWidget({
    title: 'Migrations × environments',
    functionArn: handler.functionArn,
    width: WIDTH,
    height: 8,
    updateOnRefresh: true,
    updateOnResize: false,
    updateOnTimeRangeChange: false,
  })
}

function durations(of: Watched, name: 'QueryDuration' | 'EndpointDuration', label: string): IWidget {
  const of_ = (statistic: string): ReturnType<typeof metricOf> =>
    metricOf(of, name, { statistic, period: Duration.minutes(5), label: statistic })
  return new GraphWidget({
    title: `${label}: how long they take (ms)`,
    width: 12,
    height: 6,
    left: [of_(Stats.percentile(50)), of_(Stats.percentile(95)), of_(Stats.MAXIMUM)],
    leftYAxis: { min: 0, showUnits: false },
  })
}

function behind(of: Watched): IWidget {
  const period = Duration.minutes(5)
  return new GraphWidget({
    title: 'Migrations behind, and errors',
    width: 12,
    height: 6,
    left: [
      metricOf(of, 'MigrationsBehind', { statistic: Stats.MAXIMUM, period, label: 'migrations behind' }),
      metricOf(of, 'Findings', { statistic: Stats.MAXIMUM, period, label: 'errors' }),
    ],
    leftYAxis: { min: 0, showUnits: false },
  })
}

function speed(of: Watched): IWidget {
  return new GraphWidget({
    title: 'From deployment to verdict (s), and deployments that no event announced',
    width: 12,
    height: 6,
    left: [
      metricOf(of, 'DeploymentToVerdict', {
        statistic: Stats.MAXIMUM,
        period: Duration.minutes(5),
        label: 'seconds to verdict',
      }),
    ],
    right: [
      metricOf(of, 'DeploymentsUnwatched', { statistic: Stats.SUM, period: Duration.minutes(5), label: 'unannounced' }),
    ],
    leftYAxis: { min: 0, showUnits: false },
    rightYAxis: { min: 0, showUnits: false },
  })
}
