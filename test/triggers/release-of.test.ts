import { describe, expect, test } from 'vitest'
import type { Deployment, DeploymentQuestion, DeploymentTarget } from '../../functions/core/deployment.ts'
import { identityOf } from '../../functions/core/deployment.ts'
import type { ReleaseReference } from '../../functions/core/look-order.ts'
import type { PublishedRelease } from '../../functions/stores/published.ts'
import { isMeant } from '../../functions/stores/published-releases.ts'
import type { ReleaseOf } from '../../functions/triggers/release-of.ts'
import { releaseOf } from '../../functions/triggers/release-of.ts'
import { awsError } from '../support/aws-service-fake.ts'
import type { Answers } from './systems.ts'
import { ACCOUNT, REGION, withSystems } from './systems.ts'

const COMMIT = '9f1c2ab0000000000000000000000000000000aa'
const DIGEST = 'd'.repeat(64)
const IMAGE = `sha256:${'1'.repeat(64)}`
const SIDECAR = `sha256:${'2'.repeat(64)}`

function release(over: Partial<PublishedRelease>): PublishedRelease {
  return { version: '1.42.0', commit: COMMIT, digest: DIGEST, labels: [], at: '2026-01-01T00:00:00.000Z', ...over }
}

function deployed(
  target: DeploymentTarget,
  question: DeploymentQuestion | null,
  over: Partial<Deployment> = {},
): Deployment {
  const place = { target, account: ACCOUNT, region: REGION }
  const at = '2026-01-01T12:10:00.000Z'
  const identity = identityOf(place, 'x')
  return { ...place, identity, phase: 'finished', at, startedAt: at, isReplay: false, release: null, question, ...over }
}

async function ask(
  deployment: Deployment,
  answers: Answers,
  published: readonly PublishedRelease[],
): Promise<ReleaseOf> {
  return withSystems(answers, async (systems) =>
    releaseOf(deployment, {
      service: 'orders',
      environment: 'production',
      systems,
      published: { published: async (_, reference) => published.filter((each) => isMeant(each, reference)) },
    }),
  )
}

const KNOWN = { known: true, release: { by: 'digest', digest: DIGEST } }
const GROUP = { source: 'codedeploy', application: 'orders', group: 'production' } as const
const byCodeDeploy = deployed(GROUP, { ask: 'GetDeployment', deploymentId: 'd-1' })
const byPipeline = deployed(
  { source: 'codepipeline', pipeline: 'release', stage: 'Prod', action: null },
  { ask: 'GetPipelineExecution', pipeline: 'release', executionId: 'e-1' },
)
const byStack = deployed({ source: 'cloudformation', stack: 'orders' }, { ask: 'DescribeStacks', stackId: 'arn:stack' })
const ARN = 'arn:aws:ecs:eu-west-1:111122223333:service-deployment/main/orders/1'
const byService = deployed(
  { source: 'ecs', cluster: 'main', service: 'orders' },
  { ask: 'DescribeServiceDeployments', serviceDeploymentArn: ARN },
)

describe('CodeDeploy', () => {
  const revision = (value: object): Answers => ({
    codeDeploy: { GetDeployment: () => ({ deploymentInfo: { applicationName: 'orders', revision: value } }) },
  })
  const s3 = { revisionType: 'S3' as const, s3Location: { bucket: 'builds', key: 'orders/1.zip', version: 'v7' } }

  test.each(['s3://builds/orders/1.zip?versionId=v7', 's3://builds/orders/1.zip', 'orders/1.zip'])(
    'an object is found under %s',
    async (label) => expect(await ask(byCodeDeploy, revision(s3), [release({ labels: [label] })])).toMatchObject(KNOWN),
  )

  test('its version is surer than its key', async () => {
    const others = release({ digest: 'e'.repeat(64), version: '1.41.0', labels: ['orders/1.zip'] })
    const own = release({ labels: ['s3://builds/orders/1.zip?versionId=v7'] })
    expect(await ask(byCodeDeploy, revision(s3), [others, own])).toMatchObject(KNOWN)
  })

  test('a revision of GitHub is its commit', async () => {
    const github = { revisionType: 'GitHub' as const, gitHubLocation: { repository: 'o/r', commitId: COMMIT } }
    expect(await ask(byCodeDeploy, revision(github), [release({})])).toMatchObject(KNOWN)
  })

  const appSpec = { revisionType: 'AppSpecContent' as const, appSpecContent: { sha256: 'abc' } }
  const withContent = (content: string): Answers => ({
    codeDeploy: {
      ...revision(appSpec).codeDeploy,
      GetApplicationRevision: () => ({ revision: { ...appSpec, appSpecContent: { content, sha256: 'abc' } } }),
    },
    ecs: {
      DescribeTaskDefinition: () => ({
        taskDefinition: { containerDefinitions: [{ image: 'proxy:3' }, { image: 'registry:5000/orders:1.42.0' }] },
      }),
    },
  })

  test('a function’s deployment is found by the version that it shifts to', async () => {
    const yaml =
      'version: 0.0\nResources:\n  - f:\n      Properties:\n        Name: "orders"\n        Alias: live\n        CurrentVersion: "41"\n        TargetVersion: "42"\n'
    expect(await ask(byCodeDeploy, withContent(yaml), [release({ labels: ['orders:42'] })])).toMatchObject(KNOWN)
    expect(await ask(byCodeDeploy, withContent(yaml), [release({ labels: ['orders:41'] })])).toMatchObject({
      known: false,
    })
  })

  test('an ECS deployment is found by its task definition, or by an image’s tag in it', async () => {
    const json = JSON.stringify({
      Resources: [{ T: { Properties: { TaskDefinition: 'arn:aws:ecs:x:1:task-definition/orders:7' } } }],
    })
    const labelled = release({ version: 'x', labels: ['arn:aws:ecs:x:1:task-definition/orders:7'] })
    expect(await ask(byCodeDeploy, withContent(json), [labelled])).toMatchObject(KNOWN)
    expect(await ask(byCodeDeploy, withContent(json), [release({})])).toMatchObject(KNOWN)
  })

  test('where the revision may not be read, its hash is what is left', async () => {
    const answers: Answers = {
      codeDeploy: {
        ...revision(appSpec).codeDeploy,
        GetApplicationRevision: () => awsError('AccessDeniedException', 'no'),
      },
    }
    expect(await ask(byCodeDeploy, answers, [release({ labels: ['abc'] })])).toMatchObject(KNOWN)
  })
})

