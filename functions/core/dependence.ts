/** Which objects cannot be where another one is not. Pure. */
import type { CatalogObject } from './catalog.ts'
import { groupOf } from './compare-catalog.ts'

/** Objects that are absent, each with what explains it. */
export interface Absentees<E> {
  add(missing: CatalogObject, explanation: E): void
  /** What explains that this object is not as it should be, because one that it rests on is absent. */
  explain(object: CatalogObject): E | undefined
}

interface Absent<E> {
  readonly missing: CatalogObject
  readonly explanation: E
}

/** Found by name, since a whole schema may be absent: to compare each with each would take minutes at 10,000 tables. */
export function createAbsentees<E>(): Absentees<E> {
  const byGroup = new Map<string, Absent<E>>()
  const byName = new Map<string, Absent<E>[]>()
  const columns = new Map<string, Absent<E>>()
  const odd: Absent<E>[] = []
  return {
    add: (missing, explanation) => {
      const absent = { missing, explanation }
      if (missing.name === missing.group) byGroup.set(groupOf(missing), absent)
      const name = bareName(missing)
      if (missing.kind === 'column') columns.set(`${groupOf(missing)}\u001f${name}`, absent)
      if (!PLAIN.test(name)) odd.push(absent)
      else if (byName.get(name)?.push(absent) === undefined) byName.set(name, [absent])
    },
    explain: (object) => {
      const own = byGroup.get(groupOf(object))
      if (own !== undefined) return own.explanation
      const words = wordsOf(object)
      const column = words.flatMap((word) => columns.get(`${groupOf(object)}\u001f${word}`) ?? [])[0]
      if (column !== undefined && object.kind !== 'column') return column.explanation
      // Columns of one name are many, and outside of their table only a view can need one.
      const elsewhere = ({ missing }: Absent<E>) => missing.kind !== 'column' || object.kind === 'view'
      const named = words.flatMap((word) => (byName.get(word) ?? []).filter(elsewhere))
      return [...named, ...odd].find(({ missing }) => restsOn(object, missing))?.explanation
    },
  }
}

/** Whether an object cannot be without another one that its facts name. */
function restsOn(object: CatalogObject, missing: CatalogObject): boolean {
  const sameGroup = groupOf(object) === groupOf(missing)
  if (!mentions(object, bareName(missing))) return false
  switch (missing.kind) {
    case 'column':
      return sameGroup ? object.kind !== 'column' : object.kind === 'view' && mentions(object, missing.group)
    case 'table':
    case 'view':
      return object.kind === 'view' || object.kind === 'sequence' || isForeignKey(object)
    case 'type':
      return object.kind === 'column'
    case 'routine':
      return object.kind === 'trigger'
    case 'extension':
      // Its types mostly have its name: citext, hstore, vector.
      return object.kind !== 'extension' && object.kind !== 'grant'
    case 'constraint':
    case 'grant':
    case 'index':
    case 'policy':
    case 'sequence':
    case 'trigger':
      return false
  }
}

function isForeignKey(object: CatalogObject): boolean {
  return object.kind === 'constraint' && (object as CatalogObject<'constraint'>).facts.form === 'foreign key'
}

const PLAIN = /^[\p{L}\p{N}_$]+$/u

/** A routine's without its argument types. */
function bareName({ kind, name }: CatalogObject): string {
  return kind === 'routine' ? (name.split('(')[0] ?? name) : name
}

function textsOf(object: CatalogObject): readonly string[] {
  return Object.values(object.facts as Readonly<Record<string, string | null>>).filter((fact) => fact !== null)
}

function wordsOf(object: CatalogObject): readonly string[] {
  return [...new Set(textsOf(object).flatMap((fact) => fact.split(/[^\p{L}\p{N}_$]+/u)))]
}

/** Whether a name stands in the facts as a whole word. */
function mentions(object: CatalogObject, name: string): boolean {
  return PLAIN.test(name) ? wordsOf(object).includes(name) : textsOf(object).some((fact) => fact.includes(name))
}
