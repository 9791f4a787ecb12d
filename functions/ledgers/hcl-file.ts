/** HCL as config files have it: blocks and attributes, read and never evaluated. What is no such thing is passed over. */

export interface HclBlock {
  readonly type: string
  readonly labels: readonly string[]
  /** As they are written. */
  readonly attributes: ReadonlyMap<string, string>
  readonly blocks: readonly HclBlock[]
}

/** The file as a block without a name. */
export function parseHcl(text: string): HclBlock {
  return readBody(text, 0, '', []).block
}

/** A literal's text, or the name of a constant; undefined where it is computed. */
export function hclWord(written: string | undefined): string | undefined {
  if (written === undefined) return undefined
  const [, string] = /^"((?:[^"\\$%]|\\.|[$%](?!\{))*)"$/.exec(written) ?? []
  if (string !== undefined) return string.replace(/\\(.)/g, '$1')
  return /^[A-Za-z][\w-]*$/.test(written) ? written : undefined
}

interface Read {
  readonly block: HclBlock
  readonly end: number
}

const BLANK = /(?:\s|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)*/y
const NAME = /[A-Za-z_][\w-]*/y
const SPACE = /[ \t]*/y
const LABELS = /(?:[ \t]*(?:"(?:[^"\\\n]|\\.)*"|[A-Za-z_][\w-]*))*[ \t]*\{/y

function readBody(text: string, from: number, type: string, labels: readonly string[]): Read {
  const attributes = new Map<string, string>()
  const blocks: HclBlock[] = []
  let at = from
  for (;;) {
    at = endOf(BLANK, text, at)
    if (at >= text.length || text[at] === '}') break
    const start = at
    at = endOf(NAME, text, at)
    const name = text.slice(start, at)
    const next = endOf(SPACE, text, at)
    const opened = endOf(LABELS, text, at)
    if (name !== '' && text[next] === '=' && text[next + 1] !== '=') {
      const end = endOfExpression(text, next + 1)
      attributes.set(name, text.slice(next + 1, end).trim())
      at = end
    } else if (name !== '' && opened > at) {
      const inner = readBody(text, opened, name, labelsOf(text.slice(at, opened - 1)))
      blocks.push(inner.block)
      at = inner.end
    } else at = Math.max(start + 1, endOfExpression(text, start))
  }
  return { block: { type, labels, attributes, blocks }, end: at + 1 }
}

function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return at + (pattern.exec(text)?.[0].length ?? 0)
}

function labelsOf(text: string): readonly string[] {
  return (text.match(/"(?:[^"\\]|\\.)*"|[\w-]+/g) ?? []).map((label) => label.replace(/^"([^]*)"$/, '$1'))
}

/** An expression goes to the end of its line, but for what stands in brackets, in a string, or in a text over many lines. */
function endOfExpression(text: string, from: number): number {
  const mark = /["\n([{\])}]|#|\/\/|\/\*|<<-?([A-Za-z_]\w*)\r?\n/g
  let depth = 0
  mark.lastIndex = from
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    const [sign, here] = match
    if (here !== undefined) mark.lastIndex = endOfText(text, mark.lastIndex, here)
    else if (sign === '"') mark.lastIndex = endOfString(text, match.index)
    // One that is never closed is none.
    else if (sign === '/*') mark.lastIndex = Math.max(match.index + 2, endOf(BLANK, text, match.index))
    else if (sign === '#' || sign === '//') {
      if (depth === 0) return match.index
      mark.lastIndex = endOf(BLANK, text, match.index)
    } else if ('([{'.includes(sign)) depth += 1
    else if (sign === '\n') {
      if (depth === 0) return match.index
    } else if (depth === 0) return match.index
    else depth -= 1
  }
  return text.length
}

function endOfText(text: string, from: number, name: string): number {
  const end = new RegExp(`^[ \\t]*${name}[ \\t]*$`, 'gm')
  end.lastIndex = from
  const match = end.exec(text)
  return match === null ? text.length : match.index + match[0].length
}

/** What is put into a string may hold strings itself. */
function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length) {
    const character = text[at]
    if (character === '\\') at += 2
    else if (character === '"') return at + 1
    else if ((character === '$' || character === '%') && text[at + 1] === '{') at = endOfInner(text, at + 2)
    else at += 1
  }
  return text.length
}

function endOfInner(text: string, from: number): number {
  let depth = 1
  let at = from
  while (at < text.length && depth > 0) {
    const character = text[at]
    if (character === '"') {
      at = endOfString(text, at)
      continue
    }
    if (character === '{') depth += 1
    else if (character === '}') depth -= 1
    at += 1
  }
  return at
}
