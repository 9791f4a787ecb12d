/** The three kinds of tasks, asked with the real SDK clients. */
import * as codebuild from '@aws-sdk/client-codebuild'
import * as ecs from '@aws-sdk/client-ecs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { afterEach, describe, expect, test } from 'vitest'
import { codeBuildProject } from '../../functions/migrate/codebuild-project.ts'
import { ecsTask } from '../../functions/migrate/ecs-task.ts'
import { lambdaFunction } from '../../functions/migrate/lambda-function.ts'
import type { MigrationTask } from '../../functions/migrate/migration-task.ts'
import type { EcsTaskSettings } from '../../functions/settings.ts'
import { awsError, awsService, HANG_UP, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { AwsServiceFake } from '../support/aws-service-fake.ts'
import { answer, drop, hang, startFaultServer } from '../support/fault-server.ts'
import type { Behaviour } from '../support/fault-server.ts'

const CLUSTER = 'arn:aws:ecs:eu-west-1:111122223333:cluster/orders'
const TASK = 'arn:aws:ecs:eu-west-1:111122223333:task/orders/0123456789abcdef'
const SETTINGS: EcsTaskSettings = {
  kind: 'ecs',
  cluster: CLUSTER,
  taskDefinition: 'arn:aws:ecs:eu-west-1:111122223333:task-definition/orders-migrate:7',
  launchType: 'FARGATE',
  network: { subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: false },
  container: null,
  log: { group: '/orders/migrate', prefix: 'migrate', container: 'flyway' },
}

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
async function fakeOf(...services: Parameters<typeof startAwsServiceFake>[0]): Promise<AwsServiceFake> {
  const fake = await startAwsServiceFake(services)
  open.push(fake)
  return fake
}

describe('an ECS task', () => {
  const over = async (
    answers: Parameters<typeof awsService<typeof ecs>>[1],
    settings = SETTINGS,
  ): Promise<{ readonly task: MigrationTask; readonly fake: AwsServiceFake }> => {
    const fake = await fakeOf(awsService(ecs, answers))
    return { task: ecsTask(settings, new ecs.ECSClient(fake.client)), fake }
  }
  const described = (task: ecs.Task) => ({ DescribeTasks: () => ({ tasks: [task], failures: [] }) })

  test('is run once, with a token, in the network that was given', async () => {
    const { task, fake } = await over({ RunTask: () => ({ tasks: [{ taskArn: TASK }], failures: [] }) })
    expect(await task.start('t'.repeat(40), 1_000)).toEqual({ kind: 'started', handle: TASK })
    expect(fake.calls.map(({ input }) => input)).toEqual([
      {
        cluster: CLUSTER,
        taskDefinition: SETTINGS.taskDefinition,
        launchType: 'FARGATE',
        count: 1,
        clientToken: 't'.repeat(40),
        startedBy: 'deploywatch',
        networkConfiguration: {
          awsvpcConfiguration: { subnets: ['subnet-1'], securityGroups: ['sg-1'], assignPublicIp: 'DISABLED' },
        },
      },
    ])
  })

  test.each<[string, ecs.Failure, boolean]>([
    ['for want of memory', { arn: 'i', reason: 'RESOURCE:MEMORY' }, true],
    ['for want of capacity', { reason: 'Capacity is unavailable at this time. Please try again later' }, true],
    ['for want of an attribute', { arn: 'i', reason: 'ATTRIBUTE', detail: 'ecs.capability.x' }, false],
  ])('that is not placed %s was not started', async (_, failure, passing) => {
    const { task } = await over({ RunTask: () => ({ tasks: [], failures: [failure] }) })
    expect(await task.start('t', 1_000)).toEqual({
      kind: 'refused',
      why: `ECS did not run it: ${[failure.reason, failure.detail].filter((part) => part !== undefined).join(': ')}`,
      passing,
    })
  })

  test.each([
    ['ThrottlingException', true],
    ['AccessDeniedException', false],
    ['ClusterNotFoundException', false],
  ])('whose start is answered with %s was not started', async (name, passing) => {
    const { task } = await over({ RunTask: () => awsError(name, 'so it is') })
    const start = await task.start('t', 1_000)
    expect(start).toEqual({ kind: 'refused', why: `${name}: so it is`, passing })
  })

  test('whose start has no answer, or an error of the service, may have been started', async () => {
    const hungUp = await over({ RunTask: () => HANG_UP })
    await expect(hungUp.task.start('t', 1_000)).rejects.toThrow()
    const failing = await over({ RunTask: () => awsError('ServerException', 'oh', 500) })
    await expect(failing.task.start('t', 1_000)).rejects.toThrow('oh')
  })

  test.each<[string, Partial<ecs.Task>, string, string]>([
    ['0', { containers: [{ name: 'flyway', exitCode: 0 }] }, 'succeeded', 'ended with exit code 0'],
    [
      '1',
      { containers: [{ name: 'flyway', exitCode: 1, reason: 'OutOfMemoryError' }] },
      'failed',
      'ended with exit code 1 (OutOfMemoryError)',
    ],
    [
      '1 beside a sidecar that ended well',
      {
        containers: [
          { name: 'proxy', exitCode: 0 },
          { name: 'flyway', exitCode: 1 },
        ],
      },
      'failed',
      'ended with exit code 1, container flyway',
    ],
    [
      'none',
      {
        stopCode: 'TaskFailedToStart',
        stoppedReason: 'CannotPullContainerError: not found',
        containers: [{ name: 'flyway' }],
      },
      'failed',
      'stopped without an exit code (TaskFailedToStart: CannotPullContainerError: not found)',
    ],
    ['none, and no container', { containers: [] }, 'failed', 'stopped without an exit code (no reason given)'],
    [
      '0 of one, none of the other',
      { containers: [{ name: 'flyway', exitCode: 0 }, { name: 'proxy' }] },
      'failed',
      'stopped without an exit code (no reason given)',
    ],
  ])('that stopped with exit code %s', async (_, stopped, kind, words) => {
    const { task, fake } = await over(described({ lastStatus: 'STOPPED', ...stopped }))
    expect(await task.poll(TASK)).toEqual({
      kind: 'ended',
      end: {
        kind,
        said: `the ECS task orders-migrate:7 ${words}`,
        log: {
          text: 'read what it printed',
          command: "aws logs tail '/orders/migrate' --log-stream-names 'migrate/flyway/0123456789abcdef' --since 1d",
        },
      },
    })
    expect(fake.calls.map(({ input }) => input)).toEqual([{ cluster: CLUSTER, tasks: [TASK] }])
  })

  test('of a named container ends as that one did', async () => {
    const containers = [
      { name: 'proxy', exitCode: 137 },
      { name: 'flyway', exitCode: 0 },
    ]
    const { task } = await over(described({ lastStatus: 'STOPPED', containers }), { ...SETTINGS, container: 'flyway' })
    expect(await task.poll(TASK)).toMatchObject({ end: { kind: 'succeeded' } })
  })

  test.each(['PROVISIONING', 'PENDING', 'RUNNING', 'DEPROVISIONING'])('that is %s runs', async (lastStatus) => {
    const { task } = await over(described({ lastStatus }))
    expect(await task.poll(TASK)).toEqual({ kind: 'running' })
  })

  test('that ECS does not know is missing', async () => {
    const { task } = await over({ DescribeTasks: () => ({ tasks: [], failures: [{ arn: TASK, reason: 'MISSING' }] }) })
    expect(await task.poll(TASK)).toEqual({ kind: 'missing', why: 'MISSING' })
  })
})

describe('a CodeBuild project', () => {
  const over = async (answers: Parameters<typeof awsService<typeof codebuild>>[1]) => {
    const fake = await fakeOf(awsService(codebuild, answers))
    return { fake, task: codeBuildProject('orders-migrate', new codebuild.CodeBuildClient(fake.client)) }
  }

  test('is started once, with a token', async () => {
    const { task, fake } = await over({ StartBuild: () => ({ build: { id: 'orders-migrate:1' } }) })
    expect(await task.start('token', 1_000)).toEqual({ kind: 'started', handle: 'orders-migrate:1' })
    expect(fake.calls.map(({ input }) => input)).toEqual([{ projectName: 'orders-migrate', idempotencyToken: 'token' }])
  })

  test('that is busy or not there was not started; without an answer it may have been', async () => {
    const busy = await over({ StartBuild: () => awsError('AccountLimitExceededException', 'too many') })
    expect(await busy.task.start('t', 1_000)).toMatchObject({ kind: 'refused', passing: true })
    const gone = await over({ StartBuild: () => awsError('ResourceNotFoundException', 'no such project') })
    expect(await gone.task.start('t', 1_000)).toMatchObject({ kind: 'refused', passing: false })
    const lost = await over({ StartBuild: () => HANG_UP })
    await expect(lost.task.start('t', 1_000)).rejects.toThrow()
  })

  test.each<[codebuild.StatusType, string, string]>([
    ['SUCCEEDED', 'succeeded', 'the build of orders-migrate ended as SUCCEEDED'],
    [
      'FAILED',
      'failed',
      'the build of orders-migrate ended as FAILED in BUILD: Error while executing command: flyway migrate. Reason: exit status 1',
    ],
  ])('%s', async (buildStatus, kind, said) => {
    const failed = buildStatus === 'FAILED'
    const { task } = await over({
      BatchGetBuilds: () => ({
        builds: [
          {
            buildComplete: true,
            buildStatus,
            logs: { deepLink: 'https://console.aws.amazon.com/cloudwatch/home#logs' },
            phases: [
              { phaseType: 'INSTALL', phaseStatus: 'SUCCEEDED' },
              {
                phaseType: 'BUILD',
                phaseStatus: failed ? 'FAILED' : 'SUCCEEDED',
                contexts: [{ message: 'Error while executing command: flyway migrate. Reason: exit status 1' }],
              },
              { phaseType: 'COMPLETED' },
            ],
          },
        ],
      }),
    })
    expect(await task.poll('orders-migrate:1')).toMatchObject({ kind: 'ended', end: { kind, said } })
    expect(await task.poll('orders-migrate:1')).toMatchObject({ end: { log: { command: null } } })
  })

  test('runs until it is complete, and is missing where nobody knows it', async () => {
    const running = await over({
      BatchGetBuilds: () => ({ builds: [{ buildComplete: false, buildStatus: 'IN_PROGRESS' }] }),
    })
    expect(await running.task.poll('b')).toEqual({ kind: 'running' })
    const gone = await over({ BatchGetBuilds: () => ({ builds: [], buildsNotFound: ['b'] }) })
    expect(await gone.task.poll('b')).toMatchObject({ kind: 'missing' })
  })
})

describe('a Lambda function', () => {
  const over = async (behaviour: Behaviour | readonly Behaviour[]) => {
    const server = await startFaultServer({ '/2015-03-31/functions/orders-migrate/invocations': behaviour })
    open.push(server)
    const client = new LambdaClient({
      endpoint: `http://127.0.0.1:${server.port}`,
      region: 'eu-west-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      maxAttempts: 1,
    })
    return { server, task: lambdaFunction('orders-migrate', client) }
  }
  const log = { text: 'read what it printed', command: "aws logs tail '/aws/lambda/orders-migrate' --since 1d" }

  test('is invoked once, and its return is its end', async () => {
    const { task, server } = await over(answer({ body: 'migrated' }))
    expect(await task.start('token', 5_000)).toEqual({
      kind: 'ended',
      end: { kind: 'succeeded', said: 'the function orders-migrate returned without an error', log },
    })
    expect(server.requests.map(({ headers, body }) => [headers['x-amz-invocation-type'], JSON.parse(body)])).toEqual([
      ['RequestResponse', { deploywatch: 'migrate', token: 'token' }],
    ])
  })

  test('that throws has failed, and says why', async () => {
    const headers = { 'x-amz-function-error': 'Unhandled' }
    const body = { errorType: 'Error', errorMessage: 'relation "orders" does not exist', trace: ['at x'] }
    const { task } = await over(answer({ headers, body }))
    expect(await task.start('t', 5_000)).toMatchObject({
      end: { kind: 'failed', said: 'the function orders-migrate failed: Error: relation "orders" does not exist' },
    })
  })

  test.each([
    ['TooManyRequestsException', 429, true],
    ['ResourceConflictException', 409, true],
    ['ResourceNotFoundException', 404, false],
  ])('that is answered with %s did not run', async (name, status, passing) => {
    const headers = { 'x-amzn-errortype': name }
    const { task, server } = await over(answer({ status, headers, body: { message: 'so it is' } }))
    expect(await task.start('t', 5_000)).toMatchObject({ kind: 'refused', passing })
    expect(server.requests).toHaveLength(1)
  })

  test.each<[string, Behaviour]>([
    ['breaks off', drop],
    ['does not come', hang],
    [
      'is an error of the service',
      answer({ status: 500, headers: { 'x-amzn-errortype': 'ServiceException' }, body: {} }),
    ],
  ])('whose answer %s may have run: it is not asked again', async (_, behaviour) => {
    const { task, server } = await over(behaviour)
    await expect(task.start('t', 300)).rejects.toThrow()
    expect(server.requests).toHaveLength(1)
    expect(task.repeatableMs).toBe(0)
  })
})
