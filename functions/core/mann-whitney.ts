/**
 * The Mann-Whitney U test: do two sets of durations come from one distribution? It compares ranks, so that one outlier
 * of a minute weighs no more than one of a second; durations are far from normally distributed.
 */

export interface MannWhitney {
  /** Pairs (before, after) in which the one after is greater, a tie counting half: from 0 to before × after. */
  readonly u: number
  /** Two-sided p-value: how likely a difference as great as this is, if there is none. */
  readonly p: number
  /** U as a share of all pairs, the common-language effect size: 0.5 is no effect, 1 is "every one after is greater". */
  readonly superiority: number
  readonly method: 'exact' | 'normal'
}

/** Up to so many values in all the distribution is counted out: C(40, 20) = 1.4e11 is exact in a double. */
const EXACT_UP_TO = 40

/**
 * Both sides need at least one finite number.
 *
 * Small sets are exact, ties included: every way to deal the ranks that are there to the two sides is counted. Larger ones
 * use the normal approximation with the variance corrected for ties, and a continuity correction of a half.
 */
export function mannWhitney(before: readonly number[], after: readonly number[]): MannWhitney {
  const [n, m] = [before.length, after.length]
  if (n === 0 || m === 0) throw new Error('the Mann-Whitney test needs a value on each side')
  const ranks = doubledRanks([...before, ...after])
  // Doubled, so that the mean rank of a tie is a whole number.
  const sum = ranks.slice(n).reduce((total, rank) => total + rank, 0)
  const u = sum / 2 - (m * (m + 1)) / 2
  const exact = n + m <= EXACT_UP_TO
  const p = exact ? exactP(ranks, m, sum) : normalP(ranks, n, m, u)
  return { u, p: Math.min(1, p), superiority: u / (n * m), method: exact ? 'exact' : 'normal' }
}

/** Twice the rank of each value, from 2; values that tie share their mean. */
function doubledRanks(values: readonly number[]): readonly number[] {
  const order = values.map((_, index) => index).toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
  const ranks = Array.from<number>({ length: values.length })
  for (let from = 0; from < order.length;) {
    const value = values[order[from] ?? 0]
    let to = from
    while (to < order.length && values[order[to] ?? 0] === value) to += 1
    // Ranks from + 1 … to: their mean, doubled, is from + 1 + to.
    for (let at = from; at < to; at += 1) ranks[order[at] ?? 0] = from + 1 + to
    from = to
  }
  return ranks
}

/** Counts the choices of `m` ranks by their sum. With ties the distribution is not symmetric: both tails are counted. */
function exactP(ranks: readonly number[], m: number, observed: number): number {
  const most = ranks.reduce((total, rank) => total + rank, 0)
  // ways[k][s]: how many choices of k ranks have the sum s.
  const ways = Array.from({ length: m + 1 }, () => new Float64Array(most + 1))
  const none = ways[0]
  if (none !== undefined) none[0] = 1
  for (const rank of ranks) {
    for (let k = m; k >= 1; k -= 1) {
      const [fewer, these] = [ways[k - 1], ways[k]]
      if (fewer === undefined || these === undefined) continue
      for (let s = rank; s <= most; s += 1) these[s] = (these[s] ?? 0) + (fewer[s - rank] ?? 0)
    }
  }
  const counts = ways[m] ?? new Float64Array(0)
  const total = counts.reduce((all, count) => all + count, 0)
  const below = counts.subarray(0, observed + 1).reduce((all, count) => all + count, 0)
  const above = counts.subarray(observed).reduce((all, count) => all + count, 0)
  return (2 * Math.min(below, above)) / total
}

function normalP(ranks: readonly number[], n: number, m: number, u: number): number {
  const all = n + m
  const sizes = new Map<number, number>()
  for (const rank of ranks) sizes.set(rank, (sizes.get(rank) ?? 0) + 1)
  const ties = [...sizes.values()].reduce((total, size) => total + size ** 3 - size, 0)
  const variance = ((n * m) / 12) * (all + 1 - ties / (all * (all - 1)))
  // All values are one value: nothing differs.
  if (variance <= 0) return 1
  const distance = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5)
  return complementaryError(distance / Math.sqrt(2 * variance))
}

/**
 * erfc for x ≥ 0, so that erfc(z / √2) is the two-sided tail of the normal distribution. Chebyshev fit of W. H. Press et al.,
 * Numerical Recipes, "erfcc": the relative error is below 1.2e-7 everywhere.
 */
function complementaryError(x: number): number {
  const t = 1 / (1 + x / 2)
  const terms = [
    -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
    0.17087277,
  ]
  return t * Math.exp(-x * x + terms.reduceRight((sum, term) => sum * t + term, 0))
}
