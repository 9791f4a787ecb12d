/** The function that begins and ends the runs of a fleet. Outside of every VPC: it reads and writes the store, and pages. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { SNSClient } from '@aws-sdk/client-sns'
import { SQSClient } from '@aws-sdk/client-sqs'
import { ONCE, openClient } from '../aws-clients.ts'
import { createFleetRun } from '../fleet/fleet-run.ts'
import { readFleetRunSettings } from '../settings.ts'
import { awsStore } from '../stores/aws.ts'
import { openObjects, openS3 } from '../stores/aws-objects.ts'
import { systemPorts } from '../system.ts'

const settings = readFleetRunSettings(process.env)
const s3 = openS3(null)

export const handler = createFleetRun(settings, {
  ...systemPorts,
  store: awsStore(settings.store),
  cloudWatch: openClient(CloudWatchClient, ONCE),
  sns: openClient(SNSClient, ONCE),
  sqs: openClient(SQSClient, ONCE),
  objects: {
    read: async (bucket, key) => {
      const content = await openObjects(s3, bucket).read(key)
      if (content === null) throw new Error(`s3://${bucket}/${key} is not there`)
      return content.toString('utf8')
    },
    write: async (bucket, key, content) => openObjects(s3, bucket).write(key, Buffer.from(content)),
  },
})