test('one label that nobody published is one command away', async () => {
  const revision = { revisionType: 'S3' as const, s3Location: { bucket: 'builds', key: 'my orders.zip' } }
  const answers: Answers = { codeDeploy: { GetDeployment: () => ({ deploymentInfo: { revision } }) } }
  const found = await ask(byCodeDeploy, answers, [])
  if (found.known) return expect.unreachable()
  expect(found.finding.found).toBe(
    'the deployment of 2026-01-01T12:10:00.000Z carries label s3://builds/my orders.zip, label my orders.zip: the store has no release that was published under any of these names',
  )
})

describe('CodePipeline', () => {
  const revisions = (...ids: readonly string[]): Answers => ({
    codePipeline: {
      GetPipelineExecution: () => ({
        pipelineExecution: { artifactRevisions: ids.map((revisionId) => ({ name: 'a', revisionId })) },
      }),
    },
  })

  test('of several sources the one that was published decides', async () => {
    expect(await ask(byPipeline, revisions('a'.repeat(40), COMMIT), [release({})])).toMatchObject(KNOWN)
    expect(await ask(byPipeline, revisions(IMAGE), [release({ labels: [IMAGE] })])).toMatchObject(KNOWN)
  })

  test('two that were published, of releases that expect different things, are no answer', async () => {
    const two = [release({}), release({ digest: 'e'.repeat(64), version: '1.41.0', commit: 'a'.repeat(40) })]
    expect(await ask(byPipeline, revisions('a'.repeat(40), COMMIT), two)).toMatchObject({
      known: false,
      finding: {
        code: 'release-unknown',
        severity: 'unsure',
        subject: 'pipeline release, stage Prod',
        found: expect.stringContaining(
          '2 releases that expect different things were published under that: 1.41.0 (eeeeeeeeeeee), 1.42.0 (dddddddddddd)',
        ),
      },
    })
  })

  test('a commit in the event needs no question', async () => {
    const named = { ...byPipeline, release: { by: 'commit', commit: COMMIT } } as const
    expect(await ask(named, {}, [release({})])).toMatchObject(KNOWN)
    expect(await ask({ ...named, account: '999999999999' }, {}, [release({})])).toMatchObject(KNOWN)
  })

  test('a pipeline of another account whose event names nothing is unknown, and says why', async () => {
    const found = await ask({ ...byPipeline, account: '999999999999' }, {}, [release({})])
    expect(found).toMatchObject({
      known: false,
      finding: {
        found:
          'the deployment of 2026-01-01T12:10:00.000Z names no release: it is of account 999999999999, and this is 111122223333: only its event can say',
      },
    })
  })
})

