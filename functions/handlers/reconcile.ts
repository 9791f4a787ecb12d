/** The function that finds deployments which no event announced. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SFNClient } from '@aws-sdk/client-sfn'
import { ONCE, openClient, SHORT } from '../aws-clients.ts'
import { readTriggerSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'
import { awsSystems } from '../triggers/aws/systems.ts'
import { findUnheard } from '../triggers/find-unheard.ts'

const settings = readTriggerSettings(process.env)

export const handler = findUnheard(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  systems: awsSystems(settings.account),
  sfn: openClient(SFNClient, SHORT),
  cloudWatch: openClient(CloudWatchClient, ONCE),
  region: process.env['AWS_REGION'] ?? '',
})
