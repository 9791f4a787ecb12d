/** Sessions of the real database behind the stand-in: a Postgres server, or PGlite instances that take turns. */
import type { PGlite } from '@electric-sql/pglite'
import { createPgConfig } from '@electric-sql/pglite/node-postgres'
import { Client } from 'pg'
import type { CustomTypesConfig } from 'pg'
import type { Column } from './fields.ts'
import { ServiceError } from './service-error.ts'

export interface Result {
  readonly command: string
  readonly count: number
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly (string | null)[])[]
}

export interface Session {
  run(sql: string, values?: readonly (string | null)[]): Promise<Result>
  /** Cancels the statement that runs, where the database can. */
  cancel(): Promise<void>
  close(): Promise<void>
}

export interface Login {
  readonly username: string
  readonly password: string
}

/** `url`: each named database is one of that server. `pglite`: one instance for each database's name. */
export type Backend = { readonly url: string } | { readonly pglite: Readonly<Record<string, PGlite>> }

const AS_TEXT = { getTypeParser: () => (text: string) => text } as unknown as CustomTypesConfig

/** How the service's own sessions are set, whatever role and database say. */
const SESSION_SETTINGS =
  "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; SET extra_float_digits = 1"

async function runOn(client: Client, sql: string, values: readonly (string | null)[]): Promise<Result> {
  // The extended protocol: the server itself refuses a second statement.
  const query = { text: sql, values: [...values], rowMode: 'array' as const, queryMode: 'extended' }
  const result = await client.query<(string | null)[]>(query)
  return {
    command: result.command ?? '',
    count: result.rowCount ?? 0,
    columns: result.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID })),
    rows: result.rows,
  }
}

async function openServerSession(url: string, database: string, login: Login | null): Promise<Session> {
  const at = new URL(url)
  at.pathname = `/${encodeURIComponent(database)}`
  if (login !== null) {
    at.username = encodeURIComponent(login.username)
    at.password = encodeURIComponent(login.password)
  }
  const open = async (): Promise<Client> => {
    const client = new Client({ connectionString: at.href, application_name: 'RDS Data API', types: AS_TEXT })
    client.on('error', () => {})
    await client.connect()
    return client
  }
  const client = await open()
  await client.query(SESSION_SETTINGS)
  return {
    run: (sql, values = []) => runOn(client, sql, values),
    cancel: async () => {
      const other = await open()
      await other.query('SELECT pg_cancel_backend($1)', [(client as unknown as { processID: number }).processID])
      await other.end()
    },
    close: () => client.end(),
  }
}

/** One session at a time: PGlite has one, and transactions cannot interleave in it. */
function createTurns(): () => Promise<() => void> {
  let last: Promise<void> = Promise.resolve()
  return async () => {
    const before = last
    let release = (): void => {}
    last = new Promise((resolve) => {
      release = resolve
    })
    await before
    return release
  }
}

async function openEmbeddedSession(pglite: PGlite, release: () => void): Promise<Session> {
  // PGlite's connection is a stand-in for `pg`'s own, whose type it does not declare.
  const client = new Client({ ...createPgConfig(pglite), types: AS_TEXT })
  client.on('error', () => {})
  await client.connect()
  await client.query(SESSION_SETTINGS)
  return {
    run: (sql, values = []) => runOn(client, sql, values),
    cancel: async () => {},
    close: async () => {
      try {
        // The next one's session is new.
        await client.query('ROLLBACK')
        // `client.end()` would wait for ever: PGlite's connection drops its listeners before it says that it ended.
        await client.query('DISCARD ALL')
      } finally {
        release()
      }
    },
  }
}

/** @returns how a session on a database is opened, with a secret's login or the backend's own */
export function createSessions(backend: Backend): (database: string, login: Login | null) => Promise<Session> {
  if ('url' in backend) return (database, login) => openServerSession(backend.url, database, login)
  const turns = new Map(Object.keys(backend.pglite).map((name) => [name, createTurns()]))
  return async (database) => {
    const pglite = backend.pglite[database]
    const turn = turns.get(database)
    if (pglite === undefined || turn === undefined) {
      throw new ServiceError('DatabaseErrorException', `FATAL: database "${database}" does not exist; SQLState: 3D000`)
    }
    const release = await turn()
    return openEmbeddedSession(pglite, release)
  }
}
