/** What a look saw of the database, and what it has to say of it. */
import type { Finding } from '../core/finding.ts'
import type { Judgement } from '../core/judgement.ts'
import type { QueryObservation, Seen, Server } from '../core/observation.ts'
import type { SchemaWith } from '../engines/engine.ts'
import type { QueriesSight } from './queries.ts'
import type { TargetSight } from './target.ts'

export interface DatabaseSight {
  readonly judgement: Judgement
  /** null: there was no connection. */
  readonly server: Server | null
  readonly queries: readonly QueryObservation[]
  /** Where tables and ledgers that are missing are instead. */
  readonly otherSchemas: readonly SchemaWith[]
  /** What the migrations that are missing would find; null: none is, or nobody looked. */
  readonly target: Seen<TargetSight> | null
}

export function answersOf({ queries }: QueriesSight): readonly QueryObservation[] {
  return queries.seen ? queries.value : []
}

export function nothingSeen(why: readonly Finding[]): DatabaseSight {
  const judgement: Judgement = {
    findings: why,
    outcomes: { ledger: 'unsure', schema: 'unsure', queries: 'unsure' },
    notes: [],
    ledgers: [],
    differences: null,
  }
  return { judgement, server: null, queries: [], otherSchemas: [], target: null }
}
