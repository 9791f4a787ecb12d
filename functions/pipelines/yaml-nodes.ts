/** YAML, and JSON with it, as nodes that know where they stand: merged and inlined from several files they keep their places. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from 'yaml'
import type { Document, Node } from 'yaml'
import type { SourcePlace } from '../core/finding.ts'

export interface TextNode {
  readonly kind: 'text'
  /** As it is written: `1.10`, `true`; '' for null. */
  readonly value: string
  readonly place: SourcePlace
  /** The last line. */
  readonly end: number
  /** A literal block: its lines are lines of the file, from the one below the `|`. */
  readonly block: boolean
  readonly indent: number
}

export interface ListNode {
  readonly kind: 'list'
  readonly items: readonly YamlNode[]
  readonly place: SourcePlace
  readonly end: number
  readonly indent: number
  /** Written in brackets, on one line or several. */
  readonly flow: boolean
}

export interface MapNode {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, MapEntry>
  readonly place: SourcePlace
  readonly end: number
  /** Columns before its keys. */
  readonly indent: number
  readonly flow: boolean
}

export interface MapEntry {
  readonly key: SourcePlace
  readonly value: YamlNode
}

export type YamlNode = TextNode | ListNode | MapNode

export interface Unreadable {
  readonly place: SourcePlace
  /** What is wrong, in the library's words. */
  readonly message: string
}

export type YamlFile =
  | { readonly node: YamlNode; readonly problem: null }
  | { readonly node: null; readonly problem: Unreadable }

export function readYamlNodes(text: string, file: string): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2', uniqueKeys: false })
  const [error] = document.errors
  const line = (offset: number): number => Math.max(1, lines.linePos(offset).line)
  if (error !== undefined) {
    return { node: null, problem: { place: { file, line: line(error.pos[0]) }, message: error.message } }
  }
  if (document.contents === null) {
    return { node: null, problem: { place: { file, line: 1 }, message: 'the file is empty' } }
  }
  try {
    return { node: new Converter(document, text, file, lines).convert(document.contents, 0), problem: null }
  } catch (failure) {
    if (!(failure instanceof RangeError)) throw failure
    return { node: null, problem: { place: { file, line: 1 }, message: failure.message } }
  }
}

/** Deeper than any pipeline: only aliases within themselves go on for ever. */
const DEEPEST = 60

class Converter {
  readonly #document: Document
  readonly #text: string
  readonly #file: string
  readonly #lines: LineCounter

  constructor(document: Document, text: string, file: string, lines: LineCounter) {
    this.#document = document
    this.#text = text
    this.#file = file
    this.#lines = lines
  }

  convert(node: unknown, depth: number): YamlNode {
    if (depth > DEEPEST) throw new RangeError('values are nested too deeply, or within themselves')
    const target = isAlias(node) ? node.resolve(this.#document) : node
    const plain = this.#untagged(target, depth)
    const tag = isMap(target) || isSeq(target) || isScalar(target) ? target.tag : undefined
    // CloudFormation's short forms and GitLab's `!reference`: as mappings with one key.
    if (tag === undefined || !/^![A-Za-z]/u.test(tag)) return plain
    const name = tag === '!Ref' || tag === '!reference' || tag === '!Condition' ? tag.slice(1) : `Fn::${tag.slice(1)}`
    return {
      kind: 'map',
      entries: new Map([[name, { key: plain.place, value: plain }]]),
      place: plain.place,
      end: plain.end,
      indent: plain.indent,
      flow: true,
    }
  }

  #untagged(node: unknown, depth: number): YamlNode {
    if (isMap(node)) {
      const entries = new Map<string, MapEntry>()
      const inherited: YamlNode[] = []
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key)
        const entry = { key: this.#place(key as Node), value: this.#value(value, key as Node, depth) }
        if (name === '<<') inherited.push(entry.value)
        else entries.set(name, entry)
      }
      for (const base of inherited.flatMap((one) => (one.kind === 'list' ? one.items : [one]))) {
        if (base.kind !== 'map') continue
        for (const [name, entry] of base.entries) if (!entries.has(name)) entries.set(name, entry)
      }
      const first = node.items[0]?.key as Node | undefined
      return { kind: 'map', entries, ...this.#extent(node, first ?? node), flow: node.flow === true }
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.convert(item, depth + 1))
      return { kind: 'list', items, ...this.#extent(node, node), flow: node.flow === true }
    }
    if (isScalar(node)) {
      const written = typeof node.value === 'string' ? node.value : node.value === null ? '' : node.source
      const block = node.type === Scalar.BLOCK_LITERAL
      return { kind: 'text', value: written ?? String(node.value), ...this.#extent(node, node), block }
    }
    return { kind: 'text', value: '', place: { file: this.#file, line: 1 }, end: 1, indent: 0, block: false }
  }

  #value(value: unknown, key: Node, depth: number): YamlNode {
    if (value !== null && value !== undefined) return this.convert(value, depth + 1)
    return { kind: 'text', value: '', ...this.#extent(key, key), block: false }
  }

  #place(node: Node | null): SourcePlace {
    return { file: this.#file, line: Math.max(1, this.#lines.linePos(node?.range?.[0] ?? 0).line) }
  }

  #extent(node: Node, first: Node) {
    const [start = 0, end = start] = node.range ?? []
    // The end of a block is where the next thing begins: what is blank before it does not belong to it.
    const last = Math.max(start, start + this.#text.slice(start, end).trimEnd().length - 1)
    const { col } = this.#lines.linePos(first.range?.[0] ?? start)
    return {
      place: this.#place(node),
      end: Math.max(1, this.#lines.linePos(last).line),
      indent: Math.max(0, col - 1),
    }
  }
}

export function entryOf(node: YamlNode | null | undefined, key: string): MapEntry | null {
  return node?.kind === 'map' ? (node.entries.get(key) ?? null) : null
}

/** The node at a path of keys; null where there is none. */
export function nodeAt(node: YamlNode | null | undefined, ...path: readonly string[]): YamlNode | null {
  let found: YamlNode | null = node ?? null
  for (const key of path) found = entryOf(found, key)?.value ?? null
  return found
}

/** The text at a path; null where there is none, or no text. */
export function textAt(node: YamlNode | null | undefined, ...path: readonly string[]): string | null {
  const found = nodeAt(node, ...path)
  return found?.kind === 'text' ? found.value : null
}

/** A list's items, one thing as a list of one, nothing as none. */
export function itemsOf(node: YamlNode | null | undefined): readonly YamlNode[] {
  if (node === null || node === undefined) return []
  if (node.kind === 'list') return node.items
  return node.kind === 'text' && node.value === '' ? [] : [node]
}

export function textsOf(node: YamlNode | null | undefined): readonly string[] {
  return itemsOf(node).flatMap((item) => (item.kind === 'text' ? [item.value] : []))
}

export function entriesOf(node: YamlNode | null | undefined): readonly (readonly [string, MapEntry])[] {
  return node?.kind === 'map' ? [...node.entries] : []
}

/** Where a character of a node's text stands in the file. */
export function placeIn(node: TextNode, offset: number): SourcePlace {
  if (!node.block) return node.place
  const before = node.value.slice(0, offset)
  return { file: node.place.file, line: node.place.line + 1 + before.split('\n').length - 1 }
}

/** The node as plain data. */
export function plainOf(node: YamlNode): unknown {
  if (node.kind === 'text') return node.value
  if (node.kind === 'list') return node.items.map(plainOf)
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainOf(value)]))
}
