/** The function that answers CloudFormation. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient } from '../aws-clients.ts'
import { lookerWithAsset } from '../gates/asset-looker.ts'
import { allowOwnEndpoint, stackStatusCall } from '../gates/cloudformation-calls.ts'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import { windowOf } from '../gates/gate-window.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings, readGateWindow } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3, readObjectCall } from '../stores/aws-objects.ts'
import { startWatch } from '../watch-window/start-watch.ts'

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

export const handler = serveGate(gate, settings, {
  before: (event, remote) => lookerWithAsset(remote, publishing, event),
  // From the answer on the stack is watched, where somebody watches at all.
  after: async (event, answer, looked) => {
    const order = window === null ? null : windowOf(event, answer, looked, window, Date.now())
    if (window !== null && order !== null) await startWatch(order, window.window, openClient(SFNClient, ONCE))
  },
})
