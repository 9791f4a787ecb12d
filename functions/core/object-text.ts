/** Objects and their facts in words, for the sentences of findings. Pure. */
import type { CatalogObject } from './catalog.ts'

export function factOf(object: CatalogObject, fact: string): string | null {
  return (object.facts as Readonly<Record<string, string | null>>)[fact] ?? null
}

/** What a column is, behind its name: ` (text, not null)`; empty for every other kind. */
export function describe(object: CatalogObject): string {
  if (object.kind !== 'column') return ''
  const type = factOf(object, 'type')
  const nullable = factOf(object, 'nullable') === 'no' ? ', not null' : ''
  return type === null ? '' : ` (${type}${nullable})`
}

/** `rowSecurity` → `row security`. */
export function phrase(fact: string): string {
  return fact.replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`)
}

const LONGEST_SHOWN = 200

export function show(value: string | null): string {
  if (value === null) return 'none'
  const line = value.replaceAll(/\s+/gu, ' ').trim()
  return line.length > LONGEST_SHOWN ? `${line.slice(0, LONGEST_SHOWN)} ...` : line
}
