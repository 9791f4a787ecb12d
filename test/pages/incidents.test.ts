import { describe, expect, test } from 'vitest'
import type { Finding } from '../../functions/core/finding.ts'
import type { IncidentLook } from '../../functions/core/incident-look.ts'
import { lookOfWatchEnd } from '../../functions/core/incident-look.ts'
import type { IncidentPage } from '../../functions/core/incident-page.ts'
import { incidentKey, parseDocument, writeDocument } from '../../functions/pages/incident-document.ts'
import type { IncidentNews, IncidentPorts, PageEvent } from '../../functions/pages/incidents.ts'
import { recordIncident, sendPages } from '../../functions/pages/incidents.ts'
import { redrivePages, type ParkedQueue } from '../../functions/pages/redrive.ts'
import type { Delivery, ParkedNotice, ParkedPage } from '../../functions/pages/send.ts'
import type { VersionedDocument } from '../../functions/stores/documents.ts'
import { reportOf, V42 } from '../outputs/sample-reports.ts'

const ABOUT = { service: 'orders', environment: 'production' }
const KEY = incidentKey('orders', 'production')
const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:pages'
const START = Date.parse('2026-11-22T10:00:00.000Z')
const DOWN: Delivery = { kind: 'failed', why: 'InternalError', maybe: false }

interface Stage {
  readonly ports: IncidentPorts
  readonly documents: Map<string, VersionedDocument>
  readonly published: (readonly [topic: string, id: string])[]
  readonly parked: ParkedPage[]
  readonly told: PageEvent[]
  readonly queue: ParkedQueue
  /** What the topics and the queue answer now. */
  answers: { topic: (topic: string, page: IncidentPage) => Delivery; queue: Delivery }
  notice: Delivery
  now: number
}

function stage(topics: readonly string[] = [TOPIC]): Stage {
  const documents = new Map<string, VersionedDocument>()
  const published: (readonly [string, string])[] = []
  const parked: ParkedPage[] = []
  const told: PageEvent[] = []
  let versions = 0
  let ids = 0
  const own: Stage = {
    documents,
    published,
    parked,
    told,
    answers: { topic: () => ({ kind: 'taken' }), queue: { kind: 'taken' } },
    notice: { kind: 'taken' },
    // Later than all looks: one that lies ahead counts as of now.
    now: START + 3_600_000,
    queue: {
      receive: async () => parked.map((one) => ({ receipt: JSON.stringify(one), body: JSON.stringify(one) })),
      remove: async (receipt) => {
        const at = parked.findIndex((one) => JSON.stringify(one) === receipt)
        if (at >= 0) parked.splice(at, 1)
      },
    },
    ports: {
      documents: {
        document: async (key) => documents.get(key) ?? null,
        putDocument: async (key, text, version) => {
          if ((documents.get(key)?.version ?? null) !== version) return false
          documents.set(key, { text, version: String((versions += 1)) })
          return true
        },
      },
      carrier: {
        publish: async (topic, page) => {
          const delivery = own.answers.topic(topic, page)
          if (delivery.kind === 'taken') published.push([topic, page.id])
          return delivery
        },
        park: async (one) => {
          if (own.answers.queue.kind === 'taken') parked.push(one)
          return own.answers.queue
        },
        notify: async ({ topic, watch }) => {
          if (own.notice.kind === 'taken') published.push([topic, watch])
          return own.notice
        },
      },
      topics,
      clock: () => own.now,
      sleep: async () => undefined,
      random: () => 0,
      newId: () => `run-${(ids += 1)}`,
      tell: (event) => void told.push(event),
    },
  }
  return own
}

function looked(findings: readonly Finding[], afterMs: number): IncidentNews {
  const look: IncidentLook = lookOfWatchEnd(
    reportOf(findings, { startedAt: new Date(START + afterMs).toISOString(), durationMs: 0 }),
    '2026-11-22T09:59:00.000Z',
  )
  return { kind: 'looked', look }
}

const outbox = (own: Stage) => parseDocument(own.documents.get(KEY)?.text ?? '')?.outbox

test('a page is sent once, and is out of the outbox', async () => {
  const own = stage()
  const outcome = await recordIncident(own.ports, ABOUT, looked([V42], 0))
  expect(outcome).toMatchObject({ open: { kind: 'failure' }, waiting: 0 })
  expect(own.published.map(([, id]) => id)).toEqual(outcome.decided)
  expect(outbox(own)).toEqual([])
  await recordIncident(own.ports, ABOUT, looked([V42], 0))
  await sendPages(own.ports, ABOUT)
  expect(own.published).toHaveLength(1)
})

