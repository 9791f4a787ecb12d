import * as cloudformation from '@aws-sdk/client-cloudformation'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerUrl, putAnswer } from '../../functions/gates/cloudformation-answer.ts'
import { stackStatusCall } from '../../functions/gates/cloudformation-calls.ts'
import type { GateCall } from '../../functions/gates/gate.ts'
import { cloudFormationResource } from '../../functions/gates/cloudformation-resource.ts'
import { answering, asking, describeGate, FAILED, hangs, PASSED, play, SETTINGS, UNSURE } from '../contracts/gate.ts'
import type { GateStage, Played } from '../contracts/gate.ts'
import { arbitraryReport, MANY, reportOf } from '../outputs/sample-reports.ts'
import { awsError, awsService, startAwsServiceFake } from '../support/aws-service-fake.ts'
import type { AwsFault } from '../support/aws-service-fake.ts'
import { answer, drop, hang, startFaultServer } from '../support/fault-server.ts'
import type { Behaviour, SeenRequest } from '../support/fault-server.ts'
import { virtualTime } from '../watch/virtual-time.ts'

const STACK = 'arn:aws:cloudformation:us-east-1:111122223333:stack/app/271845b0-f2e8-11ed-90ac-0eeb25b8ae21'
const SIGNED =
  '/arn%3Aaws%3Acloudformation/signed-path-that-is-secret?X-Amz-Signature=cafe5afecafe5afe&X-Amz-Expires=7200'

interface ResourceStage extends GateStage {
  readonly requests: readonly SeenRequest[]
  event: Readonly<Record<string, unknown>>
}

function requestTo(ResponseURL: string, more: object = {}): Readonly<Record<string, unknown>> {
  return {
    RequestType: 'Create',
    ServiceToken: 'arn:aws:lambda:us-east-1:111122223333:function:gate',
    ResponseURL,
    StackId: STACK,
    RequestId: '5e8c1a3e-d2a0-4dfb-ab1f-000000000000',
    LogicalResourceId: 'Gate',
    ResourceType: 'Custom::DeploywatchGate',
    ResourceProperties: { ServiceToken: 'arn:aws:lambda:us-east-1:111122223333:function:gate', ReleaseDigest: 'd1' },
    ...more,
  }
}

const UPDATE = { RequestType: 'Update', PhysicalResourceId: 'gate-orders-prod' }

/** S3 as CloudFormation's signed URLs have it: a PUT, no content type, 4 KB at most. */
const strictPut: Behaviour = (request, response) => {
  const problem =
    request.method !== 'PUT'
      ? 'no PUT'
      : (request.headers['content-type'] ?? '') !== ''
        ? 'the signature is of a request without a content type'
        : request.headers['content-length'] === undefined
          ? 'no length'
          : Buffer.byteLength(request.body) > 4096
            ? 'too long'
            : null
  response.writeHead(problem === null ? 200 : 403)
  response.end(problem ?? '')
}

