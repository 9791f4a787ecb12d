import { expect, test } from 'vitest'
import type { DeploymentTarget } from '../../functions/core/deployment.ts'
import { identify } from '../../functions/triggers/identify.ts'
import type { AwsSystems } from '../../functions/triggers/aws/systems.ts'
import type { Reconciled } from '../../functions/triggers/reconcile.ts'
import { reconcile } from '../../functions/triggers/reconcile.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import { take } from '../../functions/triggers/take.ts'
import { awsError } from '../support/aws-service-fake.ts'
import { deploymentOf, readEvent, withDetail } from './events.ts'
import { memoryDocuments } from './memory-documents.ts'
import type { Answers } from './systems.ts'
import { ACCOUNT, at, REGION, withSystems } from './systems.ts'

const NOW = at('12:30:00').getTime()
const GROUP = { source: 'codedeploy', application: 'orders', group: 'production' } as const
const STACK = { source: 'cloudformation', stack: 'orders' } as const
const SERVICE = { source: 'ecs', cluster: 'main', service: 'orders' } as const
const STAGE = { source: 'codepipeline', pipeline: 'release', stage: 'Prod', action: null } as const
const PIPELINE = { ...STAGE, stage: null }
const STACK_ID = 'arn:aws:cloudformation:eu-west-1:111122223333:stack/orders/1'
const arn = (id: string): string => `arn:aws:ecs:eu-west-1:111122223333:service-deployment/main/orders/${id}`

interface Stage {
  readonly documents: Documents
  readonly systems: AwsSystems
  readonly started: readonly string[]
  readonly reconciled: () => Promise<Reconciled>
  /** An event that came, or what the reconciler found. */
  readonly taken: (deployment: Parameters<typeof take>[0]) => Promise<string>
}

async function onStage(
  target: DeploymentTarget,
  answers: Answers,
  run: (stage: Stage) => Promise<void>,
): Promise<void> {
  await withSystems(answers, async (systems) => {
    const documents = memoryDocuments()
    const started: string[] = []
    const startWatch = async ({ identity }: { readonly identity: string }): Promise<void> => {
      started.push(identity)
    }
    const context = {
      documents,
      now: () => NOW,
      startWatch,
      identify: async (d: Parameters<typeof take>[0]) => identify(d, systems),
    }
    await run({
      documents,
      systems,
      started,
      reconciled: async () => reconcile({ watched: [target], region: REGION, documents, systems, now: NOW }),
      taken: async (deployment) => (await take(deployment, context)).did,
    })
  })
}

const listed: Answers = {
  codeDeploy: {
    ListDeployments: ({ applicationName, deploymentGroupName, createTimeRange, nextToken }) => {
      expect([applicationName, deploymentGroupName, createTimeRange]).toEqual([
        'orders',
        'production',
        { start: at('11:30:00') },
      ])
      return nextToken === undefined ? { deployments: ['d-1', 'd-2'], nextToken: 'more' } : { deployments: ['d-3'] }
    },
    BatchGetDeployments: ({ deploymentIds }) => {
      expect(deploymentIds?.length).toBeLessThanOrEqual(25)
      return {
        deploymentsInfo: [
          { deploymentId: 'd-1', status: 'Succeeded', createTime: at('12:00:00'), completeTime: at('12:05:00') },
          { deploymentId: 'd-2', status: 'Succeeded', createTime: at('12:10:00'), completeTime: at('12:15:00') },
          // Its event may still be on its way.
          { deploymentId: 'd-3', status: 'Succeeded', createTime: at('12:27:00'), completeTime: at('12:29:00') },
        ],
      }
    },
    GetDeployment: () => ({ deploymentInfo: { createTime: at('12:10:00') } }),
  },
}
const event = (id: string, time: string) => {
  const place = { account: ACCOUNT, region: REGION, time: `2026-01-01T${time}Z` }
  const detail = { application: 'orders', deploymentGroup: 'production', deploymentId: id }
  return deploymentOf({ ...withDetail(readEvent('codedeploy-success'), detail), ...place }, [GROUP])
}

