/** How long something has been so, as people say it. */

const UNITS = [
  { name: 'day', ms: 86_400_000 },
  { name: 'hour', ms: 3_600_000 },
  { name: 'minute', ms: 60_000 },
] as const

/** '21 days', '1 hour', 'less than a minute'. Both ISO 8601; what lies ahead, by another clock, is less than a minute. */
export function ageText(since: string, now: string): string {
  const ms = Date.parse(now) - Date.parse(since)
  const unit = UNITS.find((candidate) => ms >= candidate.ms)
  if (unit === undefined) return 'less than a minute'
  const count = Math.floor(ms / unit.ms)
  return `${count} ${unit.name}${count === 1 ? '' : 's'}`
}
