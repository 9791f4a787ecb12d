/** What folding works on: findings that explain others, before all that they explain is known. Pure. */
import type { ObjectDifference } from './compare-catalog.ts'
import type { LedgerComparison } from './compare-ledger.ts'
import type { StatementBreak } from './compare-statements.ts'
import type { Cause, Finding } from './finding.ts'
import type { LooseInput } from './loose-finding.ts'
import type { ObjectSql } from './object-sql.ts'
import type { MigrationEffect, ObjectReference, Statement } from './release.ts'

export interface FoldInput {
  /** In the order of the release's ledgers. */
  readonly ledgers: readonly LedgerComparison[]
  /** One a migration, flattened as `flattenMigrations` does; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  readonly differences: readonly ObjectDifference[]
  readonly breaks: readonly StatementBreak[]
  readonly sql: ObjectSql | null
  /** Whether the replay says which migration brought what. */
  readonly attributed: boolean
  /** What each migration brought and no later one removed. Index = migration. */
  readonly brought: ReadonlyMap<number, readonly ObjectReference[]>
  /** The environment variable that holds the address of its database, as the config names it; null where none is known. */
  readonly variable: string | null
}

/** A finding with the index of its migration, to which consequences are added while folding. */
export interface Root {
  readonly finding: Finding
  /** The comparison's own, without what only the whole look shows. */
  readonly origin: Finding
  readonly consequences: string[]
  readonly causes: Cause[]
  /** The statements that break for it. */
  readonly calls: Statement[]
  /** Of an object that no migration explains: how its finding is made once all that went with it is known. */
  readonly loose: { readonly input: Omit<LooseInput, 'rest'>; readonly rest: ObjectDifference[] } | null
}

export function rootOf(own: Finding, origin: Finding = own): Root {
  return { finding: own, origin, consequences: [...own.consequences], causes: [...own.causes], calls: [], loose: null }
}

/** A line of what explains it. */
export function consequence(difference: Pick<ObjectDifference, 'code' | 'subject'>): string {
  return `${difference.code} ${difference.subject}`
}

/** What is unsure, or only informs, explains no error. */
export function isError(own: Finding | undefined): boolean {
  return own?.severity === 'error'
}
