/** What names stand for at the end of a Python file, or of a class in it, as far as it is written down. */
import type { PythonStatement, PythonToken } from './python-source.ts'
import type { PythonValue } from './python-values.ts'
import { parseValue } from './python-values.ts'

export type PythonScope = ReadonlyMap<string, PythonValue>

/**
 * @param outer What names stand for where the statements begin.
 * @param imported What statements that import bring, where it is known.
 */
export function scopeOf(
  statements: readonly PythonStatement[],
  outer: PythonScope = new Map(),
  imported: ReadonlyMap<PythonStatement, PythonScope> = new Map(),
): PythonScope {
  const scope = new Map(outer)
  const indent = statements[0]?.indent ?? 0
  // The first words of the blocks around a statement.
  const blocks: { readonly indent: number; readonly word: string }[] = []
  for (const statement of statements) {
    const { indent: own, tokens } = statement
    while (blocks.length > 0 && (blocks.at(-1)?.indent ?? 0) >= own) blocks.pop()
    const isElsewhere = blocks.some(({ word }) => word === 'def' || word === 'class' || word === 'async')
    const inside = COMPOUND.has(tokens[0]?.text ?? '') ? afterColon(tokens) : null
    const conditional = own > indent || inside !== null
    if (!isElsewhere) assign(scope, changeOf(inside ?? tokens), conditional)
    for (const [name, value] of isElsewhere ? [] : (imported.get(statement) ?? [])) {
      assign(scope, { names: [name], value, adds: false }, conditional)
    }
    if (tokens.at(-1)?.text === ':') blocks.push({ indent: own, word: tokens[0]?.text ?? '' })
  }
  return scope
}

/** What stands at the top of a file's class; null where it has none of that name. */
export function classBody(
  statements: readonly PythonStatement[],
  name: string,
): { readonly line: number; readonly body: readonly PythonStatement[] } | null {
  const at = statements.findIndex(
    ({ indent, tokens }) => indent === 0 && tokens[0]?.text === 'class' && tokens[1]?.text === name,
  )
  if (at < 0) return null
  const after = statements.slice(at + 1)
  const end = after.findIndex(({ indent }) => indent === 0)
  return { line: statements[at]?.line ?? 1, body: end < 0 ? after : after.slice(0, end) }
}

const COMPOUND = new Set(['if', 'elif', 'else', 'for', 'while', 'try', 'except', 'finally', 'with', 'match'])

/** `if DEBUG: NAME = …` on one line. */
function afterColon(tokens: readonly PythonToken[]): readonly PythonToken[] {
  let depth = 0
  const at = tokens.findIndex(({ kind, text }) => {
    if (kind === 'operator' && '([{'.includes(text)) depth += 1
    if (kind === 'operator' && ')]}'.includes(text)) depth -= 1
    return kind === 'operator' && text === ':' && depth === 0
  })
  return at < 0 ? [] : tokens.slice(at + 1)
}

function assign(scope: Map<string, PythonValue>, change: Change | null, conditional: boolean): void {
  if (change === null) return
  const { names, value, adds } = change
  for (const name of names) {
    const before = scope.get(name)
    const { line } = value
    const maybe = { kind: 'maybe', value: resolved(value, scope), line } as const
    // Whether it takes the place of what was there, only the condition says.
    const instead = adds ? [] : [{ kind: 'computed', line } as const]
    if (conditional) scope.set(name, sumOf([...(before === undefined ? [] : [before]), maybe, ...instead]))
    else if (adds) scope.set(name, sumOf([before ?? { kind: 'computed', line }, resolved(value, scope)]))
    else scope.set(name, resolved(value, scope))
  }
}

interface Change {
  readonly names: readonly string[]
  readonly value: PythonValue
  /** To what was there before. */
  readonly adds: boolean
}

function changeOf(tokens: readonly PythonToken[]): Change | null {
  const [first, second, third] = tokens
  if (first?.kind !== 'name' || second === undefined) return null
  if (second.text === '.' && tokens[3]?.text === '(') return callOf(first.text, third?.text ?? '', tokens)
  if (second.text === '+=') return { names: [first.text], value: parseValue(tokens.slice(2)), adds: true }
  const parts = splitAtEquals(tokens)
  if (parts.length < 2) return null
  const targets = parts.slice(0, -1)
  const names = targets.flatMap(([name, mark]) =>
    name?.kind === 'name' && (mark === undefined || mark.text === ':' || mark.text === '[') ? [name.text] : [],
  )
  const item = targets.some(([, mark]) => mark?.text === '[')
  const value = parseValue(parts.at(-1) ?? [])
  // NAME[…] = …: one of its values, whichever.
  return { names, value: item ? { kind: 'computed', line: value.line } : value, adds: item }
}

