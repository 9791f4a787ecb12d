/** The gate's question to CloudFormation through the SDK. */
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import type { CloudFormationOptions } from './cloudformation-resource.ts'
import { REQUEST_LIMITS } from './request-limits.ts'

export function stackStatusCall(
  client = new CloudFormationClient(REQUEST_LIMITS),
): CloudFormationOptions['stackStatus'] {
  return async (StackName, abortSignal) => {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }), { abortSignal })
    return Stacks?.[0]?.StackStatus ?? null
  }
}
