/**
 * Which watch looks at an environment now: one small document that each step keeps. A watch that a gate began looks at what is
 * not deployed yet, and ends when the deployment's own begins.
 */
import * as z from 'zod'
import type { Documents } from '../stores/documents.ts'
import type { WindowOrder } from './window.ts'

const schema = z.lazy(() =>
  z.object({
    schema: z.literal('deploywatch/open-watch/1'),
    watch: z.string(),
    deployedAt: z.string(),
    /** ISO 8601, UTC: it has ended by then, whatever became of it. */
    until: z.string(),
  }),
)

type OpenWatch = z.output<typeof schema>

const RACES_MOST = 5

function keyOf({ service, environment }: WindowOrder): string {
  return `open watch ${service} ${environment}`
}

/**
 * Says that this watch is open, unless a newer one is. Answers the one that is then: this one, or the newer.
 *
 * @throws {Error} the documents are written by others again and again: the step is to be taken again
 */
export async function noteWatch(documents: Documents, order: WindowOrder, now: number): Promise<OpenWatch> {
  const own: OpenWatch = {
    schema: 'deploywatch/open-watch/1',
    watch: order.watch,
    deployedAt: order.deployedAt,
    until: new Date(now + order.plan.forMs + 2 * order.plan.deadlineMs).toISOString(),
  }
  for (let race = 0; race < RACES_MOST; race += 1) {
    const { open, version } = await read(documents, order, now)
    const stays = open !== null && (open.watch === order.watch || !isBefore(open.deployedAt, order.deployedAt))
    if (stays) return open
    if (await documents.putDocument(keyOf(order), JSON.stringify(own), version, own.until)) return own
  }
  throw new Error(`which watch is open in ${order.environment} was written by others ${RACES_MOST} times in a row`)
}

/** The watch that takes the place of one that a gate began; null: none does. */
export function successorOf(order: WindowOrder, open: OpenWatch): string | null {
  return open.watch !== order.watch && isBefore(order.deployedAt, open.deployedAt) ? open.watch : null
}

async function read(
  documents: Documents,
  of: WindowOrder,
  now: number,
): Promise<{ readonly open: OpenWatch | null; readonly version: string | null }> {
  const found = await documents.document(keyOf(of))
  const parsed = found === null ? null : schema.safeParse(jsonOf(found.text))
  const open = parsed?.success === true && Date.parse(parsed.data.until) > now ? parsed.data : null
  return { open, version: found?.version ?? null }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isBefore(a: string, b: string): boolean {
  return Date.parse(a) < Date.parse(b)
}
