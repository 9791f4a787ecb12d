import * as ecs from '@aws-sdk/client-ecs'
import { expect, test } from 'vitest'
import { serviceImagesCall } from '../../functions/gates/ecs-calls.ts'
import { ecsHook } from '../../functions/gates/ecs-hook.ts'
import type { EcsHookAnswer, ServiceImage } from '../../functions/gates/ecs-hook.ts'
import { answering, asking, describeGate, FAILED, PASSED, play, RESUMING, SETTINGS } from '../contracts/gate.ts'
import type { Ask, GateStage, Told } from '../contracts/gate.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'

const SERVICE = 'arn:aws:ecs:us-west-2:123456789012:service/my-cluster/my-service'
const REVISION = 'arn:aws:ecs:us-west-2:123456789012:service-revision/my-cluster/my-service'
const GREEN = `${REVISION}/9313423515462893900`
const BLUE = `${REVISION}/1920498462936580504`
const DIGEST = `sha256:${'ab'.repeat(32)}`
const SECRET = 'planted-secret-of-the-hook'

/** As ECS sends it now. */
function nested(more: object = {}, details: object = {}): object {
  return {
    executionId: 'e8d5a28f-eb01-4f3c-9454-a30ba6dc54bc',
    lifecycleStage: 'POST_TEST_TRAFFIC_SHIFT',
    resourceArn: 'arn:aws:ecs:us-west-2:123456789012:service-deployment/my-cluster/my-service/EZe5RNVLH6PPzHXINuP28',
    executionDetails: {
      serviceArn: SERVICE,
      targetServiceRevisionArn: GREEN,
      testTrafficWeights: {},
      productionTrafficWeights: {},
      ...details,
    },
    ...more,
  }
}

/** As older payloads are. */
function flat(more: object = {}): object {
  const weights = { testTrafficWeights: {}, productionTrafficWeights: {} }
  return { serviceArn: SERVICE, targetServiceRevisionArn: GREEN, lifecycleStage: 'PRE_SCALE_UP', ...weights, ...more }
}

const rollback = (stage: string, weights: string): object =>
  nested({ lifecycleStage: stage }, { [weights]: { [GREEN]: 0, [BLUE]: 100 } })

function hookWith(images: readonly ServiceImage[], container: string | null = null): Ask {
  return asking(ecsHook({ images: async () => images, container }))
}
const ONE_IMAGE = hookWith([{ container: 'api', digest: DIGEST }])

async function openStage(event: object): Promise<GateStage> {
  const fake = await startAwsServiceFake([
    awsService(ecs, {
      DescribeServiceRevisions: ({ serviceRevisionArns }) =>
        serviceRevisionArns?.[0] === GREEN
          ? { serviceRevisions: [{ containerImages: [{ containerName: 'api', imageDigest: DIGEST }] }] }
          : awsError('InvalidParameterException', 'no such service revision'),
    }),
  ])
  const client = new ecs.ECSClient(fake.client)
  let sent = ''
  return {
    ask: asking(ecsHook({ images: serviceImagesCall(client), container: null })),
    event,
    release: { by: 'label', label: DIGEST },
    secrets: [SECRET],
    malformed: [
      { what: 'nothing', event: null, told: true },
      { what: 'a word', event: 'hunter2', told: true },
      { what: 'no revision', event: nested({}, { targetServiceRevisionArn: null }), told: true },
      { what: 'a revision that is no text', event: nested({}, { targetServiceRevisionArn: ['hunter2'] }), told: true },
      { what: 'weights that are words', event: nested({}, { productionTrafficWeights: { a: 'hunter2' } }), told: true },
      { what: 'a version that is no text', event: nested({ hookDetails: { version: ['hunter2'] } }), told: true },
      { what: 'another environment', event: nested({ hookDetails: { environment: 'staging' } }), told: true },
    ],
    told: (outcome): readonly Told[] => {
      if (outcome.kind === 'threw') return []
      const answer = outcome.value as EcsHookAnswer
      sent += JSON.stringify(answer)
      const kind = { SUCCEEDED: 'goes-on', FAILED: 'refused', IN_PROGRESS: 'not-yet' } as const
      return [{ kind: kind[answer.hookStatus], text: answer.reason ?? null }]
    },
    sent: () => sent,
    close: () => {
      client.destroy()
      return fake.close()
    },
  }
}

describeGate('ecs-hook', () => openStage(nested({ hookDetails: { S3_BUCKET_NAME: 'mine' }, futureSecret: SECRET })))
describeGate('ecs-hook, on the flat payload,', () => openStage(flat({ futureSecret: SECRET })))

async function answerOf(ask: Ask, event: unknown, looker = answering(PASSED)): Promise<EcsHookAnswer> {
  const { outcome } = await play(ask, event, looker)
  expect(outcome.kind).toBe('returned')
  return (outcome as { value: EcsHookAnswer }).value
}

test('a look that may pass later is asked for again, and what hookDetails held stays', async () => {
  const answer = await answerOf(ONE_IMAGE, nested({ hookDetails: { S3_BUCKET_NAME: 'mine' } }), answering(RESUMING))
  expect(answer).toEqual({
    hookStatus: 'IN_PROGRESS',
    callBackDelay: 30,
    hookDetails: { S3_BUCKET_NAME: 'mine', deploywatch: { startedAt: expect.any(Number) as number, calls: 2 } },
  })
  const again = await answerOf(ONE_IMAGE, nested({ hookDetails: answer.hookDetails }), answering(PASSED))
  expect(again).toEqual({ hookStatus: 'SUCCEEDED' })
})

