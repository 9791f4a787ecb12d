/** The embedded server (PGlite) as a connection. It has no timers: statement and lock timeouts are set, and never fire. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { ConnectionError } from './connection.ts'
import type { Connection, Query, QueryValues, ReadOptions } from './connection.ts'
import { abandonedFailure } from './connection-errors.ts'
import { createBatch } from './postgres-batch.ts'
import type { Batch, ServerRefusal } from './postgres-batch.ts'
import { resolveReadOptions } from './postgres-settings.ts'
import { createSerial } from './serial.ts'

interface ServerMessage {
  readonly name: string
}

/** A Query message: 'Q', its length with itself, the text, a zero byte. */
export function queryMessage(sql: string): Buffer {
  const text = Buffer.from(sql, 'utf8')
  const message = Buffer.alloc(text.length + 6)
  message.write('Q', 0, 'latin1')
  message.writeInt32BE(text.length + 5, 1)
  text.copy(message, 5)
  return message
}

/** Feeds the batch with the server's messages, and answers the first error, if any. */
function take(messages: readonly ServerMessage[], batch: Batch): ServerRefusal | null {
  for (const message of messages) {
    if (message.name === 'dataRow') batch.onRow((message as unknown as { fields: (string | null)[] }).fields)
    else if (message.name === 'commandComplete') batch.onComplete()
    else if (message.name === 'error') return message as unknown as ServerRefusal
  }
  return null
}

/**
 * A PGlite instance as a connection. The instance stays the caller's: `close()` leaves it open. Not to be used inside
 * `pglite.transaction()`: there is one session, and it would have two transactions.
 */
export function embeddedConnection(pglite: PGlite, defaults: Partial<ReadOptions> = {}): Connection {
  const serial = createSerial()
  let abandoned = false
  let roundTrips = 0
  let bytesRead = 0

  async function request(sql: string): Promise<readonly ServerMessage[]> {
    roundTrips += 1
    const { messages, data } = await pglite.execProtocol(queryMessage(sql), { throwOnError: false })
    bytesRead += data.length
    return messages
  }

  async function run(queries: readonly Query<unknown>[], options: ReadOptions): Promise<readonly unknown[]> {
    if (abandoned) throw abandonedFailure('the embedded database')
    const batch = createBatch(queries, options)
    if (pglite.closed) throw new ConnectionError('the embedded database is closed', 'database-unreachable', false)
    return pglite.runExclusive(async () => {
      const refused = take(await request(batch.text), batch)
      if (refused === null) return batch.values()
      await request('ROLLBACK')
      throw batch.refusal(refused)
    })
  }

  return {
    traits: { engine: 'postgres', batches: true, maxAnswerBytes: null, maxRowBytes: null },
    read: async <const Q extends readonly Query<unknown>[]>(queries: Q, options?: Partial<ReadOptions>) => {
      if (queries.length === 0) return [] as unknown as QueryValues<Q>
      return (await serial(() => run(queries, resolveReadOptions(options, defaults)))) as QueryValues<Q>
    },
    usage: () => ({ roundTrips, bytesRead, resumeMs: 0 }),
    close: async () => {},
    // It runs on this very thread: whoever calls here, nothing runs, and nothing could be cancelled.
    abandon: () => {
      abandoned = true
    },
  }
}

/** PGlite makes a database in any folder: one that is misspelt would be looked at as one that is empty. */
async function refuseMissing(folder: string): Promise<void> {
  try {
    await access(join(folder, 'PG_VERSION'))
  } catch (error) {
    throw new ConnectionError(
      `there is no embedded database in ${JSON.stringify(folder)}: give the folder in which PGlite keeps one`,
      'database-unreachable',
      false,
      { cause: error },
    )
  }
}

/**
 * Opens an embedded database in a folder, where there has to be one, or an empty one in memory, and owns it: `close()`
 * shuts it down.
 */
export async function openEmbedded(folder: string | null, defaults: Partial<ReadOptions> = {}): Promise<Connection> {
  if (folder !== null) await refuseMissing(folder)
  const { PGlite } = await import('@electric-sql/pglite')
  let pglite: PGlite
  try {
    pglite = await PGlite.create(folder === null ? 'memory://' : folder)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConnectionError(
      `cannot open the embedded database ${folder ?? 'in memory'}: ${reason}`,
      'database-unreachable',
      false,
      { cause: error },
    )
  }
  const connection = embeddedConnection(pglite, defaults)
  return {
    ...connection,
    close: () => pglite.close(),
    abandon: () => {
      connection.abandon()
      pglite.close().catch(() => undefined)
    },
  }
}
