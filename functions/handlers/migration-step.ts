/** The function that takes a step of a migration: it runs the team's own task, and never touches a database itself. */
import { LambdaClient } from '@aws-sdk/client-lambda'
import { INVOCATION, openClient } from '../aws-clients.ts'
import { beginGateWatch } from '../gates/begin-gate-watch.ts'
import { allowOwnEndpoint, stackStatusCall } from '../gates/cloudformation-calls.ts'
import { openTask } from '../migrate/calls.ts'
import { createMigrationStep } from '../migrate/migration-step.ts'
import { createRemoteLooker } from '../remote-looker.ts'
import { readMigrationSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'

const settings = readMigrationSettings(process.env)
// A look that ran twice did no harm.
const lambda = openClient(LambdaClient, INVOCATION)

export const handler = createMigrationStep(settings, {
  ...systemPorts,
  fetch,
  allowUrl: allowOwnEndpoint(process.env),
  stackStatus: stackStatusCall(),
  documents: awsStore(settings.store),
  begin: beginGateWatch(process.env),
  task: openTask(settings.task),
  looker: createRemoteLooker({
    functionName: settings.looker,
    invoke: (command, options) => lambda.send(command, options),
  }),
})
