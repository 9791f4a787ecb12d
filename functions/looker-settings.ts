/**
 * What the stack says of the environment that a function looks at. Whoever publishes a manifest gets SQL and HTTP run from
 * here: database, role, hosts, secrets and variables are these, and a manifest's own are never read.
 */
import * as z from 'zod'
import { environmentSchema } from './config/environments.ts'
import type { EnvironmentConfig } from './config/config.ts'
import type { DatabaseTarget } from './connections/connection.ts'
import type { TenantPatterns } from './engines/tenants.ts'
import { parseSettings, settingsDocument, storeSettings } from './settings.ts'

const settingsSchema = z.strictObject({
  service: z.string().min(1),
  environment: z.string().min(1),
  /** As below `environments` in deploywatch.yaml. */
  config: z.unknown(),
  /** What `${VAR}` of endpoints stands for. Not the function's own variables: those hold its credentials. */
  variables: z.record(z.string(), z.string()).default({}),
  store: storeSettings,
})

export interface Settings {
  readonly service: string
  readonly environment: string
  readonly target: DatabaseTarget
  readonly searchPath: readonly string[]
  readonly tenants: TenantPatterns | null
  readonly unsure: 'block' | 'warn'
  /** The environment as it was given. */
  readonly config: unknown
  readonly variables: Readonly<Record<string, string>>
  readonly store: { readonly bucket: string; readonly table: string }
}

/**
 * @param env the function's variables
 * @throws {Error} they are not what the construct writes. The message holds no value.
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const settings = parseSettings(settingsSchema, settingsDocument(env), [])
  const environment = parseSettings(environmentSchema, settings.config, ['config'])
  const { searchPath, tenants, unsure } = environment
  return { ...settings, searchPath, tenants, unsure, target: targetOf(environment.database) }
}

/** A URL would bring a password into the function's variables: the construct gives a cluster or a host, with a secret. */
export function targetOf(database: EnvironmentConfig['database']): DatabaseTarget {
  if ('url' in database) throw new Error('a deployed look takes its password from a secret: give a cluster or a host')
  if ('cluster' in database) return { kind: 'data-api', ...database }
  return { kind: 'host', ...database, port: Number(database.port) }
}
