/** Literal values of Python's expressions; what is not literal is told by its form, or as computed. */
import type { PythonToken } from './python-source.ts'

export type PythonValue = { readonly line: number } & (
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'none' | 'computed' }
  /** A list, a tuple or a set. */
  | { readonly kind: 'list'; readonly items: readonly PythonValue[] }
  | { readonly kind: 'dict'; readonly entries: readonly (readonly [PythonValue, PythonValue])[] }
  /** Dotted names too: `settings.AUTH_USER_MODEL`. */
  | { readonly kind: 'name'; readonly name: string }
  | {
      readonly kind: 'call'
      readonly name: string
      readonly items: readonly PythonValue[]
      readonly keywords: ReadonlyMap<string, PythonValue>
    }
  | { readonly kind: 'sum'; readonly items: readonly PythonValue[] }
  /** What only a condition brings. */
  | { readonly kind: 'maybe'; readonly value: PythonValue }
  /** `*NAME` in a list. */
  | { readonly kind: 'rest'; readonly value: PythonValue }
)

interface Cursor {
  readonly tokens: readonly PythonToken[]
  at: number
  /** How many brackets are open. */
  depth: number
}

/** Nobody writes more brackets into each other; a file that has them is not to end the program. */
const DEEPEST = 100

/** The value of an expression that takes up all of the tokens; several with commas between them are a tuple. */
export function parseValue(tokens: readonly PythonToken[]): PythonValue {
  const cursor: Cursor = { tokens, at: 0, depth: 0 }
  const line = tokens[0]?.line ?? 1
  const first = expression(cursor)
  if (cursor.at >= tokens.length) return first
  if (!isNext(cursor, ',')) return { kind: 'computed', line }
  const items = [first]
  while (takes(cursor, ',') && cursor.at < tokens.length) items.push(expression(cursor))
  return cursor.at >= tokens.length ? { kind: 'list', items, line } : { kind: 'computed', line }
}

/** A call that begins at this token, its name's first; null where none does. */
export function parseCall(
  tokens: readonly PythonToken[],
  at: number,
): (PythonValue & { readonly kind: 'call' }) | null {
  const found = named({ tokens, at, depth: 0 })
  return found.kind === 'call' ? found : null
}

/** Where an expression ends, but for `:`, which ends a dict's key. */
const ENDS = new Set([',', ')', ']', '}'])

function expression(cursor: Cursor, alsoEnds = ''): PythonValue {
  cursor.depth += 1
  const value = cursor.depth > DEEPEST ? skipped(cursor, alsoEnds) : summands(cursor, alsoEnds)
  cursor.depth -= 1
  return value
}

function skipped(cursor: Cursor, alsoEnds: string): PythonValue {
  const line = cursor.tokens[cursor.at]?.line ?? 1
  skip(cursor, alsoEnds)
  return { kind: 'computed', line }
}

function summands(cursor: Cursor, alsoEnds: string): PythonValue {
  const line = cursor.tokens[cursor.at]?.line ?? 1
  if (takes(cursor, '*')) return { kind: 'rest', value: expression(cursor), line }
  const items = [atom(cursor)]
  while (takes(cursor, '+')) items.push(atom(cursor))
  const next = cursor.tokens[cursor.at]
  const ended = next === undefined || (next.kind === 'operator' && (ENDS.has(next.text) || next.text === alsoEnds))
  if (!ended) return skipped(cursor, alsoEnds)
  const [first] = items
  return items.length === 1 && first !== undefined ? first : { kind: 'sum', items, line }
}

/** To the end of what cannot be read. */
function skip(cursor: Cursor, alsoEnds: string): void {
  let depth = 0
  for (; cursor.at < cursor.tokens.length; cursor.at += 1) {
    const token = cursor.tokens[cursor.at]
    if (token?.kind !== 'operator') continue
    if (depth === 0 && (ENDS.has(token.text) || token.text === alsoEnds)) return
    if ('([{'.includes(token.text)) depth += 1
    else if (')]}'.includes(token.text)) depth -= 1
  }
}

