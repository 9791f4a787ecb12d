/** The function that answers CloudFormation. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient } from '../aws-clients.ts'
import { lookerWithAsset } from '../gates/asset-looker.ts'
import { allowOwnEndpoint, stackStatusCall } from '../gates/cloudformation-calls.ts'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import { startGateWindow, windowOf } from '../gates/gate-window.ts'
import type { GateAnswer } from '../gates/gate.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings, readGateWindow } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3, readObjectCall } from '../stores/aws-objects.ts'
import { systemSleep } from '../system.ts'

const settings = readGateSettings(process.env, 'publishing')
const window = readGateWindow(process.env)
const s3 = openS3(null)
const store = awsStore({ ...settings.store, s3 })
const gate = cloudFormationResource({
  fetch,
  allowUrl: allowOwnEndpoint(process.env),
  stackStatus: stackStatusCall(),
})

const publishing = { service: settings.service, store, readObject: readObjectCall(s3), clock: Date.now }

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

export const handler = serveGate(gate, settings, {
  before: (event, remote) => lookerWithAsset(remote, publishing, event),
  after: watchOn,
})
