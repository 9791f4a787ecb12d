/** Pages over the real SDK clients, to a server that holds every request against the SDK's own service models. */
import { createHash } from 'node:crypto'
import * as sns from '@aws-sdk/client-sns'
import * as sqs from '@aws-sdk/client-sqs'
import { afterEach, describe, expect, test } from 'vitest'
import { noIncident } from '../../functions/core/incident-state.ts'
import { lookOfWatchEnd } from '../../functions/core/incident-look.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { nextIncident } from '../../functions/core/incident.ts'
import { awsParkedQueue } from '../../functions/pages/redrive.ts'
import { awsCarrier, parkedSchema, type PageCarrier } from '../../functions/pages/send.ts'
import { INCIDENT } from '../outputs/sample-reports.ts'
import type { AwsFault, AwsServiceFake } from '../support/aws-service-fake.ts'
import { awsError, awsService, HANG_UP, SILENCE, startAwsServiceFake } from '../support/aws-service-fake.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:pages'
const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/111122223333/parked'

const [PAGE] = nextIncident(noIncident('orders', 'production'), {
  kind: 'looked',
  now: '2026-11-22T10:00:01.000Z',
  look: lookOfWatchEnd(INCIDENT, '2026-11-22T09:59:50.000Z'),
}).pages as readonly [IncidentPage]

const open: AwsServiceFake[] = []
afterEach(async () => {
  for (const fake of open.splice(0)) await fake.close()
})

interface Stage {
  readonly carrier: PageCarrier
  readonly published: sns.PublishCommandInput[]
  readonly parked: sqs.SendMessageCommandInput[]
  readonly slept: number[]
}

/** What the topic answers, one after another; then it takes everything. `taken`: it took it all the same. */
async function stage(
  answers: readonly (AwsFault | { readonly taken: AwsFault })[],
  queue: readonly AwsFault[] = [],
): Promise<Stage> {
  const published: sns.PublishCommandInput[] = []
  const parked: sqs.SendMessageCommandInput[] = []
  const slept: number[] = []
  let calls = 0
  let parks = 0
  const fake = await startAwsServiceFake([
    awsService(sns, {
      Publish: (input) => {
        const answer = answers[calls++]
        if (answer !== undefined && 'fault' in answer) return answer
        refuseAsSns(input)
        published.push(input)
        return answer === undefined ? { MessageId: `m-${calls}` } : answer.taken
      },
    }),
    awsService(sqs, {
      SendMessage: (input) => {
        const answer = queue[parks++]
        if (answer !== undefined) return answer
        parked.push(input)
        // The SDK compares it.
        return { MessageId: `q-${parks}`, MD5OfMessageBody: md5(input.MessageBody ?? '') }
      },
    }),
  ])
  open.push(fake)
  const requestHandler = { connectionTimeout: 1_000, requestTimeout: 1_500, throwOnRequestTimeout: true }
  const carrier = awsCarrier({
    sns: new sns.SNSClient({ ...fake.client, requestHandler }),
    sqs: new sqs.SQSClient({ ...fake.client, requestHandler, useQueueUrlAsEndpoint: false }),
    deadLetters: QUEUE,
    links: { dashboard: null, runbook: null },
    sleep: (ms, signal) => {
      // The limit of an attempt is left to the client here.
      if (signal !== undefined) return new Promise(() => undefined)
      slept.push(ms)
      return Promise.resolve()
    },
    random: () => 1,
  })
  return { carrier, published, parked, slept }
}

/** What the service model does not say, and SNS refuses with InvalidParameter. */
function refuseAsSns({
  Subject = '',
  Message = '',
  MessageStructure,
  MessageAttributes = {},
}: sns.PublishCommandInput): void {
  expect(Subject).toMatch(/^[\x21-\x7E][\x20-\x7E]{0,99}$/)
  expect(MessageStructure).toBe('json')
  const protocols = JSON.parse(Message) as Record<string, unknown>
  expect(protocols['default'], 'the message has a default').toBeTypeOf('string')
  for (const { DataType, StringValue } of Object.values(MessageAttributes)) {
    expect(DataType).toBe('String')
    expect(StringValue).not.toBe('')
  }
  const size = Object.entries(MessageAttributes).map(([name, { StringValue = '' }]) => name + StringValue + 'String')
  expect(Buffer.byteLength(Message + size.join(''))).toBeLessThanOrEqual(262_144)
}

