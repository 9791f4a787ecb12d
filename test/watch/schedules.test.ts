/** Fault schedules that fast-check draws: whatever happens, an unverified release does not pass. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FindingCode } from '../../functions/core/finding.ts'
import { lookTimes } from '../../functions/core/watch-schedule.ts'
import { reportSchema } from '../../functions/outputs/report-schema.ts'
import type { Fault, Happened, SeenAttempt } from './simulation.ts'
import { CHECK_OF, REQUIRED, reportOf, simulate } from './simulation.ts'

const error: fc.Arbitrary<Fault> = fc
  .constantFrom<readonly [FindingCode, string]>(
    ['endpoint-failed', 'page'],
    ['endpoint-failed', 'cart'],
    ['query-broken', 'recent'],
    ['column-missing', 'orders.note'],
    ['migration-missing', 'V42'],
  )
  .map(([code, subject]) => ({ kind: 'error', code, subject }))

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>({ kind: 'fine' }) },
  { weight: 5, arbitrary: error },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fault>(
      { kind: 'throws' },
      { kind: 'hangs' },
      { kind: 'too-late' },
      { kind: 'old-revision' },
      { kind: 'blind' },
      { kind: 'nothing' },
      { kind: 'contradicts-itself' },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('skips' as const, 'forgets' as const),
      check: fc.constantFrom(...REQUIRED),
    }),
  },
)

/** Runs of the same fault, as outages are, after which the last one lasts. */
const faults = fc
  .array(fc.tuple(fault, fc.integer({ min: 1, max: 6 })), { maxLength: 10 })
  .chain((runs) => fault.map((last) => [...runs.flatMap(([one, times]) => Array<Fault>(times).fill(one)), last]))

const world = fc.record({
  forMs: fc.oneof(fc.integer({ min: 1, max: 30_000 }), fc.constantFrom(3_000, 60_000, 300_000, 900_000, 3_600_000)),
  deadlineMs: fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constantFrom(30_000, 120_000)),
  faults,
  durations: fc.array(fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 40_000 })), {
    minLength: 1,
    maxLength: 5,
  }),
})

const sawAll = ({ fault, answered }: SeenAttempt): boolean => answered && fault.kind === 'fine'
const keyOf = (fault: Fault): string | null => (fault.kind === 'error' ? `${fault.code} ${fault.subject}` : null)
const found = ({ fault, answered }: SeenAttempt): string | null => (answered ? keyOf(fault) : null)

/** Looks that ended: one that an interruption cut is none. */
const ended = ({ looks, summary }: Happened) => looks.slice(0, summary.looks)

function expectNoFalsePass({ summary, looks, ...rest }: Happened): void {
  if (summary.report.verdict !== 'pass') return
  const [before, last] = ended({ summary, looks, ...rest }).slice(-2)
  expect(before?.attempts.some(sawAll), 'the last but one look verified everything').toBe(true)
  expect(last?.attempts.at(-1), 'the last look verified everything').toSatisfy(sawAll)
}

/** The keys that a look ends with, and those that it leaves no doubt to be gone. */
function outcomeOf(attempts: readonly SeenAttempt[], key: string): 'there' | 'gone' | 'unknown' {
  const last = attempts.at(-1)
  if (last === undefined) return 'unknown'
  if (found(last) === key) return 'there'
  const report = last.answered ? reportOf(last.fault) : null
  const check = CHECK_OF[key.split(' ')[0] ?? '']
  const passed = report?.checks.some(({ name, outcome }) => name === check && outcome === 'pass') === true
  const failedOtherwise = last.answered && last.fault.kind === 'error' && CHECK_OF[last.fault.code] === check
  if (passed || failedOtherwise) return 'gone'
  return attempts.some((attempt) => found(attempt) === key) ? 'there' : 'unknown'
}

/** What any judge would call a confirmed failure: two looks, with none that saw it gone between them. */
function expectNoFailureLost(happened: Happened): void {
  const { report } = happened.summary
  const looks = ended(happened)
  const keys = new Set(looks.flatMap(({ attempts }) => attempts.flatMap((attempt) => found(attempt) ?? [])))
  for (const key of keys) {
    const outcomes = looks.map(({ attempts }) => outcomeOf(attempts, key)).filter((outcome) => outcome !== 'unknown')
    const confirmedAt = outcomes.findIndex((outcome, at) => outcome === 'there' && outcomes[at - 1] === 'there')
    const listed = report.findings.some(({ code, subject }) => `${code} ${subject}` === key)
    if (confirmedAt < 0) continue
    const tail = outcomes.slice(confirmedAt)
    const healed = tail.slice(-2).every((outcome) => outcome === 'gone') && tail.length > 2
    expect(listed || healed, `${key} is open: ${outcomes.join(' ')}`).toBe(true)
    if (listed) expect(report.verdict).toBe('fail')
    expect(
      report.notes.some((note) => note.startsWith(`${key} was first found`)),
      `${key} is in the notes`,
    ).toBe(true)
  }
}

