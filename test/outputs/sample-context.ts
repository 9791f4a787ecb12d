/** What is known beside a report, hand-made, for the suites of its page. */
import { judgeBaseline } from '../../functions/core/baseline.ts'
import type { Sample } from '../../functions/core/baseline.ts'
import type { Comparison } from '../../functions/core/compare-environments.ts'
import { finding } from '../../functions/core/finding.ts'
import type { Timeline } from '../../functions/core/timeline.ts'
import type { ReportContext } from '../../functions/outputs/report-page.ts'
import { NO_CONTEXT } from '../../functions/outputs/report-page.ts'

const BEGAN = '2026-11-22T10:00:00.000Z'
const V42 = 'V42__add_status_note.sql'

const at = (seconds: number): string => new Date(Date.parse(BEGAN) + seconds * 1_000).toISOString()

const days = (count: number): string => at(-count * 86_400)

/** Four migrations, the newest of which only staging has. */
export const COMPARISON: Comparison = {
  schema: 'deploywatch/comparison/1',
  service: 'orders',
  release: { version: '1.42.0', commit: '9f1c2ab' },
  comparedAt: BEGAN,
  environments: ['staging', 'production'],
  sources: {
    staging: { from: 'evidence', seenAt: at(-7_200), server: { engine: 'postgres', version: '15.18' }, why: null },
    production: { from: 'database', seenAt: BEGAN, server: { engine: 'postgres', version: '15.18' }, why: null },
  },
  migrations: [
    row('V39__orders_total.sql', [days(43), 6], [days(42), 9]),
    row('V40__orders_by_customer.sql', [days(39), 1_200], [days(38), 12_800]),
    row('V41__customers.sql', [days(35), 18], [days(34), 22]),
    row(V42, [days(21), 18_000], null),
  ],
  objects: [
    {
      code: 'column-missing',
      subject: 'orders.status_note',
      migration: V42,
      found: { staging: null, production: 'there is no such column' },
    },
  ],
  findings: [
    finding({
      code: 'environment-behind',
      subject: V42,
      expected: `production has ${V42}, as staging does`,
      found: 'staging 21 days ago, production never',
      nextSteps: [{ text: 'see what stands in its way', command: 'npx deploywatch check --env production' }],
    }),
  ],
}

type Ran = readonly [at: string, tookMs: number]

function row(subject: string, staging: Ran, production: Ran | null): Comparison['migrations'][number] {
  const applied = ([since, tookMs]: Ran) => ({ state: 'applied', at: since, tookMs }) as const
  const missing = { state: 'missing', at: null, tookMs: null } as const
  return {
    subject,
    states: { staging: applied(staging), production: production === null ? missing : applied(production) },
  }
}

/** A watch that found it, paged, and saw it mended. */
export const TIMELINE: Timeline = {
  startedAt: BEGAN,
  forMs: 900_000,
  forgotten: 0,
  events: [
    { kind: 'deployed', at: at(-30), release: { version: '1.42.0', commit: '9f1c2ab' } },
    looks([0], { outcome: 'unsure', why: 'it had not ended after 30000 ms' }),
    looks([10, 15], {
      outcome: 'fail',
      found: ['endpoint-failed order-page', `migration-missing ${V42}`],
      foundCount: 3,
    }),
    { kind: 'page', page: 'opened', about: 'failure', at: at(16), key: `migration-missing ${V42}`, rootCount: 1 },
    looks([20, 40, 80, 140, 200], { outcome: 'fail', found: [`migration-missing ${V42}`], foundCount: 1 }),
    looks([260, 320, 380, 440, 500, 560, 620, 680, 740, 800, 860, 900], { outcome: 'verified' }),
    { kind: 'page', page: 'resolved', about: 'failure', at: at(321), key: `migration-missing ${V42}`, rootCount: 1 },
    { kind: 'ended', at: at(901), how: { kind: 'window' }, verdict: 'pass' },
  ],
}

type Looks = Extract<Timeline['events'][number], { kind: 'looks' }>

function looks(seconds: readonly number[], own: Partial<Looks> & Pick<Looks, 'outcome'>): Looks {
  const times = seconds.map(at)
  return { kind: 'looks', at: times[0] ?? BEGAN, times, found: [], foundCount: 0, why: null, ...own }
}

function samples(name: string, check: Sample['check'], durations: readonly number[]): readonly Sample[] {
  const own = { check, name, rows: 5, resumed: false, revision: null }
  return durations.map((durationMs, nth) => ({ ...own, durationMs, at: at(nth) }))
}

const around = (middle: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, nth) => middle + (((nth * 37) % 19) - 9) * (middle / 30))

/** One that became slower, one that did not, and one of which there are too few samples. */
export const DURATIONS = judgeBaseline(
  [
    ...samples('recent-order-updates', 'query', around(42, 60)),
    ...samples('order-page', 'endpoint', [...around(120, 40), 900]),
    ...samples('customers', 'query', [4, 5]),
  ],
  [
    ...samples('recent-order-updates', 'query', around(260, 14)),
    ...samples('order-page', 'endpoint', around(118, 14)),
    ...samples('customers', 'query', [5]),
  ],
)

export const OF_LOOK: ReportContext = { ...NO_CONTEXT, comparison: COMPARISON }
export const OF_WATCH: ReportContext = { comparison: COMPARISON, timeline: TIMELINE, durations: DURATIONS }