describe('a page that is published', () => {
  test('has subject, texts and attributes', async () => {
    const { carrier, published } = await stage([])
    expect(await carrier.publish(TOPIC, PAGE, 4)).toEqual({ kind: 'taken' })
    expect(published).toMatchObject([
      {
        TopicArn: TOPIC,
        Subject: 'OPENED orders production: migration V42__add_status_note.sql has not run',
        MessageAttributes: {
          severity: { DataType: 'String', StringValue: 'critical' },
          code: { DataType: 'String', StringValue: 'migration-missing' },
        },
      },
    ])
    expect(published[0]?.MessageGroupId).toBeUndefined()
  })

  test('is told apart by a FIFO topic by its id', async () => {
    const { carrier, published } = await stage([])
    await carrier.publish(`${TOPIC}.fifo`, PAGE, 4)
    await carrier.publish(`${TOPIC}.fifo`, PAGE, 4)
    await carrier.publish(`${TOPIC}.fifo`, { ...PAGE, id: 'another' }, 4)
    const ids = published.map(({ MessageDeduplicationId }) => MessageDeduplicationId)
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(ids[1]).toBe(ids[0])
    expect(ids[2]).not.toBe(ids[0])
    expect(new Set(published.map(({ MessageGroupId }) => MessageGroupId)).size).toBe(1)
  })

  const UNAVAILABLE = awsError('InternalError', 'try again', 500)
  test.each<[string, AwsFault | { readonly taken: AwsFault }, number]>([
    ['throttled', awsError('Throttled', 'slow down'), 1],
    ['throttled as Throttling', awsError('Throttling', 'rate exceeded'), 1],
    ['answered with 500', UNAVAILABLE, 1],
    ['not answered', SILENCE, 1],
    ['hung up on', HANG_UP, 1],
    ['taken, and not answered', { taken: SILENCE }, 2],
    ['taken, and answered with 500', { taken: UNAVAILABLE }, 2],
  ])('is sent again where it was %s', async (_what, fault, times) => {
    const { carrier, published, slept } = await stage([fault])
    expect(await carrier.publish(TOPIC, PAGE, 4)).toEqual({ kind: 'taken' })
    expect(published).toHaveLength(times)
    expect(new Set(published.map(({ Message }) => Message)).size).toBe(1)
    expect(slept).toEqual([200])
  })

  test('waits longer each time, and gives up', async () => {
    const { carrier, slept } = await stage(Array.from({ length: 9 }, () => awsError('Throttled', 'slow down')))
    expect(await carrier.publish(TOPIC, PAGE, 4)).toEqual({
      kind: 'failed',
      why: 'ThrottledException: slow down',
      maybe: false,
    })
    expect(slept).toEqual([200, 400, 800])
  })

  test.each([
    ['AuthorizationError', 'AuthorizationErrorException'],
    ['NotFound', 'NotFoundException'],
    ['InvalidParameter', 'InvalidParameterException'],
  ])('is not tried again after %s', async (code, name) => {
    const { carrier, slept } = await stage([awsError(code, 'no', 403)])
    expect(await carrier.publish(TOPIC, PAGE, 4)).toEqual({ kind: 'failed', why: `${name}: no`, maybe: false })
    expect(slept).toEqual([])
  })

  test('says where it may have been taken', async () => {
    const { carrier } = await stage([{ taken: HANG_UP }])
    expect(await carrier.publish(TOPIC, PAGE, 1)).toMatchObject({ kind: 'failed', maybe: true })
  })
})

describe('a page that is parked', () => {
  test('has everything that is needed to send it later', async () => {
    const { carrier, parked } = await stage([], [awsError('ThrottlingException', 'slow down')])
    const parkedPage = {
      schema: 'deploywatch/parked-page/1',
      topic: TOPIC,
      page: PAGE,
      why: 'NotFound',
      parkedAt: '2026-11-22T10:00:00.000Z',
    } as const
    expect(await carrier.park(parkedPage)).toEqual({ kind: 'taken' })
    expect(parked[0]?.QueueUrl).toBe(QUEUE)
    expect(parkedSchema().parse(JSON.parse(parked[0]?.MessageBody ?? ''))).toEqual(parkedPage)
  })

  test('is received and removed as SQS has it', async () => {
    const fake = await startAwsServiceFake([
      awsService(sqs, {
        ReceiveMessage: ({ QueueUrl }) => ({
          Messages: [{ ReceiptHandle: `r of ${QueueUrl}`, Body: 'text', MD5OfBody: md5('text') }],
        }),
        DeleteMessage: () => ({}),
      }),
    ])
    open.push(fake)
    const queue = awsParkedQueue(new sqs.SQSClient({ ...fake.client, useQueueUrlAsEndpoint: false }), QUEUE)
    const [message] = await queue.receive()
    expect(message).toEqual({ receipt: `r of ${QUEUE}`, body: 'text' })
    await queue.remove(message?.receipt ?? '')
    expect(fake.calls.at(-1)).toMatchObject({ operation: 'DeleteMessage', input: { ReceiptHandle: `r of ${QUEUE}` } })
  })
})
