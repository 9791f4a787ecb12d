/** A fleet on this machine: databases behind a local Data API, and what its functions have of AWS in memory. */
import { inject } from 'vitest'
import { startDataApi } from '../../local/data-api/server.ts'
import { createDatabase } from '../support/postgres.ts'
import { first, migrated } from '../support/project.ts'
import { CLUSTER, SECRET } from '../support/synth.ts'

/** Nobody listens there. */
export const NOWHERE = 'http://127.0.0.1:9'
export const ALLOWED = { clusters: [CLUSTER], secrets: [SECRET] }

export interface Fleet {
  /** As in the file: ready, behind by one migration, not reachable, and a line that is none. */
  readonly lines: string
  /** Runs what was missing. */
  mend(): Promise<void>
  close(): Promise<void>
}

export async function startFleet(): Promise<Fleet> {
  const databases = await Promise.all([createDatabase(), createDatabase(), createDatabase()])
  const [ready, behind, other] = databases
  const all = migrated(first(3))
  await Promise.all([ready.run(all), behind.run(migrated(first(2))), other.run(all)])
  const api = await startDataApi({
    backend: { url: inject('postgresUrl') },
    clusters: [CLUSTER],
    secrets: { [SECRET]: null },
  })
  const line = (name: string, database: string, endpoint: string): string =>
    JSON.stringify({
      name,
      database: { cluster: CLUSTER, secret: SECRET, name: database, region: 'eu-west-1', endpoint },
    })
  return {
    lines: [
      line('shop-a', ready.name, api.endpoint),
      line('shop-b', behind.name, api.endpoint),
      line('shop-c', other.name, api.endpoint),
      line('shop-d', ready.name, NOWHERE),
      '{"name": "shop-e"',
    ].join('\n'),
    mend: async () => behind.run('DROP SCHEMA public CASCADE; CREATE SCHEMA public;' + all),
    close: async () => {
      await api.close()
      await Promise.all(databases.map((database) => database.drop()))
    },
  }
}
