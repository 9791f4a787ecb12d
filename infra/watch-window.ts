/** The watch window after a deployment: a state machine that looks, waits and looks, one execution a deployment. */
import { Duration } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { watchDefinition } from '../functions/watch-window/definition.ts'
import { createMachine, machineRole } from './state-machine.ts'
import type { WatchFunction } from './watch-function.ts'

export interface WatchWindowProps {
  /** Takes one step; see functions/watch-window. */
  readonly step: WatchFunction
  /** Where "nobody watches" is said when the step does not come back; null: nowhere. */
  readonly page: ITopic | null
  /** For what the topic does not take. */
  readonly deadLetters: IQueue
}

export class WatchWindow extends Construct {
  readonly stateMachine: StateMachine

  constructor(scope: Construct, id: string, { step, page, deadLetters }: WatchWindowProps) {
    super(scope, id)
    const role = machineRole(this, 'Role', [step])
    if (page !== null) {
      page.grantPublish(role)
      role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }))
    }
    const definition = watchDefinition({
      stepFunctionArn: step.function.functionArn,
      page: page === null ? null : { topicArn: page.topicArn, isFifo: page.fifo, deadLetters: deadLetters.queueUrl },
    })
    this.stateMachine = createMachine(this, 'Machine', {
      role,
      definition,
      comment: 'Deploywatch: looks through a window after a deployment',
      timeout: Duration.hours(25),
      logs: 'Logs',
      after: [step],
    })
  }
}
