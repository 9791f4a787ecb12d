/** The function that runs by the clock: the heartbeat, what time does to an incident, and pages that wait. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ONCE, openClient } from '../aws-clients.ts'
import { createTend } from '../pages/tend.ts'
import { readWatchSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'

const settings = readWatchSettings(process.env)

export const handler = createTend(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  cloudWatch: openClient(CloudWatchClient, ONCE),
  sns: openClient(SNSClient, ONCE),
  sqs: openClient(SQSClient, ONCE),
})
