/**
 * CloudFormation: a stack's status. Nested stacks announce theirs too, and resources, drift and stack sets have events of their own.
 * What makes several events one operation is its client request token, which may be empty: so the operation is known by when
 * it began, which DescribeStacks says (a stack has one operation at a time).
 */
import * as z from 'zod'
import type { Deployment, DeploymentPhase } from '../core/deployment.ts'
import { describeTarget } from '../core/deployment.ts'
import { deploymentOf, malformed, notForUs, ofWatched, text } from './trigger.ts'
import type { Trigger } from './trigger.ts'

/** arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/UUID; the documentation's sample has no UUID. */
const STACK_ID = /^arn:[^:]+:cloudformation:[^:]*:[^:]*:stack\/([^/]+)(?:\/|$)/u

const detailSchema = z.lazy(() =>
  z.object({
    'stack-id': z.string().regex(STACK_ID, 'a stack id is the ARN of a stack'),
    'status-details': z.object({ status: text }),
    'client-request-token': z.string().nullish(),
  }),
)

/**
 * UPDATE_COMPLETE_CLEANUP_IN_PROGRESS comes first: what is new is live, only the old is still being removed. A first
 * creation that rolled back leaves nothing that could be watched.
 */
const PHASES: Readonly<Record<string, DeploymentPhase>> = {
  CREATE_IN_PROGRESS: 'started',
  UPDATE_IN_PROGRESS: 'started',
  IMPORT_IN_PROGRESS: 'started',
  CREATE_COMPLETE: 'finished',
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: 'finished',
  UPDATE_COMPLETE: 'finished',
  IMPORT_COMPLETE: 'finished',
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: 'rolled-back',
  UPDATE_ROLLBACK_COMPLETE: 'rolled-back',
  IMPORT_ROLLBACK_COMPLETE: 'rolled-back',
  CREATE_FAILED: 'failed',
  UPDATE_FAILED: 'failed',
  ROLLBACK_COMPLETE: 'failed',
  ROLLBACK_FAILED: 'failed',
  UPDATE_ROLLBACK_FAILED: 'failed',
  IMPORT_ROLLBACK_FAILED: 'failed',
}

export function cloudFormationPhase(status: string): DeploymentPhase | null {
  return Object.hasOwn(PHASES, status) ? (PHASES[status] ?? null) : null
}

export function stackName(stackId: string): string {
  return STACK_ID.exec(stackId)?.[1] ?? stackId
}

interface Carried {
  readonly stackId: string
  readonly phase: DeploymentPhase
  readonly at: string
  readonly startedAt: string | null
  /** What tells this operation from the stack's others. */
  readonly operation: string
  readonly account: string
  readonly region: string
  readonly isReplay: boolean
}

export function cloudFormationDeployment(carried: Carried): Deployment {
  const target = { source: 'cloudformation', stack: stackName(carried.stackId) } as const
  const question = { ask: 'DescribeStacks', stackId: carried.stackId } as const
  return deploymentOf(target, [carried.operation], carried, { question })
}

/** The operation of a stack, by when it began: events and DescribeStacks have this in common. */
export function stackOperation(startedAt: string): string {
  return `since:${startedAt}`
}

export const cloudFormation = {
  source: 'cloudformation',
  handles: ({ source }) => source === 'aws.cloudformation',
  read: (envelope, watched) => {
    if (envelope.detailType !== 'CloudFormation Stack Status Change') {
      return notForUs(`${envelope.detailType} says nothing of a stack's status`)
    }
    const parsed = detailSchema.safeParse(envelope.detail)
    if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
    const { 'stack-id': stackId, 'status-details': details, 'client-request-token': token } = parsed.data
    const phase = cloudFormationPhase(details.status)
    if (phase === null) return notForUs(`a stack in status ${details.status} has deployed nothing yet`)
    const { account, region, time: at, isReplay } = envelope
    const operation = token === undefined || token === null || token === '' ? `at:${at}` : `token:${token}`
    const deployment = cloudFormationDeployment({
      stackId,
      phase,
      at,
      startedAt: null,
      operation,
      account,
      region,
      isReplay,
    })
    return ofWatched(deployment, watched, describeTarget)
  },
} as const satisfies Trigger
