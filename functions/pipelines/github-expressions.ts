/**
 * Expressions of GitHub Actions, evaluated as far as they can be known before a run: what is left is a condition that
 * somebody or something else decides.
 */
import { opaque } from './opaque.ts'

/** Not known here: the expression as it is, and its possible values where these are few. */
export interface Unresolved {
  readonly unresolved: string
  readonly among: readonly string[] | null
}

export type Value = string | number | boolean | null | Unresolved

/** The value of `github.ref`, `inputs.environment` …; undefined where it is not known. */
export type Lookup = (name: string) => Value | undefined

type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[]; readonly text: string }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }

const TOKEN =
  /\s*(?:('(?:[^']|'')*')|(-?\d+(?:\.\d+)?)|([A-Za-z_][\w.*-]*(?:\[[^\]]*\][\w.*-]*)*)|(&&|\|\||==|!=|<=|>=|[!<>(),]))/uy

function tokensOf(text: string): readonly string[] | null {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  const whole = text.trimEnd()
  while (TOKEN.lastIndex < whole.length) {
    const match = TOKEN.exec(whole)
    if (match === null) return null
    tokens.push(match[0].trim())
  }
  return tokens
}

/** null where it is no expression that is understood here. */
function parseExpression(text: string): Expression | null {
  const tokens = tokensOf(text)
  if (tokens === null) return null
  let at = 0
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false
    at += 1
    return true
  }
  const level = (operators: readonly string[], next: () => Expression | null) => (): Expression | null => {
    let left = next()
    while (left !== null && operators.includes(tokens[at] ?? '')) {
      const operator = tokens[at] ?? ''
      at += 1
      const right = next()
      if (right === null) return null
      left = { kind: 'binary', operator, left, right }
    }
    return left
  }
  const primary = (): Expression | null => {
    const token = tokens[at]
    if (token === undefined) return null
    at += 1
    if (token === '!') {
      const of = primary()
      return of === null ? null : { kind: 'not', of }
    }
    if (token === '(') {
      const inner = or()
      return take(')') ? inner : null
    }
    if (token.startsWith("'")) return { kind: 'literal', value: token.slice(1, -1).replaceAll("''", "'") }
    if (/^-?\d/u.test(token)) return { kind: 'literal', value: Number(token) }
    if (token === 'true' || token === 'false') return { kind: 'literal', value: token === 'true' }
    if (token === 'null') return { kind: 'literal', value: null }
    if (!/^[A-Za-z_]/u.test(token)) return null
    if (!take('(')) return { kind: 'name', name: token.replace(/\['([^']*)'\]/gu, '.$1') }
    const args: Expression[] = []
    while (!take(')')) {
      const argument = or()
      if (argument === null) return null
      args.push(argument)
      if (!take(',') && tokens[at] !== ')') return null
    }
    return { kind: 'call', name: token.toLowerCase(), args, text: `${token}(${args.map(written).join(', ')})` }
  }
  const compare = level(['<', '>', '<=', '>='], primary)
  const equal = level(['==', '!='], compare)
  const and = level(['&&'], equal)
  const or: () => Expression | null = level(['||'], and)
  const expression = or()
  return at === tokens.length ? expression : null
}

function written(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string' ? `'${expression.value}'` : String(expression.value)
    case 'name':
      return expression.name
    case 'call':
      return expression.text
    case 'not':
      return `!${bracketed(expression.of)}`
    case 'binary':
      return `${bracketed(expression.left)} ${expression.operator} ${bracketed(expression.right)}`
  }
}

function bracketed(expression: Expression): string {
  return expression.kind === 'binary' && ['&&', '||'].includes(expression.operator)
    ? `(${written(expression)})`
    : written(expression)
}

export function isUnresolved(value: Value): value is Unresolved {
  return typeof value === 'object' && value !== null
}

function unresolved(text: string, among: readonly string[] | null = null): Unresolved {
  return { unresolved: text, among }
}

/** Only what is known: '' and 0 and null are false, every other text is true, "false" too. */
function truth(value: Exclude<Value, Unresolved>): boolean {
  return value !== '' && value !== 0 && value !== null && value !== false
}

function show(value: Value): string {
  if (isUnresolved(value)) return value.unresolved
  return typeof value === 'string' ? `'${value}'` : String(value)
}

function evaluate(expression: Expression, lookup: Lookup): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value
    case 'name':
      return lookup(expression.name) ?? unresolved(expression.name)
    case 'call':
      return call(expression, lookup)
    case 'not': {
      const inner = evaluate(expression.of, lookup)
      return isUnresolved(inner)
        ? unresolved(`!${/\s(?:&&|\|\||[=!]=)\s/u.test(inner.unresolved) ? `(${inner.unresolved})` : inner.unresolved}`)
        : !truth(inner)
    }
    case 'binary':
      return binary(expression.operator, evaluate(expression.left, lookup), evaluate(expression.right, lookup))
  }
}

