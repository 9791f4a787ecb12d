/**
 * Statements that a replay runs hundreds of times, prepared once: to parse and plan one costs ten times what it takes to run.
 * A file may DEALLOCATE ALL, and a state of the server that was saved has none.
 */
import { DatabaseError } from '../../connections/connection.ts'
import type { Throwaway } from '../throwaway.ts'

/** The EXECUTE for a statement that is prepared in the server's session, which this sees to. `values` are SQL literals. */
export async function executePrepared(
  server: Throwaway,
  name: string,
  types: readonly string[],
  sql: () => string,
  values: readonly string[],
): Promise<string> {
  const { rows } = await server.run(`SELECT name::text FROM pg_catalog.pg_prepared_statements WHERE name = '${name}'`)
  if (rows.length === 0) await prepare(server, name, types, sql())
  return `EXECUTE ${name} (${values.join(', ')})`
}

/** Parsed where names mean the catalogs', as it will be run. */
async function prepare(server: Throwaway, name: string, types: readonly string[], sql: string): Promise<void> {
  await server.run('SET search_path = pg_catalog')
  try {
    await server.run(`PREPARE ${name} (${types.join(', ')}) AS ${sql}`)
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    throw new Error(`a statement of the replay's own cannot be prepared: ${error.message}`, { cause: error })
  } finally {
    await server.run('RESET search_path')
  }
}
