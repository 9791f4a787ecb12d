/** The gate's calls to CodeDeploy through the SDK. */
import {
  CodeDeployClient,
  GetDeploymentCommand,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy'
import { GATE, openClient } from '../aws-clients.ts'
import type { CodeDeployCalls } from './codedeploy-hook.ts'

export function codeDeployCalls(client = openClient(CodeDeployClient, GATE)): CodeDeployCalls {
  return {
    getDeployment: async (deploymentId, abortSignal) =>
      (await client.send(new GetDeploymentCommand({ deploymentId }), { abortSignal })).deploymentInfo,
    putHookStatus: async (status, abortSignal) => {
      await client.send(new PutLifecycleEventHookExecutionStatusCommand(status), { abortSignal })
    },
  }
}
