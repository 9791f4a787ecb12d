/** A changelog in XML, YAML or JSON as one kind of tree, as Liquibase reads them (research: ParsedNode). */
import { parseXml, XmlElement, XmlError, XmlText } from '@rgrove/parse-xml'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, Scalar } from 'yaml'
import type { Document, Node } from 'yaml'

/** An element of XML or a key of YAML: attributes of the one are keys of the other. */
export interface ChangelogNode {
  readonly name: string
  /** Where its value begins. */
  readonly line: number
  readonly value: string | null
  readonly children: readonly ChangelogNode[]
}

/** The root, or why there is none: `line` and what the parser says. */
export type ParsedChangelog = ChangelogNode | { readonly line: number; readonly message: string }

export function parseChangelog(file: string, text: string): ParsedChangelog {
  return /\.xml$/i.test(file) ? parseXmlChangelog(text) : parseYamlChangelog(text)
}

/** The value of the first child of this name, without surrounding space; null where there is none, or it is empty. */
export function valueOf(node: ChangelogNode, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = node.children.find((child) => child.name === name)?.value?.trim() ?? ''
    if (value !== '') return value
  }
  return null
}

function parseXmlChangelog(text: string): ParsedChangelog {
  // The parser counts in bytes, and reads every end of a line as LF.
  const source = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  const lineAt = lineFinder(Buffer.from(source))
  try {
    const { root } = parseXml(source, { includeOffsets: true })
    return root === null ? { line: 1, message: 'it has no element' } : fromXml(root, lineAt)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    return { line: error.line, message: `it is no XML: ${/^[^\n(]*/.exec(error.message)?.[0].trim() ?? ''}` }
  }
}

function fromXml(element: XmlElement, lineAt: (offset: number) => number): ChangelogNode {
  const line = lineAt(element.start)
  const texts = element.children.filter((child) => child instanceof XmlText)
  const value = texts.map(({ text }) => text).join('')
  const attributes = Object.entries(element.attributes).map(([name, text]) => ({
    name,
    line,
    value: text,
    children: [],
  }))
  const elements = element.children.filter((child) => child instanceof XmlElement)
  return {
    name: element.name.replace(/^.*:/, ''),
    line: texts.length === 0 ? line : lineAt(texts[0]?.start ?? element.start),
    value: value.trim() === '' ? null : value,
    children: [...attributes, ...elements.map((child) => fromXml(child, lineAt))],
  }
}

function lineFinder(bytes: Buffer): (offset: number) => number {
  const starts = [0]
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1)
  return (offset) => {
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((starts[middle] ?? 0) <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

function parseYamlChangelog(text: string): ParsedChangelog {
  const counter = new LineCounter()
  const document = parseDocument(text.replace(/^\uFEFF/, ''), {
    lineCounter: counter,
    version: '1.1',
    intAsBigInt: true,
  })
  const [error] = document.errors
  if (error !== undefined)
    return { line: error.linePos?.[0].line ?? 1, message: `it is no YAML: ${/^[^\n]*/.exec(error.message)?.[0] ?? ''}` }
  const lineOf = (node: Node | null): number => counter.linePos(node?.range?.[0] ?? 0).line
  const [root] = fromYaml('', document.contents, { document, lineOf }).children
  return root ?? { line: 1, message: 'it has no databaseChangeLog' }
}

interface YamlReading {
  readonly document: Document
  readonly lineOf: (node: Node | null) => number
}

function fromYaml(name: string, node: unknown, reading: YamlReading): ChangelogNode {
  const found = isAlias(node) ? node.resolve(reading.document) : node
  if (isMap(found)) return { name, line: reading.lineOf(found), value: null, children: keysOf(found, reading) }
  if (isSeq(found)) {
    const items = found.items.map((item) => fromYaml(name, item, reading))
    // A list of maps is one with all their keys; a list of words, one with all of them.
    const words = items.flatMap(({ value }) => value ?? [])
    const value = words.length === 0 ? null : words.join(',')
    return { name, line: reading.lineOf(found), value, children: items.flatMap(({ children }) => children) }
  }
  if (!isScalar(found)) return { name, line: 1, value: null, children: [] }
  const block = found.type === Scalar.BLOCK_LITERAL || found.type === Scalar.BLOCK_FOLDED
  return { name, line: reading.lineOf(found) + (block ? 1 : 0), value: scalarText(found), children: [] }
}

function keysOf(map: { readonly items: readonly unknown[] }, reading: YamlReading): readonly ChangelogNode[] {
  return map.items.flatMap((pair) => {
    const { key, value } = pair as { readonly key: unknown; readonly value: unknown }
    return isScalar(key) ? [fromYaml(String(key.value), value, reading)] : []
  })
}

/** As Java writes what YAML takes it for: an id of 1.10 is 1.1 in the ledger, 001 is 1, yes is true. */
function scalarText({ value, source = '' }: Scalar): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (value instanceof Date) return javaDate(value)
  return typeof value === 'number'
    ? javaDouble(value, source)
    : typeof value === 'bigint'
      ? value.toString()
      : JSON.stringify(value)
}

function javaDouble(value: number, source: string): string {
  if (!Number.isFinite(value)) return source
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${digits.includes('.') ? digits : `${digits}.0`}E${exponent.replace('+', '')}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** As a server on UTC writes it: Sun Nov 29 00:00:00 UTC 2026. */
function javaDate(date: Date): string {
  const [day = '', number = '', month = '', year = '', time = ''] = date.toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${number} ${time} UTC ${year}`
}
