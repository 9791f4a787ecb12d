/** The order of node-pg-migrate's names, which its reader needs without its files. Research: getNumericPrefix.ts, comparators.ts. */

const COLLATOR = new Intl.Collator('en', {
  usage: 'sort',
  numeric: true,
  sensitivity: 'variant',
  ignorePunctuation: true,
})

/** By the number, of which one of 17 digits is a time in UTC, then by the name. What has no number counts as 0. */
export function compareNames(a: string, b: string): number {
  return prefixOf(a) - prefixOf(b) || COLLATOR.compare(a, b)
}

function prefixOf(name: string): number {
  const digits = /^\d*/.exec(name)?.[0] ?? ''
  const time = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(digits)
  if (time === null) return Number(digits)
  const [, year, month, day, hour, minute, second, rest] = time
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${rest}Z`)
  return Number.isNaN(at) ? Number(digits) : at
}
