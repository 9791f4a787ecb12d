/**
 * Texts that are known in part. What nobody can know here (a secret, a variable of the settings, a command's output) stands
 * between two private-use characters, with the name it goes by: enough to tell whose it is, never a value.
 */

const OPEN = '\uE000'
const CLOSE = '\uE001'
const SEGMENT = /\uE000[^\uE001]*\uE001/gu

/** One word, whatever is in it: it must not change how a shell splits what is around it. */
export function opaque(name: string): string {
  return `${OPEN}${name.replace(/[^\w.:-]+/gu, '_')}${CLOSE}`
}

export function isKnown(text: string): boolean {
  return !text.includes(OPEN)
}

/** Nothing of it is known. */
export function isOpaque(text: string): boolean {
  return text !== '' && text.replace(SEGMENT, '') === ''
}

/** As a person reads it: the names of what is not known in angle brackets. */
export function readable(text: string): string {
  return text.replaceAll(OPEN, '<').replaceAll(CLOSE, '>')
}
