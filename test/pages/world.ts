/**
 * A made-up world for incidents: shared documents whose writers race, a topic and a queue that fail in every way that AWS's
 * do, and processes that die between any two calls. The faults are drawn; when they are used up, all is well.
 */
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import type { PageEvent, IncidentPorts } from '../../functions/pages/incidents.ts'
import type { IncidentDocument } from '../../functions/pages/incident-document.ts'
import { awsParkedQueue, type ParkedQueue } from '../../functions/pages/redrive.ts'
import { awsCarrier } from '../../functions/pages/send.ts'
import type { VersionedDocument } from '../../functions/stores/documents.ts'
import { virtualTime, type VirtualTime } from '../watch/virtual-time.ts'

/** What one call to the outside meets. Where it cannot be (a reading loses no race), it is fine. */
export const FAULTS = [
  'fine',
  'throttled',
  'broken',
  'broken-after',
  'silent',
  'silent-after',
  'refused',
  'race',
  'dies',
  'dies-after',
] as const
export type Fault = (typeof FAULTS)[number]

/** By whom is called, in the order of the calls. Used up, all is well. */
export type Faults = Readonly<Record<'documents' | 'topic' | 'queue', readonly Fault[]>>

/** A page that the topic took. */
export interface Taken {
  readonly topic: string
  readonly page: IncidentPage
  /** All that was sent. */
  readonly text: string
  /** The sender died, failed, or was not answered before its note was kept: it has to be sent again. */
  excused: boolean
}

export interface World {
  readonly time: VirtualTime
  readonly taken: Taken[]
  readonly told: PageEvent[]
  /** Every text that was ever kept, or put into the queue. */
  readonly texts: string[]
  /** Pages that were ever decided, by id. */
  readonly decided: ReadonlyMap<string, IncidentPage>
  readonly queued: () => number
  document(key: string): Promise<VersionedDocument | null>
  /** Runs work as a process of its own. */
  run<T>(work: (ports: IncidentPorts, queue: ParkedQueue) => Promise<T>): Promise<ProcessEnd<T>>
}

export type ProcessEnd<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'died' }

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:pages'
const QUEUE = 'https://sqs.eu-west-1.amazonaws.com/111122223333/parked'
const EPOCH = Date.parse('2026-11-22T10:00:00.000Z')

function awsError(name: string, status: number): Error {
  // Nobody reads their stacks, and they cost more than all the rest.
  Error.stackTraceLimit = 0
  return Object.assign(new Error(`${name} of a made-up service`), { name, $metadata: { httpStatusCode: status } })
}

/** Without the schema: what was written is not in doubt here, and there are ten thousand schedules. */
function readOutbox(text: string): IncidentDocument['outbox'] {
  return (JSON.parse(text) as IncidentDocument).outbox
}

