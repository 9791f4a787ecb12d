/** Java's properties files: `key = value`, with `:` or a space for the sign, and lines that go on after a backslash. */

/**
 * Keys as they are written; of a key that stands twice the last value counts, as in Java. Blanks at the end of a value, which
 * Java keeps, do not count: the tools that read these files trim them.
 */
export function parseProperties(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const line of logicalLines(text)) {
    const [, key = '', value = ''] = /^((?:\\.|[^\s=:\\])+)(?:\s*[=:]\s*|\s+|$)(.*?)\s*$/.exec(line) ?? []
    if (key !== '') values.set(unescape(key), unescape(value))
  }
  return values
}

/** Lines with those that they go on with, without comments: a comment ends with its line, whatever stands at its end. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = []
  let begun: string | null = null
  for (const natural of text.replace(/^\uFEFF/, '').split(/\r\n|[\r\n]/)) {
    const line = natural.trimStart()
    if (begun === null && /^(?:[#!]|$)/.test(line)) continue
    // Two backslashes are one that stands for itself.
    const goesOn = (/\\*$/.exec(line)?.[0].length ?? 0) % 2 === 1
    const whole: string = (begun ?? '') + (goesOn ? line.slice(0, -1) : line)
    begun = goesOn ? whole : null
    if (!goesOn) lines.push(whole)
  }
  return begun === null ? lines : [...lines, begun]
}

const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

function unescape(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, letter: string | undefined) =>
    code === undefined ? (ESCAPED[letter ?? ''] ?? letter ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
