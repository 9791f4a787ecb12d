/** The statements and queries of a release, as a look saw them. */
import type { QueryObservation, Seen, StatementObservation } from '../core/observation.ts'
import type { Statement } from '../core/release.ts'
import type { CheckInput } from './input.ts'
import type { Pool } from './pool.ts'
import type { Timer } from './timer.ts'

export interface QueriesSight {
  readonly statements: Seen<readonly StatementObservation[]>
  readonly queries: Seen<readonly QueryObservation[]>
}

/** What asks is loaded where there is something to ask. */
export async function lookAtQueries(
  input: CheckInput,
  pool: Pool,
  timer: Timer,
  statements: readonly Statement[],
): Promise<QueriesSight> {
  if (statements.length === 0) return { statements: { seen: true, value: [] }, queries: { seen: true, value: [] } }
  const { askQueries } = await import('./ask-queries.ts')
  return askQueries(input, pool, timer, statements)
}
