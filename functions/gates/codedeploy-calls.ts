/** The gate's calls to CodeDeploy through the SDK. */
import {
  CodeDeployClient,
  GetApplicationRevisionCommand,
  GetDeploymentCommand,
  PutLifecycleEventHookExecutionStatusCommand,
} from '@aws-sdk/client-codedeploy'
import { GATE, openClient } from '../aws-clients.ts'
import type { CodeDeployCalls } from './codedeploy-hook.ts'

export function codeDeployCalls(client = openClient(CodeDeployClient, GATE)): CodeDeployCalls {
  return {
    getDeployment: async (deploymentId, abortSignal) =>
      (await client.send(new GetDeploymentCommand({ deploymentId }), { abortSignal })).deploymentInfo,
    wholeRevision: async ({ revision = {}, applicationName }, abortSignal) => {
      const { appSpecContent, string } = revision
      const lacks = (part: { readonly content?: string | undefined } | undefined): boolean =>
        part !== undefined && part.content === undefined
      if (applicationName === undefined || !(lacks(appSpecContent) || lacks(string))) return revision
      const asked = new GetApplicationRevisionCommand({ applicationName, revision })
      return (await client.send(asked, { abortSignal })).revision ?? revision
    },
    putHookStatus: async (status, abortSignal) => {
      await client.send(new PutLifecycleEventHookExecutionStatusCommand(status), { abortSignal })
    },
  }
}
