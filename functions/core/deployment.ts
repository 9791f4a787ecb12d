/**
 * A deployment, as one of the systems that deploy announced it: plain data. Several events announce one deployment, several
 * times and in any order; `identity` is what they have in common. Pure.
 */
import { createHash } from 'node:crypto'
import type { ReleaseReference } from './look-order.ts'

/** What was deployed. Each is watched for itself: a newer deployment of the same target supersedes. */
export type DeploymentTarget =
  | { readonly source: 'codedeploy'; readonly application: string; readonly group: string }
  /** stage null: the whole pipeline; action null: the whole stage. Each level has events of its own. */
  | {
      readonly source: 'codepipeline'
      readonly pipeline: string
      readonly stage: string | null
      readonly action: string | null
    }
  /** The root stack's name. */
  | { readonly source: 'cloudformation'; readonly stack: string }
  | { readonly source: 'ecs'; readonly cluster: string; readonly service: string }
  | { readonly source: 'custom'; readonly service: string; readonly environment: string }

export type DeploymentSource = DeploymentTarget['source']

/**
 * - `started`: it began to change what runs; what an older one put there is no longer what will run.
 * - `finished`: its code is live.
 * - `failed`: it ended, and its code is not what runs, or not everywhere.
 * - `rolled-back`: it ended with the code from before it live again.
 */
export type DeploymentPhase = 'started' | 'finished' | 'failed' | 'rolled-back'

/** What AWS still has to be asked, for when it began and which release it carries. Nothing of it is a secret. */
export type DeploymentQuestion =
  | { readonly ask: 'GetDeployment'; readonly deploymentId: string }
  | { readonly ask: 'GetPipelineExecution'; readonly pipeline: string; readonly executionId: string }
  | { readonly ask: 'DescribeStacks'; readonly stackId: string }
  | { readonly ask: 'ListServiceDeployments'; readonly cluster: string; readonly service: string }
  | { readonly ask: 'DescribeServiceDeployments'; readonly serviceDeploymentArn: string }

export interface Deployment {
  /** Stable text: the same for every event of one deployment, another for every other deployment. */
  readonly identity: string
  readonly target: DeploymentTarget
  /** Of the system that deploys; twelve digits, or as a custom event has it. */
  readonly account: string
  readonly region: string
  readonly phase: DeploymentPhase
  /** When this phase was reached, ISO 8601, UTC. EventBridge knows whole seconds only. */
  readonly at: string
  /** When the deployment began, ISO 8601, UTC; null: this event does not say. */
  readonly startedAt: string | null
  /** From an archive: it happened long ago. */
  readonly isReplay: boolean
  /** The release, where the event names it. */
  readonly release: ReleaseReference | null
  /** null: the event said all there is. */
  readonly question: DeploymentQuestion | null
}

/** The code of a deployment in this phase is live: it is watched. */
export function isLive(phase: DeploymentPhase): boolean {
  return phase === 'finished' || phase === 'rolled-back'
}

/** One text a target, in this account and region: the key of what is known of it. */
export function targetKey({ target, account, region }: Pick<Deployment, 'target' | 'account' | 'region'>): string {
  return [target.source, account, region, ...namesOf(target)].map(keyPart).join('/')
}

/** What belongs to a watch's identity: the key of its target. */
export function targetKeyOf(identity: string): string {
  const parts = identity.split('/')
  const names = parts[0] === 'codepipeline' ? 3 : parts[0] === 'cloudformation' ? 1 : 2
  return parts.slice(0, 3 + names).join('/')
}

/** Different texts stay different, and none brings a separator; unlike encodeURIComponent it takes half a surrogate pair. */
function keyPart(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._:@+=-]/gu, (character) => `%${(character.codePointAt(0) ?? 0).toString(16)};`)
}

/** The identity of a deployment of this target: `parts` tell it from its other deployments. */
export function identityOf(of: Pick<Deployment, 'target' | 'account' | 'region'>, ...parts: readonly string[]): string {
  return [targetKey(of), ...parts.map(keyPart)].join('/')
}

/** Names a target for people. Example: "pipeline orders, stage Prod". */
export function describeTarget(target: DeploymentTarget): string {
  switch (target.source) {
    case 'codedeploy':
      return `deployment group ${target.application}/${target.group}`
    case 'codepipeline': {
      const stage = target.stage === null ? '' : `, stage ${target.stage}`
      return `pipeline ${target.pipeline}${stage}${target.action === null ? '' : `, action ${target.action}`}`
    }
    case 'cloudformation':
      return `stack ${target.stack}`
    case 'ecs':
      return `ECS service ${target.cluster}/${target.service}`
    case 'custom':
      return `${target.service} in ${target.environment}`
  }
}

function namesOf(target: DeploymentTarget): readonly string[] {
  switch (target.source) {
    case 'codedeploy':
      return [target.application, target.group]
    case 'codepipeline':
      // An empty name cannot be one of a stage's: the three levels of one pipeline stay apart.
      return [target.pipeline, target.stage ?? '', target.action ?? '']
    case 'cloudformation':
      return [target.stack]
    case 'ecs':
      return [target.cluster, target.service]
    case 'custom':
      return [target.service, target.environment]
  }
}

export function isSameTarget(a: DeploymentTarget, b: DeploymentTarget): boolean {
  if (a.source !== b.source) return false
  const names = namesOf(b)
  return namesOf(a).every((name, at) => name === names[at])
}

/**
 * A name for the execution that watches it: Step Functions takes 80 letters, digits, '-' and '_', and refuses a second
 * execution of one name for 90 days.
 */
export function watchName(identity: string): string {
  const digest = createHash('sha256').update(identity, 'utf8').digest('hex').slice(0, 40)
  const readable = identity
    .replaceAll(/[^A-Za-z0-9]+/gu, '-')
    .slice(-39)
    .replace(/^-+/u, '')
  return `${readable}-${digest}`
}
