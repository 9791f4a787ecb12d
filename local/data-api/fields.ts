/** Values as the service types them. What it does not support, or may not, is refused: the stand-in is never more generous. */
import { ServiceError } from './service-error.ts'

export interface Column {
  readonly name: string
  readonly type: number
}

export interface ResultOptions {
  readonly longAsString: boolean
  readonly decimalAsNumber: boolean
}

type Kind = 'long' | 'double' | 'decimal' | 'boolean' | 'string' | 'blob' | 'timestamptz'

/** By type OID of `pg_type`. */
const KINDS: Readonly<Record<number, Kind>> = {
  16: 'boolean',
  17: 'blob',
  20: 'long',
  21: 'long',
  23: 'long',
  25: 'string',
  114: 'string',
  700: 'double',
  701: 'double',
  1042: 'string',
  1043: 'string',
  1082: 'string',
  1083: 'string',
  1114: 'string',
  1184: 'timestamptz',
  1700: 'decimal',
  2950: 'string',
  3802: 'string',
}

/** Array type → kind of its elements, and the member of `arrayValue`. Arrays of uuid are not supported. */
const ARRAYS: Readonly<Record<number, readonly [kind: Kind, member: string]>> = {
  1000: ['boolean', 'booleanValues'],
  1005: ['long', 'longValues'],
  1007: ['long', 'longValues'],
  1009: ['string', 'stringValues'],
  1014: ['string', 'stringValues'],
  1015: ['string', 'stringValues'],
  1016: ['long', 'longValues'],
  1021: ['double', 'doubleValues'],
  1022: ['double', 'doubleValues'],
  1231: ['decimal', 'stringValues'],
}

export const TYPE_NAMES: Readonly<Record<number, string>> = {
  16: 'bool',
  17: 'bytea',
  20: 'int8',
  21: 'int2',
  23: 'int4',
  25: 'text',
  114: 'json',
  700: 'float4',
  701: 'float8',
  1042: 'bpchar',
  1043: 'varchar',
  1082: 'date',
  1083: 'time',
  1114: 'timestamp',
  1184: 'timestamptz',
  1700: 'numeric',
  2950: 'uuid',
  3802: 'jsonb',
}

/** `2026-01-01 02:00:00.123456+02` → `2026-01-01 00:00:00.123456`. */
function inUtc(text: string): string {
  const match = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(\.\d+)?([+-]\d\d)(?::(\d\d))?$/.exec(text)
  if (match === null)
    throw new ServiceError(
      'UnsupportedResultException',
      `The result contains the unsupported value ${text} of type timestamptz`,
    )
  const [, seconds = '', fraction = '', hours = '+00', minutes = '00'] = match
  const instant = new Date(`${seconds.replace(' ', 'T')}${hours}:${minutes}`)
  return `${instant.toISOString().slice(0, 19).replace('T', ' ')}${fraction}`
}

function doubleToken(text: string): string {
  return Number.isFinite(Number(text)) ? text : JSON.stringify(text)
}

/** A value as a token of JSON, and the member of Field that it is. Digits stay digits: the service writes whole int8. */
function scalar(kind: Kind, text: string, options: ResultOptions): readonly [member: string, token: string] {
  switch (kind) {
    case 'boolean':
      return ['booleanValue', text === 't' ? 'true' : 'false']
    case 'long':
      return options.longAsString ? ['stringValue', JSON.stringify(text)] : ['longValue', text]
    case 'double':
      return ['doubleValue', doubleToken(text)]
    case 'decimal':
      if (!options.decimalAsNumber) return ['stringValue', JSON.stringify(text)]
      return text.includes('.') || text === 'NaN' ? ['doubleValue', doubleToken(text)] : ['longValue', text]
    case 'blob':
      return ['blobValue', JSON.stringify(Buffer.from(text.slice(2), 'hex').toString('base64'))]
    case 'timestamptz':
      return ['stringValue', JSON.stringify(inUtc(text))]
    case 'string':
      return ['stringValue', JSON.stringify(text)]
  }
}

/** The elements of a one-dimensional array's text. */
function elementsOf(text: string): readonly (string | null)[] {
  if (!text.startsWith('{') || /^\{\s*\{/.test(text)) {
    throw new ServiceError('UnsupportedResultException', 'The result contains a multidimensional array')
  }
  const elements: (string | null)[] = []
  for (const match of text.slice(1, -1).matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)) {
    const [, quoted, bare] = match
    elements.push(quoted === undefined ? (bare === 'NULL' ? null : (bare ?? '')) : quoted.replaceAll(/\\(.)/g, '$1'))
  }
  return elements
}

/** @throws {ServiceError} UnsupportedResultException, before any row is looked at */
export function refuseUnsupportedColumns(columns: readonly Column[]): void {
  for (const { name, type } of columns) {
    if (KINDS[type] !== undefined || ARRAYS[type] !== undefined) continue
    throw new ServiceError(
      'UnsupportedResultException',
      `The result contains the unsupported data type with OID ${type} in column ${name}; cast it to TEXT`,
    )
  }
}

/** One Field, as JSON text. */
export function fieldJson(column: Column, text: string | null, options: ResultOptions): string {
  if (text === null) return '{"isNull":true}'
  const array = ARRAYS[column.type]
  if (array === undefined) {
    const [member, token] = scalar(KINDS[column.type] ?? 'string', text, options)
    return `{"${member}":${token}}`
  }
  return `{"arrayValue":{"${array[1]}":${arrayJson(array[0], text)}}}`
}

function arrayJson(kind: Kind, text: string): string {
  const options = { longAsString: false, decimalAsNumber: false }
  return `[${elementsOf(text)
    .map((element) => (element === null ? 'null' : scalar(kind, element, options)[1]))
    .join(',')}]`
}

/** One value of `formattedRecords`: no Field around it. */
export function plainJson(column: Column, text: string | null, options: ResultOptions): string {
  if (text === null) return 'null'
  const array = ARRAYS[column.type]
  if (array !== undefined) return arrayJson(array[0], text)
  return scalar(KINDS[column.type] ?? 'string', text, options)[1]
}
