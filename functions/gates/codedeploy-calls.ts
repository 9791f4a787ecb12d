/** The gate's calls to CodeDeploy through the SDK. */
import {
  CodeDeployClient,
  GetDeploymentCommand,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy'
import type { CodeDeployCalls } from './codedeploy-hook.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export function codeDeployCalls(client = new CodeDeployClient(REQUEST_LIMITS)): CodeDeployCalls {
  return {
    getDeployment: async (deploymentId, abortSignal) =>
      (await client.send(new GetDeploymentCommand({ deploymentId }), { abortSignal })).deploymentInfo,
    putHookStatus: async (status, abortSignal) => {
      await client.send(new PutLifecycleEventHookExecutionStatusCommand(status), { abortSignal })
    },
  }
}
