/** Java's properties files: `key = value`, with `:` or a space for the sign, and lines that go on after a backslash. */

/** Keys as they are written; of a key that stands twice the last value counts, as in Java. */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of text
    .replace(/^\uFEFF/, '')
    .replace(/\\\r?\n[ \t]*/g, '')
    .split(/\r?\n/)) {
    const match = /^\s*([^#!\s=:](?:\\.|[^\s=:\\])*)\s*[=:\s]\s*(.*?)\s*$/.exec(line)
    if (match !== null) values.set(unescape(match[1] ?? ''), unescape(match[2] ?? ''))
  }
  return values
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string | undefined) =>
    code === undefined ? (ESCAPED[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
