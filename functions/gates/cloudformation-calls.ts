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
