/** What a reader of one kind of object is. */
import type { Scope } from '../engine.ts'
import type { Selection } from './scope.ts'

export interface ReaderContext {
  readonly scope: Scope
  readonly selection: Selection
}

/**
 * A SELECT over the common table expressions of `scopeSql`, one row an object: `schema`, `grp`, `bucket`, `name`, `facts`
 * (all text but the bucket). Names are relative; what is deparsed goes through `deparsed`.
 */
export type Reader = (context: ReaderContext) => string
