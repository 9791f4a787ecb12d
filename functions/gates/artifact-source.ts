/** An artifact in S3, read in ranges with the credentials that the pipeline gave for it. */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { GATE, openClient } from '../aws-clients.ts'
import type { ArtifactCalls } from './codepipeline-job.ts'
import type { ZipSource } from './zip.ts'

/** The end of an archive, with room for the directory of a small one: most artifacts cost two requests. */
const TAIL_BYTES = 256 * 1024

export function openArtifactCall(config: S3ClientConfig = {}): ArtifactCalls['openArtifact'] {
  return async ({ bucket, key }, { accessKeyId, secretAccessKey, sessionToken }, abortSignal) => {
    const client = openClient(S3Client, GATE, {
      followRegionRedirects: true,
      ...config,
      credentials: { accessKeyId, secretAccessKey, sessionToken },
    })
    const get = async (range: string, etag: string | undefined): Promise<Ranged> => {
      const where = { Bucket: bucket, Key: key, Range: `bytes=${range}` }
      // Of one object only: an artifact that is replaced while it is read is an error, and no mixture.
      const command = new GetObjectCommand(etag === undefined ? where : { ...where, IfMatch: etag })
      const { Body, ContentRange, ETag } = await client.send(command, { abortSignal })
      const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
      return { bytes, size: Number(ContentRange?.split('/')[1]), etag: ETag }
    }
    return sourceOf(await get(`-${TAIL_BYTES}`, undefined), get)
  }
}

interface Ranged {
  readonly bytes: Buffer
  readonly size: number
  readonly etag: string | undefined
}

function sourceOf(tail: Ranged, get: (range: string, etag: string | undefined) => Promise<Ranged>): ZipSource {
  const size = Number.isSafeInteger(tail.size) ? tail.size : tail.bytes.length
  const tailStart = size - tail.bytes.length
  return {
    size,
    read: async (start, length) => {
      if (start >= tailStart) return tail.bytes.subarray(start - tailStart, start - tailStart + length)
      const { bytes } = await get(`${start}-${start + length - 1}`, tail.etag)
      if (bytes.length !== length)
        throw new Error(`S3 answered ${bytes.length} bytes of an artifact instead of ${length}`)
      return bytes
    },
  }
}
