/** A look asked for across a function's border: the order is judged where it arrives, and the answer fits what Lambda takes. */
import * as z from 'zod'
import type { Finding, Severity } from './core/finding.ts'
import type { LookAnswer, LookOrder } from './core/look-order.ts'
import { lazily } from './lazily.ts'

/** How a message names a release. */
export const orderReference = z.lazy(() =>
  z.discriminatedUnion('by', [
    z.object({ by: z.literal('digest'), digest: z.string().min(1) }),
    z.object({ by: z.literal('version'), version: z.string().min(1) }),
    z.object({ by: z.literal('commit'), commit: z.string().min(1) }),
    z.object({ by: z.literal('label'), label: z.string().min(1) }),
    z.object({ by: z.literal('running') }),
  ]),
)

const order = lazily(() =>
  z.object({
    service: z.string().min(1),
    environment: z.string().min(1),
    release: orderReference,
    deployed: z.boolean(),
    deadlineMs: z.number().positive(),
  }),
)

/** @throws {Error} it is none: the message says what is wrong with it. */
export function parseOrder(value: unknown): LookOrder {
  const parsed = order().safeParse(value)
  if (parsed.success) return parsed.data
  throw new Error(`this is no order for a look: ${issuesOf(parsed.error)}`)
}

export function issuesOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}

/** Lambda answers 6 MB at most; the whole report is in the store. */
export const ANSWER_BYTES = 5_000_000

const RANK: Readonly<Record<Severity, number>> = { error: 0, unsure: 1, warning: 2, info: 3 }

/** An answer that is too long would be lost, and a fail with it: the findings that weigh most stay, and a note says so. */
export function fitAnswer(answer: LookAnswer, maxBytes: number = ANSWER_BYTES): LookAnswer {
  if (bytesOf(answer) <= maxBytes) return answer
  const sorted = answer.report.findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
  let [fits, tooMany] = [0, sorted.length + 1]
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2)
    if (bytesOf(cutTo(answer, sorted, middle)) <= maxBytes) fits = middle
    else tooMany = middle
  }
  return cutTo(answer, sorted, Math.max(1, fits))
}

function cutTo({ report, proceed }: LookAnswer, sorted: readonly Finding[], count: number): LookAnswer {
  const left = sorted.length - count
  const findings = sorted
    .slice(0, count)
    .map((finding) => ({ ...finding, consequences: finding.consequences.slice(0, 20) }))
  const notes = [...report.notes, `${left} more findings, and consequences beyond 20, are in the store's report only`]
  return { report: { ...report, findings, notes }, proceed }
}

function bytesOf(answer: LookAnswer): number {
  return Buffer.byteLength(JSON.stringify(answer))
}