describe('CloudFormation', () => {
  const stack = (tags: Readonly<Record<string, string>>, outputs: Readonly<Record<string, string>> = {}): Answers => ({
    cloudFormation: {
      DescribeStacks: () => ({
        Stacks: [
          {
            StackName: 'orders',
            CreationTime: new Date(0),
            StackStatus: 'UPDATE_COMPLETE',
            Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
            Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
          },
        ],
      }),
    },
  })

  test.each([
    '1.42.0',
    'version:1.42.0',
    DIGEST,
    `digest:${DIGEST}`,
    COMMIT,
    `commit:${COMMIT}`,
    'label:blue',
    ' 1.42.0 ',
  ])('the tag says %s', async (value) => {
    expect(await ask(byStack, stack({ 'deploywatch:release': value }), [release({ labels: ['blue'] })])).toMatchObject(
      KNOWN,
    )
  })

  test('an output says it as well; both may, if they mean the same', async () => {
    expect(await ask(byStack, stack({}, { DeploywatchRelease: '1.42.0' }), [release({})])).toMatchObject(KNOWN)
    const both = stack({ 'deploywatch:release': COMMIT }, { DeploywatchRelease: '1.42.0' })
    expect(await ask(byStack, both, [release({})])).toMatchObject(KNOWN)
    const two = [release({ commit: null }), release({ digest: 'e'.repeat(64), version: '2' })]
    expect(await ask(byStack, both, two)).toMatchObject({ known: false })
  })

  test('the tags of a later operation are not taken for this one’s', async () => {
    const answers = stack({ 'deploywatch:release': '1.42.0' })
    const earlier = { ...byStack, at: '1969-12-31T23:59:00.000Z' }
    expect(await ask(earlier, answers, [release({})])).toMatchObject({ known: false })
  })

  test('a digest needs no entry in the list: the manifest itself is looked for under it', async () => {
    expect(await ask(byStack, stack({ 'deploywatch:release': DIGEST }), [])).toEqual({ ...KNOWN, published: null })
  })

  test('a stack that names none says what to do', async () => {
    const found = await ask(byStack, stack({ team: 'orders' }), [release({})])
    if (found.known) return expect.unreachable()
    expect(found.finding.found).toBe('the deployment of 2026-01-01T12:10:00.000Z names no release')
    expect(found.finding.nextSteps[0]?.text).toContain('give the stack the tag deploywatch:release')
  })
})

describe('ECS', () => {
  const service = (status: 'SUCCESSFUL' | 'ROLLBACK_SUCCESSFUL'): Answers => ({
    ecs: {
      DescribeServiceDeployments: () => ({
        serviceDeployments: [
          { status, targetServiceRevision: { arn: 'arn:new' }, rollback: { serviceRevisionArn: 'arn:old' } },
        ],
      }),
      DescribeServiceRevisions: ({ serviceRevisionArns }) => ({
        serviceRevisions: [
          {
            containerImages:
              serviceRevisionArns?.[0] === 'arn:new'
                ? [
                    { image: 'r/proxy:3', imageDigest: SIDECAR },
                    { image: 'r/orders:1.42.0', imageDigest: IMAGE },
                  ]
                : [{ image: 'r/orders:1.41.0' }],
          },
        ],
      }),
    },
  })
  const older = release({ version: '1.41.0', digest: 'e'.repeat(64), commit: null })

  test.each([{ labels: [IMAGE] }, { labels: ['r/orders:1.42.0'] }, { labels: [] }])(
    'an image’s digest, name or tag is found (%j), a sidecar’s decides nothing',
    async ({ labels }) =>
      expect(await ask(byService, service('SUCCESSFUL'), [release({ labels }), older])).toMatchObject(KNOWN),
  )

  test('what was rolled back to is the release', async () => {
    expect(await ask(byService, service('ROLLBACK_SUCCESSFUL'), [release({}), older])).toMatchObject({
      known: true,
      release: { by: 'digest', digest: older.digest },
    })
  })

  test('an image that nobody published says what it carried and how to publish it', async () => {
    const found = await ask(byService, service('SUCCESSFUL'), [])
    if (found.known) return expect.unreachable()
    expect(found.finding.found).toContain(`label ${IMAGE}`)
    expect(found.finding.nextSteps[0]).toEqual({
      text: `publish the release where it is built, with --label and the one of these that is its own: ${SIDECAR}, ${IMAGE}`,
      command: null,
    })
  })
})

test.each<[ReleaseReference, boolean]>([
  [{ by: 'version', version: '1.42.0' }, true],
  [{ by: 'version', version: '1.43.0' }, false],
])('a custom event’s own words: %j', async (named, known) => {
  const target = { source: 'custom', service: 'orders', environment: 'production' } as const
  const found = await ask(deployed(target, null, { release: named }), {}, [release({})])
  expect(found.known).toBe(known)
})

test('the deployment itself is unknown to AWS: its words are in the finding', async () => {
  const answers: Answers = {
    codeDeploy: {
      GetDeployment: () => awsError('DeploymentDoesNotExistException', 'The deployment d-1 could not be found'),
    },
  }
  const found = await ask(byCodeDeploy, answers, [release({})])
  expect(JSON.stringify(found)).toContain('The deployment d-1 could not be found')
})

test('the one name under which an unknown release will be known is what its watch waits for', async () => {
  const target = { source: 'custom', service: 'orders', environment: 'production' } as const
  const named = { by: 'version', version: '1.43.0' } as const
  const found = await ask(deployed(target, null, { release: named }), {}, [release({})])
  expect(found).toMatchObject({ known: false, awaited: named })
  expect(found.known ? '' : found.finding.found).toBe(
    'the deployment of 2026-01-01T12:10:00.000Z carries version 1.43.0: the store has no release that was published under any of these names',
  )
  expect(found.known ? [] : found.finding.nextSteps.map(({ command }) => command)).toContain(
    'npx deploywatch build --release-version 1.43.0 && npx deploywatch publish',
  )
})
