/** A YAML text as plain data, with the place of everything in it. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar, visit } from 'yaml'
import type { Alias, Document, Node, YAMLError } from 'yaml'
import { problemAt } from './problem.ts'
import type { Place, Problem } from './problem.ts'

/** Keys and indexes from the root. Where the text has one mapping in place of a list, its index is passed over. */
export type ConfigPath = readonly (string | number)[]

export interface YamlDocument {
  /** Plain data; null for an empty text. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Whether the text could be read to its end; else `value` says nothing. */
  readonly whole: boolean
  /** Place of a value, or of its key; of what is around it where it is not there. */
  readonly place: (path: ConfigPath, at?: 'value' | 'key') => Place
  /** Place of a text's first character: of a block scalar that is the line below its `|`. */
  readonly textPlace: (path: ConfigPath) => Place
  /** Place of a piece of a text, such as a variable; of the text where it is not found as it is. */
  readonly piecePlace: (path: ConfigPath, piece: string) => Place
  /** A scalar as it is written: `1.10`, not 1.1. */
  readonly written: (path: ConfigPath) => string | null
}

interface Found {
  readonly key: Node | null
  readonly value: Node | null
  /** Whether the whole path was walked. */
  readonly whole: boolean
}

export function parseYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter()
  // Core schema: `no` and `on` stay texts, dates too. Pretty messages would quote the line, and with it secrets.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { file, line, column: col }
  }
  const errors = [...document.errors, ...document.warnings]
  const aliases = unresolvedAliases(document).map((node) => problemAt(at(node.range?.[0] ?? 0), NO_ALIAS))
  const problems = [...errors.map((error) => problemAt(at(error.pos[0]), yamlMessage(error, text))), ...aliases]
  const readable = aliases.length === 0 && errors.every((error) => error.code === 'DUPLICATE_KEY')
  const value = readable ? plain(document) : TANGLED
  const whole = value !== TANGLED
  if (readable && !whole) problems.push(problemAt(at(0), 'aliases are nested too deeply here: write the values out'))
  const start = (node: Node | null): Place => at(node?.range?.[0] ?? 0)
  const place: YamlDocument['place'] = (path, what = 'value') => {
    const found = find(document, path)
    const empty = isScalar(found.value) && found.value.value === null && found.value.source === ''
    return start(found.key !== null && (what === 'key' || !found.whole || empty) ? found.key : found.value)
  }
  return {
    value: whole ? value : null,
    problems: problems.filter((one, index) => problems.findIndex((other) => same(one, other)) === index),
    whole,
    place,
    textPlace: (path) => {
      const { value } = find(document, path)
      return isBlock(value) ? { file, line: place(path).line + 1, column: 1 } : place(path)
    },
    piecePlace: (path, piece) => {
      const range = find(document, path).value?.range
      const offset = range ? text.slice(range[0], range[1]).indexOf(piece) : -1
      return range && offset >= 0 ? at(range[0] + offset) : place(path)
    },
    written: (path) => {
      const { value, whole } = find(document, path)
      return whole && isScalar(value) && typeof value.source === 'string' ? value.source : null
    },
  }
}

function same(one: Problem, other: Problem): boolean {
  return one.line === other.line && one.column === other.column && one.message === other.message
}

const TANGLED = Symbol('tangled')

/** Of duplicate keys the last one counts; they are reported anyway. */
function plain(document: Document): unknown {
  try {
    // 100 is the library's own limit against texts that grow without end; an alias within itself throws too.
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    JSON.stringify(value)
    return value
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof TypeError || error instanceof RangeError) return TANGLED
    throw error
  }
}

/** The library reports them only when the data is made, and then with the text, which may be a secret. */
function unresolvedAliases(document: Document): readonly Alias[] {
  const found: Alias[] = []
  visit(document, { Alias: (_, node) => void (node.resolve(document) === undefined && found.push(node)) })
  return found
}

const NO_ALIAS = 'there is no such alias: write a value that begins with * in quotes'

function isBlock(node: Node | null): boolean {
  return isScalar(node) && (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED)
}

function resolved(document: Document, node: unknown): Node | null {
  const target = isAlias(node) ? node.resolve(document) : node
  return isMap(target) || isSeq(target) || isScalar(target) ? target : null
}

function find(document: Document, path: ConfigPath): Found {
  let found: Found = { key: null, value: resolved(document, document.contents), whole: true }
  for (const [depth, segment] of path.entries()) {
    const inside = resolved(document, found.value)
    if (isMap(inside)) {
      const pair = inside.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment))
      if (pair === undefined && typeof segment === 'number' && depth > 0) continue
      if (pair === undefined) return { ...found, whole: false }
      found = { key: isScalar(pair.key) ? pair.key : null, value: (pair.value as Node | null) ?? null, whole: true }
    } else if (isSeq(inside) && inside.items[Number(segment)] !== undefined) {
      found = { key: null, value: inside.items[Number(segment)] as Node, whole: true }
    } else {
      return { ...found, whole: false }
    }
  }
  return found
}

const YAML_MESSAGES: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_ALIAS: NO_ALIAS,
  TAG_RESOLVE_FAILED: 'there is no such tag: write a value that begins with ! in quotes',
  MULTIPLE_DOCS: 'a second document begins here: write one only, and no --- after the beginning',
  TAB_AS_INDENT: 'a tab is no indentation: write spaces',
  BAD_DIRECTIVE: 'a line that begins with % is a directive of YAML: write a value that begins so in quotes',
  BAD_SCALAR_START: 'a value cannot begin with this character: write it in quotes',
}

/** The library's words where they are good; never the text itself, which may be a secret. */
function yamlMessage(error: YAMLError, text: string): string {
  if (error.code === 'DUPLICATE_KEY')
    return `the key "${keyAt(text, error.pos[0])}" stands here twice: keep one of them`
  // The library quotes the text only behind a colon.
  const message = error.message.replace(/:\s.*$/su, '')
  return YAML_MESSAGES[error.code] ?? `this is no YAML: ${message.slice(0, 1).toLowerCase()}${message.slice(1)}`
}

function keyAt(text: string, offset: number): string {
  return /^["']?([^"':\n]+)/u.exec(text.slice(offset, offset + 100))?.[1]?.trim() ?? ''
}
