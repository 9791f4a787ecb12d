/**
 * Who did what, by numbers: each look that attributes something has one, and whose it is may turn out to be nobody's when a transaction
 * is rolled back, and the migration runs again.
 */
import { identityOf } from '../../core/catalog.ts'
import type { ExpectedObject, ObjectReference } from '../../core/release.ts'
import type { CatalogChange } from '../changes.ts'

export interface Attempts {
  /** A new number, of the migration with that index, or of nobody. */
  begin(index: number | null): number
  /** What was the migration's so far is nobody's. */
  undo(index: number): void
  /** With the migrations' indexes in the place of numbers. */
  resolve(object: ExpectedObject): ExpectedObject
  /** What a migration did, from what each of its numbers did. */
  changeOf(index: number, changeOf: (number: number) => CatalogChange): CatalogChange
}

export function createAttempts(): Attempts {
  const owners: (number | null)[] = []
  const ownerOf = (number: number): number | null => owners[number] ?? null
  return {
    begin: (index) => owners.push(index) - 1,
    undo: (index) => {
      for (const [number, owner] of owners.entries()) if (owner === index) owners[number] = null
    },
    resolve: (object) => {
      const brought = object.brought === null ? null : ownerOf(object.brought)
      const changed = object.changed.flatMap((number) => ownerOf(number) ?? [])
      return { ...object, brought, changed: [...new Set(changed)].filter((index) => index !== brought) }
    },
    changeOf: (index, changeOf) => {
      const own = owners.flatMap((owner, number) => (owner === index ? [changeOf(number)] : []))
      const of = (what: keyof CatalogChange): readonly ObjectReference[] => [
        ...new Map(own.flatMap((change) => change[what]).map((object) => [identityOf(object), object])).values(),
      ]
      return { brought: of('brought'), changed: of('changed'), removed: of('removed') }
    },
  }
}
