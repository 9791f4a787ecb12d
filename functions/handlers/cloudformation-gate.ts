/** The function that answers CloudFormation. */
import { lookerWithAsset } from '../gates/asset-looker.ts'
import { beginGateWatch } from '../gates/begin-gate-watch.ts'
import { allowOwnEndpoint, stackStatusCall } from '../gates/cloudformation-calls.ts'
import { cloudFormationResource } from '../gates/cloudformation-resource.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { readGateSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3, readObjectCall } from '../stores/aws-objects.ts'

const settings = readGateSettings(process.env, 'publishing')
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
  after: beginGateWatch(process.env),
})
