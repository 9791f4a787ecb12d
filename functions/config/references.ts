/** What stands in texts as `${…}`: variables of the process environment, and references that a look fills in. */

export interface Reference {
  /** `variable`: `${API_HOST}`. `reference`: `${release.version}`. */
  readonly kind: 'variable' | 'reference' | 'malformed'
  readonly name: string
  /** As it stands in the text. */
  readonly written: string
}

// An unclosed one takes the rest of its line.
const PATTERN = /\$\{([^}\n]*)(\}?)/gu

/** Every `${…}` of a text, in order. */
export function referencesOf(text: string): readonly Reference[] {
  return [...text.matchAll(PATTERN)].map(([written, name = '', end = '']) => classify(written, name, end))
}

/** Replaces what `fill` knows; null leaves it as it is written. What is filled in is not looked at again. */
export function replaceReferences(text: string, fill: (reference: Reference) => string | null): string {
  return text.replace(
    PATTERN,
    (written: string, name: string, end: string) => fill(classify(written, name, end)) ?? written,
  )
}

function classify(written: string, name: string, end: string): Reference {
  if (end === '') return { kind: 'malformed', name, written }
  if (/^[A-Za-z_]\w*$/u.test(name)) return { kind: 'variable', name, written }
  return { kind: /^[a-z]+\.[A-Za-z0-9][\w.-]*$/u.test(name) ? 'reference' : 'malformed', name, written }
}
