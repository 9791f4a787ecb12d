/**
 * A look from inside a client's session: it sees what the client's transaction has done and not yet committed, and leaves nothing
 * behind. Several tools run all migrations in one transaction; from outside they are one change.
 */
import type { Connection, Query, QueryValues, ReadOptions } from '../../connections/connection.ts'
import { createBatch } from '../../connections/postgres-batch.ts'
import { PINNED_SETTINGS, resolveReadOptions } from '../../connections/postgres-settings.ts'
import { refusal } from '../postgres/refusal.ts'
import type { StatementResult, Throwaway } from '../throwaway.ts'
import type { TransactionState, WireSession } from './served-client.ts'
import type { Message } from './wire-messages.ts'
import { fieldsOf, rowOf } from './wire-messages.ts'

export type Inside = Pick<Throwaway, 'run' | 'connection'>

const SAVEPOINT = 'deploywatch_look'
const READ = { begin: `SAVEPOINT ${SAVEPOINT}_read`, end: `ROLLBACK TO SAVEPOINT ${SAVEPOINT}_read` }

/**
 * Runs the task, and undoes whatever it set. `state` is the session's: not 'aborted'.
 *
 * @throws {DatabaseError} the server refused something: a lock was in the way, say. The session is as it was.
 */
export async function lookInside<T>(
  session: WireSession,
  state: Exclude<TransactionState, 'aborted'>,
  task: (inside: Inside, searchPath: readonly string[]) => Promise<T>,
): Promise<T> {
  const isOpen = state === 'open'
  const ask = async (sql: string): Promise<StatementResult> => resultOf(await session.ask(sql))
  // What fails must not end the client's transaction: a statement is looked for among the prepared ones, and may not be there.
  const run: Inside['run'] = async (sql) => {
    try {
      return await ask(`SAVEPOINT ${SAVEPOINT}_run;\n${sql}`)
    } catch (error) {
      await ask(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}_run`)
      throw error
    }
  }
  await ask(isOpen ? `SAVEPOINT ${SAVEPOINT}` : 'BEGIN')
  try {
    const { rows } = await run('SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))::text')
    await run(SETTINGS)
    return await task(
      { run, connection: connectionOf(session) },
      rows.map(([schema]) => schema ?? ''),
    )
  } finally {
    await ask(isOpen ? `ROLLBACK TO SAVEPOINT ${SAVEPOINT}; RELEASE SAVEPOINT ${SAVEPOINT}` : 'ROLLBACK')
  }
}

/**
 * As a replay's own session is; a client may have taken another role. Another session of the command may hold a lock that is
 * let go only when this one goes on: so nothing is waited for long.
 */
const SETTINGS = [
  'SET LOCAL ROLE NONE',
  ...PINNED_SETTINGS.map(([name, value]) => `SET LOCAL ${name} = '${value}'`),
  'SET LOCAL search_path = "$user", public',
  'SET LOCAL statement_timeout = 0',
  'SET LOCAL lock_timeout = 1000',
].join('; ')

function connectionOf(session: WireSession): Connection {
  const read = async (queries: readonly Query<unknown>[], options: ReadOptions): Promise<readonly unknown[]> => {
    const batch = createBatch(queries, options, READ)
    for (const message of await session.ask(batch.text)) {
      if (message.type === 'D') batch.onRow(rowOf(message))
      else if (message.type === 'C') batch.onComplete()
      else if (message.type === 'E') {
        await session.ask(READ.end)
        throw batch.refusal(errorOf(message))
      }
    }
    return batch.values()
  }
  return {
    traits: { engine: 'postgres', batches: true, maxAnswerBytes: null, maxRowBytes: null },
    read: async <const Q extends readonly Query<unknown>[]>(queries: Q, options?: Partial<ReadOptions>) =>
      (queries.length === 0 ? [] : await read(queries, resolveReadOptions(options))) as unknown as QueryValues<Q>,
    usage: () => ({ roundTrips: 0, bytesRead: 0, resumeMs: 0 }),
    close: async () => {},
    abandon: () => {},
  }
}

interface ErrorFields {
  readonly code: string
  readonly message: string
  readonly detail: string | undefined
  readonly hint: string | undefined
  readonly position: string | undefined
}

function errorOf(message: Message): ErrorFields {
  const { C: code = 'XX000', M: text = '', D: detail, H: hint, P: position } = fieldsOf(message)
  return { code, message: text, detail, hint, position }
}

/** The last statement's rows. @throws {DatabaseError} */
function resultOf(messages: readonly Message[]): StatementResult {
  let rows: StatementResult['rows'][number][] = []
  let isNext = true
  for (const message of messages) {
    if (message.type === 'E') throw refusal(errorOf(message))
    if (message.type === 'C') isNext = true
    if (message.type !== 'D') continue
    if (isNext) rows = []
    isNext = false
    rows.push(rowOf(message))
  }
  return { rows, notices: [] }
}
