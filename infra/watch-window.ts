/** The watch window after a deployment: a state machine that looks, waits and looks, one execution a deployment. */
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { watchDefinition } from '../functions/watch-window/definition.ts'
import { acknowledge } from './acknowledge.ts'
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
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') })
    acknowledge(role, 'IAM5[Resource::*]', 'X-Ray and the delivery of logs name no resource')
    const { functionArn } = step.function
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }))
    if (page !== null) page.grantPublish(role)
    if (page !== null)
      role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }))
    const definition = watchDefinition({
      stepFunctionArn: functionArn,
      page: page === null ? null : { topicArn: page.topicArn, isFifo: page.fifo, deadLetters: deadLetters.queueUrl },
    })
    this.stateMachine = new StateMachine(this, 'Machine', {
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(definition)),
      role,
      comment: 'Deploywatch: looks through a window after a deployment',
      timeout: Duration.hours(25),
      logs: {
        destination: new LogGroup(this, 'Logs', {
          retention: RetentionDays.THREE_MONTHS,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        // What is waited for and looked at; an order names releases, never a secret.
        includeExecutionData: false,
      },
      tracingEnabled: true,
    })
    this.stateMachine.node.addDependency(step)
  }
}
