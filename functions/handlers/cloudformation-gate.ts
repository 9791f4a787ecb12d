/** The function that answers CloudFormation. It stays outside of every VPC, so that no missing route swallows an answer. */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { INVOCATION, openClient } from '../aws-clients.ts'
import type { Looker } from '../core/look-order.ts'
import { askGate } from '../gates/ask-gate.ts'
import { stackStatusCall } from '../gates/cloudformation-calls.ts'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import { assetOf, publishAsset } from '../release/publish-asset.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import { readGateSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3 } from '../stores/aws-objects.ts'
import { log, systemSleep } from '../system.ts'
import type { FunctionContext } from '../system.ts'

const settings = readGateSettings(process.env)
const s3 = openS3(null)
const store = awsStore({ ...settings.store, s3 })
// A look that ran twice did no harm.
const lambda = openClient(LambdaClient, INVOCATION)
const remote = createRemoteLooker({
  functionName: settings.looker,
  invoke: (command, options) => lambda.send(command, options),
})
const gate = cloudFormationResource({
  fetch,
  // With an endpoint of its own (a stand-in for AWS on this machine) everything of AWS is there, and CloudFormation too.
  allowUrl: (url) => url.origin === endpointOrigin(),
  stackStatus: stackStatusCall(),
})

function endpointOrigin(): string | null {
  const endpoint = process.env['AWS_ENDPOINT_URL']
  return endpoint !== undefined && URL.canParse(endpoint) ? new URL(endpoint).origin : null
}

async function readObject(bucket: string, key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  if (Body === undefined) throw new Error(`s3://${bucket}/${key} came without its content`)
  return Buffer.from(await Body.transformToByteArray())
}

/** What the request brings is published first: then it is looked at as any other release. */
function lookerFor(event: unknown): Looker {
  const asset = assetOf(event)
  if (asset === null) return remote
  return async (order) => {
    const startedAt = Date.now()
    await publishAsset({ service: settings.service, store, readObject, clock: Date.now }, asset)
    return remote({ ...order, deadlineMs: Math.max(1, order.deadlineMs - (Date.now() - startedAt)) })
  }
}

export async function handler(event: unknown, context: FunctionContext): Promise<unknown> {
  const { returned } = await askGate(gate, event, {
    settings,
    looker: lookerFor(event),
    remainingMs: () => context.getRemainingTimeInMillis(),
    clock: Date.now,
    sleep: systemSleep,
    log,
  })
  return returned
}