/** An error in the report came up in two attempts at least; suspicion alone is no failure, and no pass either. */
function expectOnlyConfirmedFailures(happened: Happened): void {
  const { report } = happened.summary
  const attempts = ended(happened).flatMap((look) => look.attempts)
  for (const { code, subject, severity } of report.findings) {
    if (severity !== 'error') continue
    const times = attempts.filter((attempt) => found(attempt) === `${code} ${subject}`).length
    expect(times, `${code} ${subject} was seen so often`).toBeGreaterThanOrEqual(2)
  }
}

/** Every scheduled look, two more to confirm after each, and two after the end. */
function expectBounded(happened: Happened, forMs: number): void {
  expect(happened.looks.length).toBeLessThanOrEqual(3 * lookTimes(forMs).length + 2)
  for (const look of happened.looks) expect(look.attempts.length).toBeLessThanOrEqual(2)
}

const RUNS = 2_000

describe('whatever happens while a release is watched', () => {
  test(
    'it passes only verified, no confirmed failure is lost, and the watch ends in time',
    { timeout: 120_000 },
    async () => {
      const verdicts = { pass: 0, fail: 0, unsure: 0 }
      await fc.assert(
        fc.asyncProperty(world, async (drawn) => {
          const happened = await simulate(drawn)
          verdicts[happened.summary.report.verdict] += 1
          expectNoFalsePass(happened)
          expectNoFailureLost(happened)
          expectOnlyConfirmedFailures(happened)
          expectBounded(happened, drawn.forMs)
          expect(happened.took).toBeLessThanOrEqual(drawn.forMs + drawn.deadlineMs + 1)
          expect(happened.took, 'never early').toBeGreaterThanOrEqual(drawn.forMs)
          reportSchema.parse(happened.summary.report)
        }),
        { numRuns: RUNS },
      )
      // The schedules must reach all three, or they would show nothing.
      for (const count of Object.values(verdicts)) expect(count).toBeGreaterThan(RUNS / 50)
    },
  )

  test('interrupted at any moment, it ends at once and is no better', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.integer({ min: 0, max: 900_000 }), async (drawn, interruptAt) => {
        const happened = await simulate({ ...drawn, interruptAt })
        expectNoFalsePass(happened)
        expectNoFailureLost(happened)
        expectOnlyConfirmedFailures(happened)
        if (happened.summary.end === 'interrupted') expect(happened.took).toBe(interruptAt)
        reportSchema.parse(happened.summary.report)
      }),
      { numRuns: 700 },
    )
  })

  test('a clock that is set back, leaps or stands still changes nothing of that', { timeout: 60_000 }, async () => {
    const skew = fc
      .array(fc.tuple(fc.integer({ min: 0, max: 900_000 }), fc.integer({ min: -7_200_000, max: 7_200_000 })), {
        maxLength: 4,
      })
      .map((leaps) => (now: number) => now + leaps.reduce((sum, [at, by]) => sum + (now >= at ? by : 0), 0))
    const clock = fc.oneof(
      skew,
      fc.constant(() => 0),
      fc.constant(() => Number.NaN),
      fc.constant((now: number) => -now),
    )
    await fc.assert(
      fc.asyncProperty(world, clock, async (drawn, skewed) => {
        const happened = await simulate({ ...drawn, skew: skewed })
        expectNoFalsePass(happened)
        expectNoFailureLost(happened)
        expectBounded(happened, drawn.forMs)
        // A leap counts for a second at most, for each of up to four.
        expect(happened.took).toBeGreaterThanOrEqual(drawn.forMs - leapAllowance(drawn.deadlineMs))
      }),
      { numRuns: 700 },
    )
  })
})

/** Of a leap during a look its deadline counts, since an answer cannot be told from a late one by the clock alone. */
function leapAllowance(deadlineMs: number): number {
  return 4 * (deadlineMs + 1_000)
}
