/**
 * Text from outside (names of objects, file names, messages of servers) on its way to a person's screen. A migration
 * may be called anything: what would steer a terminal, turn the writing direction or hide is shown as an escape.
 */

/** Controls (C0, DEL, C1), format characters (bidi marks, zero width), separators, lone surrogates, noncharacters. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/gu
/** The same, but for line feed and tab, which may stand in commands and file excerpts. */
const INVISIBLE_IN_BLOCK = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\uFFFE\uFFFF]/gu

function escapeOf(character: string): string {
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return named[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`)
}

/** A name on one line: line breaks and every invisible character are written as escapes. */
export function visibleName(text: string): string {
  return text.replace(INVISIBLE, escapeOf)
}

/** A sentence on one line: line breaks and tabs become a space, other invisible characters escapes. */
export function visibleSentence(text: string): string {
  return visibleName(text.replace(/\s*[\r\n\t]+\s*/gu, ' ')).trim()
}

/** Text that keeps its line breaks and tabs; other invisible characters become escapes. */
export function visibleBlock(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(INVISIBLE_IN_BLOCK, escapeOf)
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60]/u
const WITHOUT_WIDTH = /\p{Mn}|\p{Me}/u

/** How many columns of a terminal the text takes. */
export function columnsOf(text: string): number {
  let columns = 0
  for (const character of text) columns += WITHOUT_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return columns
}

/**
 * Breaks a sentence at spaces into lines of at most `width` columns, the first one `used` columns shorter. A word that
 * is longer (a path, a name) stays whole: half a path helps nobody.
 */
export function wrapSentence(text: string, width: number, used = 0): readonly string[] {
  const lines: string[] = []
  let line = ''
  let left = width - used
  for (const word of visibleSentence(text).split(/ +/u)) {
    const columns = columnsOf(word)
    if (line === '') {
      line = word
      left -= columns
    } else if (columns + 1 <= left) {
      line += ` ${word}`
      left -= columns + 1
    } else {
      lines.push(line)
      line = word
      left = width - columns
    }
  }
  return [...lines, line]
}
