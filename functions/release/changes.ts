/** What each migration brought, changed and removed, collected while the catalog is read. */
import type { CatalogObject } from '../core/catalog.ts'
import { identityOf } from '../core/catalog.ts'
import type { MigrationEffect, ObjectReference } from '../core/release.ts'

export type CatalogChange = Pick<MigrationEffect, 'brought' | 'changed' | 'removed'>

interface Entry {
  readonly by: number | null
  readonly what: keyof CatalogChange
  readonly reference: ObjectReference
}

export interface Changes {
  add(by: number | null, what: keyof CatalogChange, object: CatalogObject): void
  /** Of one migration, by its index. */
  of(by: number): CatalogChange
  /** How many there are: for `since`. */
  count(): number
  /** Of whichever migration, since there were so many. */
  since(count: number): CatalogChange
}

export function createChanges(): Changes {
  const all: Entry[] = []
  const byMigration = new Map<number | null, Entry[]>()
  return {
    add: (by, what, { kind, schema, group, name }) => {
      const entry = { by, what, reference: { kind, schema, group, name } }
      all.push(entry)
      const own = byMigration.get(by)
      if (own === undefined) byMigration.set(by, [entry])
      else own.push(entry)
    },
    of: (by) => summed(byMigration.get(by) ?? []),
    count: () => all.length,
    since: (count) => summed(all.slice(count)),
  }
}

function summed(entries: readonly Entry[]): CatalogChange {
  const of = (what: keyof CatalogChange): readonly ObjectReference[] =>
    entries
      .filter((entry) => entry.what === what)
      .map(({ reference }) => reference)
      .sort((a, b) => compareText(identityOf(a), identityOf(b)))
  return { brought: of('brought'), changed: of('changed'), removed: of('removed') }
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
