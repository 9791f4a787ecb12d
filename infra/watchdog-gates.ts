/** The gates that the ready app's file names; what is to be pasted into pipelines and services is an output of its stack. */
import type { Stack } from 'aws-cdk-lib'
import { CfnOutput } from 'aws-cdk-lib'
import { EcsApplication, EcsDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy'
import type { AppSettings } from './app-settings.ts'
import type { Gates } from './gates.ts'

type Given = NonNullable<AppSettings['gates']>[number]

export function addGates(stack: Stack, gates: Gates, given: readonly Given[]): void {
  for (const [at, gate] of given.entries()) addGate(stack, gates, gate, at)
}

function addGate(stack: Stack, gates: Gates, given: Given, at: number): void {
  // Two hooks of one function, such as those of two deployment groups, have one output.
  const output = (id: string, value: string, description: string): unknown =>
    stack.node.tryFindChild(id) ?? new CfnOutput(stack, id, { value, description })
  if (given === 'codePipelineAction' || given === 'codePipelineRule') {
    const isAction = given === 'codePipelineAction'
    const { functionArn, functionName } = gates.codePipelineFunction(isAction ? 'action' : 'condition').function
    const id = isAction ? 'CodePipelineAction' : 'CodePipelineRule'
    output(
      `${id}Function`,
      functionArn,
      'what the pipeline may invoke: lambda:InvokeFunction, and lambda:ListFunctions',
    )
    output(`${id}FunctionName`, functionName, `FunctionName of ${isAction ? 'an action' : 'a rule'}`)
  } else if (given === 'stepFunctionsTask' || 'stepFunctionsTask' in given) {
    const onRefusal = given === 'stepFunctionsTask' ? 'throw' : given.stepFunctionsTask.onRefusal
    const { functionArn } = gates.stepFunctionsFunction(onRefusal).function
    output(`StepFunctions${onRefusal === 'throw' ? 'Task' : 'Answer'}Function`, functionArn, 'Resource of a task')
  } else if ('codeDeployHook' in given) {
    const { hook, application, group } = given.codeDeployHook
    const imported = EcsDeploymentGroup.fromEcsDeploymentGroupAttributes(stack, `HookGroup${at}`, {
      application: EcsApplication.fromEcsApplicationName(stack, `HookApplication${at}`, application),
      deploymentGroupName: group,
    })
    const { functionArn } = gates.codeDeployHook(hook, imported)
    output(`CodeDeploy${hook}Function`, functionArn, `${hook} below Hooks of an AppSpec`)
  } else {
    const { cluster, service, container = '' } = given.ecsHook
    const { hook, role } = gates.ecsHookFunction({
      cluster: { clusterName: cluster },
      serviceName: service,
      ...(container === '' ? {} : { container }),
    })
    output(`EcsHook${container}Function`, hook.function.functionArn, 'hookTargetArn of a lifecycle hook')
    output(`EcsHook${container}Role`, role.roleArn, 'roleArn of that hook')
  }
}
