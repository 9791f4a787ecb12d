/** Flyway's file names, versions and checksums (research: SqlMigrationResolver, MigrationVersion, ChecksumCalculator). */
import { crc32 } from 'node:zlib'

export interface FlywayName {
  readonly prefix: 'V' | 'R' | 'B' | 'U'
  /** Dotted, as written; null for repeatables. */
  readonly version: string | null
  readonly description: string
  readonly form: 'sql' | 'script' | 'code'
}

const SCRIPTS = /\.(?:ps1|bat|cmd|sh|bash|py)$/i
const CODE = /\.(?:java|kt|groovy|scala)$/

/** The parts of a file's name, or null where Flyway does not take it for a migration: callbacks, drafts, notes. */
export function parseFlywayName(file: string): FlywayName | null {
  const name = file.slice(file.lastIndexOf('/') + 1)
  const form = /\.sql$/i.test(name) ? 'sql' : SCRIPTS.test(name) ? 'script' : CODE.test(name) ? 'code' : null
  if (form === null) return null
  const stem = name.slice(0, name.lastIndexOf('.'))
  const versioned = /^([VBU])(\d+(?:[._]\d+)*)(?:__(.*))?$/s.exec(stem)
  if (versioned !== null) {
    const [, prefix, version = '', description = ''] = versioned
    return { prefix: prefix as 'V', version: version.replaceAll('_', '.'), description: describe(description), form }
  }
  const repeatable = /^R__(.*)$/s.exec(stem)
  if (repeatable === null) return null
  return { prefix: 'R', version: null, description: describe(repeatable[1] ?? ''), form }
}

/** The column holds 200 characters; Flyway cuts a longer description and matches by what is left. */
function describe(text: string): string {
  const description = text.replaceAll('_', ' ')
  return description.length > 200 ? `${description.slice(0, 197)}...` : description
}

/** Equal versions have equal text: parts as whole numbers without leading zeros, without zero parts at the end. */
export function normalVersion(version: string): string {
  const parts = version.replaceAll('_', '.').split('.')
  const numbers = parts.map((part) => part.replace(/^0+(?=.)/, ''))
  while (numbers.length > 1 && numbers.at(-1) === '0') numbers.pop()
  return numbers.join('.')
}

/** Negative where `a` comes first. Parts compare as whole numbers of any size; a missing part is 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.')
  const right = b.split('.')
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const x = BigInt(left[at] ?? '0')
    const y = BigInt(right[at] ?? '0')
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}

/**
 * Flyway's checksum: CRC-32 over the lines without their ends (as Java's readLine splits), without a byte order mark
 * at the beginning, as a signed number.
 */
export function flywayChecksum(text: string): string {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  return String(crc32(Buffer.from(lines.join(''), 'utf8')) | 0)
}

/** Replaces `${name}`; names are case-insensitive as in Flyway. What has no value stays. */
export function replacePlaceholders(text: string, values: Readonly<Record<string, string>>): string {
  const known = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]))
  return text.replace(/\$\{([^}]+)\}/g, (whole, name: string) => known.get(name.toLowerCase()) ?? whole)
}
