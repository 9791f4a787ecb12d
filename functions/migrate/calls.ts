/** What a migration asks of AWS through the SDK. */
import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { ECSClient } from '@aws-sdk/client-ecs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import type { SFNClient } from '@aws-sdk/client-sfn'
import { GATE, INVOCATION, openClient } from '../aws-clients.ts'
import type { MigrationTaskSettings } from '../settings.ts'
import { startExecution } from '../start-execution.ts'
import { codeBuildProject } from './codebuild-project.ts'
import { ecsTask } from './ecs-task.ts'
import { lambdaFunction } from './lambda-function.ts'
import type { MigrationTask } from './migration-task.ts'

export function startExecutionCall(stateMachine: string, client: SFNClient) {
  return (name: string, input: string): Promise<void> => startExecution(client, { stateMachine, name, input })
}

/** Its clients, with an end for each request; what may run twice when it is asked twice is asked once. */
export function openTask(settings: MigrationTaskSettings): MigrationTask {
  switch (settings.kind) {
    case 'ecs':
      return ecsTask(settings, openClient(ECSClient, GATE))
    case 'codebuild':
      return codeBuildProject(settings.project, openClient(CodeBuildClient, GATE))
    case 'lambda':
      return lambdaFunction(settings.function, openClient(LambdaClient, { ...INVOCATION, attempts: 1 }))
  }
}
