/** Counts, bytes and ratios as people say them: two or three digits that matter. */

const COUNTS = [
  { size: 1e9, name: ' billion' },
  { size: 1e6, name: ' million' },
] as const

const BYTES = [
  { size: 1e12, name: ' TB' },
  { size: 1e9, name: ' GB' },
  { size: 1e6, name: ' MB' },
  { size: 1e3, name: ' kB' },
] as const

/** '160,000', '2.1 million'. */
export function countText(count: number): string {
  return inUnits(count, COUNTS, '')
}

/** '265 MB', '2.7 GB'. */
export function bytesText(bytes: number): string {
  return inUnits(bytes, BYTES, ' bytes')
}

function inUnits(
  value: number,
  units: readonly { readonly size: number; readonly name: string }[],
  none: string,
): string {
  const unit = units.find(({ size }) => value >= size)
  if (unit === undefined)
    return `${Math.round(value)
      .toString()
      .replaceAll(/\B(?=(\d{3})+$)/gu, ',')}${none}`
  const count = value / unit.size
  return `${count < 100 ? Math.round(count * 10) / 10 : Math.round(count)}${unit.name}`
}

/** How many times: 10.2, 0.034, 120. */
export function roundRatio(ratio: number): number {
  if (ratio >= 100) return Math.round(ratio)
  return ratio >= 1 ? Math.round(ratio * 10) / 10 : Number(ratio.toPrecision(2))
}
