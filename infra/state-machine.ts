/** What the state machines of Deploywatch have in common: a role that may invoke our functions and no more, a log, a trace. */
import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { Duration } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'
import { acknowledge } from './acknowledge.ts'
import type { WatchFunction } from './watch-function.ts'

/** To be given what else the machine does before it is made: a machine waits for its role's rights. */
export function machineRole(scope: Construct, id: string, invoked: readonly WatchFunction[]): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('states.amazonaws.com') })
  acknowledge(role, 'IAM5[Resource::*]', 'X-Ray and the delivery of logs name no resource')
  const resources = invoked.map((one) => one.function.functionArn)
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }))
  return role
}

export interface MachineProps {
  readonly role: Role
  readonly definition: Readonly<Record<string, unknown>>
  readonly comment: string
  readonly timeout: Duration
  /** The id of its log group. */
  readonly logs: string
  /** There before it is. */
  readonly after: readonly WatchFunction[]
}

export function createMachine(scope: Construct, id: string, props: MachineProps): StateMachine {
  const machine = new StateMachine(scope, id, {
    definitionBody: DefinitionBody.fromString(Stack.of(scope).toJsonString(props.definition)),
    role: props.role,
    comment: props.comment,
    timeout: props.timeout,
    logs: {
      destination: new LogGroup(scope, props.logs, {
        retention: RetentionDays.THREE_MONTHS,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      level: LogLevel.ALL,
      // Orders and targets name releases, clusters and secrets: no value of them, and still nobody's to read here.
      includeExecutionData: false,
    },
    tracingEnabled: true,
  })
  machine.node.addDependency(...props.after)
  return machine
}
