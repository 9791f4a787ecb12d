/** Everything that the demo plays on: databases, services, the Data API's stand-in, the repository on disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, openCache } from '../../functions/release/cache.ts'
import { startDataApi } from '../data-api/server.ts'
import type { DataApiServer } from '../data-api/server.ts'
import { openDatabases } from './databases.ts'
import type { Databases } from './databases.ts'
import { startOrderService } from './order-service.ts'
import type { OrderService } from './order-service.ts'
import { OLD_RELEASE, writeProject } from './project.ts'
import type { DataApiAddress, EnvironmentName } from './project.ts'
import type { Screen } from './screen.ts'

export interface Stage {
  readonly screen: Screen
  readonly signal: AbortSignal
  /** The repository of the order service. */
  readonly folder: string
  readonly databases: Databases
  readonly services: Readonly<Record<EnvironmentName, OrderService>>
  /** How this program is started. */
  readonly program: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string | undefined>>
}

function addressOf(environment: EnvironmentName): Omit<DataApiAddress, 'endpoint'> {
  // The account number that AWS uses in its documentation.
  return {
    cluster: `arn:aws:rds:eu-west-1:123456789012:cluster:orders-${environment}`,
    secret: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:deploywatch-${environment}`,
    name: 'orders',
  }
}

async function serveDatabase(databases: Databases, environment: EnvironmentName): Promise<DataApiServer> {
  const { cluster, secret, name } = addressOf(environment)
  return startDataApi({
    backend: { pglite: { [name]: databases[environment] } },
    clusters: [cluster],
    secrets: { [secret]: null },
  })
}

/** Sets the stage, plays, and clears everything away, whatever happened. */
export async function withStage<T>(
  options: Pick<Stage, 'screen' | 'signal' | 'program' | 'env'>,
  play: (stage: Stage) => Promise<T>,
): Promise<T> {
  const closing: (() => Promise<unknown>)[] = []
  try {
    const folder = await mkdtemp(join(tmpdir(), 'deploywatch-demo-'))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const databases = await openDatabases(openCache(cacheFolder(options.env)))
    closing.push(() => databases.close())
    options.signal.throwIfAborted()
    const open = async (environment: EnvironmentName) => {
      const api = await serveDatabase(databases, environment)
      closing.push(() => api.close())
      const service = await startOrderService(databases[environment], OLD_RELEASE)
      closing.push(() => service.close())
      return { address: { ...addressOf(environment), endpoint: api.endpoint }, service }
    }
    const staging = await open('staging')
    const production = await open('production')
    await writeProject(folder, { staging: staging.address, production: production.address })
    const services = { staging: staging.service, production: production.service }
    return await play({ ...options, folder, databases, services })
  } finally {
    // What was opened last is closed first; one that fails to close must not keep the others open.
    for (const close of closing.reverse()) await close().catch(() => undefined)
  }
}
