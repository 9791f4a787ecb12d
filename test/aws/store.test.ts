/** The store's contract over the emulator's S3 and DynamoDB, by the unmodified SDK clients. */
import { afterAll, beforeAll, describe } from 'vitest'
import { awsStoreContract } from '../contracts/store-aws.ts'
import { installMinistack, startMinistack } from './ministack.ts'
import type { Ministack } from './ministack.ts'

const installed = await installMinistack()
if ('why' in installed) console.log(`skipped: ${installed.why}`)

let aws: Ministack | null = null
beforeAll(async () => {
  if (!('why' in installed)) aws = await startMinistack(installed.folder)
})
afterAll(() => aws?.stop())

describe.skipIf('why' in installed)('on the emulator', () => {
  awsStoreContract('AWS', () => {
    if (aws === null) throw new Error('the emulator was not started')
    return aws.clientConfig
  })
})
