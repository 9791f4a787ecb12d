/**
 * The part of JSONPath (RFC 9535) that names one value: `$.a.b[0]['c d'][-1]`. Wildcards, filters and descendants name many
 * values, of which an assertion could hold for one and fail for another: they are refused. Pure.
 */

export type JsonPath = readonly (string | number)[]

// A name as RFC 9535 writes it without quotes, and hyphens beside: `$.build-id` is what people write.
const SEGMENT = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(-?\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/uy

/** The segments of a path; null where it is none that names one value. */
export function parseJsonPath(text: string): JsonPath | null {
  if (!text.startsWith('$')) return null
  const segments: (string | number)[] = []
  let at = 1
  while (at < text.length) {
    SEGMENT.lastIndex = at
    const match = SEGMENT.exec(text)
    if (match === null) return null
    const [whole, name, index, single, double] = match
    segments.push(index === undefined ? (name ?? (single ?? double ?? '').replaceAll(/\\(.)/gu, '$1')) : Number(index))
    at += whole.length
  }
  return segments
}

export type JsonLookup =
  | { readonly found: true; readonly value: unknown }
  /** `missing` is the path up to the segment that is not there: `$.a.b`. */
  | { readonly found: false; readonly missing: string }

/** The value at a path. An index below 0 counts from the end. */
export function lookUp(value: unknown, path: JsonPath): JsonLookup {
  let inside = value
  for (const [depth, segment] of path.entries()) {
    const next = child(inside, segment)
    if (next === undefined) return { found: false, missing: printJsonPath(path.slice(0, depth + 1)) }
    inside = next.value
  }
  return { found: true, value: inside }
}

function child(value: unknown, segment: string | number): { readonly value: unknown } | undefined {
  if (typeof segment === 'number') {
    if (!Array.isArray(value)) return undefined
    const index = segment < 0 ? value.length + segment : segment
    return index in value ? { value: value[index] as unknown } : undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, segment)) {
    return undefined
  }
  return { value: (value as Readonly<Record<string, unknown>>)[segment] }
}

function printJsonPath(path: JsonPath): string {
  const segments = path.map((segment) => {
    if (typeof segment === 'number') return `[${segment}]`
    return /^[\p{L}_][\p{L}\p{N}_-]*$/u.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`
  })
  return `$${segments.join('')}`
}
