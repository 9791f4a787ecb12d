/** Named parameters (`:name`) to the server's `$1`, each cast to the type that it travels as. */
import type { Parameter } from './requests.ts'
import { ServiceError } from './service-error.ts'

export interface PositionalStatement {
  readonly sql: string
  readonly values: readonly (string | null)[]
}

const HINT_TYPES = {
  DATE: 'date',
  DECIMAL: 'numeric',
  JSON: 'json',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
  UUID: 'uuid',
} as const

const HINT_FORMS: Partial<Record<keyof typeof HINT_TYPES, RegExp>> = {
  DATE: /^\d{4}-\d\d-\d\d$/,
  TIME: /^\d\d:\d\d:\d\d(\.\d{1,6})?$/,
  TIMESTAMP: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/,
}

/** Comments, quotes and dollar quotes, in which a `:name` is text; `::` is a cast. */
const PARTS =
  /--[^\n\r]*|\/\*(?:[^*]|\*(?!\/))*\*\/|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\$(\w*)\$[\s\S]*?\$\1\$|::|:([A-Za-z_]\w*)/g

function valueOf({ name, value, typeHint }: Parameter): { readonly type: string; readonly value: string | null } {
  if ('arrayValue' in value) throw new ServiceError('ValidationException', 'Array parameters are not supported.')
  if (typeHint !== undefined && !('stringValue' in value) && !('isNull' in value)) {
    throw new ServiceError('ValidationException', `parameter ${name}: typeHint ${typeHint} needs a stringValue`)
  }
  const hinted = typeHint === undefined ? null : HINT_TYPES[typeHint]
  if ('isNull' in value) return { type: hinted ?? 'text', value: null }
  if ('booleanValue' in value) return { type: 'boolean', value: String(value.booleanValue) }
  if ('longValue' in value) return { type: 'bigint', value: String(value.longValue) }
  if ('doubleValue' in value) return { type: 'double precision', value: String(value.doubleValue) }
  if ('blobValue' in value)
    return { type: 'bytea', value: `\\x${Buffer.from(value.blobValue, 'base64').toString('hex')}` }
  const form = typeHint === undefined ? undefined : HINT_FORMS[typeHint]
  if (form !== undefined && !form.test(value.stringValue)) {
    throw new ServiceError(
      'BadRequestException',
      `parameter ${name}: ${JSON.stringify(value.stringValue)} is no ${typeHint}`,
    )
  }
  return { type: hinted ?? 'text', value: value.stringValue }
}

/** @throws {ServiceError} a name that the statement uses is not given, or one is given twice */
export function bindParameters(sql: string, parameters: readonly Parameter[]): PositionalStatement {
  const given = new Map(parameters.map((parameter) => [parameter.name, valueOf(parameter)]))
  if (given.size !== parameters.length) throw new ServiceError('BadRequestException', 'a parameter is given twice')
  const places = new Map<string, number>()
  const text = sql.replaceAll(PARTS, (part: string, _tag: string | undefined, name: string | undefined) => {
    if (name === undefined) return part
    const parameter = given.get(name)
    if (parameter === undefined) throw new ServiceError('BadRequestException', `Cannot find parameter: ${name}`)
    const place = places.get(name) ?? places.size + 1
    places.set(name, place)
    return `CAST($${place} AS ${parameter.type})`
  })
  return { sql: text, values: [...places.keys()].map((name) => given.get(name)?.value ?? null) }
}
