/** Pages on their way out: to a topic of Amazon SNS, and where that will not take them, into a dead-letter queue of Amazon SQS. */
import { createHash } from 'node:crypto'
import type { SNSClient } from '@aws-sdk/client-sns'
import { PublishCommand } from '@aws-sdk/client-sns'
import type { SQSClient } from '@aws-sdk/client-sqs'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import * as z from 'zod'
import type { IncidentPage } from '../core/incident-page.ts'
import type { PageLinks } from '../outputs/page-text.ts'
import type { SnsPage } from '../outputs/page.ts'
import { renderPage } from '../outputs/page.ts'
import { backoffMs, failureOf } from './aws-retry.ts'
import { lazily } from '../lazily.ts'
import { pageSchema } from './incident-document.ts'

export type Delivery =
  | { readonly kind: 'taken' }
  /** `maybe`: no answer came, and it may have been taken. `why` holds nothing of the page. */
  | { readonly kind: 'failed'; readonly why: string; readonly maybe: boolean }

/** Who carries a page. Neither rejects. */
export interface PageCarrier {
  /** @param attempts with growing pauses between them */
  publish(topic: string, page: IncidentPage, attempts: number): Promise<Delivery>
  park(parked: ParkedPage): Promise<Delivery>
  /** One attempt. */
  notify(notice: ParkedNotice): Promise<Delivery>
}

/** What the dead-letter queue holds: all that is needed to send it later. */
export interface ParkedPage {
  readonly schema: 'deploywatch/parked-page/1'
  readonly topic: string
  readonly page: IncidentPage
  readonly why: string
  /** ISO 8601, UTC. */
  readonly parkedAt: string
}

export const parkedSchema = lazily(
  () =>
    z.object({
      schema: z.literal('deploywatch/parked-page/1'),
      topic: z.string().min(1),
      page: pageSchema(),
      why: z.string(),
      parkedAt: z.string(),
    }) satisfies z.ZodType<ParkedPage>,
)

/** What the state machine parks on its own, of no incident: nobody watches a deployment. */
export interface ParkedNotice {
  readonly schema: 'deploywatch/parked-notice/1'
  readonly topic: string
  /** Identity of the deployment. */
  readonly watch: string
  readonly service: string
  readonly environment: string
  readonly subject: string
  readonly text: string
}

export const noticeSchema = lazily(() => {
  const name = z.string().min(1)
  return z.object({
    schema: z.literal('deploywatch/parked-notice/1'),
    topic: name,
    watch: name,
    service: name,
    environment: name,
    subject: name.max(100),
    text: name,
  }) satisfies z.ZodType<ParkedNotice>
})

export interface CarrierPorts {
  /** One attempt, with timeouts that throw: the attempts are made here. */
  readonly sns: Pick<SNSClient, 'send'>
  readonly sqs: Pick<SQSClient, 'send'>
  /** URL of the dead-letter queue. */
  readonly deadLetters: string
  readonly links: PageLinks
  /** Resolves after so many milliseconds, or as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
}

/** Of one attempt. A page with all its attempts, and parking it, end within the claim on it (`CLAIM_MS`). */
const ATTEMPT_MS = 5_000
const PARK_ATTEMPTS = 3

export function awsCarrier(ports: CarrierPorts): PageCarrier {
  // Each topic of a page gets the same.
  const rendered = new WeakMap<IncidentPage, SnsPage>()
  return {
    publish: (topic, page, attempts) => {
      const known = rendered.get(page) ?? renderPage(page, ports.links)
      rendered.set(page, known)
      const command = publishCommand(topic, page, known)
      return deliver(ports, attempts, (abortSignal) => ports.sns.send(command, { abortSignal }))
    },
    park: (parked) => {
      const command = new SendMessageCommand({
        QueueUrl: ports.deadLetters,
        MessageBody: JSON.stringify(parked),
        ...fifo(ports.deadLetters.endsWith('.fifo'), parked.page, parked.topic),
      })
      return deliver(ports, PARK_ATTEMPTS, (abortSignal) => ports.sqs.send(command, { abortSignal }))
    },
    notify: (notice) => deliver(ports, 1, (abortSignal) => ports.sns.send(noticeCommand(notice), { abortSignal })),
  }
}

function publishCommand(topic: string, page: IncidentPage, { subject, message, attributes }: SnsPage): PublishCommand {
  return new PublishCommand({
    TopicArn: topic,
    Subject: subject,
    Message: message,
    MessageStructure: 'json',
    MessageAttributes: attributesOf(attributes),
    ...fifo(topic.endsWith('.fifo'), page, ''),
  })
}

function noticeCommand({ topic, watch, service, environment, subject, text }: ParkedNotice): PublishCommand {
  const attributes = { service, environment, severity: 'unsure', kind: 'unwatched' }
  const isFifo = topic.endsWith('.fifo')
  return new PublishCommand({
    TopicArn: topic,
    Subject: subject,
    Message: text,
    MessageAttributes: attributesOf(attributes),
    ...(isFifo ? { MessageGroupId: 'unwatched', MessageDeduplicationId: hash(watch) } : {}),
  })
}

function attributesOf(attributes: Readonly<Record<string, string>>): PublishCommand['input']['MessageAttributes'] {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, { DataType: 'String', StringValue: value }]),
  )
}

/** A FIFO topic or queue leaves out what it was given in the last five minutes. Both ids have at most 128 characters. */
function fifo(
  isFifo: boolean,
  page: IncidentPage,
  salt: string,
): { readonly MessageGroupId?: string; readonly MessageDeduplicationId?: string } {
  if (!isFifo) return {}
  return {
    MessageGroupId: hash(`${page.service}/${page.environment}`),
    MessageDeduplicationId: hash(`${page.id} ${salt}`),
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function deliver(
  ports: Pick<CarrierPorts, 'sleep' | 'random'>,
  attempts: number,
  send: (signal: AbortSignal) => Promise<unknown>,
): Promise<Delivery> {
  let maybe = false
  for (let attempt = 1; ; attempt += 1) {
    const failure = await attemptOnce(ports, send)
    if (failure === null) return { kind: 'taken' }
    maybe ||= failure.maybeDone
    if (!failure.again || attempt >= attempts) return { kind: 'failed', why: failure.why, maybe }
    await ports.sleep(backoffMs(attempt, ports.random()))
  }
}

/** null: it was taken. Bounded here too: a client that was made without timeouts must not keep everything waiting. */
async function attemptOnce(
  { sleep }: Pick<CarrierPorts, 'sleep'>,
  send: (signal: AbortSignal) => Promise<unknown>,
): Promise<ReturnType<typeof failureOf> | null> {
  const late = new AbortController()
  const over = new AbortController()
  const answer = send(late.signal).then(
    () => null,
    (error: unknown) => failureOf(error),
  )
  const silence = sleep(ATTEMPT_MS, over.signal).then(() => ({
    again: true,
    maybeDone: true,
    why: `TimeoutError: no answer in ${ATTEMPT_MS} ms`,
  }))
  const first = await Promise.race([answer, silence])
  over.abort('answered')
  late.abort('nobody waits any more')
  return first
}
