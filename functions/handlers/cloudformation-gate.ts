/** The function that answers CloudFormation. */
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient } from '../aws-clients.ts'
import type { Looker } from '../core/look-order.ts'
import { stackStatusCall } from '../gates/cloudformation-calls.ts'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import { readGateWindow, startGateWindow, windowOf } from '../gates/gate-window.ts'
import type { GateAnswer } from '../gates/gate.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { assetOf, publishAsset } from '../release/publish-asset.ts'
import { readGateSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3 } from '../stores/aws-objects.ts'
import { systemSleep } from '../system.ts'

const settings = readGateSettings(process.env, 'publishing')
const window = readGateWindow(process.env)
const s3 = openS3(null)
const store = awsStore({ ...settings.store, s3 })
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
function publishFirst(event: unknown, remote: Looker): Looker {
  const asset = assetOf(event)
  if (asset === null) return remote
  return async (order) => {
    const startedAt = Date.now()
    await publishAsset({ service: settings.service, store, readObject, clock: Date.now }, asset)
    return remote({ ...order, deadlineMs: Math.max(1, order.deadlineMs - (Date.now() - startedAt)) })
  }
}

/** From the answer on the stack is watched, where somebody watches at all. */
async function watchOn(event: unknown, answer: GateAnswer): Promise<void> {
  const { service, environment } = settings
  const recognised = gate.recognise(event)
  if (window === null || recognised.kind !== 'request') return
  const call = { settings, signal: new AbortController().signal, sleep: systemSleep, clock: Date.now }
  const found = await gate.release(recognised.request, call)
  const release = found.kind === 'known' ? found.release : null
  const order = windowOf(event, answer, release, window, { service, environment, now: Date.now() })
  if (order !== null) await startGateWindow(order, window.window, openClient(SFNClient, ONCE))
}

export const handler = serveGate(gate, settings, { before: publishFirst, after: watchOn })
