/** Looks between deployments as CloudFormation gets them, their interval, and what the heartbeat may not. */
import { App, Duration, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import type { IVpc } from 'aws-cdk-lib/aws-ec2'
import { Vpc } from 'aws-cdk-lib/aws-ec2'
import type { DatabaseClusterProps } from 'aws-cdk-lib/aws-rds'
import {
  AuroraPostgresEngineVersion,
  CfnDBCluster,
  ClusterInstance,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { autoPauseOf, intervalProblem } from '../../infra/auto-pause.ts'
import { Database } from '../../infra/database.ts'
import { Deploywatch } from '../../infra/deploywatch.ts'
import { DeploymentSource } from '../../infra/deployment-source.ts'
import type { Resources } from '../support/templates.ts'
import { grantsIn, idIn, resourcesOf, settingsIn } from '../support/templates.ts'

const OF = { service: 'orders', environment: 'production' }
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:watch-AbCdEf'
const CLUSTER = 'arn:aws:rds:eu-west-1:111111111111:cluster:orders'

function stackWith(every: Duration | null, autoPause?: Duration | 'never', cluster?: (stack: Stack) => object): Stack {
  const stack = new Stack(new App(), 'orders')
  const watch = new Deploywatch(stack, 'Deploywatch', {
    ...OF,
    database: Database.dataApi({
      cluster: (cluster?.(stack) ?? { clusterArn: CLUSTER }) as { clusterArn: string },
      secret: Secret.fromSecretCompleteArn(stack, 'Secret', SECRET),
      name: 'orders',
      autoPause,
    }),
    pages: [new Topic(stack, 'Page', { enforceSSL: true })],
  })
  const watching = watch.afterDeployments(DeploymentSource.custom({ ...OF, source: 'orders.deploy' }))
  if (every !== null) watching.betweenDeployments({ every })
  return stack
}

function clusterIn(stack: Stack, id: string, more: Partial<DatabaseClusterProps>): DatabaseCluster {
  return new DatabaseCluster(stack, id, {
    engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_16_4 }),
    vpc: new Vpc(stack, `${id}Vpc`) as IVpc,
    writer: ClusterInstance.serverlessV2('writer'),
    ...more,
  })
}

describe('looks between deployments', () => {
  let resources: Resources
  beforeAll(() => {
    resources = resourcesOf(Template.fromStack(stackWith(Duration.hours(6), Duration.minutes(5))))
  })

  test('run by the clock, and a function that fails is tried again and alarms', () => {
    const rules = Object.values(resources).filter(({ Type }) => Type === 'AWS::Events::Rule')
    const scheduled = rules.filter(({ Properties }) => Properties['ScheduleExpression'] === 'rate(6 hours)')
    const id = idIn(resources, 'DeploywatchWatchingScheduledLookFunction', 'AWS::Lambda::Function')
    expect(scheduled.map(({ Properties }) => Properties['Targets'])).toEqual([
      [expect.objectContaining({ Arn: { 'Fn::GetAtt': [id, 'Arn'] }, Input: '{}' })],
    ])
    expect(JSON.stringify(resources)).toContain('looks at orders in production between deployments fails')
    expect(resources[id]?.Properties).toMatchObject({ Timeout: 180, MemorySize: 256 })
    const settings = JSON.parse(settingsIn(resources, 'DeploywatchWatchingScheduledLookFunction')) as object
    expect(settings).toMatchObject({ ...OF, window: 'token', deadlineMs: 120_000, required: ['ledger', 'schema'] })
  })

  test('may ask the looker, page and say what it saw: not one right more', () => {
    const grants = grantsIn(resources, 'DeploywatchWatchingScheduledLook')
    expect(Object.keys(grants).sort()).toEqual([
      'cloudwatch:PutMetricData',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:DeleteObject',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
      'sns:Publish',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
      'states:ListExecutions',
    ])
    const looker = idIn(resources, 'DeploywatchLookerFunction', 'AWS::Lambda::Function')
    expect(grants['lambda:InvokeFunction']).toEqual([{ 'Fn::GetAtt': [looker, 'Arn'] }])
    const window = idIn(resources, 'DeploywatchWatchingWindowMachine', 'AWS::StepFunctions::StateMachine')
    expect(grants['states:ListExecutions']).toEqual([{ Ref: window }])
  })

  test('are there only where somebody asks for them', () => {
    const without = JSON.stringify(Template.fromStack(stackWith(null)).toJSON())
    expect(without).not.toContain('between deployments')
  })
})

