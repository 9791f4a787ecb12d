/** C# as text, never compiled: its classes with their attributes and bases, and its strings. */

export interface CsharpText {
  /** Without comments and directives. */
  readonly code: string
  /** With nothing inside of strings either; both are of the text's length, line by line. */
  readonly masked: string
  /** Each `#if` and `#endif`, in order. */
  readonly conditions: readonly { readonly at: number; readonly words: string }[]
}

export interface CsharpClass {
  readonly name: string
  /** Its namespace before its name: the parts of a partial class have the same. */
  readonly fullName: string
  /** What stands after the colon, one by one. */
  readonly bases: readonly string[]
  /** By their name without `Attribute`: what is between the parentheses. */
  readonly attributes: ReadonlyMap<string, string>
  readonly isAbstract: boolean
  readonly line: number
  /** The `#if` in which it stands; null: in none. */
  readonly condition: string | null
}

const TOKENS = /* @__PURE__ */ new RegExp(
  [
    String.raw`(?<directive>^[ \t\u{feff}]*#[^\n]*)`,
    String.raw`(?<comment>//[^\n]*|/\*[^]*?\*/)`,
    // Verbatim, raw, interpolated with strings in its holes, plain; a character.
    String.raw`(?:\$@|@\$?)"[^"]*(?:""[^"]*)*"`,
    String.raw`\$*(?<quotes>"{3,9})[^]*?\k<quotes>`,
    String.raw`\$"(?:[^"\\{\n]|\\.|\{\{|\{(?:[^{}"\n]|"(?:[^"\\\n]|\\.)*")*\})*"`,
    String.raw`"[^"\\\n]*(?:\\.[^"\\\n]*)*"`,
    String.raw`'(?:\\.[^'\n]{0,8}|[^'\\\n])'`,
  ].join('|'),
  'gmu',
)

export function readCsharp(text: string): CsharpText {
  const conditions: { at: number; words: string }[] = []
  const tokens = [...text.matchAll(TOKENS)]
  const code: string[] = []
  const masked: string[] = []
  let from = 0
  for (const token of tokens) {
    const [whole] = token
    const before = text.slice(from, token.index)
    const { directive, comment } = token.groups ?? {}
    const words = /^[ \t\u{feff}]*#\s*((?:if|endif)\b.*?)\s*$/u.exec(directive ?? '')?.[1]
    if (words !== undefined) conditions.push({ at: token.index, words })
    const blank = whole.replace(/[^\n]/g, ' ')
    const isString = directive === undefined && comment === undefined
    code.push(before, isString ? whole : blank)
    masked.push(before, isString ? whole.replace(/[^\n]/g, '"') : blank)
    from = token.index + whole.length
  }
  const rest = text.slice(from)
  return { code: code.join('') + rest, masked: masked.join('') + rest, conditions }
}

