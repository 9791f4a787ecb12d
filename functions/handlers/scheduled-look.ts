/** The function that looks between deployments, by the clock. Outside of every VPC: it asks the one that looks, and pages. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SFNClient } from '@aws-sdk/client-sfn'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { INVOCATION, ONCE, openClient, SHORT } from '../aws-clients.ts'
import { createScheduledLook } from '../scheduled-look.ts'
import { readScheduledSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'

const settings = readScheduledSettings(process.env)

export const handler = createScheduledLook(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  cloudWatch: openClient(CloudWatchClient, ONCE),
  sns: openClient(SNSClient, ONCE),
  sqs: openClient(SQSClient, ONCE),
  lambda: openClient(LambdaClient, INVOCATION),
  sfn: openClient(SFNClient, SHORT),
})