test('CodeDeploy: what no event announced is counted, and the newest of it is watched', async () => {
  await onStage(GROUP, listed, async ({ reconciled, taken, started }) => {
    const { deployments, unwatched, problems } = await reconciled()
    expect({ unwatched, problems }).toEqual({ unwatched: 2, problems: [] })
    expect(
      deployments.map(({ identity, startedAt, at: time }) => [identity.split('/').at(-1), startedAt, time]),
    ).toEqual([['d-2', '2026-01-01T12:10:00.000Z', '2026-01-01T12:15:00.000Z']])
    for (const deployment of deployments) expect(await taken(deployment)).toBe('started')
    expect(await reconciled()).toEqual({ deployments: [], unwatched: 0, problems: [] })
    // The event was late, not lost: it is the same deployment.
    expect(await taken(event('d-2', '12:15:00'))).toBe('ignored')
    expect(started).toHaveLength(1)
  })
})

test('CodeDeploy: what an event announced is not counted, whether it came or what is older', async () => {
  await onStage(GROUP, listed, async ({ reconciled, taken }) => {
    expect(await taken(event('d-2', '12:15:00'))).toBe('started')
    expect(await reconciled()).toEqual({ deployments: [], unwatched: 0, problems: [] })
  })
})

const stackAnswers = (status: 'UPDATE_COMPLETE' | 'DELETE_COMPLETE'): Answers => ({
  cloudFormation: {
    DescribeStacks: () => ({
      Stacks: [
        {
          StackName: 'orders',
          StackId: STACK_ID,
          CreationTime: at('01:00:00'),
          LastUpdatedTime: at('12:00:00.250'),
          StackStatus: status,
        },
      ],
    }),
    DescribeStackEvents: () => ({
      StackEvents: [
        {
          StackId: STACK_ID,
          EventId: '2',
          StackName: 'orders',
          PhysicalResourceId: STACK_ID,
          ResourceStatus: 'UPDATE_COMPLETE',
          Timestamp: at('12:07:00'),
        },
        {
          StackId: STACK_ID,
          EventId: '1',
          StackName: 'orders',
          PhysicalResourceId: 'fn',
          ResourceStatus: 'UPDATE_COMPLETE',
          Timestamp: at('12:06:00'),
        },
      ],
    }),
  },
})

test('CloudFormation: an operation comes to one identity by its event and by the list', async () => {
  await onStage(STACK, stackAnswers('UPDATE_COMPLETE'), async ({ reconciled, taken, started }) => {
    const first = await reconciled()
    expect(first).toMatchObject({ unwatched: 1, deployments: [{ at: '2026-01-01T12:07:00.000Z', phase: 'finished' }] })
    const place = { account: ACCOUNT, region: REGION, time: '2026-01-01T12:07:00Z' }
    const detail = {
      'stack-id': STACK_ID,
      'client-request-token': 'token',
      'status-details': { status: 'UPDATE_COMPLETE' },
    }
    const announced = deploymentOf({ ...withDetail(readEvent('cloudformation-create-complete'), detail), ...place }, [
      STACK,
    ])
    expect(await taken(announced)).toBe('started')
    expect(await reconciled()).toMatchObject({ unwatched: 0, deployments: [] })
    for (const deployment of first.deployments) expect(await taken(deployment)).toBe('ignored')
    expect(started).toHaveLength(1)
  })
})

test('CloudFormation: a stack that was deleted is nothing to watch', async () => {
  await onStage(STACK, stackAnswers('DELETE_COMPLETE'), async ({ reconciled }) => {
    expect(await reconciled()).toEqual({ deployments: [], unwatched: 0, problems: [] })
  })
})

test('ECS: a service deployment comes to one identity by its event and by the list', async () => {
  const serviceDeployments = [
    {
      serviceDeploymentArn: arn('1'),
      createdAt: at('12:00:00'),
      finishedAt: at('12:06:00.500'),
      status: 'SUCCESSFUL' as const,
    },
  ]
  const answers = { ListServiceDeployments: () => ({ serviceDeployments }) }
  await onStage(SERVICE, { ecs: answers }, async ({ reconciled, taken }) => {
    const { unwatched, deployments } = await reconciled()
    expect(unwatched).toBe(1)
    expect(deployments[0]?.question).toEqual({ ask: 'DescribeServiceDeployments', serviceDeploymentArn: arn('1') })
    const place = { account: ACCOUNT, region: REGION, time: '2026-01-01T12:06:01Z' }
    const resources = ['arn:aws:ecs:eu-west-1:111122223333:service/main/orders']
    const completed = withDetail(readEvent('ecs-completed'), { updatedAt: '2026-01-01T12:06:00.500Z' })
    expect(await taken(deploymentOf({ ...completed, ...place, resources }, [SERVICE]))).toBe('started')
    expect(await reconciled()).toMatchObject({ unwatched: 0, deployments: [] })
  })
})

