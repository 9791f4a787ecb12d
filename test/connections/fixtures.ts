/** Databases for the contract: each kind of connection over a real server. */
import { PGlite } from '@electric-sql/pglite'
import { Client } from 'pg'
import { connect } from '../../functions/connections/connect.ts'
import type { DatabaseTarget } from '../../functions/connections/connection.ts'
import { embeddedConnection } from '../../functions/connections/embedded.ts'
import { startDataApi } from '../../local/data-api/server.ts'
import type { ConnectionFixture } from '../contracts/connection.ts'
import { createDatabase } from '../support/postgres.ts'

export const CLUSTER = 'arn:aws:rds:eu-west-1:111122223333:cluster:orders'
export const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf'

export function dataApiTarget(endpoint: string, name: string): Extract<DatabaseTarget, { kind: 'data-api' }> {
  return { kind: 'data-api', cluster: CLUSTER, secret: SECRET, name, region: null, endpoint }
}

/** Locks a table from another session. */
async function lockTable(url: string, table: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`BEGIN; LOCK TABLE ${table}`)
  return () => client.end()
}

export async function wireFixture(): Promise<ConnectionFixture> {
  const database = await createDatabase()
  return {
    run: (sql) => database.run(sql),
    connect: (read = {}) => connect({ kind: 'url', url: database.url, ca: null }, read),
    lock: (table) => lockTable(database.url, table),
    timeouts: true,
    close: () => database.drop(),
  }
}

export async function embeddedFixture(): Promise<ConnectionFixture> {
  const pglite = await PGlite.create()
  return {
    run: async (sql) => void (await pglite.exec(sql)),
    connect: async (read) => embeddedConnection(pglite, read),
    lock: null,
    timeouts: false,
    close: () => pglite.close(),
  }
}

export async function dataApiFixture(): Promise<ConnectionFixture> {
  const database = await createDatabase()
  const server = await startDataApi({
    backend: { url: database.url },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  return {
    run: (sql) => database.run(sql),
    connect: (read = {}) => connect(dataApiTarget(server.endpoint, database.name), read),
    lock: (table) => lockTable(database.url, table),
    timeouts: true,
    close: async () => {
      await server.close()
      await database.drop()
    },
  }
}

export async function embeddedDataApiFixture(): Promise<ConnectionFixture> {
  const pglite = await PGlite.create()
  const server = await startDataApi({
    backend: { pglite: { orders: pglite } },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  return {
    run: async (sql) => void (await pglite.exec(sql)),
    connect: (read = {}) => connect(dataApiTarget(server.endpoint, 'orders'), read),
    lock: null,
    timeouts: false,
    close: async () => {
      await server.close()
      await pglite.close()
    },
  }
}
