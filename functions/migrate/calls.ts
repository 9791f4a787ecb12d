/** What a migration asks of AWS through the SDK. */
import { CodeBuildClient } from '@aws-sdk/client-codebuild'
import { ECSClient } from '@aws-sdk/client-ecs'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { StartExecutionCommand } from '@aws-sdk/client-sfn'
import type { SFNClient } from '@aws-sdk/client-sfn'
import { GATE, INVOCATION, openClient } from '../aws-clients.ts'
import type { MigrationTaskSettings } from '../settings.ts'
import { codeBuildProject } from './codebuild-project.ts'
import { ecsTask } from './ecs-task.ts'
import { lambdaFunction } from './lambda-function.ts'
import type { MigrationTask } from './migration-task.ts'

/** By its name an execution is one: a second start of it finds the first. */
export function startExecutionCall(stateMachineArn: string, client: SFNClient) {
  return async (name: string, input: string): Promise<void> => {
    try {
      await client.send(new StartExecutionCommand({ stateMachineArn, name, input }))
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ExecutionAlreadyExists') throw error
    }
  }
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