export function world(faults: Faults, topics: readonly string[] = [TOPIC]): World {
  const time = virtualTime()
  const documents = new Map<string, VersionedDocument>()
  const taken: Taken[] = []
  const told: PageEvent[] = []
  const texts: string[] = []
  const decided = new Map<string, IncidentPage>()
  const queue = new Map<string, { readonly body: string; hiddenUntil: number }>()
  const calls = { documents: 0, topic: 0, queue: 0 }
  let receipts = 0
  let versions = 0
  let processes = 0

  const nextFault = (whom: keyof Faults): Fault => faults[whom][calls[whom]++] ?? 'fine'
  const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

  function keep(key: string, text: string): void {
    documents.set(key, { text, version: String((versions += 1)) })
    texts.push(text)
    for (const { page } of readOutbox(text)) decided.set(page.id, page)
  }

  /** The page is out of the outbox for that topic: nobody needs to send it again. */
  function isNoted({ page, topic }: Taken): boolean {
    for (const { text } of documents.values()) {
      const waiting = readOutbox(text).find((one) => one.page.id === page.id)
      if (waiting?.topics.includes(topic) === true) return false
    }
    return true
  }

  function makeProcess(): {
    readonly ports: IncidentPorts
    readonly queue: ParkedQueue
    readonly death: Promise<void>
    end(): void
  } {
    const id = (processes += 1)
    let dead = false
    let die = (): void => undefined
    const own: Taken[] = []
    const death = new Promise<void>((resolve) => {
      die = () => {
        dead = true
        resolve()
      }
    })
    const end = (): void => {
      for (const one of own) if (!isNoted(one)) one.excused = true
    }
    const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
      if (dead) return never()
      await time.sleep(ms, signal)
      if (dead) return never()
    }
    /** One call to the outside, as the fault has it. `effect` is what it does there. */
    async function call<T>(
      whom: keyof Faults,
      effect: () => T,
      lostRace: (() => T) | null,
      unanswered: () => void,
    ): Promise<T> {
      if (dead) return never()
      const fault = nextFault(whom)
      await time.sleep(1)
      if (dead) return never()
      switch (fault) {
        case 'fine':
          return effect()
        case 'race':
          return lostRace === null ? effect() : lostRace()
        case 'throttled':
          throw awsError('ThrottlingException', 400)
        case 'broken':
          throw awsError('InternalError', 500)
        case 'refused':
          throw awsError('AuthorizationError', 403)
        case 'silent':
          return silence(whom)
        case 'dies':
          die()
          return never()
        case 'broken-after':
        case 'silent-after':
        case 'dies-after':
          effect()
          unanswered()
          if (fault === 'broken-after') throw awsError('InternalError', 500)
          if (fault === 'silent-after') return silence(whom)
          die()
          return never()
      }
    }
    /** A store's client has time-outs of its own; that of a page is bounded by its sender. */
    async function silence<T>(whom: keyof Faults): Promise<T> {
      if (whom === 'topic') return never()
      await sleep(5_000)
      throw awsError('TimeoutError', 0)
    }

    const ports: Omit<IncidentPorts, 'carrier'> = {
      documents: {
        document: (key) =>
          call(
            'queue',
            () => documents.get(key) ?? null,
            null,
            () => undefined,
          ),
        putDocument: (key, text, version) => {
          const write = (): boolean => {
            if ((documents.get(key)?.version ?? null) !== version) return false
            keep(key, text)
            return true
          }
          // Somebody else wrote the same meanwhile.
          const lose = (): boolean => {
            const present = documents.get(key)
            if (present !== undefined) keep(key, present.text)
            return present === undefined ? write() : false
          }
          return call('documents', write, lose, () => undefined)
        },
      },
      topics,
      clock: () => EPOCH + time.now(),
      sleep,
      random: () => 0.5,
      newId: () => `process-${id}`,
      tell: (event) => void told.push(event),
    }
    const sns = {
      send: (command: { readonly input: Record<string, unknown> }) => {
        const { TopicArn, Message, Subject, MessageAttributes } = command.input
        const text = `${String(Subject)} ${JSON.stringify(MessageAttributes)} ${String(Message)}`
        // The document for programs is JSON in JSON.
        const [, id = ''] = /"id\\*":\\*"([^"\\]+)/.exec(text) ?? []
        const page = decided.get(id)
        if (page === undefined) throw new Error(`a page that nobody decided: ${id}`)
        const one: Taken = { topic: String(TopicArn), page, text, excused: false }
        const take = (): object => {
          taken.push(one)
          own.push(one)
          return { MessageId: String(taken.length) }
        }
        return call('topic', take, null, () => void (one.excused = true))
      },
    }
    const sqs = {
      send: (command: { readonly constructor: { readonly name: string }; readonly input: Record<string, unknown> }) => {
        const { input } = command
        switch (command.constructor.name) {
          case 'SendMessageCommand':
            return call(
              'queue',
              () => {
                const body = String(input['MessageBody'])
                texts.push(body)
                queue.set(`receipt-${(receipts += 1)}`, { body, hiddenUntil: 0 })
                return {}
              },
              null,
              () => undefined,
            )
          case 'ReceiveMessageCommand':
            return call(
              'queue',
              () => {
                const seen = [...queue].filter(([, { hiddenUntil }]) => hiddenUntil <= time.now()).slice(0, 10)
                for (const [, message] of seen)
                  message.hiddenUntil = time.now() + Number(input['VisibilityTimeout']) * 1_000
                return { Messages: seen.map(([receipt, { body }]) => ({ ReceiptHandle: receipt, Body: body })) }
              },
              null,
              () => undefined,
            )
          case 'DeleteMessageCommand':
            return call(
              'queue',
              () => queue.delete(String(input['ReceiptHandle'])),
              null,
              () => undefined,
            )
          default:
            throw new Error(`nobody expected ${command.constructor.name}`)
        }
      },
    }
    const carrier = awsCarrier({
      sns,
      sqs,
      deadLetters: QUEUE,
      links: { dashboard: 'https://dashboards.example/orders', runbook: null },
      sleep,
      random: () => 0.5,
    })
    return { ports: { ...ports, carrier }, queue: awsParkedQueue(sqs, QUEUE), death, end }
  }

  return {
    time,
    taken,
    told,
    texts,
    decided,
    queued: () => queue.size,
    document: async (key) => documents.get(key) ?? null,
    run: async <T>(work: (ports: IncidentPorts, queue: ParkedQueue) => Promise<T>) => {
      const process = makeProcess()
      const ended = work(process.ports, process.queue).then(
        (value): ProcessEnd<T> => ({ kind: 'done', value }),
        (error: unknown): ProcessEnd<T> => ({ kind: 'failed', error }),
      )
      const end = await Promise.race([ended, process.death.then((): ProcessEnd<T> => ({ kind: 'died' }))])
      process.end()
      return end
    },
  }
}
