/** Config files in git's form, as Config::GitLike reads them: sections in brackets, keys, values with quotes and escapes. */

export interface GitConfigSection {
  /** In lower case, with its subsection as it is written: `engine.pg`. */
  readonly name: string
  /** In their order; names as they are written, though their case does not count. */
  readonly values: readonly { readonly name: string; readonly value: string }[]
}

const HEADER = /^\[([^\s[\]"]+)(?:[\t ]*"([^\n]*?)")?\]/
const ENTRY = /^([^[=\n][^=\n]*?)[\t ]*=[\t ]*/
/** A key without a value is true. */
const FLAG = /^([^[=\n][^=\n]*?)[\t ]*(?:[#;].*)?(?=\n|$)/

/** What cannot be read ends the reading: what stands before it counts. */
export function parseGitConfig(text: string): readonly GitConfigSection[] {
  const sections: { readonly name: string; readonly values: { readonly name: string; readonly value: string }[] }[] = []
  let rest = text.replaceAll('\r\n', '\n')
  for (;;) {
    rest = rest.replace(/^\s+/, '').replace(/^[#;].*/, '')
    if (rest === '') return sections
    if (rest.startsWith('\n')) continue
    const header = HEADER.exec(rest)
    const entry = header === null ? ENTRY.exec(rest) : null
    const flag = header === null && entry === null ? FLAG.exec(rest) : null
    const section = sections.at(-1)
    if (header !== null) {
      const subsection = (header[2] ?? '').replace(/\\(["\\])/g, '$1')
      const name = (header[1] ?? '').toLowerCase()
      sections.push({ name: subsection === '' ? name : `${name}.${subsection}`, values: [] })
      rest = rest.slice(header[0].length)
    } else if (entry !== null && section !== undefined) {
      const { value, length } = readValue(rest.slice(entry[0].length))
      section.values.push({ name: entry[1] ?? '', value })
      rest = rest.slice(entry[0].length + length)
    } else if (flag !== null && section !== undefined) {
      section.values.push({ name: flag[1] ?? '', value: 'true' })
      rest = rest.slice(flag[0].length)
    } else return sections
  }
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', t: '\t', b: '\b' }
const PIECES: readonly { readonly at: RegExp; readonly text: (match: RegExpExecArray) => string }[] = [
  // White space between words is one blank.
  { at: /^[\t ]+/, text: () => ' ' },
  { at: /^\\\n/, text: () => '' },
  { at: /^\\([\\'"ntb])/, text: ([, letter = '']) => ESCAPED[letter] ?? letter },
  { at: /^"((?:[^"\\]|\\[\n tbn"\\])*)"/, text: ([, quoted = '']) => unescape(quoted) },
  { at: /^[^\t \\\n"]+/, text: ([whole]) => whole },
]

/** `length`: up to the end of the value's last line. */
function readValue(rest: string): { readonly value: string; readonly length: number } {
  let value = ''
  let at = 0
  for (;;) {
    const left = rest.slice(at)
    const end = /^(?:[ \t]*[#;].*)?(?=\n|$)/.exec(left)
    if (end !== null) return { value, length: at + end[0].length }
    const found = PIECES.map((piece) => ({ piece, match: piece.at.exec(left) })).find(({ match }) => match !== null)
    if (found === undefined || found.match === null) return { value, length: rest.length }
    value += found.piece.text(found.match)
    at += found.match[0].length
  }
}

function unescape(quoted: string): string {
  return quoted.replaceAll('\\\n', '').replace(/\\([tbn"\\])/g, (_, letter: string) => ESCAPED[letter] ?? letter)
}
