/**
 * ECS: deployments of services, and their hooks. Cluster and service are in `resources`, nowhere in `detail`. The event's
 * deployment id is the old API's (`ecs-svc/…`), and a rollback brings an old id back: which deployment it was, its own
 * ARN says, which ListServiceDeployments knows.
 */
import * as z from 'zod'
import type { Deployment, DeploymentPhase } from '../core/deployment.ts'
import { describeTarget } from '../core/deployment.ts'
import { deploymentOf, malformed, notForUs, ofWatched, text, time } from './trigger.ts'
import type { Envelope, Trigger, TriggerAnswer } from './trigger.ts'

/** arn:PARTITION:ecs:REGION:ACCOUNT:service/CLUSTER/NAME; from before 2018 it had no cluster. */
const SERVICE = /^arn:[^:]+:ecs:[^:]*:[^:]*:service\/(?:([^/]+)\/)?([^/]+)$/u
const SERVICE_DEPLOYMENT = /^arn:[^:]+:ecs:[^:]*:[^:]*:service-deployment\/([^/]+)\/([^/]+)\/([^/]+)$/u

const deploymentSchema = z.lazy(() =>
  z.object({
    eventName: text,
    deploymentId: text,
    updatedAt: time.optional(),
    reason: z.string().optional(),
  }),
)

const hookSchema = z.lazy(() =>
  z.object({
    eventName: text,
    lifecycleStage: text,
    serviceDeploymentArn: z.string().regex(SERVICE_DEPLOYMENT, 'expected the ARN of a service deployment'),
    updatedAt: time.optional(),
  }),
)

const PHASES: Readonly<Record<string, DeploymentPhase>> = {
  SERVICE_DEPLOYMENT_IN_PROGRESS: 'started',
  SERVICE_DEPLOYMENT_COMPLETED: 'finished',
  SERVICE_DEPLOYMENT_FAILED: 'failed',
}

/** Statuses of ListServiceDeployments. */
const STATUSES: Readonly<Record<string, DeploymentPhase>> = {
  PENDING: 'started',
  IN_PROGRESS: 'started',
  STOP_REQUESTED: 'started',
  SUCCESSFUL: 'finished',
  STOPPED: 'failed',
  ROLLBACK_FAILED: 'failed',
  ROLLBACK_SUCCESSFUL: 'rolled-back',
}

/** null: it rolls back, and is not there yet. */
export function ecsStatusPhase(status: string): DeploymentPhase | null {
  return Object.hasOwn(STATUSES, status) ? (STATUSES[status] ?? null) : null
}

interface Carried {
  readonly cluster: string
  readonly service: string
  /** The part of a service deployment's ARN that is its own, or what an event has instead. */
  readonly deploymentId: string
  /** null: not known yet. */
  readonly serviceDeploymentArn: string | null
  readonly phase: DeploymentPhase
  readonly at: string
  readonly startedAt: string | null
  readonly account: string
  readonly region: string
  readonly isReplay: boolean
}

export function ecsDeployment(carried: Carried): Deployment {
  const { cluster, service, deploymentId, serviceDeploymentArn } = carried
  const question =
    serviceDeploymentArn === null
      ? ({ ask: 'ListServiceDeployments', cluster, service } as const)
      : ({ ask: 'DescribeServiceDeployments', serviceDeploymentArn } as const)
  return deploymentOf({ source: 'ecs', cluster, service }, [deploymentId], carried, { question })
}

/** The last part of a service deployment's ARN. */
export function serviceDeploymentId(arn: string): string {
  return SERVICE_DEPLOYMENT.exec(arn)?.[3] ?? arn
}

export const ecs = {
  source: 'ecs',
  handles: ({ source }) => source === 'aws.ecs',
  read: (envelope, watched) => {
    switch (envelope.detailType) {
      case 'ECS Deployment State Change':
        return readDeployment(envelope, watched)
      case 'ECS Hook State Change':
        return readHook(envelope, watched)
      default:
        return notForUs(`${envelope.detailType} says nothing of a service's deployment`)
    }
  },
} as const satisfies Trigger

function readDeployment(envelope: Envelope, watched: Parameters<Trigger['read']>[1]): TriggerAnswer {
  const parsed = deploymentSchema.safeParse(envelope.detail)
  if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
  const resource = z.string().regex(SERVICE, 'expected the ARN of a service').safeParse(envelope.resources[0])
  if (!resource.success) return malformed(resource.error, envelope.resources[0], ['resources', '0'])
  const [, cluster = 'default', service = ''] = SERVICE.exec(resource.data) ?? []
  const { eventName, deploymentId, updatedAt } = parsed.data
  const phase = Object.hasOwn(PHASES, eventName) ? PHASES[eventName] : undefined
  if (phase === undefined) return notForUs(`${eventName} is no state of a deployment that is known here`)
  const { account, region, isReplay } = envelope
  // The envelope's time has whole seconds; `updatedAt` is when the deployment got there.
  const at = updatedAt !== undefined && updatedAt <= latestOf(envelope.time) ? updatedAt : envelope.time
  const carried = { cluster, service, deploymentId, serviceDeploymentArn: null, phase, at, startedAt: null }
  return ofWatched(ecsDeployment({ ...carried, account, region, isReplay }), watched, describeTarget)
}

/** The end of an envelope's second. */
function latestOf(time: string): string {
  return new Date(Date.parse(time) + 999).toISOString()
}

/** A hook that runs is the first news of a deployment with hooks: traffic is about to move. */
function readHook(envelope: Envelope, watched: Parameters<Trigger['read']>[1]): TriggerAnswer {
  const parsed = hookSchema.safeParse(envelope.detail)
  if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
  const { eventName, lifecycleStage, serviceDeploymentArn } = parsed.data
  if (eventName !== 'HOOK_IN_PROGRESS' && eventName !== 'HOOK_AWAITING_ACTION') {
    return notForUs(`${eventName} at ${lifecycleStage}: the deployment's own event says how it ended`)
  }
  const [, cluster = '', service = '', deploymentId = ''] = SERVICE_DEPLOYMENT.exec(serviceDeploymentArn) ?? []
  const { account, region, time: at, isReplay } = envelope
  const carried = {
    cluster,
    service,
    deploymentId,
    serviceDeploymentArn,
    phase: 'started',
    at,
    startedAt: null,
  } as const
  return ofWatched(ecsDeployment({ ...carried, account, region, isReplay }), watched, describeTarget)
}
