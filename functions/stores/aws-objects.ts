/** A bucket as the store uses it: whole objects, some of which are written once only. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { inRegion, OBJECTS, openClient } from '../aws-clients.ts'
import { errorName, storeFailure } from './aws-failures.ts'

export interface Objects {
  /** null: there is none. */
  read(key: string): Promise<Buffer | null>
  write(key: string, content: Buffer, contentType?: string): Promise<void>
  /** Where a person finds the object in the console, as a URL. */
  consoleUrl(key: string): Promise<string>
  /** Writes where there is no object yet; answers whether it did. */
  create(key: string, content: Buffer): Promise<boolean>
  remove(key: string): Promise<void>
  /** Keys that begin with this, in order. */
  list(from: string): Promise<readonly string[]>
}

export function openS3(region: string | null): S3Client {
  return openClient(S3Client, OBJECTS, {
    ...inRegion(region),
    // An endpoint that is given (a stand-in on this machine) has no name of its own for each bucket.
    forcePathStyle: ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'].some((name) => (process.env[name] ?? '') !== ''),
  })
}

/** Whole objects of any bucket that may be read. */
export function readObjectCall(client: S3Client): (bucket: string, key: string) => Promise<Buffer> {
  return async (bucket, key) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    if (Body === undefined) throw new Error(`s3://${bucket}/${key} came without its content`)
    return Buffer.from(await Body.transformToByteArray())
  }
}

const CONFLICT_TRIES = 5

export function openObjects(client: S3Client, bucket: string): Objects {
  const place = `the bucket ${bucket}`
  const told = async <T>(action: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw storeFailure(error, { action, place })
    }
  }
  const create = async (key: string, content: Buffer, tries: number): Promise<boolean> => {
    try {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content, IfNoneMatch: '*' }))
      return true
    } catch (error) {
      if (errorName(error) === 'PreconditionFailed') return false
      // Two at the same time: S3 answers 409 to one of them, and lets it ask again. The SDK does not.
      if (errorName(error) !== 'ConditionalRequestConflict' || tries === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, 50 * (CONFLICT_TRIES - tries + 1)))
      return create(key, content, tries - 1)
    }
  }
  return {
    read: async (key) =>
      told('s3:GetObject', async () => {
        try {
          const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
          return Body === undefined ? Buffer.alloc(0) : Buffer.from(await inTime(Body.transformToByteArray()))
        } catch (error) {
          if (errorName(error) === 'NoSuchKey') return null
          throw error
        }
      }),
    write: async (key, content, contentType) =>
      told('s3:PutObject', async () => {
        const type = contentType === undefined ? {} : { ContentType: contentType }
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: content, ...type }))
      }),
    consoleUrl: async (key) => {
      const region = await client.config.region()
      const [bucketName, prefix] = [bucket, key].map(encodeURIComponent)
      return `https://${region}.console.${consoleDomain(region)}/s3/object/${bucketName}?region=${region}&prefix=${prefix}`
    },
    create: async (key, content) => told('s3:PutObject', async () => create(key, content, CONFLICT_TRIES)),
    remove: async (key) =>
      told('s3:DeleteObject', async () => {
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }))
      }),
    list: async (from) => told('s3:ListBucket', async () => listAll(client, bucket, from)),
  }
}

/** AWS has three partitions that have a console of their own. */
function consoleDomain(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.cn'
  return region.startsWith('us-gov-') ? 'amazonaws-us-gov.com' : 'aws.amazon.com'
}

/** A thousand keys an answer at most. S3 lists them in order. */
async function listAll(client: S3Client, bucket: string, from: string): Promise<readonly string[]> {
  const keys: string[] = []
  let next: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: from,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      }),
    )
    keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])))
    next = page.NextContinuationToken
  } while (next !== undefined)
  return keys
}

/** The SDK's limit ends with the answer's headers: a body may stop in the middle. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let ring: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    ring = setTimeout(() => {
      reject(
        Object.assign(new Error(`the content did not arrive within ${OBJECTS.requestMs} ms`), { name: 'TimeoutError' }),
      )
    }, OBJECTS.requestMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(ring)
  }
}