test('patience ends: what is still unsure then is refused', async () => {
  const longAgo = { deploywatch: { startedAt: Date.now() - 11 * 60_000, calls: 20 } }
  expect(await answerOf(ONE_IMAGE, nested({ hookDetails: longAgo }), answering(RESUMING))).toMatchObject({
    hookStatus: 'FAILED',
    reason: expect.stringContaining('database-resuming') as string,
  })
})

test.each([{ startedAt: 'long ago' }, 'nonsense', { startedAt: Date.now() + 3_600_000, calls: 1 }])(
  'state that cannot be right (%j) ends the waiting instead of beginning it anew',
  async (deploywatch) => {
    const answer = await answerOf(ONE_IMAGE, nested({ hookDetails: { deploywatch } }), answering(RESUMING))
    expect(answer.hookStatus).toBe('FAILED')
  },
)

test.each([
  rollback('PRODUCTION_TRAFFIC_SHIFT', 'productionTrafficWeights'),
  rollback('TEST_TRAFFIC_SHIFT', 'testTrafficWeights'),
  flat({ lifecycleStage: 'PRODUCTION_TRAFFIC_SHIFT', productionTrafficWeights: { [GREEN]: 0, [BLUE]: 100 } }),
  nested(
    { lifecycleStage: 'PRODUCTION_TRAFFIC_SHIFT', hookDetails: { version: 7 } },
    { productionTrafficWeights: { [GREEN]: 0, [BLUE]: 100 } },
  ),
])('a rollback is let through, whatever a look would say (%#)', async (event) => {
  const { outcome, orders } = await play(ONE_IMAGE, event, answering(FAILED))
  expect(outcome).toEqual({ kind: 'returned', value: { hookStatus: 'SUCCEEDED' } })
  expect(orders).toEqual([])
})

test.each([
  ['the shift begins', 'PRODUCTION_TRAFFIC_SHIFT', { productionTrafficWeights: { [GREEN]: 10, [BLUE]: 90 } }],
  ['the shift is done', 'PRODUCTION_TRAFFIC_SHIFT', { productionTrafficWeights: { [GREEN]: 100, [BLUE]: 0 } }],
  [
    'others share all of it',
    'PRODUCTION_TRAFFIC_SHIFT',
    { productionTrafficWeights: { [GREEN]: 0, [BLUE]: 60, other: 40 } },
  ],
  [
    'the new revision is not among the weights',
    'PRODUCTION_TRAFFIC_SHIFT',
    { productionTrafficWeights: { [BLUE]: 100 } },
  ],
  // Before the shift the old revision has all of it, as in a rollback: the stage tells them apart.
  [
    'the new revision has none yet',
    'POST_TEST_TRAFFIC_SHIFT',
    { productionTrafficWeights: { [GREEN]: 0, [BLUE]: 100 } },
  ],
  [
    'the test traffic shifts',
    'TEST_TRAFFIC_SHIFT',
    { productionTrafficWeights: { [GREEN]: 0, [BLUE]: 100 }, testTrafficWeights: { [GREEN]: 100, [BLUE]: 0 } },
  ],
])('it is no rollback where %s', async (_what, lifecycleStage, weights) => {
  expect((await answerOf(ONE_IMAGE, nested({ lifecycleStage }, weights), answering(FAILED))).hookStatus).toBe('FAILED')
})

test('endpoints are judged only once the new revision has all of the traffic', async () => {
  for (const lifecycleStage of ['PRE_SCALE_UP', 'POST_TEST_TRAFFIC_SHIFT', 'POST_PRODUCTION_TRAFFIC_SHIFT']) {
    const { orders } = await play(ONE_IMAGE, nested({ lifecycleStage }), answering(PASSED))
    expect(orders).toMatchObject([{ deployed: lifecycleStage === 'POST_PRODUCTION_TRAFFIC_SHIFT' }])
  }
})

test('what hookDetails name comes before the image', async () => {
  const { orders } = await play(ONE_IMAGE, nested({ hookDetails: { version: '1.42.0' } }), answering(PASSED))
  expect(orders).toMatchObject([{ release: { by: 'version', version: '1.42.0' } }])
})

const TWO = [
  { container: 'api', digest: DIGEST },
  { container: 'sidecar', digest: 'sha256:cc' },
]

test('of several containers the one of the settings is the release', async () => {
  const { orders } = await play(hookWith(TWO, 'api'), nested(), answering(PASSED))
  expect(orders).toMatchObject([{ release: { by: 'label', label: DIGEST } }])
})

test.each<[string, readonly ServiceImage[], string | null, string]>([
  ['several containers', TWO, null, 'has several containers (api, sidecar)'],
  ['no such container', TWO, 'worker', 'has no container worker, but api, sidecar'],
  ['no image at all', [], null, 'has no container images'],
  [
    'an image without a digest',
    [{ container: 'api', digest: null }],
    null,
    'does not say the digest of the image of api',
  ],
])('the release is unknown with %s', async (_what, images, container, why) => {
  const answer = await answerOf(hookWith(images, container), nested())
  expect(answer.hookStatus).toBe('FAILED')
  expect(answer.reason).toContain('release-unknown')
  expect(answer.reason).toContain(why)
})

test('the gate of another service is not asked by mistake', async () => {
  const { outcome } = await play(ONE_IMAGE, nested(), answering(PASSED), {
    settings: { ...SETTINGS, service: 'billing' },
  })
  expect(outcome).not.toMatchObject({ value: { hookStatus: 'SUCCEEDED' } })
})
