/** Window, sources, alarms and dashboard as CloudFormation gets them. */
import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { ServerApplication, ServerDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Pipeline } from 'aws-cdk-lib/aws-codepipeline'
import { Rule } from 'aws-cdk-lib/aws-events'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { describe, expect, test } from 'vitest'
import { GateAlarm, PageAlarm, WatchAlarms } from '../../infra/alarms.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import { WatchDashboard } from '../../infra/watch-dashboard.ts'

const OF = { service: 'orders', environment: 'production' }
const DIMENSIONS = [
  { Name: 'Environment', Value: 'production' },
  { Name: 'Service', Value: 'orders' },
]

function stackOf(): Stack {
  return new Stack(new App(), 'Test')
}

describe('alarms', () => {
  test('the verdict alarm stands at fail, and is not moved by the minutes between two looks', () => {
    const stack = stackOf()
    new WatchAlarms(stack, 'Alarms', OF)
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'LookVerdict',
      Namespace: 'Deploywatch',
      Dimensions: DIMENSIONS,
      Threshold: 2,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'ignore',
    })
  })

  test('the heartbeat alarm breaches on silence', () => {
    const stack = stackOf()
    new WatchAlarms(stack, 'Alarms', OF)
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'Heartbeat',
      Period: 300,
      EvaluationPeriods: 3,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    })
  })

  test("the gate's alarm takes silence for a failure only while a watch is open", () => {
    const stack = stackOf()
    new GateAlarm(stack, 'Gate', OF)
    const alarms = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Alarm'))
    const metrics = alarms[0]?.['Properties'].Metrics as readonly { readonly Expression?: string }[]
    const expression = metrics.find((metric) => metric.Expression !== undefined)?.Expression ?? ''
    // CloudWatch's own functions, on the four cases that there are.
    const holds = (verdict: number | null, open: number | null): boolean => {
      const fill = (value: number | null, instead: number): number => value ?? instead
      const [, limit = ''] = /^IF\(FILL\(verdict, (\d) \* FILL\(open, 0\)\) >= \1, 1, 0\)$/.exec(expression) ?? []
      return fill(verdict, Number(limit) * fill(open, 0)) >= Number(limit)
    }
    expect(expression).toMatch(/^IF\(FILL/)
    expect([holds(2, 1), holds(null, 1), holds(2, null)]).toEqual([true, true, true])
    expect([holds(0, 1), holds(1, 1), holds(null, null), holds(0, null)]).toEqual([false, false, false, false])
  })

  test('one alarm pages for any of them', () => {
    const stack = stackOf()
    const alarms = new WatchAlarms(stack, 'Alarms', OF)
    const page = new Topic(stack, 'Page', { enforceSSL: true })
    new PageAlarm(stack, 'PageAlarm', { ...OF, alarms: [alarms.verdict, alarms.heartbeat], pages: [page] })
    Template.fromStack(stack).hasResourceProperties('AWS::CloudWatch::CompositeAlarm', {
      AlarmRule: Match.anyValue(),
      AlarmActions: [{ Ref: Match.stringLikeRegexp('^Page') }],
    })
  })
})

test('the dashboard shows verdict, deployments, durations and what is open, of this service alone', () => {
  const stack = stackOf()
  const alarm = new Alarm(stack, 'Alarm', {
    metric: new Metric({ namespace: 'n', metricName: 'm' }),
    threshold: 1,
    evaluationPeriods: 1,
  })
  new WatchDashboard(stack, 'Dashboard', { ...OF, alarms: [alarm] })
  const [dashboard] = Object.values(Template.fromStack(stack).findResources('AWS::CloudWatch::Dashboard'))
  const text = JSON.stringify(dashboard?.['Properties'].DashboardBody)
  for (const name of [
    'LookVerdict',
    'WatchOpen',
    'QueryDuration',
    'EndpointDuration',
    'IncidentOpen',
    'MigrationsBehind',
    'DeploymentToVerdict',
    'DeploymentsUnwatched',
  ])
    expect(text).toContain(name)
  expect(text).toContain('npx deploywatch check --env production --deployed')
})

describe('sources', () => {
  const patternOf = (source: DeploymentSource, stack: Stack): unknown => {
    new Rule(stack, 'Rule', { eventPattern: source.resolve(stack).pattern })
    return Object.values(Template.fromStack(stack).findResources('AWS::Events::Rule'))[0]?.['Properties'].EventPattern
  }

  test('a deployment group is told by its names, not by its resources', () => {
    const stack = stackOf()
    const group = ServerDeploymentGroup.fromServerDeploymentGroupAttributes(stack, 'Group', {
      application: ServerApplication.fromServerApplicationName(stack, 'Application', 'orders'),
      deploymentGroupName: 'production',
    })
    expect(patternOf(DeploymentSource.codeDeploy(group), stack)).toEqual({
      source: ['aws.codedeploy'],
      'detail-type': ['CodeDeploy Deployment State-change Notification'],
      detail: { application: ['orders'], deploymentGroup: ['production'] },
    })
  })

  test('a stack is not another whose name begins alike', () => {
    const stack = stackOf()
    const pattern = JSON.stringify(patternOf(DeploymentSource.stack('orders'), stack))
    expect(pattern).toContain(':stack/orders/')
    expect(pattern).toContain('CloudFormation Stack Status Change')
  })

  test('of a pipeline it is the level that is named', () => {
    const stack = stackOf()
    const pipeline = Pipeline.fromPipelineArn(stack, 'Pipeline', 'arn:aws:codepipeline:eu-west-1:111111111111:orders')
    const source = DeploymentSource.pipeline(pipeline, { stage: 'Prod', action: 'Deploy' })
    expect(patternOf(source, stack)).toMatchObject({
      'detail-type': ['CodePipeline Action Execution State Change'],
      detail: { pipeline: ['orders'], stage: ['Prod'], action: ['Deploy'] },
    })
    expect(() => DeploymentSource.pipeline(pipeline, { action: 'Deploy' })).toThrow('name it too')
  })

  test('what deploys by other means says so itself', () => {
    const stack = stackOf()
    const source = DeploymentSource.custom({ ...OF, source: 'orders.deploy' })
    expect(patternOf(source, stack)).toEqual({
      source: ['orders.deploy'],
      'detail-type': ['Deployment Finished'],
      detail: { service: ['orders'], environment: ['production'] },
    })
    expect(source.resolve(stack).rights).toEqual([])
  })
})
