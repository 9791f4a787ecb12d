import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readDeployments } from '../../functions/triggers/index.ts'
import { answerTo, customEvent, deploymentOf, readEvent, WATCHED, withDetail } from './events.ts'
import type { Event } from './events.ts'

describe('CodeDeploy', () => {
  const success = readEvent('codedeploy-success')

  test('a state change is a deployment, of which the rest is to be asked', () => {
    expect(deploymentOf(success)).toEqual({
      identity: 'codedeploy/123456789012/us-east-1/myApplication/myDeploymentGroup/d-123456789',
      target: { source: 'codedeploy', application: 'myApplication', group: 'myDeploymentGroup' },
      account: '123456789012',
      region: 'us-east-1',
      phase: 'finished',
      at: '2016-06-30T22:06:31.000Z',
      startedAt: null,
      isReplay: false,
      release: null,
      question: { ask: 'GetDeployment', deploymentId: 'd-123456789' },
    })
  })

  test.each([
    ['START', 'started'],
    ['READY', 'started'],
    ['SUCCESS', 'finished'],
    ['FAILURE', 'failed'],
    ['STOP', 'failed'],
  ])('state %s is phase %s', (state, phase) => {
    expect(deploymentOf(withDetail(success, { state })).phase).toBe(phase)
  })

  test('all its states have one identity, and a start says when it began', () => {
    const started = deploymentOf(withDetail(success, { state: 'START' }))
    expect(started.identity).toBe(deploymentOf(success).identity)
    expect(started.startedAt).toBe('2016-06-30T22:06:31.000Z')
  })

  test('a deployment that waits in a queue, or is of another group, is not for us', () => {
    expect(answerTo(withDetail(success, { state: 'QUEUED' }))).toEqual({
      kind: 'not-for-us',
      why: 'a deployment in state QUEUED has changed nothing yet',
    })
    expect(answerTo(withDetail(success, { deploymentGroup: 'other' }))).toEqual({
      kind: 'not-for-us',
      why: 'the deployment group myApplication/other is not among the watched',
    })
  })

  test('the message of a group’s own trigger comes to the same identity, whatever brings it', () => {
    const message = { ...readEvent('codedeploy-sns'), status: 'Succeeded' }
    const text = JSON.stringify(message)
    const bySns = {
      Records: [{ EventSource: 'aws:sns', Sns: { Message: text, Timestamp: '2015-11-05T17:23:12.000Z' } }],
    }
    const byQueue = { Records: [{ eventSource: 'aws:sqs', body: text }] }
    const wrapped = JSON.stringify({ Type: 'Notification', Message: text, Timestamp: '2015-11-05T17:23:12.000Z' })
    for (const event of [bySns, byQueue, { Records: [{ body: wrapped }] }]) {
      expect(deploymentOf(event)).toMatchObject({
        identity: 'codedeploy/111222333444/us-west-1/ProductionApp-us-west-3/dep-group-def-456/d-75I7MBT7C',
        phase: 'finished',
        startedAt: '2015-11-05T17:23:08.595Z',
        at: '2015-11-05T17:23:10.402Z',
      })
    }
  })

  test('a message on one instance is not for us, one without a time is malformed', () => {
    const message = readEvent('codedeploy-sns')
    expect(answerTo({ ...message, instanceId: 'i-1' }).kind).toBe('not-for-us')
    const { createTime: _, completeTime: __, ...timeless } = message
    expect(answerTo(timeless)).toMatchObject({ kind: 'malformed', path: 'createTime' })
    expect(answerTo({ ...message, completeTime: 'soon' })).toMatchObject({
      kind: 'malformed',
      path: 'completeTime',
      value: '"soon"',
    })
  })
})