describe('the heartbeat', () => {
  test('may neither reach a database nor ask whoever can', () => {
    const grants = grantsIn(
      resourcesOf(Template.fromStack(stackWith(Duration.hours(6), 'never'))),
      'DeploywatchWatchingTend',
    )
    expect(
      Object.keys(grants).filter((action) => /^(?:rds|rds-data|secretsmanager|lambda|states|ec2):/u.test(action)),
    ).toEqual([])
  })

  test('holds no driver, no client of the Data API or of Lambda, and no look', () => {
    const words = ['rds-data', 'InvokeCommand', 'pg_catalog', 'SCRAM-SHA-256']
    const wordsIn = (name: string): readonly string[] => {
      const folder = join('dist', 'handlers', name)
      const files = readdirSync(folder).filter((file) => file.endsWith('.js'))
      const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
      return words.filter((word) => text.includes(word))
    }
    expect(wordsIn('tend')).toEqual([])
    // They are those that who looks, and who asks for a look, has.
    expect(wordsIn('looker')).toEqual(expect.arrayContaining(['rds-data', 'pg_catalog', 'SCRAM-SHA-256']))
    expect(wordsIn('scheduled-look')).toEqual(['InvokeCommand'])
  })
})

describe('the interval', () => {
  const minutes = (count: number): Duration => Duration.minutes(count)
  test.each([
    [minutes(6), minutes(5), null],
    [
      minutes(5),
      minutes(5),
      'every 5 minutes the cluster would be woken before it sleeps, which it does after 5 minutes',
    ],
    [minutes(1), 'never', null],
    [Duration.seconds(90), 'never', 'every 90 s is no interval'],
    [Duration.hours(24), 'unknown', 'nothing says whether the database pauses'],
    [Duration.hours(25), 'unknown', null],
  ] as const)('%s where the cluster pauses after %s', (every, pause, problem) => {
    expect(intervalProblem(every, pause) ?? '').toContain(problem ?? '')
    expect(intervalProblem(every, pause) === null).toBe(problem === null)
  })

  test('that keeps a cluster awake is refused when the app is synthesised', () => {
    const synth = (stack: Stack): unknown => (stack.node.root as App).synth()
    expect(() => synth(stackWith(minutes(5), minutes(10)))).toThrow(
      /looks at orders in production between deployments: every 5 minutes/u,
    )
    expect(() => synth(stackWith(Duration.hours(1)))).toThrow(/nothing says whether the database pauses/u)
    expect(() => synth(stackWith(Duration.hours(1), 'never'))).not.toThrow()
    const sleepy = (stack: Stack): object =>
      clusterIn(stack, 'Cluster', { serverlessV2MinCapacity: 0, serverlessV2AutoPauseDuration: Duration.hours(2) })
    expect(() => synth(stackWith(Duration.hours(1), undefined, sleepy))).toThrow(/after 2 hours/u)
  })

  test('is held against what a cluster of the app says of itself, which may be said late', () => {
    const stack = new Stack(new App(), 'orders')
    const of = (id: string, more: Partial<DatabaseClusterProps>): unknown => {
      const pause = autoPauseOf(clusterIn(stack, id, more))
      return pause instanceof Duration ? pause.toSeconds() : pause
    }
    expect(of('Awake', {})).toBe('never')
    expect(of('Sleepy', { serverlessV2MinCapacity: 0 })).toBe(300)
    expect(of('Slow', { serverlessV2MinCapacity: 0, serverlessV2AutoPauseDuration: Duration.hours(1) })).toBe(3_600)
    const imported = DatabaseCluster.fromDatabaseClusterAttributes(stack, 'Imported', { clusterIdentifier: 'orders' })
    expect([autoPauseOf(imported), autoPauseOf({ clusterArn: CLUSTER })]).toEqual(['unknown', 'unknown'])
    const late = new CfnDBCluster(stack, 'Late', { engine: 'aurora-postgresql' })
    expect(autoPauseOf(late)).toBe('never')
    late.serverlessV2ScalingConfiguration = { minCapacity: 0, maxCapacity: 2 }
    expect((autoPauseOf(late) as Duration).toSeconds()).toBe(300)
  })
})
