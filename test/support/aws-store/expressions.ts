/**
 * DynamoDB's condition expressions, really evaluated, for those forms that are used here. Any other is refused, and so are a
 * placeholder that is not defined or not used, and an attribute that is named without one (it might be a reserved word).
 */
import { validation } from './service-failure.ts'

export type Value = { readonly S: string } | { readonly N: string }
export type Attributes = Readonly<Record<string, Value>>

export interface Placeholders {
  readonly names: Readonly<Record<string, string>>
  readonly values: Readonly<Record<string, Value>>
}

type Test = (item: Attributes) => boolean

const TOKEN = /\s*(?:(?<word>[A-Za-z_]+)|(?<name>#\w+)|(?<value>:\w+)|(?<sign><=|>=|<>|[=<>(),]))/uy

/** A test of items. @throws {ServiceFailure} ValidationException */
export function parseCondition(text: string, placeholders: Placeholders, used: Set<string>): Test {
  const tokens = tokensOf(text)
  let at = 0
  const next = (): string | undefined => tokens[at]
  const take = (expected?: string): string => {
    const token = tokens[at]
    if (token === undefined || (expected !== undefined && token !== expected))
      throw validation(`Invalid expression: syntax error at "${token ?? 'the end'}" in ${text}`)
    at += 1
    return token
  }
  const attribute = (): string => {
    const token = take()
    const name = placeholders.names[token]
    if (!token.startsWith('#') || name === undefined)
      throw validation(
        `An expression attribute name used in the document path is not defined; attribute name: ${token}`,
      )
    used.add(token)
    return name
  }
  const value = (): Value => {
    const token = take()
    const found = placeholders.values[token]
    if (!token.startsWith(':') || found === undefined)
      throw validation(`An expression attribute value used in expression is not defined; attribute value: ${token}`)
    used.add(token)
    return found
  }
  const comparison = (): Test => {
    const name = attribute()
    const sign = take()
    const operand = value()
    return (item) => {
      const found = item[name]
      // A comparison with what is not there, or of another type, does not hold.
      return found !== undefined && holds(sign, compareValues(found, operand))
    }
  }
  const call = (): Test => {
    const name = take()
    take('(')
    const subject = attribute()
    if (name === 'begins_with') {
      take(',')
      const start = value()
      take(')')
      return (item) => {
        const found = item[subject]
        return found !== undefined && 'S' in found && 'S' in start && found.S.startsWith(start.S)
      }
    }
    take(')')
    if (name === 'attribute_exists') return (item) => item[subject] !== undefined
    if (name === 'attribute_not_exists') return (item) => item[subject] === undefined
    throw validation(`Invalid function name; function: ${name}`)
  }
  const factor = (): Test => {
    if (next() === '(') {
      take()
      const inner = either()
      take(')')
      return inner
    }
    if (next() === 'NOT') {
      take()
      const inner = factor()
      return (item) => !inner(item)
    }
    return next()?.startsWith('#') === true ? comparison() : call()
  }
  const both = (): Test => {
    const tests = [factor()]
    while (next() === 'AND') {
      take()
      tests.push(factor())
    }
    return (item) => tests.every((test) => test(item))
  }
  function either(): Test {
    const tests = [both()]
    while (next() === 'OR') {
      take()
      tests.push(both())
    }
    return (item) => tests.some((test) => test(item))
  }
  const test = either()
  if (at < tokens.length) throw validation(`Invalid expression: syntax error at "${next()}" in ${text}`)
  return test
}

/** `#pk = :pk` with, at most, a begins_with of the other key: the forms of a key condition that are used here. */
export function parseKeyCondition(
  text: string,
  placeholders: Placeholders,
  used: Set<string>,
): { readonly pk: string; readonly test: Test } {
  const parts = /^(#\w+) = (:\w+)(?: AND begins_with\((#\w+), (:\w+)\))?$/u.exec(text)
  const equal = placeholders.values[parts?.[2] ?? '']
  if (parts === null || placeholders.names[parts[1] ?? ''] !== 'pk' || equal === undefined || !('S' in equal))
    throw validation(`Query condition missed key schema element: pk (${text})`)
  if (parts[3] !== undefined && placeholders.names[parts[3]] !== 'sk')
    throw validation(`Query key condition not supported: ${text}`)
  return { pk: equal.S, test: parseCondition(text, placeholders, used) }
}

export function refuseUnused({ names, values }: Placeholders, used: ReadonlySet<string>): void {
  const unused = [...Object.keys(names), ...Object.keys(values)].filter((name) => !used.has(name))
  if (unused.length > 0)
    throw validation(
      `Value provided in ExpressionAttributeNames or Values unused in expressions: keys: {${unused.join(', ')}}`,
    )
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  let end = 0
  for (let found = TOKEN.exec(text); found !== null; found = TOKEN.exec(text)) {
    tokens.push(found[0].trim())
    end = TOKEN.lastIndex
  }
  if (text.slice(end).trim() !== '') throw validation(`Invalid expression: syntax error at "${text.slice(end)}"`)
  return tokens
}

/** Below, at or above 0; NaN: of different types. */
function compareValues(a: Value, b: Value): number {
  if ('N' in a && 'N' in b) return Number(a.N) - Number(b.N)
  if ('S' in a && 'S' in b) return Buffer.compare(Buffer.from(a.S), Buffer.from(b.S))
  return Number.NaN
}

function holds(sign: string, order: number): boolean {
  switch (sign) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    default:
      throw validation(`Invalid operator: ${sign}`)
  }
}
