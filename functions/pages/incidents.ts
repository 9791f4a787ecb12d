/**
 * Incidents as they are kept and told. What was decided and the pages that say so are saved in one conditional write, before
 * anything is sent; a page is taken out only after a topic took it. So a crash at any point loses no page: whoever comes next
 * (the next look, the schedule, the redrive) sends what waits. A claim on the page keeps two of them from sending it at once; only
 * where the sender dies between SNS's answer and its own note, or no answer came, is a page sent again, under the same id.
 */
import type { Incident, IncidentEvent } from '../core/incident-state.ts'
import { nextIncident } from '../core/incident.ts'
import type { Documents } from '../stores/documents.ts'
import { backoffMs } from './aws-retry.ts'
import type { IncidentDocument, WaitingPage } from './incident-document.ts'
import { incidentKey, noDocument, parseDocument, writeDocument } from './incident-document.ts'
import type { Delivery, PageCarrier } from './send.ts'

export interface IncidentPorts {
  readonly documents: Documents
  readonly carrier: PageCarrier
  /** ARNs. */
  readonly topics: readonly string[]
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
  /** Of this run alone: `randomUUID`. */
  readonly newId: () => string
  /** For the log. No event holds a text of a page. */
  tell(event: PageEvent): void
}

export interface Subject {
  readonly service: string
  readonly environment: string
}

export type PageEvent =
  | { readonly kind: 'sent'; readonly page: string; readonly topic: string }
  | { readonly kind: 'failed'; readonly page: string; readonly topic: string; readonly why: string }
  | { readonly kind: 'parked'; readonly page: string; readonly topic: string }
  | { readonly kind: 'stuck'; readonly page: string; readonly topic: string; readonly why: string }
  | { readonly kind: 'no-topic'; readonly page: string }
  | { readonly kind: 'unreadable'; readonly what: string }

export interface IncidentOutcome {
  readonly open: Incident | null
  /** Ids of the pages that this event brought about. */
  readonly decided: readonly string[]
  /** Pages that are not sent yet, by whomever. */
  readonly waiting: number
}

type Told<E> = E extends IncidentEvent ? Omit<E, 'now'> : never

/** What happened, without its time. */
export type IncidentNews = Told<IncidentEvent>

/** How long a page belongs to whoever sends it: longer than all attempts to send it and to park it take. */
export const CLAIM_MS = 60_000
const ATTEMPTS = 4
/** More wait only where a topic is gone for good: then the dead-letter queue alone keeps the oldest. */
const MOST_WAITING = 20
/** A queue keeps them for 14 days at most, and then nobody has them. */
const MOST_HANDED_OVER = 500

/**
 * Applies the news, saves, and sends. Tell it again where it rejects, or where whoever told it died: what is known already changes
 * nothing, and what waits is sent.
 *
 * @throws {Error} the state could not be read or written
 */
export async function recordIncident(
  ports: IncidentPorts,
  about: Subject,
  news: IncidentNews,
): Promise<IncidentOutcome> {
  const { open, pages, waiting } = await change(ports, about, (document) => {
    const now = new Date(ports.clock()).toISOString()
    const { state, pages } = nextIncident(document.state, { ...news, now })
    const waiting = ports.topics.length === 0 ? [] : pages.map((page) => waitingPage(page, ports.topics))
    const next = handOver({ ...document, state, outbox: [...document.outbox, ...waiting] })
    return { next, value: { open: state.open, pages, waiting: next.outbox.length } }
  })
  if (ports.topics.length === 0) for (const { id } of pages) ports.tell({ kind: 'no-topic', page: id })
  const left = waiting === 0 ? 0 : await sendPages(ports, about)
  return { open, decided: pages.map(({ id }) => id), waiting: left }
}

function waitingPage(page: WaitingPage['page'], topics: readonly string[]): WaitingPage {
  return { page, topics: [...new Set(topics)], parkedAt: null, claim: null }
}

function handOver(document: IncidentDocument): IncidentDocument {
  const tooMany = document.outbox.length - MOST_WAITING
  if (tooMany <= 0) return document
  const given = new Set(document.outbox.filter(({ parkedAt }) => parkedAt !== null).slice(0, tooMany))
  const names = [...given].flatMap(({ page, topics }) => topics.map((topic) => `${page.id} ${topic}`))
  return {
    ...document,
    outbox: document.outbox.filter((waiting) => !given.has(waiting)),
    handedOver: [...document.handedOver, ...names].slice(-MOST_HANDED_OVER),
  }
}

/**
 * Sends what waits, in its order: a page goes to a topic only after those before it did, or could not. Also the retry
 * of what is parked, so that a topic that is well again is told without anybody's doing.
 *
 * @returns how many are left
 * @throws {Error} the state could not be read or written
 */
export async function sendPages(ports: IncidentPorts, about: Subject): Promise<number> {
  const by = ports.newId()
  const tried = new Set<string>()
  const failing = new Map<string, Delivery & { readonly kind: 'failed' }>()
  for (;;) {
    const { waiting, left } = await claimNext(ports, about, by, tried)
    if (waiting === null) return left
    tried.add(waiting.page.id)
    await sendOne(ports, about, waiting, by, failing)
  }
}

