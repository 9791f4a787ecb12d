/**
 * How the duration of a statement follows from the size of its tables, by class: what was measured on PostgreSQL 15 over six
 * environments, tables of 100,000 to 6.4 million rows, 736 pairs of a run and one on 8 to 12 times the rows (docs/estimate.md). Pure.
 */
import type { CostClass } from './release.ts'

/** Classes whose duration follows from volume. */
export type ScalingClass = Exclude<CostClass, 'instant' | 'query' | 'unknown'>

/** Truth lies between these times of what is computed. */
export interface Factors {
  readonly low: number
  readonly high: number
}

interface ClassRule {
  readonly factors: Factors
  /** Which ratio counts: that of rows, the larger one of rows and heap bytes, or both as a span. */
  readonly follows: 'rows' | 'larger' | 'both'
  /** How often it reads and writes its tables where they are not in memory; over the heap alone, or with indexes. */
  readonly passes: { readonly count: number; readonly over: 'heap' | 'total' }
  /** What it does, as the subject of "follows". */
  readonly words: string
}

export const CLASS_RULES: Readonly<Record<ScalingClass, ClassRule>> = {
  scan: {
    factors: { low: 0.5, high: 1.5 },
    follows: 'both',
    passes: { count: 1, over: 'heap' },
    words: 'reading a whole table',
  },
  'foreign-key': {
    factors: { low: 0.6, high: 3 },
    follows: 'rows',
    passes: { count: 2, over: 'heap' },
    words: 'checking a foreign key',
  },
  index: {
    factors: { low: 0.45, high: 2 },
    follows: 'rows',
    passes: { count: 3, over: 'heap' },
    words: 'building an index',
  },
  rewrite: {
    factors: { low: 0.5, high: 2 },
    follows: 'larger',
    passes: { count: 3, over: 'total' },
    words: 'rewriting a table',
  },
  data: {
    factors: { low: 0.5, high: 2.5 },
    follows: 'larger',
    passes: { count: 4, over: 'total' },
    words: 'changing rows',
  },
}

export function isScaling(known: CostClass): known is ScalingClass {
  return known in CLASS_RULES
}

/** Below, the time of a statement is that of its beginning and end. */
export const FEWEST_ROWS = 10_000

/** What changes the catalog alone took 9 ms at most, on any size: with a margin for slower machines and for many of them. */
export const INSTANT_MS = 1_000

/** Amazon's gp3 without extra throughput: taken where nobody knows how fast storage is. Bytes a second. */
export const ASSUMED_STORAGE = 125_000_000
