import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CLASS_RULES } from '../../functions/core/estimate-classes.ts'
import type { ScalingClass } from '../../functions/core/estimate-classes.ts'
import { estimateMissing, sumOf } from '../../functions/core/estimate.ts'
import { durationRangeText } from '../../functions/core/duration-text.ts'
import { effect, migration } from './builders.ts'
import { cost, estimate, measured, NOW, target, volume } from './estimate-world.ts'

const parameters = { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 200) }
const CLASSES = Object.keys(CLASS_RULES) as ScalingClass[]

describe('a range', () => {
  test('of 41 s on 2.1 million rows, for an index on 21.4 million: 3 to 14 minutes, with all that it rests on', () => {
    const activity = {
      transactions: [
        { pid: '4711', role: 'app', application: 'psql', state: 'idle in transaction', sinceMs: 240_000, locks: [] },
      ],
      hidden: 0,
      active: 1,
    }
    const here = target([volume(21_400_000)], { activity, cache: { sharedBuffersBytes: 128e6, cacheBytes: null } })
    const {
      estimate: range,
      reckoned,
      notInCacheMs,
    } = estimate([cost('index')], [measured(41_000, [volume(2_100_000)])], here)
    expect(range).toEqual({
      class: 'index',
      lowMs: 188_014,
      highMs: 835_619,
      multiplier: 10.2,
      basis:
        'staging took 41 s with 2.1 million rows and 265 MB in orders, production has 21.4 million rows (× 10.2, by statistics of 3 hours ago) and 2.7 GB (× 10.2); building an index follows the rows: × 0.45 to 2',
      beside: [
        'locks: SHARE on orders: writes wait meanwhile, reads go on',
        'lock wait: not in it; nobody is in its way just now, the oldest open transaction is 4 min old',
        'not in cache: up to 15 min, where the tables have to be read from storage at 125 MB/s (assumed, as nobody told its speed)',
      ],
    })
    expect(durationRangeText(range?.lowMs ?? 0, range?.highMs ?? 0)).toBe('3.1 min to 14 min')
    expect(reckoned).toMatchObject({ measuredIn: 'staging', alone: true })
    // Three times over 2.7 GB.
    expect(notInCacheMs).toBe(835_619 + Math.round((3 * 21_400_000 * 126) / 125_000))
  })

  test.each([
    ['scan', 10, 0.5, 20, 1.5, 20],
    ['foreign-key', 10, 0.6, 10, 3, 10],
    ['index', 10, 0.45, 10, 2, 10],
    ['rewrite', 20, 0.5, 20, 2, 20],
    ['data', 20, 0.5, 20, 2.5, 20],
  ] as const)(
    'of %s follows rows or bytes as its class does, where rows are 10 times and bytes 20 times as many',
    (own, least, low, most, high, multiplier) => {
      const rows = 100_000
      const here = volume(10 * rows, { heapBytes: 20 * rows * 126, totalBytes: 30 * rows * 126 })
      const { estimate: range } = estimate([cost(own)], [measured(10_000, [volume(rows)])], target([here]))
      expect([range?.lowMs, range?.highMs, range?.multiplier]).toEqual([
        10_000 * least * low,
        10_000 * most * high,
        multiplier,
      ])
    },
  )

  test('has its low end below its high one, and grows with rows and with time', () => {
    const arbitrary = fc.record({
      own: fc.constantFrom(...CLASSES),
      ms: fc.integer({ min: 0, max: 1e7 }),
      there: fc.integer({ min: 10_000, max: 1e8 }),
      here: fc.integer({ min: 1, max: 1e9 }),
      more: fc.integer({ min: 0, max: 1e9 }),
    })
    fc.assert(
      fc.property(arbitrary, ({ own, ms, there, here, more }) => {
        const of = (time: number, rows: number) =>
          estimate([cost(own)], [measured(time, [volume(there)])], target([volume(rows)])).estimate ??
          expect.fail('none')
        const [base, larger, longer] = [of(ms, here), of(ms, here + more), of(ms + more, here)]
        expect(base.lowMs).toBeLessThanOrEqual(base.highMs)
        expect(base.multiplier).toBeGreaterThan(0)
        expect(larger.lowMs).toBeGreaterThanOrEqual(base.lowMs)
        expect(larger.highMs).toBeGreaterThanOrEqual(base.highMs)
        expect(longer.lowMs).toBeGreaterThanOrEqual(base.lowMs)
        // Below a second it is less certain, and so half as wide again.
        if (ms >= 1_000) expect(longer.highMs).toBeGreaterThanOrEqual(base.highMs)
      }),
      parameters,
    )
  })

  test('of several statements lies around that of each alone', () => {
    const one = fc.record({ own: fc.constantFrom(...CLASSES), table: fc.constantFrom('orders', 'items') })
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1_000, max: 1e6 }),
        (statements, ms) => {
          const there = measured(ms, [volume(50_000), volume(20_000, { table: 'items' })])
          const here = target([volume(500_000), volume(900_000, { table: 'items' })])
          const costs = statements.map(({ own, table }) =>
            cost(own, { relations: [table], rows: own === 'data' ? { kind: 'every', of: table } : null }),
          )
          const all = estimate(costs, [there], here).estimate
          for (const single of costs) {
            const alone = estimate([single], [there], here).estimate
            expect(all?.lowMs).toBeLessThanOrEqual(alone?.lowMs ?? 0)
            expect(all?.highMs).toBeGreaterThanOrEqual(alone?.highMs ?? Infinity)
          }
        },
      ),
      parameters,
    )
  })

  test('is half as wide again at its upper end, once and with all reasons, where something makes it less certain', () => {
    const here = (more: Parameters<typeof target>[1], rows = 1_000_000) => target([volume(rows)], more)
    const there = measured(10_000, [volume(100_000)])
    const [plain, older, busy, far, quick, both] = [
      estimate([cost('index')], [there], here({})),
      estimate([cost('index')], [measured(10_000, [volume(100_000)], { version: '16.2' })], here({})),
      estimate([cost('index')], [there], here({ activity: { transactions: [], hidden: 0, active: 9 } })),
      estimate([cost('index')], [there], here({}, 10_000_000)),
      estimate([cost('index')], [measured(900, [volume(100_000)])], here({})),
      estimate([cost('index')], [measured(900, [volume(100_000)], { version: '16.2' })], here({})),
    ].map((one) => one.estimate)
    expect(plain?.highMs).toBe(200_000)
    expect(plain?.basis).not.toContain('half as much again')
    expect(older?.highMs).toBe(300_000)
    expect(older?.basis).toContain('because staging runs version 16, production 15')
    expect(busy?.basis).toContain('9 sessions are at work in production')
    expect([busy?.highMs, far?.highMs]).toEqual([300_000, 3_000_000])
    expect([quick?.highMs, both?.highMs]).toEqual([27_000, 27_000])
    expect(both?.basis).toContain('not measured well, and staging runs version 16, production 15')
    const more = volume(1_000_000, { totalBytes: 1_000_000 * 126 * 3 })
    expect(estimate([cost('index')], [there], target([more])).estimate?.highMs).toBe(300_000)
  })

  test('rests on the newest run that the rule takes', () => {
    const old = measured(10_000, [volume(100_000)], { environment: 'test', seenAt: '2026-10-01T00:00:00.000Z' })
    const newer = measured(20_000, [volume(100_000)], { seenAt: '2026-11-20T00:00:00.000Z' })
    const tiny = measured(5, [volume(100)], { environment: 'dev', seenAt: '2026-11-21T00:00:00.000Z' })
    const own = measured(1, [volume(100_000)], { environment: 'production', seenAt: NOW })
    const all = estimate([cost('index')], [old, newer, tiny, own], target([volume(100_000)]))
    expect(all.reckoned?.measuredIn).toBe('staging')
  })

  test('a table that grew after the run is told by the days between', () => {
    const there = measured(10_000, [volume(100_000, { seenAt: '2026-11-21T10:00:00.000Z' })])
    expect(estimate([cost('index')], [there], target([volume(100_000)])).estimate?.basis).toContain(
      'measured 20 days after it ran',
    )
  })

  test('sums are those of the ends, and nothing where one has no number', () => {
    const range = fc
      .tuple(fc.nat(1e9), fc.nat(1e9))
      .map(([a, b]) => ({ lowMs: Math.min(a, b), highMs: Math.max(a, b) }))
    fc.assert(
      fc.property(fc.array(range), (ranges) => {
        const sum = sumOf(ranges.map((one) => ({ estimate: one })))
        expect(sum).toEqual({
          lowMs: ranges.reduce((total, { lowMs }) => total + lowMs, 0),
          highMs: ranges.reduce((total, { highMs }) => total + highMs, 0),
        })
        expect(sumOf([...ranges.map((one) => ({ estimate: one })), { estimate: null }])).toBeNull()
      }),
      parameters,
    )
  })
})