const executions: Answers = {
  codePipeline: {
    ListPipelineExecutions: () => ({
      pipelineExecutionSummaries: [
        { pipelineExecutionId: 'e-3', status: 'InProgress', startTime: at('12:20:00'), lastUpdateTime: at('12:21:00') },
        { pipelineExecutionId: 'e-2', status: 'Succeeded', startTime: at('12:00:00'), lastUpdateTime: at('12:15:00') },
        { pipelineExecutionId: 'e-1', status: 'Succeeded', startTime: at('09:00:00'), lastUpdateTime: at('09:15:00') },
      ],
    }),
    ListActionExecutions: ({ filter }) => ({
      actionExecutionDetails:
        filter?.pipelineExecutionId === 'e-2'
          ? [
              {
                stageName: 'Prod',
                actionName: 'Deploy',
                status: 'Succeeded',
                startTime: at('12:12:00'),
                lastUpdateTime: at('12:14:00'),
              },
              {
                stageName: 'Prod',
                actionName: 'Deploy',
                status: 'Failed',
                startTime: at('12:10:00'),
                lastUpdateTime: at('12:11:00'),
              },
            ]
          : [
              {
                stageName: 'Build',
                actionName: 'Build',
                status: 'InProgress',
                startTime: at('12:20:00'),
                lastUpdateTime: at('12:21:00'),
              },
            ],
    }),
  },
}

test('CodePipeline: a whole pipeline counts when it succeeded', async () => {
  await onStage(PIPELINE, executions, async ({ reconciled }) => {
    const { unwatched, deployments } = await reconciled()
    expect([unwatched, deployments[0]?.identity.split('/').slice(-2)]).toEqual([1, ['e-2', '1']])
  })
})

test('CodePipeline: a stage is what its actions’ last runs are; an event of a later attempt is known as such', async () => {
  await onStage(STAGE, executions, async ({ reconciled, taken, started }) => {
    expect(await reconciled()).toMatchObject({
      unwatched: 1,
      deployments: [{ phase: 'finished', startedAt: '2026-01-01T12:12:00.000Z', at: '2026-01-01T12:14:00.000Z' }],
    })
    const detail = { pipeline: 'release', stage: 'Prod', 'execution-id': 'e-2', 'pipeline-execution-attempt': 2 }
    const place = { account: ACCOUNT, region: REGION, time: '2026-01-01T12:12:00Z' }
    const began = deploymentOf({ ...withDetail(readEvent('codepipeline-stage-started'), detail), ...place }, [STAGE])
    expect(await taken(began)).toBe('noted')
    // Its end was lost.
    const { deployments } = await reconciled()
    expect(deployments.map(({ identity }) => identity)).toEqual([began.identity])
    for (const deployment of deployments) expect(await taken(deployment)).toBe('started')
    expect(started).toEqual([began.identity])
    expect((await reconciled()).unwatched).toBe(0)
  })
})

test('a watch that someone was about to start is taken up again, and is not a deployment that nobody announced', async () => {
  await onStage(GROUP, listed, async ({ documents, systems, reconciled, taken }) => {
    const crashing = {
      documents,
      now: () => NOW - 60_000,
      identify: async (d: Parameters<typeof take>[0]) => identify(d, systems),
      startWatch: async () => {
        throw new Error('crashed')
      },
    }
    await expect(take(event('d-2', '12:15:00'), crashing)).rejects.toThrow('crashed')
    const { deployments, unwatched } = await reconciled()
    expect([deployments.map(({ identity }) => identity.split('/').at(-1)), unwatched]).toEqual([['d-2'], 0])
    for (const deployment of deployments) expect(await taken(deployment)).toBe('started')
    expect((await reconciled()).deployments).toEqual([])
  })
})

test('a target that cannot be listed is a problem of its own, and hides no other', async () => {
  const answers: Answers = {
    ...listed,
    ecs: {
      ListServiceDeployments: () =>
        awsError('AccessDeniedException', 'not authorized to perform ecs:ListServiceDeployments'),
    },
  }
  await withSystems(answers, async (systems) => {
    const custom = { source: 'custom', service: 'orders', environment: 'production' } as const
    const watched = [SERVICE, GROUP, custom]
    const found = await reconcile({ watched, region: REGION, documents: memoryDocuments(), systems, now: NOW })
    expect(found.unwatched).toBe(2)
    expect(found.problems).toEqual([
      {
        target: SERVICE,
        why: 'ECS service main/orders could not be listed: AccessDeniedException: not authorized to perform ecs:ListServiceDeployments',
      },
    ])
  })
})
