/** S3's PutObject (also with `If-None-Match: *`), GetObject, DeleteObject and ListObjectsV2, addressed by path. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ServiceFailure } from './service-failure.ts'

export interface S3Request {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

export interface S3Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Buckets {
  answer(request: S3Request): S3Answer
  /** The objects of a bucket, by key. */
  objects(bucket: string): ReadonlyMap<string, Buffer>
}

/** `pageKeys`: how many keys a listing answers at once; S3: 1000. */
export function createBuckets(names: readonly string[], pageKeys: number): Buckets {
  const buckets = new Map(names.map((name) => [name, new Map<string, Buffer>()]))
  const bucketOf = (name: string): Map<string, Buffer> => {
    const found = buckets.get(name)
    if (found === undefined) throw new ServiceFailure('NoSuchBucket', 'The specified bucket does not exist', 404)
    return found
  }
  return {
    answer: (request) => {
      const { bucket, key } = addressOf(request.url)
      const objects = bucketOf(bucket)
      if (request.method === 'GET' && key === '') return list(objects, bucket, request.url.searchParams, pageKeys)
      if (key === '') throw new ServiceFailure('MethodNotAllowed', 'nobody expected this call', 405)
      if (Buffer.byteLength(key) > 1024) throw new ServiceFailure('KeyTooLongError', 'Your key is too long', 400)
      switch (request.method) {
        case 'PUT':
          return put(objects, key, request)
        case 'GET':
          return get(objects, key)
        case 'DELETE':
          objects.delete(key)
          return { status: 204, headers: {}, body: Buffer.alloc(0) }
        default:
          throw new ServiceFailure('MethodNotAllowed', 'nobody expected this call', 405)
      }
    },
    objects: bucketOf,
  }
}

function addressOf(url: URL): { readonly bucket: string; readonly key: string } {
  const [, bucket = '', ...key] = url.pathname.split('/')
  return { bucket: decodeURIComponent(bucket), key: decodeURIComponent(key.join('/')) }
}

function put(objects: Map<string, Buffer>, key: string, { headers, body }: S3Request): S3Answer {
  const [checksum, condition] = [headers['x-amz-checksum-crc32'], headers['if-none-match']]
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  // The SDK's own default: without it a body that was damaged on the way would be taken.
  if (checksum !== sum.toString('base64'))
    throw new ServiceFailure('BadDigest', 'The CRC32 you specified did not match the calculated checksum', 400)
  if (condition !== undefined && condition !== '*')
    throw new ServiceFailure('NotImplemented', 'If-None-Match with another value than *', 501)
  if (condition === '*' && objects.has(key)) {
    throw new ServiceFailure('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412)
  }
  objects.set(key, body)
  return { status: 200, headers: { etag: etagOf(body) }, body: Buffer.alloc(0) }
}

function get(objects: ReadonlyMap<string, Buffer>, key: string): S3Answer {
  const body = objects.get(key)
  if (body === undefined) throw new ServiceFailure('NoSuchKey', 'The specified key does not exist.', 404)
  return { status: 200, headers: { etag: etagOf(body), 'content-type': 'application/octet-stream' }, body }
}

function list(
  objects: ReadonlyMap<string, Buffer>,
  bucket: string,
  asked: URLSearchParams,
  pageKeys: number,
): S3Answer {
  if (asked.get('list-type') !== '2') throw new ServiceFailure('NotImplemented', 'ListObjectsV2 only', 501)
  const known = new Set(['list-type', 'prefix', 'continuation-token', 'x-id'])
  const other = [...asked.keys()].find((name) => !known.has(name))
  if (other !== undefined) throw new ServiceFailure('NotImplemented', `the parameter ${other}`, 501)
  const prefix = asked.get('prefix') ?? ''
  const token = asked.get('continuation-token')
  const start = token === null ? null : Buffer.from(token, 'base64').toString('utf8')
  const keys = [...objects.keys()]
    .filter((key) => key.startsWith(prefix))
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .filter((key) => start === null || Buffer.compare(Buffer.from(key), Buffer.from(start)) > 0)
  const page = keys.slice(0, pageKeys)
  const more = keys.length > page.length
  const next = more
    ? `<NextContinuationToken>${Buffer.from(page.at(-1) ?? '').toString('base64')}</NextContinuationToken>`
    : ''
  const contents = page.map((key) => `<Contents><Key>${escapeXml(key)}</Key></Contents>`).join('')
  const xml = `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name><IsTruncated>${more}</IsTruncated>${next}${contents}</ListBucketResult>`
  return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(xml) }
}

function etagOf(body: Buffer): string {
  return `"${createHash('md5').update(body).digest('hex')}"`
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
