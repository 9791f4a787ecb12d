/**
 * Reads literals out of JavaScript config files without running them: a config file is code, and code of a repository is
 * not run to learn a table's name. What is computed is reported as that, not guessed.
 */

const STRING = String.raw`"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\`(?:[^\`\\]|\\.)*\``

/** Text without comments; strings stay as they are. */
export function stripComments(code: string): string {
  const marks = new RegExp(`(${STRING})|//[^\\n]*|/\\*[^]*?\\*/`, 'g')
  return code.replace(marks, (_, text: string | undefined) => text ?? ' ')
}

/**
 * The objects written as `key: { … }` (or `"key": { … }`), each as what stands between its braces. `computed` says that
 * the key also stands before something that is no literal object: a variable, a call, a shorthand.
 */
export function literalObjects(
  code: string,
  key: string,
): { readonly objects: readonly string[]; readonly computed: boolean } {
  const text = stripComments(code)
  const masked = maskStrings(text)
  const objects: string[] = []
  let computed = false
  for (const match of masked.matchAll(new RegExp(`(?<![\\w$.])["']?${key}["']?\\s*(?::\\s*(\\{)?|[,}])`, 'g'))) {
    const from = match.index + match[0].length
    if (match[1] === undefined) computed = true
    else objects.push(text.slice(from, endOfObject(masked, from)))
  }
  return { objects, computed }
}

/** The objects that follow these words, each as what stands between its braces: `new DataSource({ … })`. */
export function objectsAfter(code: string, words: RegExp): readonly string[] {
  const text = stripComments(code)
  const masked = maskStrings(text)
  return [...masked.matchAll(new RegExp(`(?:${words.source})\\s*\\{`, 'g'))].map((match) => {
    const from = match.index + match[0].length
    return text.slice(from, endOfObject(masked, from))
  })
}

/** The string literal of a property: null where there is none of that name, undefined where its value is computed. */
export function literalString(content: string, key: string): string | null | undefined {
  const value = propertiesOf(content).get(key)
  return value === undefined ? null : unquote(value)
}

/** The string literals of a property that is a string or a list of them; what is computed is left out. */
export function literalStrings(content: string, key: string): readonly string[] {
  const value = propertiesOf(content).get(key) ?? ''
  const items = value.startsWith('[') ? (value.match(new RegExp(STRING, 'g')) ?? []) : [value]
  return items.flatMap((item) => unquote(item) ?? [])
}

/** Whether the value of a property, or an item of its list, is no literal string. */
export function hasComputed(content: string, key: string): boolean {
  const value = propertiesOf(content).get(key)
  if (value === undefined) return false
  if (!value.startsWith('[')) return unquote(value) === undefined
  const items = value.match(new RegExp(STRING, 'g')) ?? []
  const rest = value.replace(new RegExp(STRING, 'g'), '').replace(/[\s,[\]]|as const/g, '')
  return rest !== '' || items.some((item) => unquote(item) === undefined)
}

/** Every value that the code gives a property of this name, wherever: undefined where it is computed or a shorthand. */
export function literalValues(code: string, key: string): readonly (string | undefined)[] {
  const text = stripComments(code)
  const property = new RegExp(`(?<![\\w$.])["']?${key}["']?\\s*(?::\\s*|(?=[,}]))`, 'g')
  return [...maskStrings(text).matchAll(property)].map((match) => {
    const value = text.slice(match.index + match[0].length)
    const literal = new RegExp(`^(?:${STRING})(?=\\s*(?:as\\s+const\\s*)?(?:[,;})\\]]|$))`).exec(value)?.[0]
    return match[0].includes(':') && literal !== undefined ? unquote(literal) : undefined
  })
}

/** The properties at the top of an object's content: key → its value as written; a shorthand's value is empty. */
function propertiesOf(content: string): ReadonlyMap<string, string> {
  const masked = maskStrings(content)
  const found = new Map<string, string>()
  let start = 0
  let depth = 0
  for (let at = 0; at <= masked.length; at += 1) {
    const character = masked[at]
    if (character !== undefined && '{[('.includes(character)) depth += 1
    else if (character !== undefined && '}])'.includes(character)) depth -= 1
    else if (character === undefined || (character === ',' && depth === 0)) {
      const property = /^\s*["']?([\w$]+)["']?\s*(?::\s*([^]*))?$/.exec(content.slice(start, at))
      if (property !== null) found.set(property[1] ?? '', (property[2] ?? '').trim())
      start = at + 1
    }
  }
  return found
}

function unquote(value: string): string | undefined {
  const literal = new RegExp(`^(?:${STRING})(?=\\s*(?:as\\s[\\w\\s]+)?$)`).exec(value)?.[0]
  if (literal === undefined || (literal.startsWith('`') && literal.includes('${'))) return undefined
  return literal.slice(1, -1).replace(/\\(.)/g, '$1')
}

/** Code with nothing inside of its strings but what is imported: words in SQL say nothing of who runs it. */
export function stripStrings(code: string): string {
  const marks = new RegExp(`(\\b(?:from|import|require)\\s*\\(?\\s*)?(?:${STRING})`, 'g')
  return stripComments(code).replace(marks, (whole: string, imported: string | undefined) =>
    imported === undefined ? "''" : whole,
  )
}

/** The code without comments, and the same with nothing inside of its strings: both of its length, line by line. */
export function codeMask(text: string): { readonly code: string; readonly masked: string } {
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ')
  const comments = new RegExp(`(${STRING})|//[^\\n]*|/\\*[^]*?\\*/`, 'g')
  const code = text.replace(comments, (whole: string, string: string | undefined) => string ?? blank(whole))
  const masked = code.replace(new RegExp(STRING, 'g'), (string) => string.replace(/[^\n"'`]/g, '_'))
  return { code, masked }
}

/** The same text, of the same length, with nothing inside of strings, but for those that are keys. */
function maskStrings(text: string): string {
  return text.replace(new RegExp(`(${STRING})(\\s*:)?`, 'g'), (whole, string: string, colon: string | undefined) =>
    colon === undefined ? `${string.slice(0, 1)}${'_'.repeat(string.length - 2)}${string.slice(-1)}` : whole,
  )
}

/** Where the object ends whose opening brace stands before `from`. */
function endOfObject(masked: string, from: number): number {
  let depth = 1
  for (let at = from; at < masked.length; at += 1) {
    if (masked[at] === '{') depth += 1
    else if (masked[at] === '}') depth -= 1
    if (depth === 0) return at
  }
  return masked.length
}

/**
 * The environment variable from which a config has the database's address: `process.env.DATABASE_URL`, `env('DATABASE_URL')`. Null
 * where none looks like one, or where several do.
 */
export function addressVariable(code: string): string | null {
  const reads = /\benv(?:\.|\[\s*["']|\(\s*["'])(\w+)/g
  const names = [...stripComments(code).matchAll(reads)]
    .map((match) => match[1] ?? '')
    .filter((name) => /UR[IL]$|DSN$/.test(name))
  const [first, ...others] = new Set(names)
  return others.length > 0 ? null : (first ?? null)
}
