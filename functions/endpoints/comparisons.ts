/** Whether a value of an answer compares as the config says, and how either side is said in words. */
import type { Mask } from './masker.ts'
import { excerptOf } from './masker.ts'
import type { RequestConfig } from './parts.ts'
import { matchText, TOO_LONG } from './regular-expression.ts'

export type Comparison = NonNullable<RequestConfig['expect']['body']>
type Scalar = string | number | boolean | null

/** A value of an answer. Headers and bodies are texts, in which a number is a number if it is written as one. */
export type AnswerValue =
  | { readonly there: true; readonly value: unknown; readonly from: 'json' | 'text' }
  /** Why there is none. */
  | { readonly there: false; readonly why: string }

export interface ComparisonResult {
  readonly holds: boolean
  /** Why not, where the value alone does not say it. */
  readonly remark: string | null
}

const HOLDS: ComparisonResult = { holds: true, remark: null }
const FAILS: ComparisonResult = { holds: false, remark: null }

export function compareValue(comparison: Comparison, found: AnswerValue): ComparisonResult {
  // What is not there satisfies nothing but `exists: false`: not even `not`.
  if (!found.there) return comparison.exists === false && !hasMore(comparison) ? HOLDS : FAILS
  for (const [kind, expected] of Object.entries(comparison) as readonly [keyof Comparison, unknown][]) {
    if (expected === undefined) continue
    const result = compareOne(kind, expected, found.value, found.from)
    if (!result.holds) return result
  }
  return HOLDS
}

function hasMore(comparison: Comparison): boolean {
  return Object.entries(comparison).some(([kind, expected]) => kind !== 'exists' && expected !== undefined)
}

function compareOne(
  kind: keyof Comparison,
  expected: unknown,
  value: unknown,
  from: 'json' | 'text',
): ComparisonResult {
  const number = numberOf(value, from)
  const limit = Number(expected)
  switch (kind) {
    case 'exists':
      return result(expected === true)
    case 'equals':
      return result(same(expected as Scalar, value, from))
    case 'not':
      return result(!same(expected as Scalar, value, from))
    case 'in':
      return result((expected as readonly Scalar[]).some((one) => same(one, value, from)))
    case 'above':
      return result(number !== null && number > limit)
    case 'below':
      return result(number !== null && number < limit)
    case 'atLeast':
      return result(number !== null && number >= limit)
    case 'atMost':
      return result(number !== null && number <= limit)
    case 'contains':
      return result(typeof value === 'string' && value.includes(String(expected)))
    case 'matches': {
      if (!isScalar(value) || value === null) return FAILS
      const match = matchText(String(expected), String(value))
      if (match.groups !== null) return HOLDS
      return { holds: false, remark: match.reason === 'too-long' ? TOO_LONG : null }
    }
  }
}

function result(holds: boolean): ComparisonResult {
  return holds ? HOLDS : FAILS
}

function same(expected: Scalar, value: unknown, from: 'json' | 'text'): boolean {
  return from === 'text' && expected !== null ? String(expected) === value : expected === value
}

function numberOf(value: unknown, from: 'json' | 'text'): number | null {
  if (typeof value === 'number') return value
  const written = from === 'text' && typeof value === 'string' ? value.trim() : ''
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/iu.test(written) ? Number(written) : null
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

const WORDS: Readonly<Record<keyof Comparison, string>> = {
  equals: 'is',
  not: 'is not',
  in: 'is one of',
  above: 'is above',
  below: 'is below',
  atLeast: 'is at least',
  atMost: 'is at most',
  contains: 'contains',
  matches: 'matches',
  exists: 'is there',
}

/** `is at least 1 and is below 5`. */
export function printComparison(comparison: Comparison): string {
  const parts = (Object.entries(comparison) as readonly [keyof Comparison, unknown][]).flatMap(([kind, expected]) => {
    if (expected === undefined) return []
    if (kind === 'exists') return [expected === true ? 'is there' : 'is not there']
    if (kind === 'matches') return [`matches /${comparison.matches ?? ''}/`]
    if (kind === 'in')
      return [`is one of ${(expected as readonly Scalar[]).map((one) => JSON.stringify(one)).join(', ')}`]
    return [`${WORDS[kind]} ${JSON.stringify(expected)}`]
  })
  return parts.length === 0 ? 'is there' : parts.join(' and ')
}

/** The value as a reader wants it. */
export function printValue(found: AnswerValue, mask: Mask): string {
  if (!found.there) return found.why
  const { value } = found
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return `an object with ${Object.keys(value).length} keys`
  if (typeof value !== 'string') return mask(String(value))
  return JSON.stringify(excerptOf(value, mask))
}
