/** Looks at endpoints as `check` does: from the text of a config to findings. */
import { parseConfig } from '../../functions/config/load.ts'
import type { EndpointComparison } from '../../functions/core/compare-endpoints.ts'
import { compareEndpoints, sampleEndpoints } from '../../functions/core/compare-endpoints.ts'
import type { EndpointObservation, EndpointSample } from '../../functions/core/endpoint.ts'
import type { EndpointsContext } from '../../functions/endpoints/endpoints.ts'
import { observeEndpoints } from '../../functions/endpoints/endpoints.ts'
import type { Address, Lookup } from '../../functions/endpoints/guard.ts'
import type { PreparedEndpoints } from '../../functions/endpoints/prepare.ts'
import { prepareEndpoints } from '../../functions/endpoints/prepare.ts'

export interface LookOptions extends Partial<EndpointsContext> {
  readonly env?: Readonly<Record<string, string>>
  readonly folder?: string
  /** Addresses by name; what is not in it is not found. Without it: `*.example` is this machine. */
  readonly names?: Readonly<Record<string, readonly string[]>>
  /** YAML below the environment. */
  readonly environment?: string
  readonly commit?: string | null
  readonly concurrency?: number
  readonly deadlineMs?: number
}

export interface Look extends EndpointComparison {
  readonly observations: readonly EndpointObservation[]
  readonly samples: readonly EndpointSample[]
  readonly waits: readonly number[]
}

/** @param endpoints YAML of the list, two spaces in */
export async function look(endpoints: string, options: LookOptions = {}): Promise<Look> {
  const prepared = await prepare(endpoints, options)
  const waits: number[] = []
  const { deployed = true, concurrency = 4, deadlineMs = 20_000, network, ...rest } = options
  const context: EndpointsContext = {
    sleep: async (ms) => void waits.push(ms),
    ...rest,
    deployed,
    network: { lookup: fakeLookup(options.names), ...network },
  }
  const observations = await observeEndpoints(prepared, context, { concurrency, deadlineMs })
  const expected = prepared.endpoints.map(({ expectation }) => expectation)
  return {
    observations,
    samples: sampleEndpoints(expected, observations),
    waits,
    ...compareEndpoints(expected, observations, { deployed, environment: 'production' }),
  }
}

export async function prepare(endpoints: string, options: LookOptions = {}): Promise<PreparedEndpoints> {
  const text = `service: orders
endpoints:
${endpoints}
environments:
  production:
    database: { url: "pglite:memory" }
${options.environment ?? ''}
`
  const loaded = parseConfig(text, 'deploywatch.yaml', options.folder ?? '/project')
  const { commit = 'abc1234' } = options
  return prepareEndpoints(
    loaded,
    'production',
    { service: 'orders', version: '1.42.0', commit },
    { env: options.env ?? {} },
  )
}

export function fakeLookup(names?: Readonly<Record<string, readonly string[]>>): Lookup {
  return async (host) => {
    const found = names === undefined ? (host.endsWith('.example') ? ['127.0.0.1'] : undefined) : names[host]
    if (found === undefined) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
    return found.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
}

export function codesOf({ findings }: Pick<EndpointComparison, 'findings'>): readonly string[] {
  return findings.map(({ code }) => code)
}
