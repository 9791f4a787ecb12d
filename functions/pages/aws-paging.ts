/** What a function that pages and measures is given: its store, and clients whose attempts are made by whoever sends. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ONCE, openClient } from '../aws-clients.ts'
import { awsStore } from '../stores/aws.ts'
import { systemPorts } from '../system.ts'

export function awsPagingPorts(place: Parameters<typeof awsStore>[0]) {
  return {
    ...systemPorts,
    store: awsStore(place),
    cloudWatch: openClient(CloudWatchClient, ONCE),
    sns: openClient(SNSClient, ONCE),
    sqs: openClient(SQSClient, ONCE),
  }
}
