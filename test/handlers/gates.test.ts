/** The shipped bundles of the gates, as Lambda runs them, against strict stand-ins of what they call. */
import * as codedeploy from '@aws-sdk/client-codedeploy'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import * as ecs from '@aws-sdk/client-ecs'
import { S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { BuiltRelease } from '../../functions/release/manifest.ts'
import { encodeManifest } from '../../functions/release/manifest.ts'
import { awsStore } from '../../functions/stores/aws.ts'
import { FAILED, PASSED, RESUMING } from '../contracts/gate.ts'
import { CREDENTIALS, jobEvent, openPipeline } from '../gates/pipeline-stage.ts'
import type { PipelineStage } from '../gates/pipeline-stage.ts'
import { zipOf } from '../gates/zip-writer.ts'
import { awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import { BUCKET, startAwsStore } from '../support/aws-store/server.ts'
import type { AwsStoreFake } from '../support/aws-store/server.ts'
import { buildOrders } from '../support/looker.ts'
import { configWith, MIGRATIONS } from '../support/project.ts'
import { invoke, startCloud } from './shipped.ts'
import type { Cloud, Invoked, Looks } from './shipped.ts'

const REFUSED = 'migration-missing: V42__add_status_note.sql'
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

async function cloudOf(looks: Looks, upstreams: Readonly<Record<string, string>> = {}): Promise<Cloud> {
  const cloud = await startCloud(looks, upstreams)
  open.push(cloud)
  return cloud
}

describe('CodePipeline', () => {
  const store = { bucket: BUCKET, table: BUCKET }
  let built: BuiltRelease
  let aws: AwsStoreFake
  let pipeline: PipelineStage

  beforeAll(async () => {
    const config = configWith('  production: { database: { url: "postgres://127.0.0.1:1/nowhere" } }\n')
    built = await buildOrders(config, MIGRATIONS)
    aws = await startAwsStore()
  })
  afterAll(() => aws.close())
  beforeEach(async () => {
    const { header, catalog } = encodeManifest(built)
    const artifact = zipOf([
      { name: 'deploywatch.release.json', text: header },
      { name: 'deploywatch.release.catalog.ndjson', text: catalog },
    ])
    pipeline = await openPipeline({ artifacts: { artifact } })
    open.push(pipeline)
  })

  const cloudAround = async (looks: Looks): Promise<Cloud> =>
    cloudOf(looks, {
      codepipeline: pipeline.endpoints.codePipeline,
      artifacts: pipeline.endpoints.artifacts,
      s3: aws.endpoint,
      dynamodb: aws.endpoint,
    })

  function expectNoSecret(cloud: Cloud, { log, returned, threw }: Invoked): void {
    const told = `${log}${cloud.sent()}${JSON.stringify([returned, threw, pipeline.results])}`
    for (const secret of [CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey, CREDENTIALS.sessionToken])
      expect(told).not.toContain(secret)
  }

  test("the action publishes the artifact's release, has it looked at, and refuses in the finding's words", async () => {
    const cloud = await cloudAround(() => FAILED)
    const invoked = await invoke('codepipeline-action', cloud, { store }, jobEvent())
    const { digest } = built.expectation
    expect(cloud.orders).toMatchObject([{ release: { by: 'digest', digest }, deployed: false }])
    expect(pipeline.told()).toMatchObject([{ kind: 'refused' }])
    expect(JSON.stringify(pipeline.results)).toContain(REFUSED)
    expect(invoked.log).toContain(REFUSED)
    expectNoSecret(cloud, invoked)
    const kept = awsStore({ ...store, s3: new S3Client(aws.client), dynamo: new DynamoDBClient(aws.client) })
    expect(await kept.published('orders', { by: 'version', version: '1.42.0' })).toMatchObject([{ digest }])
  })

  test('an action that is asked again goes on where it was, and answers when its patience ends', async () => {
    const cloud = await cloudAround(() => RESUMING)
    await invoke('codepipeline-action', cloud, { store }, jobEvent({ parameters: { version: '1.42.0' } }))
    const [first] = pipeline.results
    const token = first !== undefined && 'continuationToken' in first ? (first.continuationToken ?? '') : ''
    expect(JSON.parse(token)).toMatchObject({ calls: 2 })
    const later = JSON.stringify({ ...(JSON.parse(token) as object), startedAt: Date.now() - 11 * 60_000 })
    const again = jobEvent({ parameters: { version: '1.42.0' }, continuationToken: later })
    await invoke('codepipeline-action', cloud, { store }, again)
    expect(pipeline.told().map(({ kind }) => kind)).toEqual(['not-yet', 'refused'])
  })

  test('a look that hangs is answered before Lambda ends the call', async () => {
    const cloud = await cloudAround(() => null)
    const event = jobEvent({ parameters: { commit: '9f1c2ab' } })
    const invoked = await invoke('codepipeline-action', cloud, { store }, event, 3_000)
    expect(pipeline.told()).toMatchObject([{ kind: 'not-yet', text: expect.stringContaining('check-timeout') }])
    expectNoSecret(cloud, invoked)
  })

  test('the rule of a condition answers its job and throws the same', async () => {
    const cloud = await cloudAround(() => FAILED)
    const invoked = await invoke('codepipeline-condition', cloud, { store }, jobEvent())
    expect(invoked.threw).toMatchObject({ name: 'DeploywatchRefused', message: expect.stringContaining(REFUSED) })
    expect(pipeline.told()).toMatchObject([{ kind: 'refused' }])
    expectNoSecret(cloud, invoked)
  })
})

test('the hook of CodeDeploy asks which release it is, and answers for this execution', async () => {
  const put: codedeploy.PutLifecycleEventHookExecutionStatusInput[] = []
  const content =
    'version: 0.0\nResources:\n  - o: { Type: AWS::Lambda::Function, Properties: { Name: orders-api, TargetVersion: "42" } }\n'
  const fake = await startAwsServiceFake([
    awsService(codedeploy, {
      GetDeployment: () => ({ deploymentInfo: { revision: { appSpecContent: { content } } } }),
      PutLifecycleEventHookExecutionStatus: (input) => {
        put.push(input)
        return {}
      },
    }),
  ])
  open.push(fake)
  const cloud = await cloudOf(() => FAILED, { codedeploy: fake.client.endpoint })
  const event = { DeploymentId: 'd-123456789', LifecycleEventHookExecutionId: 'execution-1' }
  const invoked = await invoke('codedeploy-hook', cloud, { hook: 'AfterAllowTraffic' }, event)
  expect(cloud.orders).toMatchObject([{ release: { by: 'label', label: 'orders-api:42' }, deployed: true }])
  expect(put).toEqual([{ deploymentId: 'd-123456789', lifecycleEventHookExecutionId: 'execution-1', status: 'Failed' }])
  expect(invoked.log).toContain(REFUSED)
})

test('the hook of ECS returns its answer: the image of the container that the settings name is the release', async () => {
  const digest = `sha256:${'ab'.repeat(32)}`
  const fake = await startAwsServiceFake([
    awsService(ecs, {
      DescribeServiceRevisions: () => ({
        serviceRevisions: [
          { containerImages: [{ containerName: 'proxy' }, { containerName: 'app', imageDigest: digest }] },
        ],
      }),
    }),
  ])
  open.push(fake)
  const cloud = await cloudOf(() => PASSED, { ecs: fake.client.endpoint })
  const event = {
    lifecycleStage: 'PRE_SCALE_UP',
    executionDetails: { targetServiceRevisionArn: 'arn:aws:ecs:r:1:x/1' },
  }
  const { returned } = await invoke('ecs-hook', cloud, { container: 'app' }, event)
  expect(cloud.orders).toMatchObject([{ release: { by: 'label', label: digest } }])
  expect(returned).toEqual({ hookStatus: 'SUCCEEDED' })
})

test('the task of a state machine throws an error that can be caught by its name, or returns the verdict', async () => {
  const cloud = await cloudOf(() => FAILED)
  const thrown = await invoke('step-functions-task', cloud, { onRefusal: 'throw' }, { version: '1.42.0' })
  expect(thrown.threw).toMatchObject({ name: 'DeploywatchRefused', message: expect.stringContaining(REFUSED) })
  const told = await invoke('step-functions-task', cloud, { onRefusal: 'answer' }, { version: '1.42.0' })
  expect(told.returned).toMatchObject({ schema: 'deploywatch/gate/1', proceed: false, verdict: 'fail' })
})