describe('what changes the catalog alone', () => {
  const locked = cost('instant', { lock: { mode: 'access-exclusive', relations: ['orders'] } })

  test('takes under a second, whatever is known of other environments and sizes', () => {
    const { estimate: range } = estimate([locked], [], target([]))
    expect(range).toMatchObject({ class: 'instant', lowMs: 0, highMs: 1_000, multiplier: 1 })
    expect(durationRangeText(0, 1_000)).toBe('under 1 s')
    expect(range?.beside[0]).toBe('locks: ACCESS EXCLUSIVE on orders: reads and writes wait for that moment')
  })

  test('is not said to be quick where it was slow elsewhere', () => {
    expect(estimate([locked], [measured(8_000, [])], target([])).estimate).toMatchObject({
      highMs: 12_000,
      basis: expect.stringContaining('and still staging took 8 s') as unknown,
    })
  })

  test('so does whatever is done to a table that is empty there, or that an earlier one makes that is missing too', () => {
    expect(estimate([cost('rewrite')], [], target([volume(0, { heapBytes: 0 })])).estimate).toMatchObject({
      class: 'instant',
      basis: 'orders is empty in production',
    })
    const made = effect([{ kind: 'table', schema: 'public', group: 'orders', name: 'orders' }])
    const both = (costs: readonly ReturnType<typeof cost>[]) =>
      estimateMissing({
        missing: [
          { ledger: 'default', migration: migration('V1__orders.sql'), effect: { ...made, costs } },
          { ledger: 'default', migration: migration('V2__index.sql'), effect: effect([], { costs: [cost('index')] }) },
        ],
        target: target([]),
        elsewhere: [],
        others: [],
        history: [],
        variable: null,
        now: NOW,
      }).map(({ estimate: range, refused }) => range?.class ?? refused?.reason)
    expect(both([cost('data', { rows: { kind: 'given' } })])[1]).toBe('instant')
    expect(both([cost('data', { relations: ['items', 'orders'], rows: { kind: 'every', of: 'items' } })])[1]).toBe(
      'orders will be as large as V1__orders.sql makes it, which is missing too',
    )
    expect(both([cost('query')])[1]).toContain('as large as V1__orders.sql makes it')
  })
})

