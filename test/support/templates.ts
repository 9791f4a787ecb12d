/** What a synthesised template gives a function: its rights, and its settings. */
import type { Template } from 'aws-cdk-lib/assertions'
import { expect } from 'vitest'

export type Resource = {
  readonly Type: string
  readonly Properties: Readonly<Record<string, unknown>>
  readonly DependsOn?: readonly string[]
}
export type Resources = Readonly<Record<string, Resource>>

export interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

const NOTHING: Pick<Resource, 'Properties'> = { Properties: {} }

export function resourcesOf(template: Template): Resources {
  return template.toJSON()['Resources'] as Resources
}

/** The one resource of a type whose logical id begins so. */
export function idIn(resources: Resources, prefix: string, type: string): string {
  const found = Object.entries(resources).filter(([id, { Type }]) => Type === type && id.startsWith(prefix))
  expect(found.map(([id]) => id)).toHaveLength(1)
  return found[0]?.[0] ?? ''
}

/** Actions that a role may do, with their resources; by default the role of a function. */
export function grantsIn(
  resources: Resources,
  prefix: string,
  role = 'Role',
): Readonly<Record<string, readonly unknown[]>> {
  const { Properties } = resources[idIn(resources, `${prefix}${role}DefaultPolicy`, 'AWS::IAM::Policy')] ?? NOTHING
  const { Statement } = Properties['PolicyDocument'] as { readonly Statement: readonly Statement[] }
  const grants: Record<string, unknown[]> = {}
  for (const { Action, Resource } of Statement)
    for (const action of [Action].flat()) (grants[action] ??= []).push(...[Resource].flat())
  return grants
}

/** The function's settings, with `token` for what is known when it is deployed. */
export function settingsIn(resources: Resources, prefix: string): string {
  const { Properties } = resources[idIn(resources, prefix, 'AWS::Lambda::Function')] ?? NOTHING
  const { Variables } = Properties['Environment'] as { readonly Variables: Readonly<Record<string, unknown>> }
  const { 'Fn::Join': join } = Variables['DEPLOYWATCH_SETTINGS'] as {
    readonly 'Fn::Join': readonly [string, readonly unknown[]]
  }
  return join[1].map((part) => (typeof part === 'string' ? part : 'token')).join('')
}
