/** Durations as people say them: two digits that matter, one unit. */

interface Unit {
  readonly ms: number
  readonly name: string
  /** Below this many milliseconds the unit is used. */
  readonly below: number
}

const UNITS: readonly Unit[] = [
  { ms: 1, name: 'ms', below: 1_000 },
  { ms: 1_000, name: 's', below: 120_000 },
  { ms: 60_000, name: 'min', below: 7_200_000 },
  { ms: 3_600_000, name: 'h', below: 172_800_000 },
  { ms: 86_400_000, name: 'days', below: Infinity },
]

function inUnits(ms: number, round: (value: number) => number): string {
  const unit = UNITS.find((candidate) => Math.round(ms) < candidate.below) ?? UNITS[0]
  if (unit === undefined) throw new Error('no units')
  const value = ms / unit.ms
  const rounded = unit.ms > 1 && value < 10 ? round(value * 10) / 10 : round(value)
  return `${rounded} ${unit.name}`
}

/** Example: '212 ms', '3.2 s', '14 min'. */
export function durationText(ms: number): string {
  return inUnits(ms, Math.round)
}

/** A range, rounded outwards: '3 min to 14 min', 'under 1 s'. */
export function durationRangeText(lowMs: number, highMs: number): string {
  if (Math.round(lowMs) === 0) return `under ${inUnits(highMs, Math.ceil)}`
  return `${inUnits(lowMs, Math.floor)} to ${inUnits(highMs, Math.ceil)}`
}