describe('CodePipeline', () => {
  test('the whole pipeline, a stage and an action are targets of their own', () => {
    const pipeline = deploymentOf(readEvent('codepipeline-pipeline-succeeded'))
    expect(pipeline).toMatchObject({
      target: { source: 'codepipeline', pipeline: 'myPipeline', stage: null, action: null },
      phase: 'finished',
      question: { ask: 'GetPipelineExecution', executionId: '12345678-1234-5678-abcd-12345678abcd' },
    })
    const stage = deploymentOf(readEvent('codepipeline-stage-started'))
    expect(stage).toMatchObject({ target: { stage: 'Prod', action: null }, phase: 'started' })
    expect(stage.startedAt).toBe('2020-01-24T22:03:07.000Z')
    const action = deploymentOf(readEvent('codepipeline-action-failed'))
    expect(action).toMatchObject({
      target: { stage: 'Deploy', action: 'Deploy' },
      phase: 'failed',
      region: 'us-west-2',
    })
    expect(new Set([pipeline.identity, stage.identity, action.identity]).size).toBe(3)
  })

  test('a pipeline that began, failed or was superseded may have deployed nothing', () => {
    const event = readEvent('codepipeline-pipeline-succeeded')
    for (const state of ['STARTED', 'RESUMED', 'FAILED', 'SUPERSEDED', 'STOPPING']) {
      expect(answerTo(withDetail(event, { state })).kind).toBe('not-for-us')
    }
  })

  test('a retry is another deployment of the same execution; attempts 0, 1 and none are the first', () => {
    const event = readEvent('codepipeline-stage-started')
    const attempts = [undefined, 0, 1, 1.0, '1', 2].map(
      (attempt) => deploymentOf(withDetail(event, { 'pipeline-execution-attempt': attempt })).identity,
    )
    expect(new Set(attempts.slice(0, 5)).size).toBe(1)
    expect(attempts[5]).toBe(attempts[0]?.replace(/1$/u, '2'))
  })

  test('newer fields say when it began and which commit it is', () => {
    const event = withDetail(readEvent('codepipeline-stage-started'), {
      state: 'SUCCEEDED',
      'start-time': '2020-01-24T22:00:00.123Z',
      'execution-trigger': { 'commit-id': '9f1c2ab0000000000000000000000000000000aa', 'author-email': 'a@example.com' },
    })
    expect(deploymentOf(event)).toMatchObject({
      startedAt: '2020-01-24T22:00:00.123Z',
      release: { by: 'commit', commit: '9f1c2ab0000000000000000000000000000000aa' },
    })
  })

  test('what a notification rule processed has detailType, and is read alike', () => {
    const { 'detail-type': detailType, ...event } = readEvent('codepipeline-pipeline-succeeded')
    const processed = {
      ...event,
      detailType,
      notificationRuleArn: 'arn:aws:codestar-notifications:x',
      additionalAttributes: {},
    }
    expect(deploymentOf(processed)).toEqual(deploymentOf(readEvent('codepipeline-pipeline-succeeded')))
    expect(deploymentOf({ Records: [{ Sns: { Message: JSON.stringify(processed) } }] }).phase).toBe('finished')
  })

  test('an action’s event that does not name its action is malformed', () => {
    expect(answerTo(withDetail(readEvent('codepipeline-action-failed'), { action: undefined }))).toMatchObject({
      kind: 'malformed',
      path: 'detail.action',
      value: 'nothing',
    })
  })
})

describe('CloudFormation', () => {
  const complete = readEvent('cloudformation-create-complete')
  const status = (value: string): Event =>
    withDetail(complete, { 'status-details': { status: value, 'status-reason': '' } })

  test('a stack id may end in a UUID', () => {
    const id = 'arn:aws:cloudformation:us-west-1:111122223333:stack/teststack/271845b0-f2e8-11ed-90ac-0eeb25b8ae21'
    expect(deploymentOf(withDetail(complete, { 'stack-id': id }))).toMatchObject({
      target: { source: 'cloudformation', stack: 'teststack' },
      phase: 'finished',
      question: { ask: 'DescribeStacks', stackId: id },
    })
  })

  test.each([
    ['UPDATE_IN_PROGRESS', 'started'],
    ['UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', 'finished'],
    ['UPDATE_COMPLETE', 'finished'],
    ['UPDATE_ROLLBACK_COMPLETE', 'rolled-back'],
    ['ROLLBACK_COMPLETE', 'failed'],
    ['UPDATE_ROLLBACK_FAILED', 'failed'],
  ])('status %s is phase %s', (value, phase) => {
    expect(deploymentOf(status(value)).phase).toBe(phase)
  })

  test('nested stacks have names of their own, and what is deleted or new to us is no deployment', () => {
    const id = 'arn:aws:cloudformation:us-west-1:111122223333:stack/teststack-Nested-1A2B3C/x'
    expect(answerTo(withDetail(complete, { 'stack-id': id })).kind).toBe('not-for-us')
    expect(answerTo(status('DELETE_COMPLETE')).kind).toBe('not-for-us')
    expect(answerTo(status('constructor')).kind).toBe('not-for-us')
  })

  test('an id that is none is malformed', () => {
    expect(answerTo(withDetail(complete, { 'stack-id': 'teststack' }))).toEqual({
      kind: 'malformed',
      path: 'detail.stack-id',
      value: '"teststack"',
      why: 'a stack id is the ARN of a stack',
    })
  })
})

