/** Sends what is parked in the dead-letter queue: by a schedule, and by hand once a topic is mended. */
import type { SQSClient } from '@aws-sdk/client-sqs'
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import * as z from 'zod'
import { groupBy } from '../core/group.ts'
import type { IncidentDocument } from './incident-document.ts'
import { incidentKey } from './incident-document.ts'
import type { IncidentPorts, Subject } from './incidents.ts'
import { change, sendPages } from './incidents.ts'
import type { ParkedNotice, ParkedPage } from './send.ts'
import { noticeSchema, parkedSchema } from './send.ts'
import { lazily } from '../lazily.ts'

/** A message of the queue, which comes again unless it is removed. */
export interface ParkedMessage {
  readonly receipt: string
  readonly body: string
}

export interface ParkedQueue {
  /** Some of what waits, [] where nothing does. */
  receive(): Promise<readonly ParkedMessage[]>
  remove(receipt: string): Promise<void>
}

/** Longer than a redrive of ten takes. */
const HIDDEN_SECONDS = 300

export function awsParkedQueue(sqs: Pick<SQSClient, 'send'>, url: string): ParkedQueue {
  return {
    receive: async () => {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, VisibilityTimeout: HIDDEN_SECONDS }),
      )
      return Messages.map(({ ReceiptHandle = '', Body = '' }) => ({ receipt: ReceiptHandle, body: Body }))
    },
    remove: async (receipt) => {
      await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt }))
    },
  }
}

export interface RedriveOutcome {
  /** Messages that are done with: sent now, or found to have been sent. */
  readonly done: number
  /** Messages that stay in the queue: what they hold cannot be sent yet, or not be read. */
  readonly left: number
}

/** Batches in one run: what is in the queue again by then is left to the next. */
const MOST_BATCHES = 20

/** @throws {Error} the queue or the state could not be read or written */
export async function redrivePages(ports: IncidentPorts, queue: ParkedQueue): Promise<RedriveOutcome> {
  let done = 0
  let left = 0
  for (let batch = 0; batch < MOST_BATCHES; batch += 1) {
    const messages = await queue.receive()
    if (messages.length === 0) break
    const read = messages.map((message) => ({ message, parked: parseParked(message.body) }))
    const known = read.flatMap(({ message, parked }) =>
      parked?.schema === 'deploywatch/parked-page/1' ? [{ message, parked }] : [],
    )
    if (read.some(({ parked }) => parked === null))
      ports.tell({ kind: 'unreadable', what: 'a message of the dead-letter queue' })
    let gone = 0
    for (const { message, parked } of read)
      if (parked?.schema === 'deploywatch/parked-notice/1') gone += await sendNotice(ports, queue, message, parked)
    const groups = groupBy(known, ({ parked: { page } }) => incidentKey(page.service, page.environment))
    for (const group of groups.values()) gone += await redriveGroup(ports, queue, group)
    done += gone
    left += messages.length - gone
    // What could not be sent now is hidden for a while, and what comes next would meet the same.
    if (gone === 0) break
  }
  return { done, left }
}

interface Parked {
  readonly message: ParkedMessage
  readonly parked: ParkedPage
}

/** Those of one service in one environment. @returns how many are done with */
async function redriveGroup(ports: IncidentPorts, queue: ParkedQueue, group: readonly Parked[]): Promise<number> {
  const [first] = group
  if (first === undefined) return 0
  const about = { service: first.parked.page.service, environment: first.parked.page.environment }
  // Their own pages, in their own order, with their own claims.
  await sendPages(ports, about)
  let done = 0
  for (const { message, parked } of group.toSorted((a, b) => a.parked.page.number - b.parked.page.number)) {
    const place = await change(ports, about, (document) => ({ next: document, value: placeOf(document, parked) }))
    if (place === 'waits' || (place === 'only-here' && !(await sendParked(ports, about, parked)))) continue
    await queue.remove(message.receipt)
    done += 1
  }
  return done
}

/** `only-here`: the queue alone has it. A document that begins anew knows nothing: better a page twice than none. */
function placeOf(document: IncidentDocument, { page, topic }: ParkedPage): 'waits' | 'only-here' | 'sent' {
  const waits = document.outbox.some((one) => one.page.id === page.id && one.topics.includes(topic))
  if (waits) return 'waits'
  const given = document.handedOver.includes(`${page.id} ${topic}`)
  return given || document.state.pages < page.number ? 'only-here' : 'sent'
}

async function sendParked(ports: IncidentPorts, about: Subject, { page, topic }: ParkedPage): Promise<boolean> {
  const delivery = await ports.carrier.publish(topic, page, 1)
  if (delivery.kind === 'failed') {
    ports.tell({ kind: 'failed', page: page.id, topic, why: delivery.why })
    return false
  }
  ports.tell({ kind: 'sent', page: page.id, topic })
  await change(ports, about, (document) => {
    const handedOver = document.handedOver.filter((name) => name !== `${page.id} ${topic}`)
    const next = handedOver.length === document.handedOver.length ? document : { ...document, handedOver }
    return { next, value: null }
  })
  return true
}

/** @returns how many are done with */
async function sendNotice(
  ports: IncidentPorts,
  queue: ParkedQueue,
  { receipt }: ParkedMessage,
  notice: ParkedNotice,
): Promise<number> {
  const { topic, watch } = notice
  const delivery = await ports.carrier.notify(notice)
  if (delivery.kind === 'failed') {
    ports.tell({ kind: 'failed', page: watch, topic, why: delivery.why })
    return 0
  }
  ports.tell({ kind: 'sent', page: watch, topic })
  await queue.remove(receipt)
  return 1
}

const messageSchema = lazily(() => z.union([parkedSchema(), noticeSchema()]))

function parseParked(body: string): ParkedPage | ParkedNotice | null {
  try {
    return messageSchema().safeParse(JSON.parse(body)).data ?? null
  } catch {
    return null
  }
}