/** What a list's own methods do to it; any other one of them leaves what cannot be known. */
function callOf(name: string, method: string, tokens: readonly PythonToken[]): Change | null {
  const value = parseValue(tokens.slice(3))
  if (method === 'append')
    return { names: [name], value: { kind: 'list', items: [value], line: value.line }, adds: true }
  if (method === 'extend') return { names: [name], value, adds: true }
  if (method === 'insert' && value.kind === 'list')
    return { names: [name], value: { ...value, items: value.items.slice(1) }, adds: true }
  const changes = ['remove', 'pop', 'clear', 'update', 'setdefault', 'insert'].includes(method)
  return changes ? { names: [name], value: { kind: 'computed', line: value.line }, adds: true } : null
}

/** At the `=` that are in no bracket: `a: T = b = c` has three parts. */
function splitAtEquals(tokens: readonly PythonToken[]): readonly (readonly PythonToken[])[] {
  const parts: PythonToken[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    const isOperator = token.kind === 'operator'
    if (isOperator && '([{'.includes(token.text)) depth += 1
    else if (isOperator && ')]}'.includes(token.text)) depth -= 1
    if (isOperator && token.text === '=' && depth === 0) parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function sumOf([first, ...rest]: readonly PythonValue[]): PythonValue {
  // One sum, however often something is added to it.
  const before = first === undefined ? [] : first.kind === 'sum' ? first.items : [first]
  return { kind: 'sum', items: [...before, ...rest], line: first?.line ?? 1 }
}

/** With what its names stand for, where that is known. */
export function resolved(value: PythonValue, scope: PythonScope): PythonValue {
  switch (value.kind) {
    case 'name':
      return scope.get(value.name) ?? value
    case 'list':
    case 'sum':
    case 'call':
      return { ...value, items: value.items.map((item) => resolved(item, scope)) }
    case 'rest':
    case 'maybe':
      return { ...value, value: resolved(value.value, scope) }
    case 'dict':
      return { ...value, entries: value.entries.map(([key, item]) => [resolved(key, scope), resolved(item, scope)]) }
    case 'string':
    case 'boolean':
    case 'none':
    case 'computed':
      return value
  }
}

export interface PythonItems {
  readonly items: readonly PythonValue[]
  /** Those that only a condition brings. */
  readonly maybe: readonly PythonValue[]
  /** There may be others, and some of these may not be there. */
  readonly computed: boolean
}

/** The items of a list, of what is added to it and of what is spread in it. */
export function itemsOf(value: PythonValue): PythonItems {
  const unknown = { items: [], maybe: [], computed: true }
  switch (value.kind) {
    case 'list':
    case 'sum': {
      const isList = value.kind === 'list'
      const parts = value.items.map((item) =>
        isList && item.kind !== 'rest' && item.kind !== 'computed'
          ? { items: [item], maybe: [], computed: false }
          : itemsOf(item),
      )
      return {
        items: parts.flatMap(({ items }) => items),
        maybe: parts.flatMap(({ maybe }) => maybe),
        computed: parts.some(({ computed }) => computed),
      }
    }
    case 'rest':
      return itemsOf(value.value)
    case 'maybe': {
      const { items, maybe, computed } = itemsOf(value.value)
      return { items: [], maybe: [...items, ...maybe], computed }
    }
    case 'call': {
      const [only, second] = value.items
      const copies = ['list', 'tuple', 'set', 'sorted'].includes(value.name) && second === undefined
      return copies && only !== undefined ? itemsOf(only) : unknown
    }
    case 'string':
    case 'boolean':
    case 'none':
    case 'dict':
    case 'name':
    case 'computed':
      return unknown
  }
}

/** The strings of a string or a list of them; null where it is computed, in part too. None is an empty list. */
export function stringsOf(value: PythonValue | undefined): readonly string[] | null {
  if (value === undefined || value.kind === 'none') return []
  if (value.kind === 'string') return [value.value]
  const { items, maybe, computed } = itemsOf(value)
  const strings = items.flatMap((item) => (item.kind === 'string' ? [item.value] : []))
  return computed || maybe.length > 0 || strings.length < items.length ? null : strings
}
