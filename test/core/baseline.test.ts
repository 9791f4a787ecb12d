import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Sample } from '../../functions/core/baseline.ts'
import { BASELINE_RULES, judgeBaseline, keepLatest, revisionOf, slowFinding } from '../../functions/core/baseline.ts'

const START = Date.parse('2026-11-22T10:00:00.000Z')

function samples(durations: readonly number[], change: Partial<Sample> = {}): readonly Sample[] {
  return durations.map((durationMs, at) => ({
    check: 'query',
    name: 'recent',
    at: new Date(START + at * 1_000).toISOString(),
    durationMs,
    rows: 5,
    resumed: false,
    revision: null,
    ...change,
  }))
}

const judged = (before: readonly Sample[], after: readonly Sample[]) => {
  const [first] = judgeBaseline(before, after)
  if (first === undefined) throw new Error('nothing was judged')
  return first
}

const NORMAL = [100, 104, 98, 110, 95, 101, 99, 120]

describe('durations', () => {
  test('three times as long, to the end: slower, with the numbers', () => {
    const judgement = judged(samples(NORMAL), samples([300, 310, 290, 305, 330, 300]))
    expect(judgement.outcome).toBe('slower')
    expect(judgement.text).toBe(
      'at least 2 times and 50 ms slower, to the end: median 101 ms before (8 samples), 303 ms after (6); longer in 100 % of all pairs, p 0.0007',
    )
    expect(slowFinding(judgement, 'production')).toMatchObject({
      code: 'query-slow',
      severity: 'error',
      subject: 'recent',
      expected: 'as fast as before: 101 ms in the median of 8 samples before the deployment, 120 ms at most',
      found: judgement.text,
    })
  })

  test.each([
    ['as before', NORMAL, [102, 99, 105, 97, 111], 'no slower than chance explains'],
    ['faster', NORMAL, [10, 11, 9, 12, 10], 'no slower than chance explains'],
    ['surely slower, but not twice', NORMAL, [150, 151, 149, 155, 160], 'slower, but not by 2 times and 50 ms'],
    [
      'ten times, but by nothing that anyone notices',
      [1, 2, 1, 2, 1, 2],
      [20, 21, 22, 20, 21],
      'slower, but not by 2 times and 50 ms',
    ],
    [
      'more often slow, but no more than it varies anyway',
      [10, 10, 10, 10, 300, 300, 300, 300, 10, 10, 10, 10, 300, 300, 10, 10, 10, 10, 10, 10],
      [300, 300, 300, 301, 302, 303, 300, 10, 10, 10, 301, 300],
      'slower, but by less than the durations vary anyway',
    ],
    ['cold at first', NORMAL, [900, 800, 700, 600, 500, 160, 130, 120, 130, 125], 'slower only at first, then 130 ms'],
  ])('%s: normal', (_what, before, after, why) => {
    const judgement = judged(samples(before), samples(after))
    expect(judgement).toMatchObject({ outcome: 'normal' })
    expect(judgement.text).toMatch(new RegExp(`^${why}: median `, 'u'))
  })

  test('fewer than five on a side is inconclusive, and says what is missing', () => {
    expect(judged(samples(NORMAL), samples([900, 900, 900, 900]))).toMatchObject({
      outcome: 'inconclusive',
      text: '8 samples before and 4 after the deployment, and 5 of each are needed for 99 % certainty',
      normal: null,
    })
    expect(judged([], samples(NORMAL)).outcome).toBe('inconclusive')
  })

  test('no traffic is no failure', () => {
    expect(judged(samples(NORMAL), [])).toMatchObject({
      outcome: 'inconclusive',
      text: 'no sample after the deployment, which is no failure',
    })
  })

  test('what was taken while a cluster resumed is left out, and what a clock broke', () => {
    const cold = samples([60_000, 50_000], { resumed: true })
    expect(judged(samples(NORMAL), [...samples([101, 99, 100, 102, 98]), ...cold]).outcome).toBe('normal')
    expect(judged(samples(NORMAL), [...samples([900, 900, 900, 900]), ...cold]).text).toBe(
      '8 samples before and 4 after the deployment, and 5 of each are needed for 99 % certainty; 2 left out, taken while a cluster resumed or a clock was set',
    )
    expect(judged(samples(NORMAL), samples([-1, Number.NaN, Infinity, 900, 900, 900])).outcome).toBe('inconclusive')
  })

  test('a query and an endpoint of one name are two things', () => {
    const endpoint = samples([300, 300, 300, 300, 300], { check: 'endpoint', rows: null })
    const judgements = judgeBaseline([...samples(NORMAL), ...samples(NORMAL, { check: 'endpoint' })], endpoint)
    expect(judgements.map(({ check, outcome }) => `${check} ${outcome}`)).toEqual([
      'endpoint slower',
      'query inconclusive',
    ])
    const [slow] = judgements
    expect(slow === undefined ? null : slowFinding(slow, 'production').code).toBe('endpoint-slow')
  })
})

