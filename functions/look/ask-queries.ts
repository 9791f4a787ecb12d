/** The statements and queries of a release: all are prepared; those with an expectation are run, side by side. */
import type { Connection } from '../connections/connection.ts'
import type { QueryObservation, Seen } from '../core/observation.ts'
import type { Statement } from '../core/release.ts'
import type { QueryPlan } from '../queries/observe-queries.ts'
import { isQuery, planQueries, runQuery } from '../queries/observe-queries.ts'
import { observeStatements } from '../queries/observe-statements.ts'
import type { CheckInput } from './input.ts'
import { searchPathText } from './input.ts'
import type { Pool } from './pool.ts'
import type { QueriesSight } from './queries.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'

const NONE: QueriesSight['queries'] = { seen: true, value: [] }

export async function askQueries(
  input: CheckInput,
  pool: Pool,
  timer: Timer,
  statements: readonly Statement[],
): Promise<QueriesSight> {
  const searchPath = searchPathText(input)
  const opened = await timer.within('queries', () => pool.open(), unseenIn(input, 'connect', null))
  if (!opened.seen) return { statements: opened, queries: NONE }
  const connection = opened.value
  const unseen = unseenIn(input, 'queries', connection)
  // Queries are judged before they are even prepared: preparing runs the input functions of literals.
  const planned = await timer.within(
    'queries',
    () => planQueries(connection, input.engine, { statements, searchPath }),
    unseen,
  )
  const others = statements.filter((statement) => !isQuery(statement))
  const prepared = await timer.within(
    'queries',
    () => observeStatements(connection, input.engine, others, searchPath),
    unseen,
  )
  if (!prepared.seen) return { statements: prepared, queries: NONE }
  if (!planned.seen) return { statements: prepared, queries: planned }
  return {
    statements: { seen: true, value: [...prepared.value, ...planned.value.prepared] },
    queries: await runAll(input, pool, timer, connection, planned.value.plans),
  }
}

/** Whatever has not answered when the look ends is not among the observations, and is judged as not seen. */
async function runAll(
  input: CheckInput,
  pool: Pool,
  timer: Timer,
  first: Connection,
  plans: readonly QueryPlan[],
): Promise<Seen<readonly QueryObservation[]>> {
  const waiting = [...plans]
  const answered: QueryObservation[] = []
  const searchPath = searchPathText(input)
  const work = async (opening: Promise<Connection>): Promise<void> => {
    const connection = await opening
    for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
      answered.push(await runQuery(connection, input.engine, plan, searchPath))
    }
  }
  const workers = Math.min(input.concurrency, plans.length)
  const run = async (): Promise<void> => {
    const others = Array.from({ length: Math.max(0, workers - 1) }, () => work(pool.open()))
    await Promise.all([work(Promise.resolve(first)), ...others])
  }
  const ran = await timer.within('queries', run, unseenIn(input, 'queries', first))
  // A late look still says what has answered; a connection that broke says why the rest has not.
  return ran.seen || answered.length > 0 ? { seen: true, value: [...answered] } : ran
}