describe('no number', () => {
  const there = measured(10_000, [volume(100_000)])
  const here = target([volume(1_000_000)])

  test.each([
    [
      'no other environment showed it',
      estimate([cost('index')], [], here),
      'no other environment showed how long it took',
      'npx deploywatch record --env staging',
    ],
    [
      'a ledger without durations',
      estimate([cost('index')], [measured(null, [volume(100_000)])], here),
      'staging has it, and nobody measured how long it took there: its ledger keeps no durations',
      null,
    ],
    [
      'a table of few rows there',
      estimate([cost('index')], [measured(5, [volume(9_999)])], here),
      'orders has 9,999 rows in staging, and what takes how long shows from 10,000 on (production has 1 million)',
      null,
    ],
    [
      'a table that nobody counted there',
      estimate([cost('index')], [measured(5, [volume(null)])], here),
      'nobody counted the rows of orders in staging',
      'npx deploywatch record --env staging',
    ],
    [
      'a table without a size there',
      estimate([cost('index')], [measured(5, [])], here),
      'how large orders is in staging is not in its evidence',
      'npx deploywatch record --env staging',
    ],
    [
      'a table that nobody counted here',
      estimate([cost('index')], [there], target([volume(null)])),
      'nobody counted the rows of orders in production',
      'psql "$PRODUCTION" -c \'ANALYZE public.orders\'',
    ],
    [
      'no such table here',
      estimate([cost('index')], [there], target([])),
      'there is no table orders in production whose size could be read',
      null,
    ],
    [
      'code of its own',
      estimate([cost('unknown', { line: 3 })], [there], here),
      'db/V2__index.sql:3 runs code of its own (DO, CALL, a function), and what that does to data nobody tells',
      null,
    ],
    [
      'a query',
      estimate([cost('query')], [there], here),
      'db/V2__index.sql:1 runs a query, whose duration does not follow from the size of its tables',
      null,
    ],
    [
      'rows that it finds',
      estimate([cost('data', { rows: { kind: 'some' } })], [there], here),
      'db/V2__index.sql:1 changes the rows of orders that it finds, and how many those are there nobody counted',
      null,
    ],
    [
      'data of a manifest that does not tell',
      estimate([cost('data', { rows: null })], [there], here),
      'db/V2__index.sql:1 changes the rows of orders that it finds, and how many those are there nobody counted',
      null,
    ],
  ] as const)('%s', (_, { estimate: range, refused }, reason, command) => {
    expect(range).toBeNull()
    expect(refused?.reason).toBe(reason)
    expect(refused?.nextStep?.command ?? null).toBe(command)
  })

  test('of a migration that is code, that could not be replayed, or of which nothing was replayed', () => {
    const failed = { line: 4, reason: 'no such type', extension: null, follows: null, unsure: [], further: [] }
    const of = (own: Partial<Parameters<typeof migration>[1]>, its: ReturnType<typeof effect> | undefined) =>
      estimateMissing({
        missing: [{ ledger: 'default', migration: migration('V2__index.sql', own), effect: its }],
        target: here,
        elsewhere: [there],
        others: [],
        history: [],
        variable: null,
        now: NOW,
      })[0]?.refused?.reason
    expect(of({}, undefined)).toBe('nothing says what its statements do: the migrations were not replayed')
    expect(of({ form: 'code' }, effect([], { failed }))).toContain('is code')
    expect(of({}, effect([], { failed }))).toContain('db/V2__index.sql:4 could not be replayed (no such type)')
  })

  test('a refusal never has a number, and a number never a refusal', () => {
    const part = fc.record({
      own: fc.constantFrom(...CLASSES, 'instant' as const, 'query' as const, 'unknown' as const),
      rows: fc.constantFrom(
        { kind: 'every', of: 'orders' } as const,
        { kind: 'some' } as const,
        { kind: 'given' } as const,
        null,
      ),
    })
    const size = fc.option(fc.nat(200_000))
    const arbitrary = fc.record({
      parts: fc.array(part, { maxLength: 3 }),
      ms: fc.option(fc.nat(1e6)),
      there: size,
      here: size,
    })
    fc.assert(
      fc.property(arbitrary, ({ parts, ms, there: before, here: after }) => {
        const costs = parts.map(({ own, rows }) => cost(own, { rows: own === 'data' ? rows : null }))
        const answer = estimate(costs, [measured(ms, [volume(before)])], target([volume(after)]))
        expect(answer.estimate === null).toBe(answer.refused !== null)
        if (answer.estimate === null) expect([answer.notInCacheMs, answer.reckoned]).toEqual([null, null])
        if (parts.some(({ own }) => own === 'unknown' || own === 'query') && after !== 0)
          expect(answer.estimate).toBeNull()
      }),
      parameters,
    )
  })
})
