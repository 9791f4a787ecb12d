/**
 * A watch as it is kept between two invocations: what was ordered, how far it is, and what was told of it. A function lives for
 * minutes, a window for an hour; in between only this document remembers.
 */
import * as z from 'zod'
import type { BaselineJudgement } from '../core/baseline.ts'
import type { Finding } from '../core/finding.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { Report } from '../core/report.ts'
import type { WatchPlan, WatchState } from '../core/watch.ts'
import type { WatchEnd } from '../core/watch-summary.ts'
import { WATCH_BEGINS } from '../core/watch.ts'
import { orderReference } from '../look-messages.ts'
import { findingSchema } from '../outputs/report-schema.ts'

/** A watch of one deployment, as it was ordered. */
export interface WindowOrder {
  /** The deployment's identity: one watch each. */
  readonly watch: string
  readonly service: string
  readonly environment: string
  readonly release: ReleaseReference
  /** `release-unknown`, as who ordered the watch found it: what was deployed, and how it becomes known; null: it is known. */
  readonly releaseUnknown: Finding | null
  /** When its code went live, as the deployment says: ISO 8601, UTC. */
  readonly deployedAt: string
  /** false: a gate began it, and the new code is about to be deployed: endpoints are not judged. */
  readonly deployed: boolean
  readonly plan: WatchPlan
}

/** The document. Times are milliseconds since the watch began, as the watch counts them. */
export interface Window {
  readonly schema: typeof WINDOW_SCHEMA
  readonly order: WindowOrder
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly state: WatchState
  readonly elapsedMs: number
  /** Milliseconds since 1970, when `elapsedMs` was true. */
  readonly clockMs: number
  /** The look that comes next; null: it is over. */
  readonly next: { readonly atMs: number; readonly why: 'schedule' | 'confirm' | 'overtime' } | null
  /** Invocations in a row that came before it was time. */
  readonly early: number
  /** The number of the first look that said pass or fail; null: none did yet. */
  readonly firstVerdict: number | null
  /** It ended because something newer was deployed. */
  readonly superseded: boolean
  /** The window's report, once it is over. */
  readonly report: Report | null
  /** How it ended, and which durations differ from before; null: it goes on. */
  readonly end: { readonly how: WatchEnd; readonly durations: readonly BaselineJudgement[] } | null
  /** What is still to be told, in case that whoever told it did not come back: the same news twice are one. */
  readonly news: 'looked' | 'over' | null
}

export const WINDOW_SCHEMA = 'deploywatch/watch/1'

/** What starts an execution; a longer window than a day is a mistake. */
export const windowOrderSchema = z.lazy(() =>
  z.object({
    watch: z.string().min(1).max(512),
    service: z.string().min(1),
    environment: z.string().min(1),
    release: orderReference,
    releaseUnknown: findingSchema.nullable().default(null),
    deployedAt: z.string().refine((text) => Number.isFinite(Date.parse(text)), 'no such time'),
    deployed: z.boolean().default(true),
    plan: z.object({
      forMs: z.number().int().min(0).max(86_400_000),
      deadlineMs: z.number().int().min(1_000).max(840_000),
      required: z.array(z.string().min(1)).min(1),
    }),
  }),
)

const envelope = z.lazy(() => z.object({ schema: z.literal(WINDOW_SCHEMA), order: windowOrderSchema }))

/** Ours alone writes it, so that only its version is looked at. null: it is none, or of another version. */
export function parseWindow(text: string): Window | null {
  try {
    const value: unknown = JSON.parse(text)
    const parsed = envelope.safeParse(value)
    if (!parsed.success) return null
    const window = value as Window
    // A watch that began before there was any history goes on.
    return { ...window, end: window.end ?? null, state: { ...WATCH_BEGINS, ...window.state }, order: parsed.data.order }
  } catch {
    return null
  }
}

/** A document holds 400 KB; with so many findings and consequences of each kept, a watch's stays below. */
const FINDINGS_KEPT = 60
const CONSEQUENCES_KEPT = 40

/** Errors first, then what is unsure: what is left out changes no verdict, and a note says how many there were. */
export function trimmed(report: Report): Report {
  const ranked = [...report.findings].sort((a, b) => RANK.indexOf(a.severity) - RANK.indexOf(b.severity))
  const kept = ranked
    .slice(0, FINDINGS_KEPT)
    .map((finding) => ({ ...finding, consequences: finding.consequences.slice(0, CONSEQUENCES_KEPT) }))
  const left = report.findings.length - kept.length
  const notes = left === 0 ? [] : [`${left} more findings are in the look's own report`]
  return { ...report, findings: kept, notes: [...report.notes.slice(0, FINDINGS_KEPT), ...notes] }
}

const RANK = ['error', 'unsure', 'warning', 'info'] as const
