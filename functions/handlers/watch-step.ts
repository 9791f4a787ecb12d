/** The function that takes a step of a watch's window. Outside of every VPC: it asks the one that looks, and pages. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { INVOCATION, ONCE, openClient } from '../aws-clients.ts'
import { readWatchSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'
import { createWatchStep } from '../watch-window/watch-step.ts'

const settings = readWatchSettings(process.env)

export const handler = createWatchStep(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  cloudWatch: openClient(CloudWatchClient, ONCE),
  sns: openClient(SNSClient, ONCE),
  sqs: openClient(SQSClient, ONCE),
  lambda: openClient(LambdaClient, INVOCATION),
})
