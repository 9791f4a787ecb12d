/**
 * A fleet on the emulator: the real template, the real bundles, a distributed map over a list in S3, the local Data API over a real
 * PostgreSQL. One database is behind, one cannot be reached, one line of the list is none.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn'
import { App, CfnOutput, Stack } from 'aws-cdk-lib'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { manifestOf, partPath } from '../../functions/release/manifest.ts'
import { publishRelease } from '../../functions/release/publish.ts'
import { awsStore } from '../../functions/stores/aws.ts'
import { DeploywatchFleet } from '../../infra/fleet.ts'
import { FleetTargets } from '../../infra/fleet-targets.ts'
import type { Fleet } from '../fleet/stage.ts'
import { ALLOWED, startFleet } from '../fleet/stage.ts'
import { releaseFile } from '../support/synth.ts'
import { createDeployer } from './deploy.ts'
import { installMinistack, startMinistack } from './ministack.ts'
import type { Ministack } from './ministack.ts'

const installed = await installMinistack()
if ('why' in installed) console.log(`skipped: ${installed.why}`)

let aws: Ministack
let fleet: Fleet
beforeAll(async () => {
  if (!('why' in installed)) [aws, fleet] = await Promise.all([startMinistack(installed.folder), startFleet()])
})
afterAll(async () => {
  await aws?.stop()
  await fleet?.close()
})

const [LISTS, LIST] = ['lists', 'shops/targets.jsonl'] as const

async function deployFleet(): Promise<Readonly<Record<string, string>>> {
  const app = new App()
  const stack = new Stack(app, 'fleet')
  const made = new DeploywatchFleet(stack, 'Fleet', {
    service: 'orders',
    environment: 'production',
    targets: FleetTargets.fromBucket(Bucket.fromBucketName(stack, 'Lists', LISTS), LIST, ALLOWED),
    concurrency: 3,
  })
  new CfnOutput(stack, 'Machine', { value: made.stateMachine.stateMachineArn })
  const { status, outputs, events } = await createDeployer(aws).deploy(app, 'fleet')
  expect(status, `${events.join('\n')}\n${aws.output().slice(-4000)}`).toBe('CREATE_COMPLETE')
  return outputs
}

test.skipIf('why' in installed)(
  'a run ends with who is behind, who cannot be reached, and which line is none; each database has a report',
  async () => {
    const s3 = new S3Client({ ...aws.clientConfig, forcePathStyle: true })
    await s3.send(new CreateBucketCommand({ Bucket: LISTS }))
    await s3.send(new PutObjectCommand({ Bucket: LISTS, Key: LIST, Body: fleet.lines }))
    const outputs = await deployFleet()
    const output = (name: string): string => Object.entries(outputs).find(([key]) => key.includes(name))?.[1] ?? ''
    const [bucket, table] = [output('StoreBucket'), output('StoreTable')]
    const store = awsStore({ bucket, table, s3, dynamo: new DynamoDBClient(aws.clientConfig) })
    const release = await releaseFile()
    const files = { header: await readFile(release), catalog: await readFile(partPath(release)) }
    const { digest } = manifestOf(files, release).expectation
    await publishRelease({ store, service: 'orders', digest, files, evidence: [], labels: [], clock: Date.now })

    const sfn = new SFNClient(aws.clientConfig)
    const input = JSON.stringify({ release: { by: 'version', version: '1.42.0' } })
    const { executionArn } = await sfn.send(new StartExecutionCommand({ stateMachineArn: output('Machine'), input }))
    let ended = await sfn.send(new DescribeExecutionCommand({ executionArn }))
    for (const until = Date.now() + 120_000; ended.status === 'RUNNING' && Date.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      ended = await sfn.send(new DescribeExecutionCommand({ executionArn }))
    }
    expect(ended.status, `${ended.cause ?? ''}\n${aws.output().slice(-6000)}`).toBe('SUCCEEDED')
    expect(JSON.parse(ended.output ?? '{}')).toEqual({ verdict: 'fail', pass: 2, fail: 1, unsure: 1 })
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'reports/' }))
    const reported = new Set(Contents.map(({ Key = '' }) => Key.split('/')[2]))
    expect([...reported].toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
      'production',
      'production.shop-a',
      'production.shop-b',
      'production.shop-c',
      'production.shop-d',
    ])
  },
  240_000,
)