/** The next page that was not tried in this run; null: none, or another run is sending it. */
function claimNext(
  ports: IncidentPorts,
  about: Subject,
  by: string,
  tried: ReadonlySet<string>,
): Promise<{ readonly waiting: WaitingPage | null; readonly left: number }> {
  return change<{ readonly waiting: WaitingPage | null; readonly left: number }>(ports, about, (document) => {
    const now = ports.clock()
    const left = document.outbox.length
    const waiting = document.outbox.find(({ page }) => !tried.has(page.id)) ?? null
    const claim = waiting?.claim ?? null
    const busy = claim !== null && claim.by !== by && Date.parse(claim.until) > now
    if (waiting === null || busy) return { next: document, value: { waiting: null, left } }
    const claimed = { ...waiting, claim: { by, until: new Date(now + CLAIM_MS).toISOString() } }
    return { next: withWaiting(document, claimed), value: { waiting: claimed, left } }
  })
}

async function sendOne(
  ports: IncidentPorts,
  about: Subject,
  waiting: WaitingPage,
  by: string,
  failing: Map<string, Delivery & { readonly kind: 'failed' }>,
): Promise<void> {
  const { page, parkedAt } = waiting
  const refused: string[] = []
  for (const topic of waiting.topics) {
    // One attempt for what has had its four: a look must not wait for a topic that is gone.
    const delivery = failing.get(topic) ?? (await ports.carrier.publish(topic, page, parkedAt === null ? ATTEMPTS : 1))
    if (delivery.kind === 'taken') {
      ports.tell({ kind: 'sent', page: page.id, topic })
      await note(ports, about, page.id, by, (own) => ({ ...own, topics: own.topics.filter((one) => one !== topic) }))
    } else {
      failing.set(topic, delivery)
      refused.push(topic)
      ports.tell({ kind: 'failed', page: page.id, topic, why: delivery.why })
    }
  }
  if (refused.length === 0) return
  const parked = parkedAt ?? (await park(ports, page, refused, failing))
  await note(ports, about, page.id, null, (own) => ({ ...own, parkedAt: parked }))
}

/** When all of it was parked; null: it was not, and the next run tries to. */
async function park(
  ports: IncidentPorts,
  page: WaitingPage['page'],
  topics: readonly string[],
  failing: ReadonlyMap<string, { readonly why: string }>,
): Promise<string | null> {
  const parkedAt = new Date(ports.clock()).toISOString()
  let all = true
  for (const topic of topics) {
    const why = failing.get(topic)?.why ?? ''
    const delivery = await ports.carrier.park({ schema: 'deploywatch/parked-page/1', topic, page, why, parkedAt })
    if (delivery.kind === 'taken') ports.tell({ kind: 'parked', page: page.id, topic })
    else ports.tell({ kind: 'stuck', page: page.id, topic, why: delivery.why })
    all &&= delivery.kind === 'taken'
  }
  return all ? parkedAt : null
}

/** Notes what became of a page. `by`: who goes on with it, with a claim that begins anew; null: nobody. */
async function note(
  ports: IncidentPorts,
  about: Subject,
  id: string,
  by: string | null,
  update: (waiting: WaitingPage) => WaitingPage,
): Promise<void> {
  await change(ports, about, (document) => {
    const waiting = document.outbox.find(({ page }) => page.id === id)
    if (waiting === undefined) return { next: document, value: null }
    const claim = by === null ? null : { by, until: new Date(ports.clock() + CLAIM_MS).toISOString() }
    const updated = { ...update(waiting), claim }
    const next =
      updated.topics.length > 0
        ? withWaiting(document, updated)
        : { ...document, outbox: document.outbox.filter((one) => one !== waiting) }
    return { next, value: null }
  })
}

function withWaiting(document: IncidentDocument, waiting: WaitingPage): IncidentDocument {
  return { ...document, outbox: document.outbox.map((one) => (one.page.id === waiting.page.id ? waiting : one)) }
}

const MOST_RACES = 20
const MOST_FAILURES = 4

/**
 * Reads, changes, and writes if nobody else has meanwhile; else again. The change may be made twice (a write whose answer got lost), so
 * that making it again must change nothing.
 *
 * @throws {Error} it could not be read or written
 */
export async function change<T>(
  ports: Pick<IncidentPorts, 'documents' | 'sleep' | 'random' | 'tell'>,
  about: Subject,
  make: (document: IncidentDocument) => { readonly next: IncidentDocument; readonly value: T },
): Promise<T> {
  const key = incidentKey(about.service, about.environment)
  let failures = 0
  for (let races = 1; ; races += 1) {
    try {
      const stored = await ports.documents.document(key)
      const found = stored === null ? null : parseDocument(stored.text)
      // Better a page twice than never one again.
      if (stored !== null && found === null) ports.tell({ kind: 'unreadable', what: key })
      const before = found ?? noDocument(about.service, about.environment)
      const { next, value } = make(before)
      if (next === before) return value
      const text = writeDocument(next)
      if (text === stored?.text) return value
      if (await ports.documents.putDocument(key, text, stored?.version ?? null, null)) return value
    } catch (error) {
      failures += 1
      if (failures >= MOST_FAILURES) throw error
    }
    if (races >= MOST_RACES) {
      throw new Error(`${key}: others wrote it each of ${MOST_RACES} times: tell the same again`)
    }
    await ports.sleep(backoffMs(Math.min(races, 4), ports.random()))
  }
}
