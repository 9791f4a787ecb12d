/** What a pipeline, a hook's configuration or a task's input may tell a gate, under the same names everywhere. */
import * as z from 'zod'
import type { GateSettings } from './gate.ts'
import type { ReleaseFound } from './named-release.ts'
import { namedRelease, unknown } from './named-release.ts'
import { requestProblems } from './request-problems.ts'

const parameters = z.lazy(() =>
  z.looseObject({
    digest: z.string().optional(),
    version: z.string().optional(),
    commit: z.string().optional(),
    label: z.string().optional(),
    /** Named so that a gate of another environment is not asked by mistake. */
    service: z.string().optional(),
    environment: z.string().optional(),
    /** The manifest's path in the artifact. */
    manifest: z.string().optional(),
    /** The release is live already: endpoints are judged. */
    deployed: z.boolean().optional(),
  }),
)

export type GateParameters = z.output<typeof parameters>

export type ReadParameters =
  | { readonly kind: 'read'; readonly parameters: GateParameters }
  | { readonly kind: 'wrong'; readonly why: string }

/** @param place what people know them by, such as `UserParameters` */
export function readParameters(value: unknown, place: string): ReadParameters {
  const parsed = parameters.safeParse(value)
  if (!parsed.success) return { kind: 'wrong', why: `${place}: ${requestProblems(parsed.error)}` }
  return { kind: 'read', parameters: parsed.data }
}

/** The release that the parameters name; null: they name none. */
export function releaseOfParameters(
  { service, environment, ...names }: GateParameters,
  place: string,
  settings: Pick<GateSettings, 'service' | 'environment'>,
): ReleaseFound | null {
  if (service !== undefined && service !== settings.service) {
    return unknown(
      `${place} says service ${service}, and this gate is of ${settings.service}: ask the gate of ${service}`,
    )
  }
  if (environment !== undefined && environment !== settings.environment) {
    return unknown(
      `${place} says environment ${environment}, and this gate is of ${settings.environment}: ask the gate of ${environment}`,
    )
  }
  return namedRelease(names, place)
}