describe('row counts', () => {
  test('none any more, where there always were some, is worth a remark, and no failure', () => {
    const judgement = judged(samples(NORMAL), samples(NORMAL, { rows: 0 }))
    expect(judgement.outcome).toBe('normal')
    expect(judgement.rows).toContain('no rows in any of 8 looks after the deployment, and 5 to 5 before it')
  })

  test.each([
    ['there were none before either', 0, 0],
    ['there are some', 5, 1],
  ])('nothing is said where %s', (_what, before, after) => {
    expect(judged(samples(NORMAL, { rows: before }), samples(NORMAL, { rows: after })).rows).toBeNull()
  })
})

const durations = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 30 })

describe('for any samples', () => {
  test('slower means all of it: enough samples, twice the median, and by 50 ms', () => {
    const middle = (values: readonly number[]) => {
      const sorted = values.toSorted((a, b) => a - b)
      return ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) + (sorted[Math.floor(sorted.length / 2)] ?? 0)) / 2
    }
    const slowed = durations.chain((before) =>
      fc.tuple(fc.constant(before), fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 30 })),
    )
    let slower = 0
    fc.assert(
      fc.property(slowed, ([before, after]) => {
        const [judgement] = judgeBaseline(samples(before), samples(after))
        if (judgement?.outcome !== 'slower') return
        slower += 1
        expect(Math.min(before.length, after.length)).toBeGreaterThanOrEqual(BASELINE_RULES.minSamples)
        expect(middle(after)).toBeGreaterThanOrEqual(middle(before) * 2)
        expect(middle(after) - middle(before)).toBeGreaterThanOrEqual(50)
      }),
      { numRuns: 1_000 },
    )
    expect(slower).toBeGreaterThan(20)
  })

  test('the same distribution is never called slower by more than a rare chance', () => {
    let slower = 0
    fc.assert(
      fc.property(fc.infiniteStream(fc.integer({ min: 50, max: 400 })), (stream) => {
        const draw = (count: number) => [...stream.take(count)]
        if (judged(samples(draw(20)), samples(draw(12))).outcome === 'slower') slower += 1
      }),
      { numRuns: 400 },
    )
    expect(slower).toBeLessThanOrEqual(1)
  })

  test('taken while resuming, samples change nothing', () => {
    fc.assert(
      fc.property(durations, durations, durations, (before, after, cold) => {
        const [with_] = judgeBaseline(samples(before), [...samples(after), ...samples(cold, { resumed: true })])
        const [without] = judgeBaseline(samples(before), samples(after))
        if (without !== undefined) expect(with_?.outcome).toBe(without.outcome)
      }),
    )
  })
})

describe('what is kept', () => {
  test('the latest of each name, once each, oldest first, whatever the order', () => {
    const busy = samples(Array.from({ length: 250 }, (_, at) => at))
    const quiet = samples([1], { name: 'quiet' })
    const kept = keepLatest([...busy.toReversed(), ...quiet, ...busy])
    expect(kept).toHaveLength(201)
    expect(kept.filter(({ name }) => name === 'recent')).toEqual(busy.slice(50))
    expect(keepLatest(kept)).toEqual(kept)
    expect(keepLatest(busy, 0)).toEqual([])
  })

  test('a release is told from another of the same version', () => {
    expect(revisionOf({ version: '1.0.0', commit: null })).toBe('1.0.0')
    expect(revisionOf({ version: '1.0.0', commit: 'abc' })).toBe('1.0.0 (abc)')
  })
})
