/** S3 as far as a gate reads artifacts: ranges of objects, for the one who has the pipeline's credentials. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ArtifactBucket {
  readonly endpoint: string
  /** Of each request: path and range. */
  readonly reads: readonly string[]
  close(): Promise<void>
}

/** @param objects by `/bucket/key` */
export async function startArtifactBucket(
  objects: Readonly<Record<string, Buffer>>,
  allowed: { readonly accessKeyId: string; readonly sessionToken: string },
): Promise<ArtifactBucket> {
  const reads: string[] = []
  const server = createServer((request, response) => {
    const fail = (status: number, code: string): void => {
      response.writeHead(status, { 'content-type': 'application/xml' })
      response.end(`<Error><Code>${code}</Code><Message>${code} of the bucket</Message></Error>`)
    }
    const { authorization = '', range = '', 'if-match': match } = request.headers
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    reads.push(`${path} ${range}`)
    const signed = authorization.includes(`Credential=${allowed.accessKeyId}/`)
    if (!signed || request.headers['x-amz-security-token'] !== allowed.sessionToken) return fail(403, 'AccessDenied')
    const bytes = objects[path]
    if (bytes === undefined) return fail(404, 'NoSuchKey')
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`
    if (match !== undefined && match !== etag) return fail(412, 'PreconditionFailed')
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/u.exec(range) ?? []
    const start = from === '' ? Math.max(0, bytes.length - Number(to)) : Number(from)
    const end = from === '' || to === '' ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1)
    if (start > end) return fail(416, 'InvalidRange')
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${bytes.length}`, etag })
    response.end(bytes.subarray(start, end + 1))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    reads,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
