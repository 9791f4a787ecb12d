/**
 * A stack that a gate let go on is watched from then on: its COMPLETE event comes only after its monitoring window, in which
 * rollback triggers ask an alarm that has to know by then. What is looked at is not deployed yet: endpoints are not judged, and
 * the deployment's own watch takes its place.
 */
import * as z from 'zod'
import type { LookOrder } from '../core/look-order.ts'
import type { WindowOrder } from '../watch-window/window.ts'
import type { GateWindow } from '../settings.ts'
import type { GateAnswer } from './gate.ts'

type WhatIsDeployed = Pick<LookOrder, 'service' | 'environment' | 'release'>

/** Begins the watch of a stack that an answer lets go on. @throws what Step Functions threw */
export type BeginGateWatch = (event: unknown, answer: GateAnswer, looked: WhatIsDeployed | null) => Promise<void>

const requestSchema = z.lazy(() => z.looseObject({ StackId: z.string().min(1), RequestId: z.string().min(1) }))

/**
 * The watch that an answer begins; null: none, because nothing was looked at or nothing goes on. One request, however often it
 * comes, begins one.
 *
 * @param looked what was asked of whoever looks; null: nothing
 * @param now milliseconds since 1970
 */
export function windowOf(
  event: unknown,
  { kind, report }: GateAnswer,
  looked: WhatIsDeployed | null,
  { plan }: GateWindow,
  now: number,
): WindowOrder | null {
  const request = requestSchema.safeParse(event)
  if (kind !== 'proceed' || report === null || looked === null || !request.success) return null
  const { StackId, RequestId } = request.data
  return {
    watch: `gate/${StackId}/${RequestId}`.slice(0, 512),
    service: looked.service,
    environment: looked.environment,
    release: looked.release,
    releaseUnknown: null,
    deployedAt: new Date(now).toISOString(),
    deployed: false,
    plan: { ...plan, required: plan.required.filter((check) => check !== 'endpoints') },
  }
}
