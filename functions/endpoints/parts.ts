/** The parts of an endpoint of the config, single or in steps, in one form. */
import type { EndpointConfig } from '../config/config.ts'
import type { ConfigPath } from '../config/document.ts'

type SteppedEndpoint = Extract<EndpointConfig, { readonly steps: unknown }>
/** A request as the config writes it, with `${…}` in it. `timeout` is in milliseconds. */
export type RequestConfig = Omit<SteppedEndpoint['steps'][number], 'name'>
export type RevisionConfig = NonNullable<EndpointConfig['revision']>

export interface RequestPart {
  /** `step 2 (create)`; null where the endpoint is a single request. */
  readonly label: string | null
  readonly request: RequestConfig
  /** Below the endpoint. */
  readonly path: ConfigPath
}

export function requestsOf(endpoint: EndpointConfig): readonly RequestPart[] {
  if (!('steps' in endpoint)) return [{ label: null, request: { ...endpoint, save: {} }, path: [] }]
  return endpoint.steps.map((step, index) => ({
    label: `step ${index + 1}${step.name === null ? '' : ` (${step.name})`}`,
    request: step,
    path: ['steps', index],
  }))
}
