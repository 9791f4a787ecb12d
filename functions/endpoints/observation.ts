/** Looks at one endpoint: its steps in order, and nothing of what it saw that could be a secret. */
import type { EndpointObservation, StepObservation } from '../core/endpoint.ts'
import type { SavedValue, Values } from './fill.ts'
import { namesIn } from './fill.ts'
import { createMask, maskTexts } from './masker.ts'
import type { PreparedEndpoint } from './prepare.ts'
import type { SecretValue } from './secrets.ts'
import { isSensitiveName, sensitiveValues } from './sensitive.ts'
import type { StepContext } from './step.ts'
import { observeStep } from './step.ts'

export interface EndpointContext extends StepContext {
  readonly variables: Readonly<Record<string, string>>
  readonly references: Readonly<Record<string, string | null>>
  readonly secrets: ReadonlyMap<string, SecretValue>
}

/** Rejects never for what the network does; a look that was aborted is one that did not look. */
export async function observeEndpoint(
  endpoint: PreparedEndpoint,
  context: EndpointContext,
): Promise<EndpointObservation> {
  const { name } = endpoint
  const unknown = unknownReference(endpoint, context)
  if (unknown !== null) return { name, looked: false, code: 'release-unknown', detail: unknown }
  const secrets: string[] = []
  const variables: Record<string, string> = { ...context.variables }
  for (const variable of endpoint.secretNames) {
    const secret = context.secrets.get(variable)
    if (secret?.read !== true) {
      const detail = secret?.detail ?? `the variable ${variable} was not read`
      return { name, looked: false, code: secret?.code ?? 'credentials-invalid', detail }
    }
    variables[variable] = secret.value
    secrets.push(secret.value, secret.whole)
  }
  const values = { variables, references: context.references, saved: {} }
  const seen = await observeSteps(endpoint, values, secrets, context)
  return maskTexts(seen, createMask(secrets))
}

/** `secrets` grows by what the steps use and save. */
async function observeSteps(
  endpoint: PreparedEndpoint,
  given: Values,
  secrets: string[],
  context: EndpointContext,
): Promise<EndpointObservation> {
  const { name } = endpoint
  const harmless = Object.values(context.references).filter((value) => value !== null)
  const steps: StepObservation[] = []
  const carried: Record<string, SavedValue> = {}
  const values = { ...given, saved: carried }
  let firstOrigin: string | null = null
  for (const { label, request } of endpoint.steps) {
    secrets.push(...sensitiveValues(request, values, harmless))
    try {
      const step = { ...endpoint, request, values, firstOrigin, mask: createMask(secrets) }
      const { observation, saved } = await observeStep(step, context)
      firstOrigin ??= originOf(observation)
      steps.push(observation)
      for (const [key, extraction] of Object.entries(request.save)) {
        if (isSensitiveName(`${key} ${extraction.header ?? extraction.json ?? ''}`))
          secrets.push(String(saved[key] ?? ''))
      }
      Object.assign(carried, saved)
      if (!goesOn(observation, context.deployed)) break
    } catch (error) {
      if (!context.signal.aborted) throw error
      const where = label === null ? 'while it was requested' : `at ${label}`
      return { name, looked: false, code: 'check-timeout', detail: `the look ended ${where}` }
    }
  }
  return { name, looked: true, steps }
}

function unknownReference({ steps, revision }: PreparedEndpoint, { references }: EndpointContext): string | null {
  const names = namesIn([steps.map(({ request }) => request), revision], 'reference')
  const unknown = names.find((name) => Object.hasOwn(references, name) && references[name] === null)
  return unknown === undefined ? null : `the release does not say its \${${unknown}}, which this endpoint asks for`
}

function originOf({ attempts }: StepObservation): string | null {
  const result = attempts.at(-1)?.result
  return result?.answered === true ? result.answer.origin : null
}

function goesOn({ attempts }: StepObservation, deployed: boolean): boolean {
  const result = attempts.at(-1)?.result
  if (result?.answered !== true) return false
  const { assertions, revision } = result.answer
  // A slow answer is one: the steps behind it are judged too.
  const holds = assertions.every((assertion) => assertion.holds || assertion.group === 'duration')
  return holds && !(deployed && revision?.holds === false)
}
