/** The gate's question to CloudFormation through the SDK. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { GATE, openClient } from '../aws-clients.ts'
import type { CloudFormationOptions } from './cloudformation-resource.ts'

export function stackStatusCall(client = openClient(CloudFormationClient, GATE)): CloudFormationOptions['stackStatus'] {
  return async (StackName, abortSignal) => {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }), { abortSignal })
    return Stacks?.[0]?.StackStatus ?? null
  }
}

/** With an endpoint of its own (a stand-in for AWS on this machine) everything of AWS is there, and CloudFormation too. */
export function allowOwnEndpoint(env: Readonly<Record<string, string | undefined>>): (url: URL) => boolean {
  const endpoint = env['AWS_ENDPOINT_URL']
  const origin = endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).origin : null
  return (url) => url.origin === origin
}