/** Lengths have an end, so that a text that is no C# costs no time that grows with its square. */
const CLASS =
  /\bclass\s+@?([\p{L}_][\p{L}\p{N}_]*)\s*(?:<[^>{;]{0,500}>\s*)?(?:\([^){;]{0,2000}\)\s*)?(?::([^{;]{0,2000}?))?\s*(?=\{|;|\bwhere\b)/gu

/** Of attributes before a class. */
const LONGEST_HEADER = 5000

/** In the order of the text, those inside of other classes too. */
export function readClasses(source: CsharpText): readonly CsharpClass[] {
  const { masked } = source
  const namespaces = [...masked.matchAll(/\bnamespace\s+([\p{L}\p{N}_.@]+)/gu)]
  let namespace: string | undefined
  let line = 1
  let from = 0
  const open: string[] = []
  const conditions = [...source.conditions]
  return [...masked.matchAll(CLASS)].map((match) => {
    const [, name = '', bases = ''] = match
    line += masked.slice(from, match.index).split('\n').length - 1
    from = match.index
    while ((namespaces[0]?.index ?? Infinity) < from) namespace = namespaces.shift()?.[1]
    while ((conditions[0]?.at ?? Infinity) < from) {
      const words = conditions.shift()?.words ?? ''
      if (words.startsWith('if')) open.push(words)
      else open.pop()
    }
    const start = startOfHeader(masked, from)
    return {
      name,
      fullName: namespace === undefined ? name : `${namespace}.${name}`,
      bases: topLevelParts(bases, bases).filter((base) => base !== ''),
      attributes: attributesOf(source, start, from),
      isAbstract: /\babstract\b/.test(masked.slice(start, from)),
      line,
      condition: open.at(-1) ?? null,
    }
  })
}

/** What stands before a class begins where anything else ends: attributes have none of these outside of strings. */
function startOfHeader(masked: string, end: number): number {
  const first = Math.max(0, end - LONGEST_HEADER)
  const header = masked.slice(first, end)
  return first + Math.max(...[';', '{', '}'].map((mark) => header.lastIndexOf(mark))) + 1
}

function attributesOf({ code, masked }: CsharpText, start: number, end: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const header = masked.slice(start, end)
  for (const match of header.matchAll(/[[,]\s*(?:[\w@]+\s*(?:\.|::)\s*)*([\w@]+?)(?:Attribute)?\s*\(/gu)) {
    const from = start + match.index + match[0].length
    found.set(match[1] ?? '', code.slice(from, endOfCall(masked, from)).trim())
  }
  return found
}

/** What is between the parentheses of each call of this name, argument by argument. */
export function callsOf(
  { code, masked }: CsharpText,
  name: string,
): readonly { readonly at: number; readonly args: readonly string[] }[] {
  return [...masked.matchAll(new RegExp(`\\b${name}\\s*\\(`, 'g'))].map((match) => {
    const from = match.index + match[0].length
    const end = endOfCall(masked, from)
    const args = topLevelParts(code.slice(from, end), masked.slice(from, end))
    return { at: match.index, args: args.filter((argument) => argument !== '') }
  })
}

/** Where the parenthesis closes that stands open before `from`. */
function endOfCall(masked: string, from: number): number {
  let depth = 1
  for (let at = from; at < masked.length; at += 1) {
    if (masked[at] === '(') depth += 1
    else if (masked[at] === ')') depth -= 1
    if (depth === 0) return at
  }
  return masked.length
}

function topLevelParts(code: string, masked: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let at = 0; at < masked.length; at += 1) {
    const character = masked[at] ?? ''
    if ('([{<'.includes(character)) depth += 1
    else if (')]}>'.includes(character)) depth -= 1
    else if (character === ',' && depth === 0) {
      parts.push(code.slice(from, at).trim())
      from = at + 1
    }
  }
  return [...parts, code.slice(from).trim()]
}

const LITERAL = String.raw`@"(?:[^"]|"")*"|"(?:[^"\\\n]|\\.)*"`

/** `const string Id = "…"`, by name: those of one name and several values are left out. */
export function stringConstants({ code }: CsharpText): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const twice = new Set<string>()
  const written = new RegExp(
    String.raw`\b(?:const|static\s+readonly|readonly\s+static)\s+[Ss]tring\s+(\w+)\s*=\s*(${LITERAL})\s*;`,
    'gu',
  )
  for (const [, name = '', literal = ''] of code.matchAll(written)) {
    const value = stringOf(literal) ?? ''
    if ((found.get(name) ?? value) !== value) twice.add(name)
    found.set(name, value)
  }
  for (const name of twice) found.delete(name)
  return found
}

/** The value of an argument, `name: value` or `value`: a literal, a constant, `nameof(…)`. Undefined where it is computed. */
export function stringOf(argument: string, constants: ReadonlyMap<string, string> = new Map()): string | undefined {
  const value = argument.replace(/^\w+\s*:(?!:)\s*/u, '').trim()
  const literal = new RegExp(`^(?:${LITERAL})$`, 'u').exec(value)?.[0]
  if (literal?.startsWith('@') === true) return literal.slice(2, -1).replaceAll('""', '"')
  if (literal !== undefined) return literal.slice(1, -1).replace(/\\(?:u([\da-fA-F]{4})|(.))/gu, unescaped)
  const named = /^nameof\s*\(\s*(?:[\w@]+\s*\.\s*)*@?([\p{L}\p{N}_]+)\s*\)$/u.exec(value)?.[1]
  return named ?? constants.get(/^(?:[\p{L}\p{N}_]+\s*\.\s*)*([\p{L}\p{N}_]+)$/u.exec(value)?.[1] ?? '')
}

function unescaped(_: string, code: string | undefined, mark: string | undefined): string {
  if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16))
  return { n: '\n', r: '\r', t: '\t', '0': '\0' }[mark ?? ''] ?? mark ?? ''
}
