/**
 * What the stack says of the environment that a function looks at. Whoever publishes a manifest gets SQL and HTTP run from
 * here: database, role, hosts, secrets and variables are these, and a manifest's own are never read.
 */
import * as z from 'zod'
import type { EnvironmentConfig } from './config/config.ts'
import type { DatabaseTarget } from './connections/connection.ts'
import type { TenantPatterns } from './engines/tenants.ts'
import { parseSettings, settingsDocument, storeSettings } from './settings.ts'

const name = z.string().min(1)
const given = name.nullable().default(null)
const schemas = z.array(name).default([])
/** It would bring a password into the function's variables. */
const NO_URL = 'a deployed look takes its password from a secret: give a cluster or a host'

/**
 * As much of an environment of deploywatch.yaml as the construct writes. The config's own schema takes every form that people
 * write, with its texts: to make it is a fifth of what our code adds to the function's start.
 */
const environment = z.looseObject({
  database: z.union(
    [
      z.strictObject({ cluster: name, secret: name, name, region: given, endpoint: given, searchPath: schemas }),
      z.strictObject({
        host: name,
        // As text where CloudFormation puts it in.
        port: z.union([z.number(), z.string()]).default(5432),
        name,
        user: given,
        iam: z.boolean().default(false),
        secret: given,
        ca: given,
        region: given,
        searchPath: schemas,
      }),
    ],
    NO_URL,
  ),
  tenants: z
    .strictObject({ schemas: z.array(name).min(1), except: z.array(name).default([]) })
    .nullable()
    .default(null),
  unsure: z.enum(['block', 'warn']).default('block'),
})

const settingsSchema = z.strictObject({
  service: name,
  environment: name,
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
  const { database, tenants, unsure } = parseSettings(environment, settings.config, ['config'])
  const { searchPath, ...reached } = database
  return { ...settings, searchPath, tenants, unsure, target: targetOf(reached) }
}

/** @throws {Error} it is reached by a URL, which would hold a password. */
export function targetOf(database: EnvironmentConfig['database']): DatabaseTarget {
  if ('url' in database) throw new Error(NO_URL)
  if ('cluster' in database) return { kind: 'data-api', ...database }
  return { kind: 'host', ...database, port: Number(database.port) }
}
