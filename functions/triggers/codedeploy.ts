/**
 * CodeDeploy: state-change notifications, and the SNS messages of a deployment group's own triggers, which have another
 * shape. Neither says which revision, or whether it is a rollback: a rollback is a deployment of its own.
 */
import * as z from 'zod'
import type { Deployment, DeploymentPhase } from '../core/deployment.ts'
import { describeTarget } from '../core/deployment.ts'
import { deploymentOf, malformed, notForUs, ofWatched, text, time } from './trigger.ts'
import type { Trigger, TriggerAnswer } from './trigger.ts'

const detailSchema = z.lazy(() =>
  z.object({
    application: text,
    deploymentGroup: text,
    deploymentId: text,
    state: text,
    region: text.optional(),
  }),
)

/** `QUEUED` and `BAKING` change nothing. Ready: the replacement runs and waits for the traffic. */
const PHASES: Readonly<Record<string, DeploymentPhase>> = {
  START: 'started',
  CREATED: 'started',
  INPROGRESS: 'started',
  READY: 'started',
  SUCCESS: 'finished',
  SUCCEEDED: 'finished',
  FAILURE: 'failed',
  FAILED: 'failed',
  STOP: 'failed',
  STOPPED: 'failed',
  ABORTED: 'failed',
}

/** The state of an event, of an SNS message, or of GetDeployment: three spellings of one thing. null: none that matters. */
export function codeDeployPhase(state: string): DeploymentPhase | null {
  const key = state.toUpperCase()
  return Object.hasOwn(PHASES, key) ? (PHASES[key] ?? null) : null
}

interface Carried {
  readonly application: string
  readonly group: string
  readonly deploymentId: string
  readonly account: string
  readonly region: string
  readonly at: string
  readonly startedAt: string | null
  readonly isReplay: boolean
}

export function codeDeployDeployment(carried: Carried, phase: DeploymentPhase): Deployment {
  const { deploymentId } = carried
  const target = { source: 'codedeploy', application: carried.application, group: carried.group } as const
  return deploymentOf(
    target,
    [deploymentId],
    { ...carried, phase },
    { question: { ask: 'GetDeployment', deploymentId } },
  )
}

export const codeDeploy = {
  source: 'codedeploy',
  handles: ({ source }) => source === 'aws.codedeploy',
  read: (envelope, watched) => {
    if (envelope.detailType !== 'CodeDeploy Deployment State-change Notification') {
      return notForUs(`${envelope.detailType} says nothing of a deployment's state`)
    }
    const parsed = detailSchema.safeParse(envelope.detail)
    if (!parsed.success) return malformed(parsed.error, envelope.detail, ['detail'])
    const { application, deploymentGroup: group, deploymentId, state } = parsed.data
    const phase = codeDeployPhase(state)
    if (phase === null) return notForUs(`a deployment in state ${state} has changed nothing yet`)
    const { account, region, time: at, isReplay } = envelope
    const carried = { application, group, deploymentId, account, region, at, startedAt: null, isReplay }
    return ofWatched(codeDeployDeployment(carried, phase), watched, describeTarget)
  },
} as const satisfies Trigger

/** Epoch seconds as text in the documented message; newer ones have a date in words. */
const messageTime = z.string().transform((value, context) => {
  const ms = /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) * 1000 : Date.parse(value)
  if (Math.abs(ms) <= 8.64e15) return new Date(ms).toISOString()
  context.addIssue({ code: 'custom', message: 'a time is epoch seconds, as in 1446744188.595' })
  return z.NEVER
})

const messageSchema = z.lazy(() =>
  z.object({
    region: text,
    accountId: text,
    applicationName: text,
    deploymentId: text,
    deploymentGroupName: text,
    status: text,
    createTime: messageTime.optional(),
    completeTime: messageTime.optional(),
  }),
)

/** Whether a message of SNS is one of a deployment group's triggers: those have no envelope. */
export function isCodeDeployMessage(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'eventTriggerName' in message
}

export function readCodeDeployMessage(
  message: unknown,
  sentAt: string | null,
  watched: Parameters<Trigger['read']>[1],
): TriggerAnswer {
  // Triggers on single instances have an instance's status, and the deployment's id.
  if (typeof message === 'object' && message !== null && 'instanceId' in message) {
    return notForUs('a message on one instance says nothing of the whole deployment')
  }
  const parsed = messageSchema.safeParse(message)
  if (!parsed.success) return malformed(parsed.error, message, [])
  const { applicationName: application, deploymentGroupName: group, deploymentId, status, createTime } = parsed.data
  const phase = codeDeployPhase(status)
  if (phase === null) return notForUs(`a deployment in state ${status} has changed nothing yet`)
  const at = (phase === 'started' ? undefined : parsed.data.completeTime) ?? createTime ?? sentAt
  if (at === null) return malformed(new z.ZodError([missing('createTime')]), message, [])
  const { accountId: account, region } = parsed.data
  const startedAt = createTime ?? null
  const carried = { application, group, deploymentId, account, region, at, startedAt, isReplay: false }
  return ofWatched(codeDeployDeployment(carried, phase), watched, describeTarget)
}

function missing(field: string): z.core.$ZodIssue {
  return { code: 'custom', path: [field], message: 'the message says at no time of its own', input: undefined }
}

/** For the envelopes of messages that carry their own. */
export const sentTime = time.nullable().catch(null)
