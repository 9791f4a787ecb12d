import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addRuns, ENOUGH_RUNS, factorsLearnt, hitRateOf } from '../../functions/core/estimate-history.ts'
import type { KeptRun } from '../../functions/core/estimate-history.ts'
import { cost, estimate, measured, target, volume } from './estimate-world.ts'

const parameters = { numRuns: Number(process.env['DEPLOYWATCH_PROPERTY_RUNS'] ?? 200) }

const keptRun = (at: number, ratio: number, more: Partial<KeptRun> = {}): KeptRun => ({
  environment: 'production',
  ledger: 'default',
  subject: `V${at}.sql`,
  class: 'index',
  teaches: true,
  centreMs: 1_000,
  lowMs: 450,
  highMs: 2_000,
  actualMs: 1_000 * ratio,
  at: new Date(Date.UTC(2026, 0, 1) + at * 60_000).toISOString(),
  ...more,
})

const ratios = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: ENOUGH_RUNS, maxLength: 60 })

describe('factors that are learnt', () => {
  test('come from 20 runs of the class on, and from those alone whose time went into nothing else', () => {
    const runs = Array.from({ length: ENOUGH_RUNS }, (_, at) => keptRun(at, 1))
    expect(factorsLearnt(runs, 'index')).toEqual({ low: 1 / 1.25, high: 1.25, runs: 20 })
    expect(factorsLearnt(runs, 'scan')).toBeNull()
    expect(factorsLearnt(runs.slice(1), 'index')).toBeNull()
    expect(factorsLearnt([...runs.slice(1), keptRun(0, 1, { teaches: false })], 'index')).toBeNull()
  })

  test('leave out at most a twentieth on either side of the runs that they were learnt from, in whatever order, and follow their scale', () => {
    fc.assert(
      fc.property(ratios, fc.double({ min: 0.1, max: 10, noNaN: true }), (values, scale) => {
        const learnt = factorsLearnt(
          values.map((ratio, at) => keptRun(at, ratio)),
          'index',
        )
        const { low = 0, high = 0 } = learnt ?? {}
        expect(low).toBeGreaterThan(0)
        expect(low).toBeLessThanOrEqual(high)
        // A twentieth on either side, and the one that it falls on.
        const outside = values.filter((ratio) => ratio < low || ratio > high)
        expect(outside.length).toBeLessThanOrEqual(2 * (Math.floor((values.length - 1) / 20) + 1))
        expect(
          factorsLearnt(
            values.toReversed().map((ratio, at) => keptRun(at, ratio)),
            'index',
          ),
        ).toEqual(learnt)
        const scaled = factorsLearnt(
          values.map((ratio, at) => keptRun(at, ratio * scale)),
          'index',
        )
        expect(scaled?.high).toBeCloseTo(high * scale, 6)
      }),
      parameters,
    )
  })

  test('take the place of those that were measured once, and the estimate says so', () => {
    const history = Array.from({ length: 40 }, (_, at) => keptRun(at, 1 + at / 100))
    const { estimate: range } = estimate(
      [cost('index')],
      [measured(10_000, [volume(100_000)])],
      target([volume(1_000_000)]),
      { history },
    )
    expect([range?.lowMs, range?.highMs]).toEqual([
      Math.round((100_000 * 1.0195) / 1.25),
      Math.round(100_000 * 1.3705 * 1.25),
    ])
    expect(range?.basis).toContain('× 0.82 to 1.7, learnt from 40 runs')
  })
})

test('the hit rate counts what took as long as was said', () => {
  expect(hitRateOf([])).toBeNull()
  const runs = [0.44, 0.45, 1, 2, 2.01].map((ratio, at) => keptRun(at, ratio))
  expect(hitRateOf(runs)).toEqual({ held: 3, of: 5 })
})

test('the same run is kept once, as it was first told; the newest 300 are kept, in order', () => {
  const arbitrary = fc.array(fc.record({ at: fc.nat(400), ratio: fc.double({ min: 0.1, max: 9, noNaN: true }) }), {
    maxLength: 50,
  })
  fc.assert(
    fc.property(arbitrary, arbitrary, (a, b) => {
      const [known, more] = [a, b].map((runs) => runs.map(({ at, ratio }) => keptRun(at, ratio)))
      const kept = addRuns(addRuns([], known ?? []), more ?? [])
      expect(new Set(kept.map(({ at }) => at)).size).toBe(kept.length)
      expect(kept.map(({ at }) => at)).toEqual(kept.map(({ at }) => at).toSorted())
      for (const run of kept) expect([...(known ?? []), ...(more ?? [])]).toContainEqual(run)
      expect(addRuns(kept, more ?? [])).toEqual(kept)
    }),
    parameters,
  )
  const many = Array.from({ length: 400 }, (_, at) => keptRun(at, 1))
  expect(addRuns([], many)).toEqual(many.slice(100))
})
