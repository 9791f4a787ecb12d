/**
 * A stack that a gate let go on is watched from then on: its COMPLETE event comes only after its monitoring window, in which
 * rollback triggers ask an alarm that has to know by then. What is looked at is not deployed yet: endpoints are not judged, and
 * the deployment's own watch takes its place.
 */
import type { SFNClient } from '@aws-sdk/client-sfn'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'
import * as z from 'zod'
import { watchName } from '../core/deployment.ts'
import type { ReleaseReference } from '../core/look-order.ts'
import type { WindowOrder } from '../watch-window/window.ts'
import type { GateWindow } from '../settings.ts'
import type { GateAnswer } from './gate.ts'

const requestSchema = z.looseObject({ StackId: z.string().min(1), RequestId: z.string().min(1) })

/**
 * The watch that an answer begins; null: none, because nothing was looked at or nothing goes on. One request, however often it
 * comes, begins one.
 *
 * @param now milliseconds since 1970
 */
export function windowOf(
  event: unknown,
  { kind, report }: GateAnswer,
  release: ReleaseReference | null,
  { plan }: GateWindow,
  of: { readonly service: string; readonly environment: string; readonly now: number },
): WindowOrder | null {
  const request = requestSchema.safeParse(event)
  if (kind !== 'proceed' || report === null || release === null || !request.success) return null
  const { StackId, RequestId } = request.data
  return {
    watch: `gate/${StackId}/${RequestId}`.slice(0, 512),
    service: of.service,
    environment: of.environment,
    release,
    releaseUnknown: null,
    deployedAt: new Date(of.now).toISOString(),
    deployed: false,
    plan: { ...plan, required: plan.required.filter((check) => check !== 'endpoints') },
  }
}

/** @throws what Step Functions threw */
export async function startGateWindow(order: WindowOrder, window: string, sfn: Pick<SFNClient, 'send'>): Promise<void> {
  const start = { stateMachineArn: window, name: watchName(order.watch), input: JSON.stringify(order) }
  try {
    await sfn.send(new StartExecutionCommand(start))
  } catch (error) {
    // By name: `instanceof` breaks across bundled copies of the SDK.
    if ((error as Error).name !== 'ExecutionAlreadyExists') throw error
  }
}