test('every topic gets it, and one that fails keeps the others from nothing', async () => {
  const own = stage(['a', 'b', 'c'])
  own.answers.topic = (topic) => (topic === 'b' ? DOWN : { kind: 'taken' })
  expect((await recordIncident(own.ports, ABOUT, looked([V42], 0))).waiting).toBe(1)
  expect(own.published.map(([topic]) => topic)).toEqual(['a', 'c'])
  expect(own.parked.map(({ topic }) => topic)).toEqual(['b'])
  own.answers.topic = () => ({ kind: 'taken' })
  expect(await sendPages(own.ports, ABOUT)).toBe(0)
  expect(own.published.map(([topic]) => topic)).toEqual(['a', 'c', 'b'])
})

test('what cannot be sent is parked once, and sent by the next run, in order', async () => {
  const own = stage()
  own.answers.topic = () => DOWN
  await recordIncident(own.ports, ABOUT, looked([V42], 0))
  own.now += 60_000
  await recordIncident(own.ports, ABOUT, looked([], 60_000))
  expect(own.parked.map(({ page }) => page.kind)).toEqual(['opened', 'resolved'])
  own.now += 60_000
  await recordIncident(own.ports, ABOUT, { kind: 'passed' })
  expect(own.parked).toHaveLength(2)
  own.answers.topic = () => ({ kind: 'taken' })
  await recordIncident(own.ports, ABOUT, { kind: 'passed' })
  expect(own.published.map(([, id]) => id.split('/').at(-1))).toEqual(['opened', 'resolved'])
})

test('a page is not overtaken by one that comes after it', async () => {
  const own = stage()
  own.answers.topic = (_topic, { kind }) => (kind === 'opened' ? DOWN : { kind: 'taken' })
  await recordIncident(own.ports, ABOUT, looked([V42], 0))
  await recordIncident(own.ports, ABOUT, looked([], 60_000))
  expect(own.published).toEqual([])
})

test('where neither topic nor queue takes it, it waits, and that is told', async () => {
  const own = stage()
  own.answers = { topic: () => DOWN, queue: DOWN }
  expect((await recordIncident(own.ports, ABOUT, looked([V42], 0))).waiting).toBe(1)
  expect(own.told.map(({ kind }) => kind)).toEqual(['failed', 'stuck'])
  own.answers.queue = { kind: 'taken' }
  await sendPages(own.ports, ABOUT)
  expect(own.parked).toHaveLength(1)
})

test('a page that somebody else is sending is left to them, until they must have died', async () => {
  const own = stage()
  const hanging: IncidentPorts = {
    ...own.ports,
    carrier: { ...own.ports.carrier, publish: () => new Promise(() => undefined) },
  }
  void recordIncident(hanging, ABOUT, looked([V42], 0))
  await new Promise((resolve) => setImmediate(resolve))
  expect(await sendPages(own.ports, ABOUT)).toBe(1)
  expect(own.published).toEqual([])
  own.now += 60_001
  expect(await sendPages(own.ports, ABOUT)).toBe(0)
  expect(own.published).toHaveLength(1)
})

test('state that cannot be written is an error, and nothing is sent', async () => {
  const own = stage()
  const broken: IncidentPorts = {
    ...own.ports,
    documents: { ...own.ports.documents, putDocument: () => Promise.reject(new Error('table gone')) },
  }
  await expect(recordIncident(broken, ABOUT, looked([V42], 0))).rejects.toThrow('table gone')
  const racing: IncidentPorts = {
    ...own.ports,
    documents: { ...own.ports.documents, putDocument: async () => false },
  }
  await expect(recordIncident(racing, ABOUT, looked([V42], 0))).rejects.toThrow('others wrote it each of 20 times')
  expect(own.published).toEqual([])
})

test('a document that cannot be read begins anew, and that is told', async () => {
  const own = stage()
  own.documents.set(KEY, { text: '{"schema":"of another time"}', version: '0' })
  await recordIncident(own.ports, ABOUT, looked([V42], 0))
  expect(own.told[0]).toEqual({ kind: 'unreadable', what: KEY })
  expect(own.published).toHaveLength(1)
})

test('where nobody is to be paged, that is told', async () => {
  const own = stage([])
  const outcome = await recordIncident(own.ports, ABOUT, looked([V42], 0))
  expect(outcome.waiting).toBe(0)
  expect(own.told).toEqual([{ kind: 'no-topic', page: outcome.decided[0] }])
})

