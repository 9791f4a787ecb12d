/** A fleet as CloudFormation gets it. */
import { App, Duration, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { AwsSolutionsChecks } from 'cdk-nag'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import { DeploywatchFleet } from '../../infra/fleet.ts'
import { FleetTargets } from '../../infra/fleet-targets.ts'

const CLUSTERS = 'arn:aws:rds:eu-west-1:111111111111:cluster:shop-'
const SECRETS = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch-'

function file(count: number): string {
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      name: `s${at}`,
      database: { cluster: `${CLUSTERS}${at}`, secret: `${SECRETS}${at}`, name: 'shop' },
    }),
  )
  const path = join(mkdtempSync(join(tmpdir(), 'deploywatch-targets-')), 'targets.jsonl')
  writeFileSync(path, lines.join('\n'))
  return path
}

function fleetOf(targets: (stack: Stack) => FleetTargets): { readonly stack: Stack; readonly app: App } {
  const app = new App()
  const stack = new Stack(app, 'fleet')
  new DeploywatchFleet(stack, 'Fleet', {
    service: 'shop',
    environment: 'production',
    targets: targets(stack),
    pages: [new Topic(stack, 'Page', { enforceSSL: true })],
    sources: [DeploymentSource.custom({ service: 'shop', environment: 'production', source: 'shop.deploy' })],
    every: Duration.hours(12),
    concurrency: 20,
  })
  return { app, stack }
}

/** What the roles may do: action → resources, of the policies whose name holds this. */
function grantsOf(template: Template, role: string): Readonly<Record<string, readonly string[]>> {
  const grants: Record<string, string[]> = {}
  for (const [id, policy] of Object.entries(template.findResources('AWS::IAM::Policy'))) {
    if (!id.includes(role)) continue
    for (const { Action, Resource } of policy['Properties'].PolicyDocument.Statement)
      for (const action of [Action].flat())
        (grants[String(action)] ??= []).push(
          ...[Resource].flat().map((one) => (typeof one === 'string' ? one : JSON.stringify(one))),
        )
  }
  return grants
}

describe('a fleet', () => {
  const { stack, app } = fleetOf(() => FleetTargets.fromFile(file(2)))
  const template = Template.fromStack(stack)

  test('maps over the list in S3, so many at a time, and no look that fails ends a run', () => {
    const [machine] = Object.values(template.findResources('AWS::StepFunctions::StateMachine'))
    const text = JSON.stringify(machine?.['Properties'].DefinitionString)
    expect(text).toContain(String.raw`\"MaxConcurrency\":20`)
    expect(text).toContain(String.raw`\"ToleratedFailurePercentage\":100`)
    expect(text).toContain(String.raw`\"Mode\":\"DISTRIBUTED\"`)
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      LoggingConfiguration: Match.objectLike({ IncludeExecutionData: false }),
      TracingConfiguration: { Enabled: true },
    })
  })

  test('begins by the clock and after deployments', () => {
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(12 hours)', State: 'ENABLED' })
    template.hasResourceProperties('AWS::Events::Rule', { EventPattern: Match.objectLike({ source: ['shop.deploy'] }) })
    expect(Object.keys(grantsOf(template, 'FleetDeployment'))).toContain('states:StartExecution')
  })

  test('only the function that looks may use the databases and secrets, and only those of the list', () => {
    const look = grantsOf(template, 'FleetLook')
    expect(look['rds-data:ExecuteStatement']).toEqual([`${CLUSTERS}0`, `${CLUSTERS}1`])
    expect(look['rds-data:CommitTransaction']).toBeUndefined()
    expect(look['secretsmanager:GetSecretValue']).toEqual([`${SECRETS}0`, `${SECRETS}1`])
    const others = ['FleetRun', 'FleetDeployment', 'FleetMachine'].flatMap((role) =>
      Object.keys(grantsOf(template, role)),
    )
    expect(others.filter((action) => /rds-data|secretsmanager/u.test(action))).toEqual([])
    // What is mapped over is written by the plan alone.
    expect(JSON.stringify(look['s3:PutObject'])).not.toContain('fleets/')
    expect(JSON.stringify(grantsOf(template, 'FleetRun')['s3:PutObject'])).toContain('fleets/')
  })

  test('the machine may start executions of itself, and read the list', () => {
    const map = grantsOf(template, 'MapPolicy')
    expect(Object.keys(map).toSorted()).toEqual([
      'states:DescribeExecution',
      'states:StartExecution',
      'states:StopExecution',
    ])
    expect(grantsOf(template, 'FleetMachineRole')['s3:GetObject']).toEqual([expect.stringContaining('/fleets/*')])
  })

  test('a run without its summary alarms, and so do two runs that did not come', () => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm')).map((alarm) => alarm['Properties'])
    expect(alarms.map(({ MetricName }) => String(MetricName)).toSorted((a, b) => a.localeCompare(b))).toEqual([
      'ApproximateNumberOfMessagesVisible',
      'ExecutionsFailed',
      'ExecutionsSucceeded',
      'ExecutionsTimedOut',
    ])
    const silent = alarms.find(({ MetricName }) => MetricName === 'ExecutionsSucceeded')
    expect(silent).toMatchObject({ Period: 43_200, EvaluationPeriods: 2, TreatMissingData: 'breaching' })
    expect(alarms.every(({ AlarmActions }) => AlarmActions?.length === 1)).toBe(true)
  })

  test('passes cdk-nag, and every exception has its reason', () => {
    const { violations } = new AwsSolutionsChecks(app).validateScope(app)
    const found = violations.flatMap(({ ruleName, violatingResources }) =>
      violatingResources.map(({ constructPath }) => `${ruleName} ${constructPath}`),
    )
    expect(found).toEqual([])
  })
})

describe('the list of a fleet', () => {
  test('that is longer than a policy needs the beginnings of its ARNs', () => {
    const long = file(30)
    expect(() => FleetTargets.fromFile(long)).toThrow(/names 60 clusters and secrets, and a policy holds some 40/u)
    const prefixes = { clusters: [`${CLUSTERS}*`], secrets: [`${SECRETS}*`] }
    const template = Template.fromStack(fleetOf(() => FleetTargets.fromFile(long, prefixes)).stack)
    expect(grantsOf(template, 'FleetLook')['rds-data:ExecuteStatement']).toEqual([`${CLUSTERS}*`])
  })

  test('may be an object that others write, within the ARNs that are given', () => {
    const prefixes = { clusters: [`${CLUSTERS}*`], secrets: [`${SECRETS}*`] }
    const { stack } = fleetOf((scope) =>
      FleetTargets.fromBucket(Bucket.fromBucketName(scope, 'Lists', 'lists'), 'shop/targets.jsonl', prefixes),
    )
    const template = Template.fromStack(stack)
    expect(JSON.stringify(grantsOf(template, 'FleetRun')['s3:GetObject'])).toContain('/shop/targets.jsonl')
  })

  test.each(['*', 'arn:aws:rds:*', 'arn:aws:rds:eu-west-1:111111111111:cluster:*'])('%s is no beginning', (arn) => {
    const list = file(1)
    expect(() => FleetTargets.fromFile(list, { clusters: [arn], secrets: [`${SECRETS}*`] })).toThrow('is no ARN')
  })

  test('a wrong line ends the synthesis with its number', () => {
    const path = file(1)
    writeFileSync(path, '{"name":"a","database":{}}\nnothing\n')
    expect(() => FleetTargets.fromFile(path)).toThrow(/targets\.jsonl:2: this line is no JSON/u)
  })
})