describe('ECS', () => {
  const completed = readEvent('ecs-completed')

  test('cluster and service come from the resource, and the time from when it got there', () => {
    expect(deploymentOf(completed)).toMatchObject({
      target: { source: 'ecs', cluster: 'default', service: 'servicetest' },
      phase: 'finished',
      at: '2020-05-23T11:11:11.000Z',
      question: { ask: 'ListServiceDeployments', cluster: 'default', service: 'servicetest' },
    })
  })

  test('what fails and what rolls back say so', () => {
    expect(deploymentOf(withDetail(completed, { eventName: 'SERVICE_DEPLOYMENT_FAILED' })).phase).toBe('failed')
    const reason = 'ECS deployment circuit breaker: rolling back to deploymentId deploymentID.'
    expect(deploymentOf(withDetail(completed, { eventName: 'SERVICE_DEPLOYMENT_IN_PROGRESS', reason })).phase).toBe(
      'started',
    )
  })

  test('a resource without a cluster is of the default one; none is malformed', () => {
    const old = { ...completed, resources: ['arn:aws:ecs:us-west-2:111122223333:service/servicetest'] }
    expect(deploymentOf(old).target).toEqual({ source: 'ecs', cluster: 'default', service: 'servicetest' })
    expect(answerTo({ ...completed, resources: [] })).toMatchObject({ kind: 'malformed', path: 'resources.0' })
  })

  test('a hook tells of a deployment that is on its way, with nanoseconds', () => {
    expect(deploymentOf(readEvent('ecs-hook'))).toMatchObject({
      identity: 'ecs/123456789012/us-west-2/my-cluster/my-service/0EYSiB0qap8xf0N76FsbE',
      phase: 'started',
    })
    expect(answerTo(withDetail(readEvent('ecs-hook'), { eventName: 'HOOK_SUCCEEDED' })).kind).toBe('not-for-us')
  })
})

describe('a custom event', () => {
  test('is a deployment, with its release', () => {
    expect(deploymentOf(customEvent({ startedAt: '2026-01-01T12:00:00Z' }))).toEqual({
      identity: 'custom/111122223333/eu-west-1/orders/prod/gh-run-123-attempt-1',
      target: { source: 'custom', service: 'orders', environment: 'prod' },
      account: '111122223333',
      region: 'eu-west-1',
      phase: 'finished',
      at: '2026-01-01T12:03:10.000Z',
      startedAt: '2026-01-01T12:00:00.000Z',
      isReplay: false,
      release: { by: 'commit', commit: '9f1c2ab' },
      question: null,
    })
  })

  test('the catalogue’s other name for it is read alike; the status goes before the name', () => {
    expect(deploymentOf(customEvent({}, 'Deployment Completed'))).toEqual(deploymentOf(customEvent()))
    expect(deploymentOf(customEvent({ status: 'failed' })).phase).toBe('failed')
    expect(deploymentOf(customEvent({ status: undefined }, 'Deployment Started')).phase).toBe('started')
    expect(answerTo(customEvent({ status: 'maybe' })).kind).toBe('not-for-us')
  })

  test('what was rolled back is another deployment, since what is live is another release', () => {
    const back = deploymentOf(customEvent({ status: 'ROLLED_BACK' }))
    expect(back.identity).toBe(`${deploymentOf(customEvent()).identity}/rolled-back`)
  })

  test.each([
    [
      { digest: 'd1', version: '1' },
      { by: 'digest', digest: 'd1' },
    ],
    [{ version: '1.42.0' }, { by: 'version', version: '1.42.0' }],
    [{ commit: 'abc' }, { by: 'commit', commit: 'abc' }],
    [{ label: 'build 7' }, { by: 'label', label: 'build 7' }],
    [{ revision: 'build-7' }, { by: 'label', label: 'build-7' }],
    [{ revision: undefined }, null],
  ])('names its release with %j', (detail, release) => {
    expect(deploymentOf(customEvent(detail)).release).toEqual(release)
  })

  test.each(['deploymentId', 'service', 'environment'])('without %s it is malformed', (field) => {
    expect(answerTo(customEvent({ [field]: undefined }))).toMatchObject({ kind: 'malformed', path: `detail.${field}` })
  })
})

