/** The connections of one look: opened as needed, counted together, closed together. */
import { ConnectionError } from '../connections/connection.ts'
import type { Connection, Usage } from '../connections/connection.ts'
import type { CheckInput } from './input.ts'

export interface Pool {
  /** Opens a connection, or answers with the one that there is where the database takes no other. */
  open(): Promise<Connection>
  usage(): Usage
  close(): Promise<void>
  /** Closes them without waiting for what they run, and opens no more. */
  abandon(): void
}

export function createPool(input: Pick<CheckInput, 'connect' | 'concurrency'>): Pool {
  const opened: Promise<Connection>[] = []
  const ready: Connection[] = []
  let abandoned = false
  return {
    async open() {
      if (abandoned) throw new ConnectionError('the look has ended', 'check-timeout', false)
      const [shared] = opened
      if (shared !== undefined && input.concurrency === 1) return shared
      const opening = input.connect()
      opened.push(opening)
      const connection = await opening
      ready.push(connection)
      return connection
    },
    usage: () => ({
      roundTrips: ready.reduce((sum, connection) => sum + connection.usage().roundTrips, 0),
      bytesRead: ready.reduce((sum, connection) => sum + connection.usage().bytesRead, 0),
      resumeMs: ready.reduce((sum, connection) => sum + connection.usage().resumeMs, 0),
    }),
    async close() {
      // A server that is gone must not turn an answer into a crash; one that still opens is closed when it is there.
      for (const opening of opened) {
        const closing = opening.then((connection) => connection.close()).catch(() => undefined)
        if (ready.length === opened.length) await closing
      }
    },
    abandon() {
      abandoned = true
      for (const opening of opened) {
        opening.then((connection) => connection.abandon()).catch(() => undefined)
      }
    },
  }
}
