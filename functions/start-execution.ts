/** Starts an execution of a state machine. By its name it is one: a second start of it, with the same name, finds the first. */
import type { SFNClient } from '@aws-sdk/client-sfn'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'

export interface Execution {
  /** ARN. */
  readonly stateMachine: string
  /** 80 letters, digits, '-' and '_' at most. */
  readonly name: string
  /** JSON. */
  readonly input: string
}

/** @throws what Step Functions threw, but for an execution that is there already: that is the one that was to be started */
export async function startExecution(
  sfn: Pick<SFNClient, 'send'>,
  { stateMachine, name, input }: Execution,
): Promise<void> {
  try {
    await sfn.send(new StartExecutionCommand({ stateMachineArn: stateMachine, name, input }))
  } catch (error) {
    // By name: `instanceof` breaks across bundled copies of the SDK.
    if ((error as Error).name !== 'ExecutionAlreadyExists') throw error
  }
}
