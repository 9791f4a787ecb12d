/** Window, sources, alarms and dashboard as CloudFormation gets them. */
import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { ServerApplication, ServerDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import { Pipeline } from 'aws-cdk-lib/aws-codepipeline'
import { Rule } from 'aws-cdk-lib/aws-events'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { beforeAll, describe, expect, test } from 'vitest'
import { AlarmStack } from '../../infra/alarm-stack.ts'
import { GateAlarm, PageAlarm, WatchAlarms } from '../../infra/alarms.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import { WatchDashboard } from '../../infra/watch-dashboard.ts'
import { releaseFile, stackWith } from '../support/synth.ts'

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

  test('the alarms that are made of others are a stack of their own, and page in place of those that they are made of', () => {
    const app = new App()
    const stack = new Stack(app, 'Test')
    const alarms = new WatchAlarms(stack, 'Alarms', OF)
    const page = new Topic(stack, 'Page', { enforceSSL: true })
    const own = Template.fromStack(new AlarmStack(app, 'OrdersAlarms', { ...OF, alarms, pages: [page] }))
    own.resourceCountIs('AWS::CloudWatch::CompositeAlarm', 1)
    own.resourceCountIs('AWS::CloudWatch::Alarm', 1)
    expect(Object.keys(own.findOutputs('*'))).toEqual(['GateAlarm'])
    expect(JSON.stringify(own.findResources('AWS::CloudWatch::CompositeAlarm'))).toMatch(/Verdict.*Heartbeat/u)
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

test('the matrix is drawn by a function that may read manifests, evidence and documents, and nothing else', async () => {
  const { stack, watch } = stackWith(await releaseFile())
  new WatchDashboard(stack, 'Dashboard', { ...OF, alarms: [], matrix: watch.matrixFunction })
  const template = Template.fromStack(stack)
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'))
  const text = JSON.stringify(dashboard?.['Properties'].DashboardBody)
  expect(text).toMatch(/\\"type\\":\\"custom\\".*Migrations × environments/u)
  const [id = ''] = Object.entries(template.findResources('AWS::Lambda::Function'))
    .filter(([, { Properties }]) =>
      String(Properties.Description?.['Fn::Join'] ?? Properties.Description).includes('draws'),
    )
    .map(([name]) => name)
  expect(text).toContain(id)
  const role = template.findResources('AWS::Lambda::Function')[id]?.['Properties'].Role['Fn::GetAtt'][0] as string
  const statements = Object.values(template.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(role))
    .flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[]; Resource: unknown }[],
    )
  const actions = statements.flatMap(({ Action }) => Action).sort()
  expect([...new Set(actions)]).toEqual([
    'dynamodb:GetItem',
    'dynamodb:Query',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    's3:GetObject',
    's3:ListBucket',
  ])
  const objects = JSON.stringify(statements.filter(({ Action }) => Action === 's3:GetObject'))
  expect([...objects.matchAll(/"\/([^"]*)"/gu)].map(([, path]) => path)).toEqual([
    'manifests/*',
    'evidence/*',
    'long/*',
  ])
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

describe('after a deployment', () => {
  let template: Template
  beforeAll(async () => {
    const release = await releaseFile()
    const { stack, watch } = stackWith(release, (scope) => ({
      pages: [new Topic(scope, 'Page', { enforceSSL: true })],
    }))
    watch.afterDeployments(
      DeploymentSource.custom({ ...OF, source: 'orders.deploy' }),
      DeploymentSource.stack('orders-app'),
    )
    template = Template.fromStack(stack)
  })

  test('each source has a rule whose events are not lost, and not taken when they are old', () => {
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map((rule) => rule['Properties'])
    const listening = rules.filter((rule) => rule.EventPattern !== undefined)
    expect(listening).toHaveLength(2)
    for (const rule of listening) {
      expect(rule.Targets).toHaveLength(1)
      expect(rule.Targets[0].DeadLetterConfig).toBeDefined()
      expect(rule.Targets[0].RetryPolicy).toEqual({ MaximumEventAgeInSeconds: 1800, MaximumRetryAttempts: 8 })
    }
    expect(rules.filter((rule) => rule.ScheduleExpression === 'rate(5 minutes)')).toHaveLength(2)
  })

  test('a watch looks for what the release has: a pass needs its queries', () => {
    const settings = JSON.stringify(template.findResources('AWS::Lambda::Function'))
    expect(settings).toContain(String.raw`\"required\":[\"ledger\",\"schema\",\"queries\"]`)
    expect(settings).toContain(String.raw`\"forMs\":900000`)
  })

  test('only the namespace of the metrics stands for a resource that cannot be named', () => {
    const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
      (policy) => policy['Properties'].PolicyDocument.Statement as readonly Record<string, unknown>[],
    )
    const wide = statements.filter(({ Resource }) => JSON.stringify(Resource) === '"*"')
    const actions = wide.map(({ Action }) => [Action].flat())
    expect([...new Set(actions.flat())]).toEqual(
      expect.arrayContaining(['cloudwatch:PutMetricData', 'xray:PutTraceSegments']),
    )
    for (const [at, action] of actions.entries()) {
      if (action.includes('cloudwatch:PutMetricData'))
        expect(wide[at]?.['Condition']).toEqual({ StringEquals: { 'cloudwatch:namespace': 'Deploywatch' } })
      else expect(action.every((one) => /^(xray|logs):/u.test(String(one)))).toBe(true)
    }
  })

  test('none of these functions can read the database or its secret: the looker alone does', () => {
    const policies = template.findResources('AWS::IAM::Policy')
    const reading = Object.entries(policies).filter(([, policy]) =>
      /rds-data:|secretsmanager:/u.test(JSON.stringify(policy)),
    )
    expect(reading.map(([id]) => id)).toEqual([expect.stringMatching(/Looker/u)])
  })

  test('what is parked alarms, by TLS alone can it be reached, and a window is logged', () => {
    template.resourceCountIs('AWS::SQS::Queue', 2)
    template.allResourcesProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    })
    template.resourceCountIs('AWS::SQS::QueuePolicy', 2)
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map((alarm) => alarm['Properties'])
    expect(alarms.filter((alarm) => alarm.MetricName === 'ApproximateNumberOfMessagesVisible')).toHaveLength(2)
    expect(alarms.every((alarm) => alarm.AlarmActions?.length === 1)).toBe(true)
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: Match.objectLike({ Level: 'ALL', IncludeExecutionData: false }),
      TracingConfiguration: { Enabled: true },
    })
  })
})
