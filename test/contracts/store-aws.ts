/**
 * The contract of stores over an endpoint that is AWS or stands in for it: `endpoint` answers S3 and DynamoDB, and has or gets
 * the bucket and the table. Every store has a prefix of its own, so that it is empty.
 */
import { randomUUID } from 'node:crypto'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { awsStore } from '../../functions/stores/aws.ts'
import { storeContract } from './store.ts'

export interface AwsEndpoint {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** `open` is called in the first test: what it answers may be started in a beforeAll. */
export function awsStoreContract(name: string, open: () => AwsEndpoint): void {
  const bucket = `deploywatch-${randomUUID()}`
  let clients: Promise<{ readonly s3: S3Client; readonly dynamo: DynamoDBClient }> | null = null
  storeContract(name, async (now) => {
    clients ??= prepare(open(), bucket)
    const clock = now === undefined ? {} : { now }
    return awsStore({ bucket, table: bucket, prefix: `${randomUUID()}/`, ...(await clients), ...clock })
  })
}

async function prepare(
  at: AwsEndpoint,
  name: string,
): Promise<{ readonly s3: S3Client; readonly dynamo: DynamoDBClient }> {
  const requestHandler = { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true }
  const s3 = new S3Client({ ...at, forcePathStyle: true, requestHandler })
  const dynamo = new DynamoDBClient({ ...at, requestHandler })
  await s3.send(
    new CreateBucketCommand({
      Bucket: name,
      CreateBucketConfiguration: { LocationConstraint: at.region as 'eu-west-1' },
    }),
  )
  await dynamo.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk'].map((key) => ({ AttributeName: key, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  )
  return { s3, dynamo }
}
