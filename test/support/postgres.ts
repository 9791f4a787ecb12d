/** Databases of the suites' own PostgreSQL: made for one test, gone after it. */
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'

export interface TestDatabase {
  readonly url: string
  readonly name: string
  /** Runs SQL as the superuser; several statements may stand in one text. */
  run(sql: string): Promise<void>
  drop(): Promise<void>
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Creates an empty database, or a copy of one that nobody is connected to. */
export async function createDatabase(
  server: string = inject('postgresUrl'),
  template = 'template0',
): Promise<TestDatabase> {
  const name = `t_${randomBytes(6).toString('hex')}`
  await admin(server, `CREATE DATABASE ${name} TEMPLATE ${template}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    url: url.href,
    name,
    run: (sql) => admin(url.href, sql),
    drop: () => admin(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}
