/** What several tools do with a migration's text and times in the same way. */
import { createHash } from 'node:crypto'
import type { Migration } from '../core/release.ts'

/** SHA-256 in lower-case hex. */
export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * The text as it is, with LF and with CRLF: git's autocrlf changes every line of a checkout, and nobody edited anything.
 * Without repetitions, the text itself first.
 */
export function lineEndVariants(text: string): readonly string[] {
  const lf = text.replaceAll('\r\n', '\n')
  return [...new Set([text, lf, lf.replaceAll('\n', '\r\n')])]
}

/**
 * How many of the migrations stand at or before a place in the tool's order: `AppliedMigration.place`. They are sorted, so
 * that `isAtOrBefore` holds for the first ones and for no later one; repeatables come last and have no place.
 */
export function placeAfter<T extends Migration>(
  migrations: readonly T[],
  isAtOrBefore: (migration: T, index: number) => boolean,
): number {
  let low = 0
  let high = migrations.length
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const migration = migrations[middle]
    if (migration !== undefined && migration.kind !== 'repeatable' && isAtOrBefore(migration, middle)) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * A timestamp as the server writes it in text (`2026-11-23 01:54:44.718+00`) in ISO 8601. One without a zone is taken as
 * UTC: several tools store the session's clock without its zone, and servers and pipelines run on UTC nearly everywhere.
 * Null where it is no timestamp.
 */
export function isoTime(text: string | null): string | null {
  const parts = /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(text ?? '')
  if (parts === null) return null
  const [, day = '', time = '', fraction = '', zone = ''] = parts
  const offset = /^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone === '' ? 'Z' : zone
  const at = new Date(`${day}T${time}${fraction.slice(0, 4)}${offset}`)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

/** 't', 'true' and '1' are how servers write true. */
export function isTrue(text: string | null | undefined): boolean {
  return text === 't' || text === 'true' || text === '1'
}