async function openStage(
  more: object = {},
  options: {
    readonly put?: readonly Behaviour[]
    readonly status?: cloudformation.StackStatus | AwsFault
    readonly url?: string
  } = {},
): Promise<ResourceStage> {
  const server = await startFaultServer({ [SIGNED.split('?')[0] ?? '']: options.put ?? strictPut })
  const url = options.url ?? `http://127.0.0.1:${server.port}${SIGNED}`
  const status = options.status ?? 'UPDATE_IN_PROGRESS'
  const fake = await startAwsServiceFake([
    awsService(cloudformation, {
      DescribeStacks: ({ StackName }) => {
        if (typeof status !== 'string') return status
        if (StackName !== STACK) return awsError('ValidationError', `Stack with id ${StackName} does not exist`)
        return { Stacks: [{ StackName: 'app', CreationTime: new Date(0), StackStatus: status }] }
      },
    }),
  ])
  const client = new cloudformation.CloudFormationClient(fake.client)
  const gate = cloudFormationResource({
    fetch,
    allowUrl: ({ hostname, port }) => hostname === '127.0.0.1' && port === String(server.port),
    stackStatus: stackStatusCall(client),
  })
  const event = requestTo(url, more)
  let read = 0
  return {
    ask: asking(gate),
    event,
    requests: server.requests,
    release: { by: 'digest', digest: 'd1' },
    secrets: [url, SIGNED, 'cafe5afecafe5afe', 'signed-path-that-is-secret'],
    malformed: [
      { what: 'nothing', event: null, told: false },
      { what: 'no URL', event: { ...event, ResponseURL: undefined }, told: false },
      { what: 'no stack', event: { ...event, StackId: ['hunter2'] }, told: false },
      { what: 'a type that does not exist', event: { ...event, RequestType: 'Read' }, told: true },
      { what: 'no properties', event: { ...event, ResourceProperties: undefined }, told: true },
      {
        what: 'a digest that is no text',
        event: { ...event, ResourceProperties: { ReleaseDigest: ['hunter2'] } },
        told: true,
      },
      {
        what: 'another service',
        event: { ...event, ResourceProperties: { ReleaseDigest: 'd1', Service: 'billing' } },
        told: true,
      },
    ],
    told: () => {
      const fresh = server.requests.slice(read)
      read = server.requests.length
      return fresh.map(({ body }) => {
        const { Status, Reason } = JSON.parse(body) as { Status: string; Reason?: string }
        return { kind: Status === 'SUCCESS' ? 'goes-on' : 'refused', text: Reason ?? null }
      })
    },
    sent: () => server.requests.map(({ body, headers }) => body + JSON.stringify(headers)).join('\n'),
    close: async () => {
      await server.close()
      client.destroy()
      await fake.close()
    },
  }
}

describeGate('cloudformation-resource', () => openStage())
describeGate('cloudformation-resource, at an update,', () => openStage(UPDATE))

interface Answered extends Played {
  readonly bodies: readonly Readonly<Record<string, unknown>>[]
}

async function playOnce(stage: ResourceStage, looker = answering(FAILED), lastsMs = 30_000): Promise<Answered> {
  try {
    const played = await play(stage.ask, stage.event, looker, { lastsMs })
    return { ...played, bodies: stage.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>) }
  } finally {
    await stage.close()
  }
}

test('the answer is the document that CloudFormation wants', async () => {
  const { bodies } = await playOnce(await openStage(UPDATE))
  expect(bodies).toEqual([
    {
      Status: 'FAILED',
      Reason: expect.stringMatching(/^FAIL: production is not ready for orders 1\.42\.0/u) as string,
      PhysicalResourceId: 'gate-orders-prod',
      StackId: STACK,
      RequestId: '5e8c1a3e-d2a0-4dfb-ab1f-000000000000',
      LogicalResourceId: 'Gate',
      NoEcho: false,
      Data: { Verdict: 'fail' },
    },
  ])
})

test('a resource that is created has an identifier that stays, whatever the release and the verdict', async () => {
  const first = await playOnce(await openStage(), answering(PASSED))
  const second = await playOnce(await openStage({ ResourceProperties: { ReleaseDigest: 'd2' } }), answering(UNSURE))
  expect(first.bodies[0]?.['PhysicalResourceId']).toBe('deploywatch/orders/production/Gate')
  expect(second.bodies[0]?.['PhysicalResourceId']).toBe('deploywatch/orders/production/Gate')
})

test.each<[string, object]>([
  ['as it is', {}],
  ['without properties', { ResourceProperties: undefined }],
  ['of another service', { ResourceProperties: { Service: 'billing' } }],
])('a deletion succeeds without a look, %s', async (_what, more) => {
  const event = { RequestType: 'Delete', PhysicalResourceId: 'anything', ...more }
  const { bodies, orders } = await playOnce(await openStage(event, { status: awsError('Throttling', 'slow down') }))
  expect(bodies).toMatchObject([{ Status: 'SUCCESS', PhysicalResourceId: 'anything' }])
  expect(orders).toEqual([])
})

