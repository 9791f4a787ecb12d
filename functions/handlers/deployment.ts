/** The function that hears of deployments. */
import { SFNClient } from '@aws-sdk/client-sfn'
import { openClient, SHORT } from '../aws-clients.ts'
import { readTriggerSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'
import { awsSystems } from '../triggers/aws/systems.ts'
import { hearDeployments } from '../triggers/hear-deployments.ts'

const settings = readTriggerSettings(process.env)

export const handler = hearDeployments(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  systems: awsSystems(settings.account),
  sfn: openClient(SFNClient, SHORT),
})