function atom(cursor: Cursor): PythonValue {
  const token = cursor.tokens[cursor.at]
  const line = token?.line ?? 1
  if (token === undefined) return { kind: 'computed', line }
  if (token.kind === 'name') return named(cursor)
  if (token.kind === 'string') return strings(cursor)
  if (takes(cursor, '(')) return parenthesised(cursor, line)
  if (takes(cursor, '[')) return { kind: 'list', items: itemsUntil(cursor, ']'), line }
  if (takes(cursor, '{')) return braced(cursor, line)
  // An operator in front of a value is for `expression` to pass over.
  if (token.kind !== 'operator') cursor.at += 1
  return { kind: 'computed', line }
}

/** Strings that follow each other are one. */
function strings(cursor: Cursor): PythonValue {
  const line = cursor.tokens[cursor.at]?.line ?? 1
  let value = ''
  for (; cursor.tokens[cursor.at]?.kind === 'string'; cursor.at += 1) value += cursor.tokens[cursor.at]?.text ?? ''
  return { kind: 'string', value, line }
}

const WORDS: Readonly<Record<string, { kind: 'none' } | { kind: 'boolean'; value: boolean }>> = {
  None: { kind: 'none' },
  True: { kind: 'boolean', value: true },
  False: { kind: 'boolean', value: false },
}

function named(cursor: Cursor): PythonValue {
  const first = cursor.tokens[cursor.at]
  const line = first?.line ?? 1
  const word = WORDS[first?.text ?? '']
  cursor.at += 1
  if (word !== undefined) return { ...word, line }
  let name = first?.text ?? ''
  while (isNext(cursor, '.') && cursor.tokens[cursor.at + 1]?.kind === 'name') {
    name += `.${cursor.tokens[cursor.at + 1]?.text ?? ''}`
    cursor.at += 2
  }
  if (!takes(cursor, '(')) return { kind: 'name', name, line }
  const keywords = new Map<string, PythonValue>()
  const items = itemsUntil(cursor, ')', keywords)
  return { kind: 'call', name, items, keywords, line }
}

function parenthesised(cursor: Cursor, line: number): PythonValue {
  if (takes(cursor, ')')) return { kind: 'list', items: [], line }
  const first = expression(cursor)
  if (takes(cursor, ')')) return first
  takes(cursor, ',')
  return { kind: 'list', items: [first, ...itemsUntil(cursor, ')')], line }
}

function itemsUntil(
  cursor: Cursor,
  closing: string,
  keywords: Map<string, PythonValue> | null = null,
): readonly PythonValue[] {
  const items: PythonValue[] = []
  while (cursor.at < cursor.tokens.length && !takes(cursor, closing)) {
    const token = cursor.tokens[cursor.at]
    const isKeyword = keywords !== null && token?.kind === 'name' && cursor.tokens[cursor.at + 1]?.text === '='
    if (isKeyword) {
      cursor.at += 2
      keywords.set(token.text, expression(cursor))
    } else items.push(expression(cursor))
    // A bracket that does not fit ends nothing here: without this it would be read for ever.
    if (!takes(cursor, ',') && !isNext(cursor, closing)) cursor.at += 1
  }
  return items
}

function braced(cursor: Cursor, line: number): PythonValue {
  const entries: (readonly [PythonValue, PythonValue])[] = []
  const items: PythonValue[] = []
  while (cursor.at < cursor.tokens.length && !takes(cursor, '}')) {
    const key = expression(cursor, ':')
    if (takes(cursor, ':')) entries.push([key, expression(cursor)])
    else items.push(key)
    if (!takes(cursor, ',') && !isNext(cursor, '}')) cursor.at += 1
  }
  if (entries.length === 0 && items.length > 0) return { kind: 'list', items, line }
  // What another dict brings in (`**OTHER`) is an entry that cannot be read.
  return { kind: 'dict', entries: [...entries, ...items.map((item) => [item, item] as const)], line }
}

function isNext({ tokens, at }: Cursor, text: string): boolean {
  return tokens[at]?.kind === 'operator' && tokens[at].text === text
}

function takes(cursor: Cursor, text: string): boolean {
  if (!isNext(cursor, text)) return false
  cursor.at += 1
  return true
}