describe('any event', () => {
  const names = [
    'codedeploy-success',
    'codepipeline-pipeline-succeeded',
    'codepipeline-stage-started',
    'codepipeline-action-failed',
    'cloudformation-create-complete',
    'ecs-completed',
    'ecs-hook',
  ]

  test.each(names)('%s: a replay says so, and fields that AWS adds change nothing', (name) => {
    const event = readEvent(name)
    expect(deploymentOf({ ...event, 'replay-name': 'again' })).toEqual({ ...deploymentOf(event), isReplay: true })
    expect(deploymentOf({ ...withDetail(event, { added: { by: 'AWS' } }), added: 1 })).toEqual(deploymentOf(event))
  })

  test.each(names)('%s: each field that is missing or of another type is named', (name) => {
    const event = readEvent(name)
    for (const field of ['source', 'detail-type', 'account', 'region', 'time']) {
      const { [field]: _, ...rest } = event
      expect(answerTo(rest)).toMatchObject({ kind: 'malformed', path: field, value: 'nothing' })
      expect(answerTo({ ...event, [field]: 7 })).toMatchObject({ kind: 'malformed', path: field, value: '7' })
    }
    expect(answerTo({ ...event, time: 'yesterday' })).toMatchObject({ path: 'time', value: '"yesterday"' })
    expect(answerTo({ ...event, detail: null })).toMatchObject({ kind: 'malformed', path: 'detail' })
  })

  test.each(['amplify', 'apprunner', 'beanstalk', 'lambda-updatefunctioncode', 'lambda-updatealias'])(
    '%s: other sources are not for us',
    (name) => expect(answerTo(readEvent(name)).kind).toBe('not-for-us'),
  )

  test('a pipeline’s job that came to the wrong function is malformed, and its credentials are nowhere', () => {
    const job = JSON.stringify(readEvent('codepipeline-job')).replaceAll('REDACTED', 'planted-secret')
    const answers = JSON.stringify(readDeployments(JSON.parse(job), WATCHED))
    expect(answers).toContain('malformed')
    expect(answers).not.toContain('planted-secret')
  })

  test('whatever JSON comes, it is answered and nothing is thrown', () => {
    const parts = fc.constantFrom(...names.map(readEvent), readEvent('codedeploy-sns'), customEvent())
    const mutated = fc
      .tuple(parts, fc.array(fc.tuple(fc.nat(40), fc.jsonValue()), { maxLength: 3 }))
      .map(([event, changes]) => changes.reduce<unknown>((value, [at, change]) => mutate(value, at, change), event))
    const batch = fc.array(mutated).map((events) => ({ Records: events.map((e) => ({ body: JSON.stringify(e) })) }))
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), mutated, batch), (event) => {
        for (const answer of readDeployments(event, WATCHED)) {
          expect(['deployment', 'not-for-us', 'malformed']).toContain(answer.kind)
          // What is said can be logged and written as JSON.
          expect(JSON.parse(JSON.stringify(answer))).toEqual(answer)
          if (answer.kind === 'deployment')
            expect(new Date(answer.deployment.at).toISOString()).toBe(answer.deployment.at)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

/** The value with one of its fields, in the order of a walk, replaced. */
function mutate(value: unknown, at: number, change: unknown): unknown {
  let left = at
  const walk = (each: unknown): unknown => {
    if (left-- === 0) return change
    if (Array.isArray(each)) return each.map(walk)
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([key, item]) => [key, walk(item)]))
  }
  return walk(value)
}
