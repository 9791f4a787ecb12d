/** The demo's two databases: PostgreSQL in WebAssembly, one staging, one production. */
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { migrate } from './migrate.ts'
import type { EnvironmentName } from './project.ts'
import { MIGRATIONS } from './project.ts'

export interface Databases {
  readonly staging: PGlite
  readonly production: PGlite
  readonly version: string
  close(): Promise<void>
}

/** Starts both. The first start of a server takes seconds (initdb); the second is a copy of its files. */
export async function openDatabases(): Promise<Databases> {
  const { PGlite } = await import('@electric-sql/pglite')
  const staging = await PGlite.create()
  const production = (await staging.clone()) as PGlite
  const { rows } = await staging.query<{ version: string }>("SELECT current_setting('server_version') AS version")
  return {
    staging,
    production,
    version: rows[0]?.version.split(' ')[0] ?? '',
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
