/** From a target to a connection. Each driver is loaded only by who uses it: the AWS SDK costs 100 ms, PGlite more. */
import type { Connection, DatabaseTarget } from './connection.ts'
import type { CredentialClients } from './credentials.ts'
import type { DataApiClient } from './data-api.ts'

export interface ConnectOptions extends CredentialClients {
  /** Until a connection is there, authentication included. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** For each statement; default 10,000. */
  readonly statementTimeoutMs?: number
  /** Default and most: 1000. */
  readonly lockTimeoutMs?: number
  /** How long a paused cluster may take to resume; default 60,000. */
  readonly resumeTimeoutMs?: number
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  readonly sleep?: (ms: number) => Promise<void>
  readonly dataApi?: DataApiClient
}

/** @throws {ConnectionError} no connection: the code says why */
export async function connect(target: DatabaseTarget, options: ConnectOptions = {}): Promise<Connection> {
  const { statementTimeoutMs, lockTimeoutMs, ...rest } = options
  const read = {
    ...(statementTimeoutMs === undefined ? {} : { statementTimeoutMs }),
    ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
  }
  switch (target.kind) {
    case 'url':
    case 'host': {
      const { openWirePostgres } = await import('./wire-postgres.ts')
      return openWirePostgres(target, { ...rest, read })
    }
    case 'data-api': {
      const { openDataApi } = await import('./data-api.ts')
      return openDataApi(target, { ...rest, read })
    }
    case 'embedded': {
      const { openEmbedded } = await import('./embedded.ts')
      return openEmbedded(target.folder, read)
    }
  }
}
