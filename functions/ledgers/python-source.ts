/**
 * Python's text in statements and tokens. Files of a repository are code, and code of a repository is not run to learn what its
 * migrations are called; what this cannot read is computed, and is said to be.
 */

/** `computed`: a literal whose value only Python knows, such as an f-string with a name in it. */
export interface PythonToken {
  readonly kind: 'name' | 'number' | 'string' | 'operator' | 'computed'
  /** Of a string: its value. */
  readonly text: string
  readonly line: number
}

/** A logical line: what stands in brackets goes on over ends of lines. */
export interface PythonStatement {
  /** Columns before it; that of the line's first one where `;` parts several. */
  readonly indent: number
  readonly line: number
  readonly tokens: readonly PythonToken[]
}

/** Made where it is used: a bundler could not leave it out otherwise. */
function tokenPattern(): RegExp {
  const triple = String.raw`"""(?:[^\\]|\\[^])*?"""|'''(?:[^\\]|\\[^])*?'''`
  const single = String.raw`"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'`
  return new RegExp(
    [
      String.raw`(?<space>[ \t\f]+|\\\r?\n)`,
      String.raw`(?<comment>#[^\n]*)`,
      String.raw`(?<newline>\r?\n|\r)`,
      String.raw`(?<string>[rRbBuUfFtT]{0,2}(?:${triple}|${single}))`,
      String.raw`(?<name>[\p{L}_][\p{L}\p{N}_]*)`,
      String.raw`(?<number>\d[\w.]*)`,
      String.raw`(?<operator>\*\*=?|//=?|->|:=|[-+*/%@&|^=!<>]=|[^])`,
    ].join('|'),
    'uy',
  )
}

/** Its statements in order, whatever block they stand in. A text that breaks off gives what stands before. */
export function pythonStatements(code: string): readonly PythonStatement[] {
  const text = code.replace(/^\uFEFF/, '')
  const pattern = tokenPattern()
  const statements: PythonStatement[] = []
  const scan = { at: 0, line: 1, depth: 0, indent: 0, atStart: true }
  let tokens: PythonToken[] = []
  const end = (): void => {
    const [first] = tokens
    if (first !== undefined) statements.push({ indent: scan.indent, line: first.line, tokens })
    tokens = []
  }
  while (scan.at < text.length) {
    pattern.lastIndex = scan.at
    const match = pattern.exec(text)
    if (match === null) break
    const { space, comment, newline } = match.groups ?? {}
    const whole = match[0]
    if (newline !== undefined && scan.depth === 0) {
      end()
      scan.atStart = true
    } else if (space === undefined && comment === undefined && newline === undefined) {
      if (scan.atStart) scan.indent = indentOf(text, scan.at)
      scan.atStart = false
      const token = tokenOf(match, scan.line)
      scan.depth = depthAfter(token, scan.depth)
      if (token.kind === 'operator' && token.text === ';' && scan.depth === 0) end()
      else tokens.push(token)
    }
    scan.line += whole.split('\n').length - 1
    scan.at += whole.length
  }
  end()
  return statements
}

/** A tab reaches to the next multiple of eight, as Python counts. */
function indentOf(text: string, at: number): number {
  let columns = 0
  for (const character of text.slice(text.lastIndexOf('\n', at - 1) + 1, at)) {
    columns = character === '\t' ? columns + 8 - (columns % 8) : columns + 1
  }
  return columns
}

function depthAfter({ kind, text }: PythonToken, depth: number): number {
  if (kind !== 'operator') return depth
  if ('([{'.includes(text)) return depth + 1
  return ')]}'.includes(text) ? Math.max(0, depth - 1) : depth
}

function tokenOf({ groups = {}, 0: whole }: RegExpExecArray, line: number): PythonToken {
  if (groups['string'] !== undefined) return stringToken(whole, line)
  const kind = groups['name'] !== undefined ? 'name' : groups['number'] !== undefined ? 'number' : 'operator'
  return { kind, text: whole.normalize('NFKC'), line }
}

const STRING = /^([a-z]*)("""|'''|"|')([^]*)\2$/i

function stringToken(whole: string, line: number): PythonToken {
  const [, prefix = '', , content = ''] = STRING.exec(whole) ?? []
  const computed = /b/i.test(prefix) || (/[ft]/i.test(prefix) && /[{}]/.test(content))
  if (computed) return { kind: 'computed', text: whole, line }
  const text = content.replaceAll('\r\n', '\n')
  return { kind: 'string', text: /r/i.test(prefix) ? text : unescaped(text), line }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** What is no escape to Python stays as it is written, backslash included. */
function unescaped(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|([0-7]{1,3})|([^]))/gi,
    (whole, x?: string, u?: string, long?: string, octal?: string, other?: string) => {
      const hex = x ?? u ?? long
      const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16)
      if (!Number.isNaN(code)) return code > 0x10_ff_ff ? whole : String.fromCodePoint(code)
      if (other === '\\' || other === "'" || other === '"') return other
      return ESCAPES[other ?? ''] ?? whole
    },
  )
}