test.each([
  'UPDATE_ROLLBACK_IN_PROGRESS',
  'ROLLBACK_IN_PROGRESS',
  'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS',
  'IMPORT_ROLLBACK_IN_PROGRESS',
] as const)('an update of a stack that is %s goes on without a look', async (status) => {
  const { bodies, orders } = await playOnce(await openStage(UPDATE, { status }))
  expect(bodies).toMatchObject([{ Status: 'SUCCESS' }])
  expect(orders).toEqual([])
})

test.each(['UPDATE_IN_PROGRESS', 'UPDATE_ROLLBACK_COMPLETE', 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'] as const)(
  'an update of a stack that is %s is looked at',
  async (status) => {
    expect((await playOnce(await openStage(UPDATE, { status }))).bodies).toMatchObject([{ Status: 'FAILED' }])
  },
)

test('where the status of the stack cannot be learnt the look decides, and a refusal says so', async () => {
  const status = awsError('AccessDenied', 'not authorized to perform: cloudformation:DescribeStacks')
  expect((await playOnce(await openStage(UPDATE, { status }), answering(PASSED))).bodies).toMatchObject([
    { Status: 'SUCCESS' },
  ])
  const refused = await playOnce(await openStage(UPDATE, { status }))
  expect(refused.bodies[0]?.['Reason']).toContain('whether this is a rollback could not be learnt: not authorized')
})

test('the answer is put again where S3 fails, and once where it takes it', async () => {
  const put = [answer({ status: 503 }), drop, answer({ status: 500 }), strictPut]
  const { bodies, outcome } = await playOnce(await openStage({}, { put }))
  expect(outcome.kind).toBe('returned')
  expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
  expect(bodies).toHaveLength(4)
})

test('a URL that has expired is not asked again, and the error does not name it', async () => {
  const stage = await openStage({}, { put: [answer({ status: 403 })] })
  const { bodies, outcome, logs } = await playOnce(stage)
  expect(bodies).toHaveLength(1)
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
  const seen = JSON.stringify([logs, outcome.kind === 'threw' ? outcome.error.message : ''])
  expect(seen).toContain('status 403')
  for (const secret of stage.secrets) expect(seen).not.toContain(secret)
})

test('a redirect is not followed: the answer is for nobody else', async () => {
  const stage = await openStage({}, { put: [answer({ status: 303, headers: { location: '/stolen' } })] })
  expect((await playOnce(stage)).outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
  expect(stage.requests.map(({ path }) => path)).not.toContain('/stolen')
})

test('a look that hangs and an S3 that hangs end before the call does', async () => {
  const { tookMs, outcome } = await playOnce(await openStage({}, { put: [hang] }), hangs, 4_000)
  expect(tookMs).toBeLessThan(4_000)
  expect(outcome).toMatchObject({ kind: 'threw', error: { name: 'DeploywatchUnanswered' } })
})

test('nothing is sent to a host that is not CloudFormation, and the host is not named', async () => {
  const url = 'https://evil.example/cloudformation-custom-resource-response-useast1?X-Amz-Signature=cafe5afecafe5afe'
  const { bodies, outcome } = await playOnce(await openStage({}, { url }))
  expect(bodies).toEqual([])
  expect(outcome).toMatchObject({
    error: { message: expect.stringContaining('the ResponseURL is not one of CloudFormation') as string },
  })
  expect(JSON.stringify(outcome)).not.toContain('evil.example')
})

describe('the answer has 4 KB', () => {
  const bodyFor = async (answered: Parameters<typeof answering>[0]): Promise<string> => {
    const bodies: string[] = []
    const send: typeof fetch = async (_url, init) => {
      bodies.push(new TextDecoder().decode(init?.body as Uint8Array))
      return new Response('')
    }
    const gate = cloudFormationResource({ fetch: send, allowUrl: () => true, stackStatus: async () => null })
    await play(asking(gate), requestTo('https://any.example/'), answering(answered))
    return bodies[0] ?? ''
  }

  test('a long report is cut, and stays readable', async () => {
    const body = await bodyFor({ report: MANY, proceed: false })
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4096)
    expect((JSON.parse(body) as { Reason: string }).Reason).toMatch(/^FAIL: .*\n- [a-z-]+: .*(?:.*\n)*.*and \d+ more/u)
  })

  test('whatever the report holds', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryReport(), async (report) => {
        const own = { ...report, service: SETTINGS.service, environment: SETTINGS.environment }
        const body = await bodyFor({ report: own, proceed: false })
        expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4096)
        const { Status, Reason } = JSON.parse(body) as { Status: string; Reason: string }
        expect(Status).toBe('FAILED')
        expect(Reason.length).toBeGreaterThan(20)
      }),
      { numRuns: 200 },
    )
  })

  test('a text of quotes and emoji is counted as it is sent', async () => {
    const hostile = '"\\😀'.repeat(4000)
    const report = reportOf([{ ...FAILED.report.findings[0], found: hostile, subject: hostile } as never])
    expect(Buffer.byteLength(await bodyFor({ report, proceed: false }))).toBeLessThanOrEqual(4096)
  })
})

