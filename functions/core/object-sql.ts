/** SQL that mends one object, as the database system writes it. Pure: made from facts, never sent by a look. */
import type { CatalogObject } from './catalog.ts'
import type { ObjectReference } from './release.ts'

/**
 * Every list is run in order, in one session. `null`: not by statements that follow from the facts alone, such as a table's, whose
 * rows are gone with it.
 */
export interface ObjectSql {
  /** Makes a missing object as it is expected. */
  create(object: CatalogObject): readonly string[] | null
  /** Removes an object. */
  drop(object: ObjectReference): readonly string[] | null
  /** Builds an invalid index anew. */
  rebuild(index: CatalogObject<'index'>): readonly string[]
  /** Checks the rows that a constraint has not seen. */
  validate(constraint: CatalogObject<'constraint'>): readonly string[]
  /** Adds a value to an enum, in its place among those that are there. */
  addValue(type: CatalogObject<'type'>, value: string, place: ValuePlace): readonly string[]
  /** Whether a list can be one transaction: all of it, or nothing. */
  isTransactional(statements: readonly string[]): boolean
}

/** Beside which value; null: it is the only one. */
export type ValuePlace = { readonly side: 'before' | 'after'; readonly value: string } | null
