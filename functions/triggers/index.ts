/** Every system that deploys, and one reading for what a function is invoked with: an event, or a batch of SNS or SQS. */
import * as z from 'zod'
import type { DeploymentTarget } from '../core/deployment.ts'
import { cloudFormation } from './cloudformation.ts'
import { codeDeploy, isCodeDeployMessage, readCodeDeployMessage, sentTime } from './codedeploy.ts'
import { codePipeline } from './codepipeline.ts'
import { custom } from './custom.ts'
import { ecs } from './ecs.ts'
import { malformed, notForUs, shown, text, time } from './trigger.ts'
import type { Envelope, Trigger, TriggerAnswer } from './trigger.ts'

export const TRIGGERS: readonly Trigger[] = [codeDeploy, codePipeline, cloudFormation, ecs, custom]

const envelopeSchema = z.lazy(() =>
  z.object({
    source: text,
    'detail-type': text,
    account: text,
    region: text,
    time,
    resources: z.array(z.string()).default([]),
    'replay-name': z.string().optional(),
    detail: z.unknown(),
  }),
)

const recordsSchema = z.lazy(() => z.object({ Records: z.array(z.unknown()) }))
const recordSchema = z.lazy(() =>
  z.union([
    z.object({ Sns: z.object({ Message: z.string(), Timestamp: sentTime.optional() }) }),
    z.object({ body: z.string() }),
  ]),
)
/** An SNS message in an SQS queue, without raw delivery. */
const wrappedSchema = z.lazy(() =>
  z.object({ Type: z.literal('Notification'), Message: z.string(), Timestamp: sentTime.optional() }),
)

/**
 * What an invocation says: one answer an event. It never throws: what cannot be read is `malformed`, with its path and value.
 *
 * @param watched the targets that this function watches; others are not for us
 */
export function readDeployments(event: unknown, watched: readonly DeploymentTarget[]): readonly TriggerAnswer[] {
  const batch = recordsSchema.safeParse(event)
  if (!batch.success) return [readEvent(event, null, watched)]
  return batch.data.Records.map((record, at) => {
    const parsed = recordSchema.safeParse(record)
    if (!parsed.success) {
      const why = 'expected a record of SNS or SQS'
      return { kind: 'malformed', path: `Records.${at}`, value: shown(record), why }
    }
    if ('Sns' in parsed.data) return readMessage(parsed.data.Sns.Message, parsed.data.Sns.Timestamp ?? null, watched)
    return readMessage(parsed.data.body, null, watched)
  })
}

function readMessage(message: string, sentAt: string | null, watched: readonly DeploymentTarget[]): TriggerAnswer {
  const value = parseJson(message)
  if (value === undefined) return { kind: 'malformed', path: 'Message', value: shown(message), why: 'expected JSON' }
  const wrapped = wrappedSchema.safeParse(value)
  if (!wrapped.success) return readEvent(value, sentAt, watched)
  const inner = parseJson(wrapped.data.Message)
  if (inner === undefined) return { kind: 'malformed', path: 'Message', value: shown(value), why: 'expected JSON' }
  return readEvent(inner, wrapped.data.Timestamp ?? null, watched)
}

function readEvent(event: unknown, sentAt: string | null, watched: readonly DeploymentTarget[]): TriggerAnswer {
  if (isCodeDeployMessage(event)) return readCodeDeployMessage(event, sentAt, watched)
  const parsed = envelopeSchema.safeParse(spelled(event))
  if (!parsed.success) return malformed(parsed.error, event, [])
  const { data } = parsed
  const envelope: Envelope = {
    source: data.source,
    detailType: data['detail-type'],
    account: data.account,
    region: data.region,
    time: data.time,
    resources: data.resources,
    isReplay: data['replay-name'] !== undefined,
    detail: data.detail,
  }
  const trigger = TRIGGERS.find((candidate) => candidate.handles(envelope))
  if (trigger === undefined) return notForUs(`${envelope.source} ${envelope.detailType}: no event of a deployment`)
  return trigger.read(envelope, watched)
}

/** CodeStar Notifications process events on their way: `detailType` instead of `detail-type`. */
function spelled(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || !('detailType' in event) || 'detail-type' in event) return event
  return { ...event, 'detail-type': event.detailType }
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value) as unknown
  } catch {
    return undefined
  }
}
