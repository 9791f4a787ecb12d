/** What a configured query should answer, and whether a value is as it should be. Pure. */
import type { StatementExpect } from './release.ts'

export type Scalar = string | number | boolean | null

/** All comparisons that are given must hold. */
export interface Comparison {
  readonly equals?: Scalar | undefined
  readonly not?: Scalar | undefined
  readonly in?: readonly Scalar[] | undefined
  readonly above?: number | undefined
  readonly below?: number | undefined
  readonly atLeast?: number | undefined
  readonly atMost?: number | undefined
  readonly matches?: string | undefined
  readonly contains?: string | undefined
  readonly exists?: boolean | undefined
}

export interface QueryExpectation {
  readonly rows: number | null
  readonly minRows: number | null
  readonly maxRows: number | null
  /** In any order, and there may be others. `type` null: any. */
  readonly columns: readonly { readonly name: string; readonly type: string | null }[]
  readonly values: readonly { readonly column: string; readonly comparison: Comparison }[]
  readonly newest: { readonly column: string; readonly withinMs: number } | null
  readonly maxMillis: number | null
}

/** Reads what the config's schema has parsed, or a manifest kept of it. null: the query has only to prepare. */
export function readQueryExpectation(expect: StatementExpect | null): QueryExpectation | null {
  if (expect === null) return null
  const newest = recordOf(expect['newest'])
  const column = newest?.['column']
  const within = numberOf(newest?.['within'])
  return {
    rows: numberOf(expect['rows']),
    minRows: numberOf(expect['minRows']),
    maxRows: numberOf(expect['maxRows']),
    columns: columnsOf(expect['columns']),
    values: Object.entries(recordOf(expect['values']) ?? {}).map(([name, comparison]) => ({
      column: name,
      comparison: recordOf(comparison) ?? { equals: comparison },
    })),
    newest: typeof column === 'string' && within !== null ? { column, withinMs: within } : null,
    maxMillis: numberOf(expect['maxMillis']),
  }
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
}

function columnsOf(value: unknown): QueryExpectation['columns'] {
  if (Array.isArray(value)) return value.map((name) => ({ name: String(name), type: null }))
  return Object.entries(recordOf(value) ?? {}).map(([name, type]) => ({ name, type: String(type) }))
}

/** The columns that have to be known one by one: for their types, values or age. */
export function columnsAskedFor({ columns, values, newest }: QueryExpectation): readonly string[] {
  const names = [...columns.map(({ name }) => name), ...values.map(({ column }) => column)]
  return [...new Set(newest === null ? names : [...names, newest.column])]
}

/** A comparison in words, as the sentence behind "is": `at least 1`. */
export function wordsOf(comparison: Comparison): string {
  const words = (Object.keys(WORDS) as (keyof Comparison)[]).flatMap((key) => {
    const wanted = comparison[key]
    return wanted === undefined ? [] : [WORDS[key](wanted)]
  })
  return words.join(' and ')
}

const WORDS: Readonly<Record<keyof Comparison, (wanted: unknown) => string>> = {
  equals: (wanted) => textOf(wanted),
  not: (wanted) => `not ${textOf(wanted)}`,
  in: (wanted) => `one of ${(wanted as readonly unknown[]).map(textOf).join(', ')}`,
  above: (wanted) => `above ${textOf(wanted)}`,
  below: (wanted) => `below ${textOf(wanted)}`,
  atLeast: (wanted) => `at least ${textOf(wanted)}`,
  atMost: (wanted) => `at most ${textOf(wanted)}`,
  matches: (wanted) => `a text that matches ${String(wanted)}`,
  contains: (wanted) => `a text with ${textOf(wanted)} in it`,
  exists: (wanted) => (wanted === true ? 'there' : 'not there (null)'),
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

/** Whether the value is as the comparison has it. A null is neither above nor below anything. */
export function holds(comparison: Comparison, value: Scalar): boolean {
  const { equals, not, above, below, atLeast, atMost, matches, contains, exists } = comparison
  const number = asNumber(value)
  const ordered = (limit: number | undefined, holdsFor: (number: number, limit: number) => boolean): boolean =>
    limit === undefined || (number !== null && holdsFor(number, limit))
  return (
    (equals === undefined || same(value, equals)) &&
    (not === undefined || !same(value, not)) &&
    (comparison.in === undefined || comparison.in.some((one) => same(value, one))) &&
    ordered(above, (one, limit) => one > limit) &&
    ordered(below, (one, limit) => one < limit) &&
    ordered(atLeast, (one, limit) => one >= limit) &&
    ordered(atMost, (one, limit) => one <= limit) &&
    (matches === undefined || (value !== null && new RegExp(matches, 'u').test(String(value)))) &&
    (contains === undefined || (value !== null && String(value).includes(contains))) &&
    (exists === undefined || exists === (value !== null))
  )
}

/** `numeric` of many digits comes as text, so that no digit is lost; YAML's `1` means it too. */
function same(value: Scalar, wanted: Scalar): boolean {
  if (value === wanted) return true
  if (typeof wanted === 'number') return asNumber(value) === wanted
  return typeof wanted === 'string' && typeof value === 'number' && String(value) === wanted
}

function asNumber(value: Scalar): number | null {
  if (typeof value === 'number') return value
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  return Number.isNaN(number) ? null : number
}

/** Spellings of types that people use, and what the server calls them. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: 'integer',
  int4: 'integer',
  int2: 'smallint',
  int8: 'bigint',
  serial: 'integer',
  bigserial: 'bigint',
  float8: 'double precision',
  double: 'double precision',
  float4: 'real',
  float: 'double precision',
  decimal: 'numeric',
  bool: 'boolean',
  varchar: 'character varying',
  char: 'character',
  bpchar: 'character',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  datetime: 'timestamp without time zone',
  time: 'time without time zone',
  timetz: 'time with time zone',
  varbit: 'bit varying',
}

/** A type's name without modifiers, as the server writes it: `varchar(20)[]` is `character varying[]`. */
export function canonicalType(name: string): string {
  const bare = name
    .trim()
    .toLowerCase()
    .replaceAll(/\s*\([^)]*\)/gu, '')
    .replaceAll(/\s+/gu, ' ')
  const element = bare.replace(/(?:\[\])+$/u, '')
  return `${TYPE_NAMES[element] ?? element}${bare === element ? '' : '[]'}`
}
