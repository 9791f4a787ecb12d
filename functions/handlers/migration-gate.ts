/** The function that takes CloudFormation's requests to migrate. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { GATE, openClient } from '../aws-clients.ts'
import { lookerWithAsset } from '../gates/asset-looker.ts'
import { beginGateWatch } from '../gates/begin-gate-watch.ts'
import { allowOwnEndpoint, stackStatusCall } from '../gates/cloudformation-calls.ts'
import { serveGate } from '../gates/serve-gate.ts'
import { startExecutionCall } from '../migrate/calls.ts'
import { migrationGate } from '../migrate/migration-gate.ts'
import { readGateSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openS3, readObjectCall } from '../stores/aws-objects.ts'

const settings = readGateSettings(process.env, 'migration')
const s3 = openS3(null)
const store = awsStore({ ...settings.store, s3 })
const gate = migrationGate({
  fetch,
  allowUrl: allowOwnEndpoint(process.env),
  stackStatus: stackStatusCall(),
  documents: store,
  limitMs: settings.limitMs,
  startExecution: startExecutionCall(settings.machine, openClient(SFNClient, GATE)),
})
const publishing = { service: settings.service, store, readObject: readObjectCall(s3), clock: Date.now }
const begin = beginGateWatch(process.env)

export const handler = serveGate(gate, settings, {
  before: (event, remote) => lookerWithAsset(remote, publishing, event),
  // Whatever is no pass goes on to the state machine, which answers, and begins the watch, when it has migrated.
  after: async (event, answer, looked) => {
    if (answer.report?.verdict === 'pass') await begin(event, answer, looked)
  },
})