test('services and environments do not meet in one document', () => {
  expect(incidentKey('a/b', 'c')).not.toBe(incidentKey('a', 'b/c'))
})

describe('the redrive', () => {
  async function parkedStage(): Promise<Stage> {
    const own = stage()
    own.answers.topic = () => DOWN
    await recordIncident(own.ports, ABOUT, looked([V42], 0))
    await recordIncident(own.ports, ABOUT, looked([], 60_000))
    return own
  }

  test('sends what is parked, in order, and empties the queue', async () => {
    const own = await parkedStage()
    own.answers.topic = () => ({ kind: 'taken' })
    expect((await redrivePages(own.ports, own.queue)).left).toBe(0)
    expect(own.published.map(([, id]) => id.split('/').at(-1))).toEqual(['opened', 'resolved'])
    expect(own.parked).toEqual([])
  })

  test('leaves what cannot be sent yet', async () => {
    const own = await parkedStage()
    expect(await redrivePages(own.ports, own.queue)).toEqual({ done: 0, left: 2 })
    expect(own.parked).toHaveLength(2)
  })

  test('does not send again what another run has sent since', async () => {
    const own = await parkedStage()
    own.answers.topic = () => ({ kind: 'taken' })
    await sendPages(own.ports, ABOUT)
    await redrivePages(own.ports, own.queue)
    expect(own.published).toHaveLength(2)
    expect(own.parked).toEqual([])
  })

  test('sends those that only the queue has any more: the outbox keeps twenty', async () => {
    const own = stage()
    own.answers.topic = () => DOWN
    for (let n = 0; n < 30; n += 1) await recordIncident(own.ports, ABOUT, looked(n % 2 === 0 ? [V42] : [], n * 1_000))
    expect(own.parked).toHaveLength(30)
    expect(outbox(own)).toHaveLength(20)
    own.answers.topic = () => ({ kind: 'taken' })
    for (let n = 0; n < 3; n += 1) await redrivePages(own.ports, own.queue)
    expect(new Set(own.published.map(([, id]) => id)).size).toBe(30)
    expect(own.published).toHaveLength(30)
    expect(own.parked).toEqual([])
  })

  test('leaves a message that it cannot read, and says so', async () => {
    const own = stage()
    own.parked.push({ schema: 'something else' } as unknown as ParkedPage)
    expect(await redrivePages(own.ports, own.queue)).toEqual({ done: 0, left: 1 })
    expect(own.told).toEqual([{ kind: 'unreadable', what: 'a message of the dead-letter queue' }])
  })

  test('sends what the state machine parked: that nobody watches a deployment', async () => {
    const own = stage()
    const notice: ParkedNotice = {
      schema: 'deploywatch/parked-notice/1',
      topic: TOPIC,
      watch: 'codedeploy d-123',
      ...ABOUT,
      subject: 'UNSURE: a deployment is not watched',
      text: 'Nobody watches the deployment codedeploy d-123 of orders in production',
    }
    own.parked.push(notice as unknown as ParkedPage)
    own.notice = DOWN
    expect(await redrivePages(own.ports, own.queue)).toEqual({ done: 0, left: 1 })
    own.notice = { kind: 'taken' }
    expect(await redrivePages(own.ports, own.queue)).toEqual({ done: 1, left: 0 })
    expect(own.published).toEqual([[TOPIC, 'codedeploy d-123']])
    expect(own.parked).toEqual([])
  })

  test('sends a page of which no state is left', async () => {
    const own = await parkedStage()
    own.documents.clear()
    own.answers.topic = () => ({ kind: 'taken' })
    await redrivePages(own.ports, own.queue)
    expect(own.published).toHaveLength(2)
  })
})

test('the document stays within what a table takes, however long the findings are', async () => {
  const own = stage()
  own.answers = { topic: () => DOWN, queue: DOWN }
  const long = '記'.repeat(2_000)
  const root = (n: number): Finding => ({
    ...V42,
    subject: `V${n}`,
    expected: long,
    found: long,
    causes: [{ text: long, evidence: long }],
    consequences: Array.from({ length: 9 }, () => long),
  })
  for (let n = 0; n < 20; n += 1)
    await recordIncident(own.ports, ABOUT, looked(n % 2 === 0 ? [root(1), root(2), root(3)] : [], n * 1_000))
  const text = own.documents.get(KEY)?.text ?? ''
  expect(outbox(own)).toHaveLength(20)
  expect(Buffer.byteLength(text)).toBeLessThan(400_000)
  expect(writeDocument(parseDocument(text)!)).toBe(text)
})
