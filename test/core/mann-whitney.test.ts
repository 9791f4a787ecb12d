import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mannWhitney } from '../../functions/core/mann-whitney.ts'

/** Two sets without ties whose U is this. */
function withU(n: number, m: number, u: number): readonly [readonly number[], readonly number[]] {
  // Values after begin below all before; each raised over one of those before adds one.
  const raised = Array.from({ length: m }, (_, at) => Math.max(0, Math.min(n, u - at * n)))
  return [Array.from({ length: n }, (_, at) => at + 1), raised.map((over, at) => over + (at + 1) / (m + 2))]
}

describe('published values', () => {
  // Critical values of U, two-sided (Mann and Whitney 1947; the table of every textbook): the greatest U that is significant.
  test.each([
    [5, 5, 0.05, 2],
    [5, 6, 0.05, 3],
    [6, 6, 0.05, 5],
    [5, 10, 0.05, 8],
    [8, 8, 0.05, 13],
    [10, 10, 0.05, 23],
    [15, 15, 0.05, 64],
    [20, 20, 0.05, 127],
    [5, 5, 0.01, 0],
    [6, 6, 0.01, 2],
    [7, 7, 0.01, 4],
    [8, 8, 0.01, 7],
    [10, 10, 0.01, 16],
    [15, 15, 0.01, 51],
    [20, 20, 0.01, 105],
  ])('%i and %i at %d: U = %i is the last that is significant', (n, m, alpha, critical) => {
    const at = (u: number) => {
      const result = mannWhitney(...withU(n, m, u))
      expect(result).toMatchObject({ u, method: 'exact' })
      return result.p
    }
    expect(at(critical)).toBeLessThanOrEqual(alpha)
    expect(at(critical + 1)).toBeGreaterThan(alpha)
  })

  test('4 and 5 samples never reach 99 %, 5 and 5 do: the least number of samples', () => {
    expect(mannWhitney(...withU(4, 5, 0)).p).toBeCloseTo(2 / 126, 12)
    expect(mannWhitney(...withU(5, 5, 0)).p).toBeCloseTo(2 / 252, 12)
  })

  test("the worked example of SciPy's mannwhitneyu: ages at diagnosis, exact", () => {
    const [males, females] = [
      [19, 22, 16, 29, 24],
      [20, 11, 17, 12],
    ]
    const result = mannWhitney(females ?? [], males ?? [])
    expect(result.u).toBe(17)
    expect(result.p).toBeCloseTo(0.1111111111111111, 12)
  })

  test("the worked example of R's wilcox.test: permeability at term and between weeks 12 and 26", () => {
    const term = [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    const earlier = [1.15, 0.88, 0.9, 0.74, 1.21]
    const result = mannWhitney(earlier, term)
    expect(result.u).toBe(35)
    // R prints 0.1272 for the one-sided test.
    expect(result.p / 2).toBeCloseTo(0.1272, 4)
  })

  test("Aesop's tortoises and hares: 11 of 36 pairs", () => {
    const order = 'THHHHHTTTTTH'
    const places = (animal: string) => [...order].flatMap((one, at) => (one === animal ? [at] : []))
    // Tortoises that a hare came in before: pairs in which the tortoise's place is the greater one.
    expect(mannWhitney(places('H'), places('T'))).toMatchObject({ u: 25, superiority: 25 / 36 })
    expect(mannWhitney(places('T'), places('H'))).toMatchObject({ u: 11 })
  })
})

const duration = fc.double({ min: 0, max: 1e6, noNaN: true })
const tied = fc.integer({ min: 0, max: 6 })
const side = (value: fc.Arbitrary<number>, maxLength: number) => fc.array(value, { minLength: 1, maxLength })

describe('for any samples', () => {
  test('U is the count of pairs, and the effect size its share', () => {
    fc.assert(
      fc.property(side(fc.oneof(duration, tied), 30), side(fc.oneof(duration, tied), 30), (before, after) => {
        const pairs = before.flatMap((a) => after.map((b): number => (b > a ? 1 : b === a ? 0.5 : 0)))
        const count = pairs.reduce((sum, one) => sum + one, 0)
        const { u, p, superiority } = mannWhitney(before, after)
        expect(u).toBeCloseTo(count, 9)
        expect(superiority).toBeCloseTo(count / pairs.length, 9)
        expect(p).toBeGreaterThan(0)
        expect(p).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('sides swapped, and any scale that keeps the order, give the same p', () => {
    fc.assert(
      fc.property(side(tied, 40), side(tied, 40), (before, after) => {
        const { p, superiority } = mannWhitney(before, after)
        const swapped = mannWhitney(after, before)
        expect(swapped.p).toBeCloseTo(p, 9)
        expect(swapped.superiority).toBeCloseTo(1 - superiority, 9)
        const scaled = (values: readonly number[]) => values.map((value) => Math.exp(value) - 3)
        expect(mannWhitney(scaled(before), scaled(after)).p).toBe(p)
      }),
    )
  })

  test('with ties the exact p is that of every way to deal the values', () => {
    fc.assert(
      fc.property(side(tied, 5), side(tied, 5), (before, after) => {
        const all = [...before, ...after]
        const uOf = (chosen: readonly number[], rest: readonly number[]) =>
          rest.flatMap((a) => chosen.map((b): number => (b > a ? 1 : b === a ? 0.5 : 0))).reduce((s, x) => s + x, 0)
        const seen = uOf(after, before)
        let [below, above, total] = [0, 0, 0]
        for (let mask = 0; mask < 1 << all.length; mask += 1) {
          const inMask = (at: number) => ((mask >> at) & 1) === 1
          const chosen = all.filter((_, at) => inMask(at))
          if (chosen.length !== after.length) continue
          const u = uOf(
            chosen,
            all.filter((_, at) => !inMask(at)),
          )
          total += 1
          if (u <= seen) below += 1
          if (u >= seen) above += 1
        }
        expect(mannWhitney(before, after).p).toBeCloseTo(Math.min(1, (2 * Math.min(below, above)) / total), 9)
      }),
      { numRuns: 60 },
    )
  })

  test('where the counting ends the normal approximation goes on without a step', () => {
    // 20 + 20 is counted, 20 + 21 approximated; one value more in the middle changes little.
    for (const shift of [0, 2, 4, 6, 8]) {
      const before = Array.from({ length: 20 }, (_, at) => at * 2)
      const after = Array.from({ length: 20 }, (_, at) => at * 2 + 1 + shift)
      const exact = mannWhitney(before, after)
      const normal = mannWhitney(before, [...after, 20 + shift])
      expect([exact.method, normal.method]).toEqual(['exact', 'normal'])
      expect(Math.abs(exact.p - normal.p)).toBeLessThan(0.05)
    }
  })

  test('values that are all one value differ by nothing', () => {
    expect(mannWhitney([7, 7, 7, 7, 7], [7, 7, 7, 7, 7]).p).toBe(1)
    expect(mannWhitney(Array<number>(50).fill(7), Array<number>(50).fill(7)).p).toBe(1)
  })

  test('without a difference, one test in a hundred says 99 %, no more: exact and approximated', () => {
    // A small generator of its own: the same numbers on every run.
    let seed = 42
    const random = (): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return seed / 2 ** 32
    }
    for (const size of [8, 40]) {
      const draw = () => Array.from({ length: size }, () => Math.round(-Math.log(1 - random()) * 50))
      const hits = Array.from({ length: 2_000 }, () => mannWhitney(draw(), draw()).p).filter((p) => p < 0.01).length
      expect(hits).toBeGreaterThan(0)
      expect(hits).toBeLessThan(35)
    }
  })
})

test('a side without a value is a mistake of the caller', () => {
  expect(() => mannWhitney([], [1])).toThrow('needs a value on each side')
})
