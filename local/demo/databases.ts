/** The demo's two databases: PostgreSQL in WebAssembly, one staging, one production. */
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import type { Cache } from '../../functions/release/cache.ts'
import { openFresh } from '../../functions/release/postgres/pglite.ts'
import { migrate } from './migrate.ts'
import type { EnvironmentName } from './project.ts'
import { MIGRATIONS } from './project.ts'

export interface Databases {
  readonly staging: PGlite
  readonly production: PGlite
  close(): Promise<void>
}

/** Starts both: the files of an empty server are kept in the user's cache, where the check's replay finds them too. */
export async function openDatabases(cache: Cache): Promise<Databases> {
  const staging = await openFresh(cache, {})
  const production = await openFresh(cache, {})
  return {
    staging,
    production,
    close: async () => {
      await staging.close()
      await production.close()
    },
  }
}

export const ORDERS: Readonly<Record<EnvironmentName, number>> = { staging: 200, production: 2000 }

export interface HistoryEntry {
  /** The highest version that ran then. */
  readonly target: string
  readonly at: Date
}

/** Makes a database anew: its migrations as the history says, then customers and their orders. */
export async function prepareDatabase(
  database: PGlite,
  environment: EnvironmentName,
  project: string,
  history: readonly HistoryEntry[],
): Promise<void> {
  await database.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  for (const { target, at } of history) {
    await migrate({ database, folder: join(project, MIGRATIONS), at, target })
  }
  await database.exec(`
    INSERT INTO customers (email) SELECT 'customer' || n || '@example.com' FROM generate_series(1, 100) n;
    INSERT INTO orders (customer_id, total_cents)
      SELECT n % 100 + 1, n * 37 % 9000 + 500 FROM generate_series(1, ${ORDERS[environment]}) n`)
}
