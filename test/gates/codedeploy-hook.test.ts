import * as codedeploy from '@aws-sdk/client-codedeploy'
import { expect, test } from 'vitest'
import { codeDeployCalls } from '../../functions/gates/codedeploy-calls.ts'
import { codeDeployHook } from '../../functions/gates/codedeploy-hook.ts'
import type { CodeDeployHookName } from '../../functions/settings.ts'
import { answering, asking, describeGate, FAILED, PASSED, play } from '../contracts/gate.ts'
import type { Ask, GateStage, Played } from '../contracts/gate.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { AwsFault } from '../support/aws-service-fake.ts'

const EXECUTION = 'eyJlbmNyeXB0ZWREYXRhIjoiEXAMPLE'
const SECRET = 'planted-secret-of-the-hook'
const EVENT = { DeploymentId: 'd-123456789', LifecycleEventHookExecutionId: EXECUTION, futureSecret: SECRET }
const COMMIT: codedeploy.RevisionLocation = {
  revisionType: 'GitHub',
  gitHubLocation: { repository: 'shop/orders', commitId: '9f1c2ab0000000000000000000000000000000aa' },
}

interface HookStage extends GateStage {
  readonly statuses: readonly string[]
  readonly fake: { readonly calls: readonly { readonly operation: string }[] }
}

/** CodeDeploy, strict: a hook says Succeeded or Failed, once. */
async function openStage(
  deployment: codedeploy.DeploymentInfo | AwsFault = { revision: COMMIT },
  hook: CodeDeployHookName = 'BeforeAllowTraffic',
  put: AwsFault | null = null,
): Promise<HookStage> {
  const statuses: string[] = []
  const fake = await startAwsServiceFake([
    awsService(codedeploy, {
      GetDeployment: ({ deploymentId }) => {
        if (deploymentId !== EVENT.DeploymentId)
          return awsError('DeploymentDoesNotExistException', 'no such deployment')
        return 'fault' in deployment ? deployment : { deploymentInfo: { deploymentId, ...deployment } }
      },
      // As CodeDeploy does it: of the deployment only a hash of the AppSpec is told.
      GetApplicationRevision: ({ applicationName, revision }) =>
        applicationName === 'orders' && revision?.appSpecContent?.sha256 === 'abc'
          ? { revision: { ...revision, appSpecContent: { sha256: 'abc', content: LAMBDA_SPEC } } }
          : awsError('RevisionDoesNotExistException', 'no such revision'),
      PutLifecycleEventHookExecutionStatus: ({ deploymentId, lifecycleEventHookExecutionId, status = 'Unknown' }) => {
        if (deploymentId !== EVENT.DeploymentId || lifecycleEventHookExecutionId !== EXECUTION) {
          return awsError('InvalidLifecycleEventHookExecutionIdException', 'no such hook execution')
        }
        if (status !== 'Succeeded' && status !== 'Failed') {
          return awsError('InvalidLifecycleEventHookExecutionStatusException', `a hook does not say ${status}`)
        }
        if (put !== null) return put
        if (statuses.length > 0) return awsError('LifecycleEventAlreadyCompletedException', 'it has been answered')
        statuses.push(status)
        return { lifecycleEventHookExecutionId }
      },
    }),
  ])
  const client = new codedeploy.CodeDeployClient(fake.client)
  let read = 0
  return {
    statuses,
    fake,
    ask: asking(codeDeployHook({ hook, calls: codeDeployCalls(client) })),
    event: EVENT,
    release: { by: 'commit', commit: '9f1c2ab0000000000000000000000000000000aa' },
    secrets: [SECRET],
    malformed: [
      { what: 'nothing', event: null, told: false },
      { what: 'one identifier', event: { DeploymentId: 'hunter2' }, told: false },
      { what: 'an identifier that is no text', event: { ...EVENT, DeploymentId: ['hunter2'] }, told: false },
    ],
    told: () => {
      const fresh = statuses.slice(read)
      read = statuses.length
      return fresh.map((status) => ({ kind: status === 'Succeeded' ? 'goes-on' : 'refused', text: null }))
    },
    sent: () => JSON.stringify(fake.calls),
    close: () => {
      client.destroy()
      return fake.close()
    },
  }
}

describeGate('codedeploy-hook', () => openStage())

async function playWith(stage: HookStage, ask: Ask = stage.ask): Promise<Played> {
  try {
    return await play(ask, EVENT, answering(PASSED))
  } finally {
    await stage.close()
  }
}

const appSpec = (content: string): codedeploy.DeploymentInfo => ({
  revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
})
const LAMBDA_SPEC = `version: 0.0
Resources:
  - orders:
      Type: AWS::Lambda::Function
      Properties: { Name: orders-api, Alias: live, CurrentVersion: "41", TargetVersion: "42" }
Hooks:
  - BeforeAllowTraffic: deploywatch-gate
`
const ECS_SPEC = JSON.stringify({
  version: 0,
  Resources: [
    {
      TargetService: {
        Type: 'AWS::ECS::Service',
        Properties: {
          TaskDefinition: 'arn:aws:ecs:eu-west-1:111122223333:task-definition/orders:17',
          LoadBalancerInfo: { ContainerName: 'api', ContainerPort: 80 },
        },
      },
    },
  ],
})

