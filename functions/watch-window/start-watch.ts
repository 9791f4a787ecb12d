/** Starts a watch: one execution of the state machine, named by what is watched. */
import type { SFNClient } from '@aws-sdk/client-sfn'
import { watchName } from '../core/deployment.ts'
import { startExecution } from '../start-execution.ts'
import type { WindowOrder } from './window.ts'

/**
 * @param stateMachine ARN of the window's
 * @throws as `startExecution`
 */
export async function startWatch(
  order: WindowOrder,
  stateMachine: string,
  sfn: Pick<SFNClient, 'send'>,
): Promise<void> {
  await startExecution(sfn, { stateMachine, name: watchName(order.watch), input: JSON.stringify(order) })
}
