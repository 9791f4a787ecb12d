import { expect, test } from 'vitest'
import type { Deployment } from '../../functions/core/deployment.ts'
import { identityOf } from '../../functions/core/deployment.ts'
import { awsSystems } from '../../functions/triggers/aws/systems.ts'
import { identify } from '../../functions/triggers/identify.ts'
import { awsError, SILENCE } from '../support/aws-service-fake.ts'
import type { DeploymentTarget } from '../../functions/core/deployment.ts'
import { ACCOUNT, at, REGION, withSystems } from './systems.ts'

function announced(target: DeploymentTarget, over: Partial<Deployment>): Deployment {
  const place = { target, account: ACCOUNT, region: REGION }
  return {
    ...place,
    identity: identityOf(place, 'from-the-event'),
    phase: 'finished',
    at: '2026-01-01T12:10:00.000Z',
    startedAt: null,
    isReplay: false,
    release: null,
    question: null,
    ...over,
  }
}

const GROUP = { source: 'codedeploy', application: 'orders', group: 'production' } as const
const STACK = { source: 'cloudformation', stack: 'orders' } as const
const STACK_ID = 'arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1'
const SERVICE = { source: 'ecs', cluster: 'main', service: 'orders' } as const
const codeDeployed = announced(GROUP, { question: { ask: 'GetDeployment', deploymentId: 'd-1' } })
const stackDeployed = announced(STACK, { question: { ask: 'DescribeStacks', stackId: STACK_ID } })
const serviceDeployed = announced(SERVICE, {
  question: { ask: 'ListServiceDeployments', cluster: 'main', service: 'orders' },
})
const arn = (id: string): string => `arn:aws:ecs:eu-west-1:111122223333:service-deployment/main/orders/${id}`
const stack = { StackName: 'orders', StackId: STACK_ID, CreationTime: at('00:00:00') } as const

test('CodeDeploy says when a deployment began whose start nobody heard of', async () => {
  const answers = { GetDeployment: () => ({ deploymentInfo: { createTime: at('12:01:02.500') } }) }
  await withSystems({ codeDeploy: answers }, async (systems, fake) => {
    expect(await identify(codeDeployed, systems)).toEqual({
      ours: true,
      deployment: { ...codeDeployed, startedAt: '2026-01-01T12:01:02.500Z' },
    })
    await identify({ ...codeDeployed, startedAt: '2026-01-01T12:00:00.000Z' }, systems)
    expect(fake.calls).toHaveLength(1)
  })
})

test('a pipeline’s stage began with its first action, in its latest run', async () => {
  const target = { source: 'codepipeline', pipeline: 'release', stage: 'Prod', action: null } as const
  const question = { ask: 'GetPipelineExecution', pipeline: 'release', executionId: 'e-1' } as const
  const action = (stageName: string, actionName: string, time: string) => ({
    stageName,
    actionName,
    startTime: at(time),
  })
  const answers = {
    ListActionExecutions: ({ nextToken }: { nextToken?: string | undefined }) =>
      nextToken === undefined
        ? {
            actionExecutionDetails: [action('Prod', 'Test', '12:07:00'), action('Prod', 'Deploy', '12:05:00')],
            nextToken: 'more',
          }
        : { actionExecutionDetails: [action('Prod', 'Deploy', '12:01:00'), action('Build', 'Build', '11:00:00')] },
  }
  await withSystems({ codePipeline: answers }, async (systems, fake) => {
    expect(await identify(announced(target, { question }), systems)).toMatchObject({
      deployment: { startedAt: '2026-01-01T12:05:00.000Z' },
    })
    expect(fake.calls[0]?.input).toEqual({ pipelineName: 'release', filter: { pipelineExecutionId: 'e-1' } })
  })
})

test('a stack’s operation is known by when it began, whichever of its events came', async () => {
  const answers = {
    DescribeStacks: () => ({
      Stacks: [{ ...stack, StackStatus: 'UPDATE_COMPLETE' as const, LastUpdatedTime: at('12:00:00.250') }],
    }),
  }
  await withSystems({ cloudFormation: answers }, async (systems) => {
    const events = [stackDeployed, { ...stackDeployed, identity: 'other', at: '2026-01-01T12:09:00.000Z' }]
    const [one, other] = await Promise.all(events.map(async (each) => identify(each, systems)))
    expect(one).toMatchObject({ ours: true, deployment: { startedAt: '2026-01-01T12:00:00.250Z', phase: 'finished' } })
    if (one?.ours !== true || other?.ours !== true) return expect.unreachable()
    expect(one.deployment.identity).toBe(identityOf(stackDeployed, 'since:2026-01-01T12:00:00.250Z'))
    expect(other.deployment.identity).toBe(one.deployment.identity)
  })
})