describe('the hosts that may be answered', () => {
  test.each([
    'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a?b',
    'https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/a?b',
    'https://cloudformation-custom-resource-response-apeast1.s3.ap-east-1.amazonaws.com/a?b',
    'https://cloudformation-custom-resource-response-usgovwest1.s3-us-gov-west-1.amazonaws.com/a?b',
    'https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/a?b',
  ])('%s', (url) => {
    expect(answerUrl(url, undefined)?.href).toBe(url)
  })

  test.each([
    'http://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a',
    'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com:8443/a',
    'https://user:password@cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a',
    'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com.evil.example/a',
    'https://evil.example/cloudformation-custom-resource-response-useast1.s3.amazonaws.com',
    'https://cloudformation-custom-resource-response-evil.s3.amazonaws.com/a',
    'https://cloudformation-custom-resource-response-my-bucket1.s3.amazonaws.com/a',
    'https://a.cloudformation-custom-resource-response-useast1.s3.amazonaws.com/a',
    'https://s3.amazonaws.com/cloudformation-custom-resource-response-useast1/a',
    'http://169.254.169.254/latest/meta-data/',
    'file:///etc/passwd',
    'nonsense',
  ])('not %s', (url) => {
    expect(answerUrl(url, undefined)).toBeNull()
  })
})

test('between the attempts there is a growing pause, within the time that is left', async () => {
  const time = virtualTime()
  const at: number[] = []
  const send: typeof fetch = async () => {
    at.push(time.now())
    return new Response('', { status: 503 })
  }
  const call: GateCall = {
    settings: SETTINGS,
    signal: new AbortController().signal,
    sleep: (ms, signal) => time.sleep(ms, signal),
    clock: () => time.now(),
  }
  const put = putAnswer('https://any.example/secret', '{}', { fetch: send, allowUrl: () => true }, call)
  await expect(time.run(put)).rejects.toThrow('CloudFormation did not take the answer: it was answered with status 503')
  expect(at).toEqual([0, 200, 600, 1400, 3000])
})

test('this machine is answered only where a test allows it', async () => {
  const ask = asking(cloudFormationResource({ fetch, stackStatus: async () => null }))
  const { outcome } = await play(ask, requestTo('http://127.0.0.1:1/x'), answering(PASSED))
  expect(outcome).toMatchObject({
    error: { message: expect.stringContaining('the ResponseURL is not one of CloudFormation') as string },
  })
})
