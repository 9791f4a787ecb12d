/** Lengths on a scale: where they are in percent of its width, and where its ticks are. */

/** Milliseconds that people count by. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500]
  .concat([1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1_000))
  .concat([1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000))
  .concat([1, 2, 3, 6, 12, 24, 48, 96, 240].map((hours) => hours * 3_600_000))

/** More ticks than these run into each other on a phone. */
const MOST_TICKS = 4

export interface Scale {
  /** Milliseconds at its end: a whole number of steps. */
  readonly end: number
  /** Milliseconds, 0 first. */
  readonly ticks: readonly number[]
}

/** A scale from 0 that holds this much, in milliseconds. */
export function scaleTo(most: number): Scale {
  const long = STEPS.find((candidate) => most <= candidate * MOST_TICKS)
  const step = long ?? Math.ceil(most / MOST_TICKS)
  const count = Math.max(1, Math.ceil(most / step))
  return { end: step * count, ticks: Array.from({ length: count + 1 }, (_, at) => at * step) }
}

/** '12.5%' of the scale; what lies outside is at its edge. */
export function percentOf(value: number, end: number): string {
  const share = end <= 0 ? 0 : Math.min(1, Math.max(0, value / end))
  return `${Math.round(share * 10_000) / 100}%`
}
