/** The port of the systems that deploy: an event in, what it says of a deployment out. None throws, whatever the JSON. */
import * as z from 'zod'
import { withoutCredentials } from '../core/incident-page.ts'
import type { Deployment, DeploymentSource, DeploymentTarget } from '../core/deployment.ts'
import { identityOf, isSameTarget } from '../core/deployment.ts'

export type TriggerAnswer =
  | { readonly kind: 'deployment'; readonly deployment: Deployment }
  /** `why`: one sentence for the log. */
  | { readonly kind: 'not-for-us'; readonly why: string }
  /** `path`: of the field, as in `detail.state`; `value`: what stands there, as JSON, shortened. */
  | { readonly kind: 'malformed'; readonly path: string; readonly value: string; readonly why: string }

/** What EventBridge puts around every event. CodeStar Notifications send the same with `detailType`. */
export interface Envelope {
  readonly source: string
  readonly detailType: string
  readonly account: string
  readonly region: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly resources: readonly string[]
  readonly isReplay: boolean
  /** Not read yet: each source has its own. */
  readonly detail: unknown
}

export interface Trigger {
  readonly source: DeploymentSource
  /** Whether an event is of this source, by its envelope alone. */
  handles(envelope: Envelope): boolean
  read(envelope: Envelope, watched: readonly DeploymentTarget[]): TriggerAnswer
}

/** A time with its zone; more digits than milliseconds are cut off. */
export const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d/u, 'a time is ISO 8601, as in 2026-01-01T12:00:00Z')
  .refine((text) => Number.isFinite(Date.parse(text)), 'no such time')
  .transform((text) => new Date(text).toISOString())

export const text = z.string().min(1)

/** What every source carries of a deployment. */
export type CarriedFacts = Pick<Deployment, 'account' | 'region' | 'phase' | 'at' | 'startedAt' | 'isReplay'>

/** A deployment of that target. `parts` tell it from the target's others; one that begins with this event began at its time. */
export function deploymentOf(
  target: DeploymentTarget,
  parts: readonly string[],
  { account, region, phase, at, startedAt, isReplay }: CarriedFacts,
  said: Pick<Deployment, 'question'> & Partial<Pick<Deployment, 'release'>>,
): Deployment {
  return {
    identity: identityOf({ target, account, region }, ...parts),
    target,
    account,
    region,
    phase,
    at,
    startedAt: startedAt ?? (phase === 'started' ? at : null),
    isReplay,
    release: said.release ?? null,
    question: said.question,
  }
}

export function notForUs(why: string): TriggerAnswer {
  return { kind: 'not-for-us', why }
}

/** The first thing that is wrong, in the words of the person who reads the log. */
export function malformed(error: z.ZodError, value: unknown, root: readonly string[]): TriggerAnswer {
  const issue = error.issues[0]
  const path = issue?.path ?? []
  return {
    kind: 'malformed',
    path: [...root, ...path].map(String).join('.'),
    value: shown(path.reduce<unknown>(memberOf, value)),
    why: issue?.message ?? 'not what the service documents',
  }
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<PropertyKey, unknown>>)[key]
    : undefined
}

const LONGEST_SHOWN = 120

/** A field's value, short enough for a log line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  // Whoever sends events may put anything beside what we read.
  if (typeof value === 'object' && value !== null)
    return Array.isArray(value)
      ? `a list of ${value.length}`
      : `an object of ${Object.keys(value).slice(0, 6).join(', ')}`
  const whole = withoutCredentials(JSON.stringify(value) ?? 'nothing')
  return whole.length > LONGEST_SHOWN ? `${whole.slice(0, LONGEST_SHOWN)}…` : whole
}

/** A deployment of a target that is watched; of any other it is none of ours. */
export function ofWatched(
  deployment: Deployment,
  watched: readonly DeploymentTarget[],
  describe: (target: DeploymentTarget) => string,
): TriggerAnswer {
  return watched.some((target) => isSameTarget(target, deployment.target))
    ? { kind: 'deployment', deployment }
    : notForUs(`the ${describe(deployment.target)} is not among the watched`)
}