test('an event’s whole second is no reason to think that the operation began after it', async () => {
  const answers = {
    DescribeStacks: () => ({
      Stacks: [{ ...stack, StackStatus: 'UPDATE_IN_PROGRESS' as const, LastUpdatedTime: at('12:10:00.900') }],
    }),
  }
  await withSystems({ cloudFormation: answers }, async (systems) => {
    expect(await identify({ ...stackDeployed, phase: 'started' }, systems)).toMatchObject({ ours: true })
  })
})

test('the stack is in a later operation already: the event is of an older one', async () => {
  const answers = {
    DescribeStacks: () => ({
      Stacks: [{ ...stack, StackStatus: 'UPDATE_IN_PROGRESS' as const, LastUpdatedTime: at('12:11:00') }],
    }),
  }
  await withSystems({ cloudFormation: answers }, async (systems) => {
    expect(await identify(stackDeployed, systems)).toMatchObject({ ours: false, because: 'older' })
  })
})

test.each([
  [
    'nested',
    () => ({
      Stacks: [{ ...stack, StackStatus: 'UPDATE_COMPLETE' as const, ParentId: 'arn:parent', RootId: 'arn:root' }],
    }),
  ],
  ['gone', () => awsError('ValidationError', `Stack with id ${STACK_ID} does not exist`)],
])('a stack that is %s is none of ours', async (_, answer) => {
  await withSystems({ cloudFormation: { DescribeStacks: answer } }, async (systems) => {
    expect(await identify(stackDeployed, systems)).toMatchObject({ ours: false, because: 'not-ours' })
  })
})

test('ECS says which service deployment it was, and that it rolled back', async () => {
  const answers = {
    ListServiceDeployments: () => ({
      serviceDeployments: [
        { serviceDeploymentArn: arn('old'), createdAt: at('11:00:00'), status: 'SUCCESSFUL' as const },
        { serviceDeploymentArn: arn('new'), createdAt: at('12:00:00'), status: 'ROLLBACK_SUCCESSFUL' as const },
      ],
    }),
  }
  await withSystems({ ecs: answers }, async (systems) => {
    expect(await identify(serviceDeployed, systems)).toMatchObject({
      ours: true,
      deployment: {
        identity: identityOf(serviceDeployed, 'new'),
        phase: 'rolled-back',
        startedAt: '2026-01-01T12:00:00.000Z',
        question: { ask: 'DescribeServiceDeployments', serviceDeploymentArn: arn('new') },
      },
    })
    const before = { ...serviceDeployed, at: '2026-01-01T11:30:00.000Z' }
    expect(await identify(before, systems)).toMatchObject({ ours: false, because: 'older' })
  })
})

test('where AWS refuses to say, a deployment stays what its event said', async () => {
  const denied = () => awsError('AccessDeniedException', 'not authorized', 400)
  const answers = {
    codeDeploy: { GetDeployment: denied },
    cloudFormation: { DescribeStacks: () => awsError('AccessDenied', 'not authorized', 403) },
    ecs: { ListServiceDeployments: denied },
  }
  await withSystems(answers, async (systems) => {
    for (const each of [codeDeployed, stackDeployed, serviceDeployed]) {
      expect(await identify(each, systems)).toEqual({ ours: true, deployment: each })
    }
  })
})

test('another account’s deployments are never asked about: the same names may be here', async () => {
  await withSystems({}, async (systems, fake) => {
    const foreign = { ...serviceDeployed, account: '999999999999' }
    expect(await identify(foreign, systems)).toEqual({ ours: true, deployment: foreign })
    expect(fake.calls).toEqual([])
  })
})

test('throttling is not an answer: the event is to come again', async () => {
  const answers = { GetDeployment: () => awsError('ThrottlingException', 'Rate exceeded') }
  await withSystems({ codeDeploy: answers }, async (systems) => {
    await expect(identify(codeDeployed, systems)).rejects.toThrow('Rate exceeded')
  })
})

test('a service that does not answer ends in an error, not in a function that hangs', async () => {
  await withSystems({ codeDeploy: { GetDeployment: () => SILENCE } }, async (_, fake) => {
    const requestHandler = { connectionTimeout: 200, requestTimeout: 200, throwOnRequestTimeout: true }
    const systems = awsSystems(ACCOUNT, { ...fake.client, requestHandler })
    await expect(identify(codeDeployed, systems)).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})