test.each<[string, codedeploy.DeploymentInfo, object]>([
  ['a commit of GitHub', { revision: COMMIT }, { by: 'commit', commit: COMMIT.gitHubLocation?.commitId }],
  [
    'an object of S3',
    { revision: { revisionType: 'S3', s3Location: { bucket: 'builds', key: 'orders/1.42.0.zip', bundleType: 'zip' } } },
    { by: 'label', label: 's3://builds/orders/1.42.0.zip' },
  ],
  [
    "an object's version",
    { revision: { revisionType: 'S3', s3Location: { bucket: 'builds', key: 'orders.zip', version: 'v.7' } } },
    { by: 'label', label: 's3://builds/orders.zip?versionId=v.7' },
  ],
  ["a function's version (YAML)", appSpec(LAMBDA_SPEC), { by: 'label', label: 'orders-api:42' }],
  ['a task definition (JSON)', appSpec(ECS_SPEC), { by: 'label', label: 'orders:17' }],
  [
    'an AppSpec of which only the hash is told',
    { applicationName: 'orders', revision: { revisionType: 'AppSpecContent', appSpecContent: { sha256: 'abc' } } },
    { by: 'label', label: 'orders-api:42' },
  ],
  [
    'an AppSpec with remarks',
    appSpec(`# Name: old\n${LAMBDA_SPEC.replace('Hooks:', '  # - b: { Name: b, TargetVersion: 2 }\nHooks:')}`),
    { by: 'label', label: 'orders-api:42' },
  ],
  [
    'an AppSpec of the older kind',
    { revision: { revisionType: 'String', string: { content: LAMBDA_SPEC } } },
    { by: 'label', label: 'orders-api:42' },
  ],
])("the deployment's revision says which release it is: %s", async (_what, deployment, release) => {
  const { orders } = await playWith(await openStage(deployment))
  expect(orders).toMatchObject([{ release }])
})

test.each<[string, codedeploy.DeploymentInfo | AwsFault, string]>([
  ['no revision', {}, 'the deployment d-123456789 has no revision'],
  ['an empty AppSpec', appSpec(''), "names neither a function's version nor"],
  ['an AppSpec that is no YAML', appSpec('{'), "names neither a function's version nor"],
  [
    'two things',
    appSpec(`${LAMBDA_SPEC.split('Hooks')[0]}  - b: { Properties: { Name: b, TargetVersion: 2 } }`),
    'deploys several things: orders-api:42, b:2',
  ],
  [
    'neither function nor task',
    appSpec('Resources: [{ a: { Properties: { Name: a } } }]'),
    "neither a function's version nor",
  ],
  [
    'no right to ask',
    awsError('AccessDeniedException', 'not authorized to perform: codedeploy:GetDeployment'),
    'not authorized',
  ],
])('a deployment with %s is refused as an unknown release', async (_what, deployment, why) => {
  const stage = await openStage(deployment)
  const { orders, logs } = await playWith(stage)
  expect(orders).toEqual([])
  expect(stage.statuses).toEqual(['Failed'])
  expect(logs[0]?.text).toContain('release-unknown')
  expect(logs[0]?.text).toContain(why)
})

test.each(['codeDeployRollback', 'CloudFormationRollback'] as const)(
  'a rollback (%s) goes on unlooked',
  async (creator) => {
    const stage = await openStage({ creator, revision: COMMIT })
    const { orders } = await playWith(stage)
    expect(orders).toEqual([])
    expect(stage.statuses).toEqual(['Succeeded'])
  },
)

test('endpoints are judged after the traffic was shifted, and not before', async () => {
  for (const hook of ['BeforeInstall', 'AfterAllowTestTraffic', 'BeforeAllowTraffic', 'AfterAllowTraffic'] as const) {
    const { orders } = await playWith(await openStage({ revision: COMMIT }, hook))
    expect(orders).toMatchObject([{ deployed: hook === 'AfterAllowTraffic' }])
  }
})

test('a second delivery that would say something else changes nothing', async () => {
  const stage = await openStage()
  await play(stage.ask, EVENT, answering(FAILED))
  const second = await play(stage.ask, EVENT, answering(PASSED))
  expect(second.outcome.kind).toBe('returned')
  expect(stage.statuses).toEqual(['Failed'])
  await stage.close()
})

test('an answer that CodeDeploy did not take is an error, so that Lambda calls again', async () => {
  const stage = await openStage(
    { revision: COMMIT },
    'BeforeInstall',
    awsError('ThrottlingException', 'slow down', 400),
  )
  const { outcome, logs } = await playWith(stage)
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
  expect(logs.at(-1)?.message).toContain('slow down')
})
