/** Endpoints out of a manifest that somebody published: judged by the config's own schema before anything is done with them. */
import { configSchema } from '../config/config.ts'
import type { LoadedConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import type { Release } from '../core/release.ts'
import type { Settings } from '../looker-settings.ts'
import { prepareEndpoints } from './prepare.ts'
import type { PreparedEndpoints } from './prepare.ts'

type Published = Readonly<Record<string, unknown>>

/** Where its lines stood is not in a manifest. */
const PLACE = { file: 'deploywatch.yaml', line: 1, column: 1 }

/**
 * What a look needs of the endpoints of a manifest; null: it has none. Hosts, secrets and variables are the stack's.
 *
 * @throws {ConfigError} they are no endpoints, or need a variable or a file that the stack does not give.
 */
export async function preparePublished(
  config: Published,
  settings: Settings,
  release: Release,
): Promise<PreparedEndpoints | null> {
  const endpoints = config['endpoints']
  if (!Array.isArray(endpoints) || endpoints.length === 0) return null
  const parsed = configSchema.safeParse({
    service: settings.service,
    endpoints: endpoints.map(asWritten),
    environments: { [settings.environment]: settings.config },
  })
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues.map(({ path, message }) => ({ ...PLACE, message: `${path.join('.')}: ${message}` })),
    )
  }
  const place = (): typeof PLACE => PLACE
  const loaded: LoadedConfig = {
    config: parsed.data,
    file: PLACE.file,
    folder: '/',
    place,
    textPlace: place,
    piecePlace: place,
  }
  return prepareEndpoints(loaded, settings.environment, release, {
    env: settings.variables,
    trustUrls: false,
    readText: () => Promise.reject(Object.assign(new Error(), { code: 'not in the stack' })),
  })
}

/** The normal form of an endpoint, as people would write it: what was left out is null there, and durations are numbers. */
function asWritten(endpoint: unknown): unknown {
  if (!isMapping(endpoint)) return endpoint
  const { steps, revision, tls, ...rest } = endpoint
  return {
    ...('steps' in endpoint ? rest : requestAsWritten(rest)),
    ...(Array.isArray(steps) ? { steps: steps.map((step) => (isMapping(step) ? requestAsWritten(step) : step)) } : {}),
    ...(revision === null || revision === undefined ? {} : { revision }),
    ...(isMapping(tls) ? { tls: withoutNulls(tls) } : {}),
  }
}

function requestAsWritten(request: Published): Published {
  const { timeout, name, body, ...rest } = request
  return {
    ...rest,
    ...withoutNulls({ name, body }),
    ...(timeout === undefined ? {} : { timeout: typeof timeout === 'number' ? `${timeout}ms` : timeout }),
  }
}

function withoutNulls(mapping: Published): Published {
  return Object.fromEntries(Object.entries(mapping).filter(([, value]) => value !== null && value !== undefined))
}

function isMapping(value: unknown): value is Published {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
