/** A server of every major for a suite, each started once. */
import { afterAll, beforeAll } from 'vitest'
import { cacheFolder } from '../../functions/release/cache.ts'
import { MAJORS, startEmbeddedPostgres } from '../../functions/release/postgres/embedded-postgres.ts'
import type { Throwaway } from '../../functions/release/throwaway.ts'

/** To be called at a suite's top level. What it answers gives the server of a major, once the tests run. */
export function startEveryMajor(): (major: number) => Throwaway {
  const servers = new Map<number, Throwaway>()
  beforeAll(async () => {
    for (const major of MAJORS) servers.set(major, await startEmbeddedPostgres(major, cacheFolder()))
  }, 600_000)
  afterAll(async () => {
    await Promise.all([...servers.values()].map((server) => server.close()))
  })
  return (major) => {
    const server = servers.get(major)
    if (server === undefined) throw new Error(`${major} was not started`)
    return server
  }
}
