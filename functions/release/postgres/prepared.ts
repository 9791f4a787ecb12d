/**
 * Statements that a replay runs hundreds of times, prepared once: to parse and plan one costs ten times what it takes to run.
 * A file may DEALLOCATE ALL, and a state of the server that was saved has none.
 */
import { DatabaseError } from '../../connections/connection.ts'
import type { Throwaway } from '../throwaway.ts'

interface Prepared {
  readonly name: string
  readonly types: readonly string[]
  readonly sql: () => string
}

/** Runs EXECUTE with these SQL literals, after PREPARE where the session does not have the statement. */
export async function runPrepared<T>(
  server: Throwaway,
  statement: Prepared,
  values: readonly string[],
  run: (sql: string) => Promise<T>,
): Promise<T> {
  const execute = `EXECUTE ${statement.name} (${values.join(', ')})`
  try {
    return await run(execute)
  } catch (error) {
    // invalid_sql_statement_name
    if (!(error instanceof DatabaseError) || error.facts.sqlState !== '26000') throw error
  }
  await prepare(server, statement)
  return run(execute)
}

/**
 * Names are resolved as in pg_catalog either way, which is searched first. With `public` as the path the plan is kept; with
 * pg_catalog alone the server (18) finds the path changed at each execution, and plans anew: ten times the cost.
 */
export const KEPT_PATH = 'public'

async function prepare(server: Throwaway, { name, types, sql }: Prepared): Promise<void> {
  await server.run(`SET search_path = ${KEPT_PATH}`)
  await server.run(`PREPARE ${name} (${types.join(', ')}) AS ${sql()}`)
  await server.run('RESET search_path')
}