function binary(operator: string, left: Value, right: Value): Value {
  if (operator === '&&' || operator === '||') {
    const wins = operator === '||'
    if (!isUnresolved(left)) return truth(left) === wins ? left : right
    if (!isUnresolved(right) && typeof right === 'boolean' && right === wins) return right
    if (!isUnresolved(right) && typeof right === 'boolean') return left
    return unresolved(`${show(left)} ${operator} ${show(right)}`)
  }
  const isEquality = operator === '==' || operator === '!='
  if (isUnresolved(left) || isUnresolved(right)) {
    const [open, known] = isUnresolved(left) ? [left, right] : [right as Unresolved, left]
    if (isEquality && !isUnresolved(known) && open.among !== null && !open.among.includes(String(known)))
      return operator === '!='
    // `inputs.migrate == true` says what `inputs.migrate` does.
    if (isEquality && (known === true || known === 'true') && operator === '==' && /[=!]=/u.test(open.unresolved))
      return open
    return unresolved(`${show(left)} ${operator} ${show(right)}`)
  }
  if (isEquality)
    return (String(left ?? '').toLowerCase() === String(right ?? '').toLowerCase()) === (operator === '==')
  const [one, other] = [Number(left), Number(right)]
  return { '<': one < other, '>': one > other, '<=': one <= other, '>=': one >= other }[operator] ?? false
}

function call({ name, args, text }: Extract<Expression, { kind: 'call' }>, lookup: Lookup): Value {
  if (name === 'success' || name === 'always') return true
  if (name === 'failure' || name === 'cancelled') return false
  const values = args.map((argument) => evaluate(argument, lookup))
  const known = values.flatMap((value) => (isUnresolved(value) ? [] : [String(value ?? '')]))
  const [first = '', second = ''] = known
  if (known.length !== values.length) return unresolved(text)
  switch (name) {
    case 'contains':
      return first.toLowerCase().includes(second.toLowerCase())
    case 'startswith':
      return first.toLowerCase().startsWith(second.toLowerCase())
    case 'endswith':
      return first.toLowerCase().endsWith(second.toLowerCase())
    case 'format':
      return first.replace(/\{(\d+)\}/gu, (_, at: string) => known[Number(at) + 1] ?? '')
    case 'fromjson':
    case 'tojson':
      return first
    default:
      return unresolved(text)
  }
}

/** The value of an expression; a text that is none is unresolved as it is. */
export function evaluateText(text: string, lookup: Lookup): Value {
  const expression = parseExpression(text)
  return expression === null ? unresolved(text.trim()) : evaluate(expression, lookup)
}

/** A text with `${{ … }}` filled in; what is not known stays as an opaque piece. */
export function fillIn(text: string, lookup: Lookup): string {
  return text.replace(/\$\{\{(.*?)\}\}/gsu, (_, inner: string) => {
    const value = evaluateText(inner, lookup)
    return isUnresolved(value) ? opaque(value.unresolved) : String(value ?? '')
  })
}

/** The value of a key that may be one expression, or a text with some in it. */
export function valueOf(text: string, lookup: Lookup): Value {
  const whole = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/su.exec(text)?.[1]
  return whole === undefined ? fillIn(text, lookup) : evaluateText(whole, lookup)
}

export interface Condition {
  /** What has to hold, each for itself, and is decided elsewhere. */
  readonly open: readonly string[]
  /** It never holds. */
  readonly never: boolean
  /** It says that a failure before does not matter: `always()`, `!cancelled()`, `failure()`. */
  readonly regardless: boolean
  /** Jobs of which it asks that they succeeded, whatever else it says. */
  readonly succeeded: readonly string[]
}

/** What an `if:` says. */
export function readCondition(text: string | null, lookup: Lookup): Condition {
  if (text === null || text.trim() === '') return { open: [], never: false, regardless: false, succeeded: [] }
  const inner = text.replaceAll(/\$\{\{|\}\}/gu, ' ').trim()
  const expression = parseExpression(inner)
  const parts = expression === null ? null : conjuncts(expression)
  const values = parts === null ? [unresolved(inner)] : parts.map((part) => evaluate(part, lookup))
  const open = values.flatMap((value) => (isUnresolved(value) ? [value.unresolved] : []))
  const succeeded = open.flatMap((one) => /^needs\.([\w-]+)\.result == 'success'$/u.exec(one)?.[1] ?? [])
  return {
    open: open.filter((one) => !/^needs\.[\w-]+\.result == 'success'$/u.test(one)),
    never:
      values.some((value) => !isUnresolved(value) && !truth(value)) && !/\bfailure\(\)|\bcancelled\(\)/u.test(inner),
    regardless: /\balways\(\)|\bcancelled\(\)|\bfailure\(\)/u.test(inner),
    succeeded,
  }
}

function conjuncts(expression: Expression): readonly Expression[] {
  return expression.kind === 'binary' && expression.operator === '&&'
    ? [...conjuncts(expression.left), ...conjuncts(expression.right)]
    : [expression]
}
