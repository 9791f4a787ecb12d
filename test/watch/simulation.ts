/** A watch of a made-up world on virtual time, and what really happened in it. */
import { couldNotLook } from '../../functions/core/could-not-look.ts'
import type { FindingCode } from '../../functions/core/finding.ts'
import { finding } from '../../functions/core/finding.ts'
import type { CheckOutcome, Report } from '../../functions/core/report.ts'
import { verdictOf } from '../../functions/core/verdict.ts'
import type { Sample } from '../../functions/core/baseline.ts'
import { watch } from '../../functions/watch.ts'
import type { WatchInput, WatchSummary } from '../../functions/watch.ts'
import { virtualTime } from './virtual-time.ts'
import type { VirtualTime } from './virtual-time.ts'

export const REQUIRED = ['ledger', 'schema', 'queries', 'endpoints']
const RELEASE = { version: '1.42.0', commit: '9f1c2ab' }

/** What one attempt to look meets. */
export type Fault =
  | { readonly kind: 'fine' }
  | { readonly kind: 'error'; readonly code: FindingCode; readonly subject: string }
  | { readonly kind: 'throws' }
  | { readonly kind: 'hangs' }
  | { readonly kind: 'too-late' }
  | { readonly kind: 'old-revision' }
  | { readonly kind: 'skips'; readonly check: string }
  | { readonly kind: 'forgets'; readonly check: string }
  | { readonly kind: 'blind' }
  | { readonly kind: 'release-unknown' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'contradicts-itself' }

export const CHECK_OF: Readonly<Record<string, string>> = {
  'endpoint-failed': 'endpoints',
  'query-broken': 'queries',
  'column-missing': 'schema',
  'migration-missing': 'ledger',
}

/** The report that such a look gives; null: it gives none. */
export function reportOf(fault: Fault): Report | null {
  const passing = REQUIRED.map((name): CheckOutcome => ({ name, outcome: 'pass', durationMs: 1 }))
  const with_ = (check: string, outcome: CheckOutcome['outcome']): readonly CheckOutcome[] =>
    passing.map((entry) => (entry.name === check ? { ...entry, outcome } : entry))
  switch (fault.kind) {
    case 'fine':
      return report(passing, [])
    case 'error': {
      const error = finding({ code: fault.code, subject: fault.subject, expected: 'it is well', found: 'it is not' })
      return report(with_(CHECK_OF[fault.code] ?? '', 'fail'), [error])
    }
    case 'old-revision': {
      const old = finding({ code: 'revision-mismatch', subject: 'page', expected: '1.42.0', found: '1.41.0' })
      return report(with_('endpoints', 'unsure'), [old])
    }
    case 'skips':
      return report(with_(fault.check, 'skipped'), [])
    case 'forgets':
      return report(
        passing.filter(({ name }) => name !== fault.check),
        [],
      )
    case 'blind': {
      const blind = couldNotLook('database-unreachable', { environment: 'production', subject: 'orders', detail: 'no' })
      return report(
        passing.map((entry) => ({ ...entry, outcome: 'unsure' })),
        [blind],
      )
    }
    case 'release-unknown': {
      const context = { environment: 'production', subject: 'orders', detail: 'no release was published with it' }
      return report([], [couldNotLook('release-unknown', context)])
    }
    case 'nothing':
      return report([], [])
    case 'contradicts-itself':
      return { ...report(with_('schema', 'fail'), []), verdict: 'pass' }
    case 'throws':
    case 'hangs':
    case 'too-late':
      return null
  }
}

function report(checks: readonly CheckOutcome[], findings: Report['findings']): Report {
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service: 'orders',
    environment: 'production',
    release: RELEASE,
    startedAt: '2026-11-22T10:00:00.000Z',
    durationMs: 5,
    checks,
    findings,
    database: null,
    notes: [],
  }
}

export interface World {
  readonly forMs: number
  readonly deadlineMs: number
  /** What each attempt meets; after the last one, the last again. */
  readonly faults: readonly Fault[]
  /** How long each attempt takes, in turns. */
  readonly durations?: readonly number[]
  readonly interruptAt?: number
  readonly changes?: Partial<WatchInput>
  readonly samples?: (at: number, attempt: number) => readonly Sample[]
  /** What the clock shows at a true time. */
  readonly skew?: (now: number) => number
}

export interface SeenAttempt {
  readonly fault: Fault
  /** Whether the watch got its answer. */
  readonly answered: boolean
}

export interface Happened {
  readonly summary: WatchSummary
  /** What really happened, a list a look; the last one may be cut by an interruption. */
  readonly looks: readonly { readonly beganAt: number; readonly attempts: readonly SeenAttempt[] }[]
  readonly took: number
}

const EPOCH = Date.parse('2026-11-22T10:00:00.000Z')

export async function simulate(world: World): Promise<Happened> {
  const time = virtualTime()
  const looks: { beganAt: number; attempts: SeenAttempt[] }[] = []
  const stop = new AbortController()
  if (world.interruptAt !== undefined) void time.sleep(world.interruptAt).then(() => stop.abort())
  let attempts = 0
  const input: WatchInput = {
    service: 'orders',
    environment: 'production',
    release: RELEASE,
    forMs: world.forMs,
    deadlineMs: world.deadlineMs,
    required: REQUIRED,
    look: async () => {
      const at = attempts
      attempts += 1
      const fault = world.faults[Math.min(at, world.faults.length - 1)] ?? { kind: 'fine' }
      const { durations = [20] } = world
      const seen = { fault, answered: false }
      looks.at(-1)?.attempts.push(seen)
      const answer = await meet(fault, durations[at % durations.length] ?? 20, world.deadlineMs, time)
      seen.answered = !abandoned.has(seen)
      return { report: answer, samples: world.samples?.(time.now(), at) ?? [] }
    },
    store: null,
    newer: async () => null,
    clock: () => EPOCH + (world.skew?.(time.now()) ?? time.now()),
    sleep: (ms, signal) => time.sleep(ms, signal),
    interrupted: stop.signal,
    tell: (event) => {
      if (event.kind === 'looking') looks.push({ beganAt: time.now(), attempts: [] })
      if (event.kind !== 'looking') abandon(looks.at(-1)?.attempts ?? [])
      // A second attempt that an interruption cut is none.
      if (event.kind === 'looked') looks.at(-1)?.attempts.splice(event.look.attempts.length)
    },
    ...world.changes,
  }
  const summary = await time.run(watch(input))
  return { summary, looks, took: time.now() }
}

/** What has not answered when the watch goes on is not heard any more. */
const abandoned = new WeakSet<SeenAttempt>()

function abandon(attempts: readonly SeenAttempt[]): void {
  for (const attempt of attempts) if (!attempt.answered) abandoned.add(attempt)
}

async function meet(fault: Fault, durationMs: number, deadlineMs: number, time: VirtualTime): Promise<Report> {
  if (fault.kind === 'hangs') return new Promise<never>(() => undefined)
  await time.sleep(fault.kind === 'too-late' ? deadlineMs + 1 + durationMs : durationMs)
  if (fault.kind === 'throws') throw new Error('connect postgres://u:hunter2@db/orders failed')
  return reportOf(fault) ?? reportOf({ kind: 'fine' }) ?? raise()
}

function raise(): never {
  throw new Error('a fine look has a report')
}
