/** When a watch looks: densely at first, where most breaks show, then ever less, and always at the very end. Pure. */

/** The shortest time between two looks of the schedule. */
const FIRST_GAP_MS = 10_000
/** A break must be found within minutes: so far apart looks are at most, in the first quarter of an hour and after it. */
const GAP_MS = 60_000
const LATER_GAP_MS = 120_000
const EARLY_MS = 900_000

/** Twice the time so far, until the gap is as long as it gets. */
function after(at: number): number {
  const most = at < EARLY_MS ? GAP_MS : LATER_GAP_MS
  return at + Math.min(most, Math.max(FIRST_GAP_MS, at))
}

/**
 * The times of a watch's looks in milliseconds since it began: 0, 10, 20, 40, 80, 140, 200 s …, and the end of the window.
 * A look within half a first gap of the end is left to the end.
 */
export function lookTimes(forMs: number): readonly number[] {
  const times: number[] = []
  for (let at = 0; at < forMs - FIRST_GAP_MS / 2 || at === 0; at = after(at)) times.push(at)
  return forMs > 0 ? [...times, forMs] : times
}

/**
 * The next time of the schedule that is still to come, null where none is. A look that took longer than the gap is not
 * made up for: looks must not pile up on a database that is slow already.
 */
export function nextScheduled(forMs: number, elapsedMs: number): number | null {
  return lookTimes(forMs).find((at) => at > elapsedMs) ?? null
}
