/** Fills `${…}` of a request in one pass: what is filled in is not looked at again, so that a value cannot ask for another one. */
import type { Reference } from '../config/references.ts'
import { referencesOf, replaceReferences } from '../config/references.ts'

export type SavedValue = string | number | boolean

export interface Values {
  /** Of the process environment and of Secrets Manager. */
  readonly variables: Readonly<Record<string, string>>
  /** `release.version` and its like; null: the release does not say. */
  readonly references: Readonly<Record<string, string | null>>
  readonly saved: Readonly<Record<string, SavedValue>>
}

export function fillText(text: string, values: Values): string {
  return replaceReferences(text, (reference) => {
    const value = valueOf(reference, values)
    return value === null ? null : String(value)
  })
}

/** In a url a saved value is one piece of a path or query; only what is a path or url itself (a Location) stays as it is. */
export function fillUrl(text: string, values: Values): string {
  return replaceReferences(text, (reference) => {
    const value = valueOf(reference, values)
    if (value === null) return null
    const isPiece = reference.name.startsWith('saved.') && !/^(?:\/|https?:\/\/)/u.test(String(value))
    return isPiece ? encodeURIComponent(String(value)) : String(value)
  })
}

/** Every text of a value. A text that is one saved value as a whole becomes that value: an id that is a number stays one. */
export function fillTexts(value: unknown, values: Values): unknown {
  if (typeof value === 'string') {
    const [first] = referencesOf(value)
    const saved = first?.written === value && first.kind === 'reference' ? valueOf(first, values) : null
    return saved ?? fillText(value, values)
  }
  if (Array.isArray(value)) return value.map((item) => fillTexts(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillTexts(item, values)]))
}

function valueOf({ kind, name }: Reference, { variables, references, saved }: Values): SavedValue | null {
  if (kind === 'variable') return variables[name] ?? null
  if (kind === 'malformed') return null
  if (!name.startsWith('saved.')) return references[name] ?? null
  const key = name.slice('saved.'.length)
  return Object.hasOwn(saved, key) ? (saved[key] ?? null) : null
}

/** The names of all variables, or of all references, in every text of a value. */
export function namesIn(value: unknown, kind: 'variable' | 'reference'): readonly string[] {
  if (typeof value === 'string') {
    return referencesOf(value)
      .filter((reference) => reference.kind === kind)
      .map(({ name }) => name)
  }
  if (typeof value !== 'object' || value === null) return []
  return [...new Set(Object.values(value).flatMap((item) => namesIn(item, kind)))]
}
