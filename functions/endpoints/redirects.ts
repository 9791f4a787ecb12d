/** Where a redirect leads, and what of the request goes along (RFC 9110, section 15.4). Pure. */
import type { RedirectHop, RequestFailure } from '../core/endpoint.ts'
import { parseUrl } from './hosts.ts'

export interface OutgoingRequest {
  readonly url: URL
  readonly method: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

export type NextHop =
  | { readonly request: OutgoingRequest; readonly hop: RedirectHop }
  | { readonly failure: RequestFailure }

const REDIRECTS = new Set([301, 302, 303, 307, 308])

export function isRedirect(status: number, location: string | undefined): location is string {
  return REDIRECTS.has(status) && location !== undefined
}

/** What another origin gets to see of the headers: anything else may hold a token. */
const HARMLESS = new Set(['accept', 'accept-encoding', 'accept-language', 'cache-control', 'user-agent'])
const ABOUT_THE_BODY = new Set(['content-type', 'content-encoding', 'content-language', 'content-location'])

export function nextHop(from: OutgoingRequest, status: number, location: string): NextHop {
  // Node reads headers as Latin-1; what servers write there beyond ASCII is UTF-8.
  const to = parseUrl(Buffer.from(location, 'latin1').toString('utf8'), from.url)
  if (to === null) {
    return refuse('redirect-invalid', `${from.url.origin} redirects (${status}) to what is no http or https url`)
  }
  // Credentials in a Location would be somebody else's, sent in our name.
  to.username = ''
  to.password = ''
  to.hash = ''
  if (from.url.protocol === 'https:' && to.protocol === 'http:') {
    return refuse('redirect-downgrade', `${from.url.origin} redirects (${status}) to ${to.origin}, without TLS`)
  }
  const elsewhere = to.origin !== from.url.origin
  const becomesGet =
    (status === 303 && from.method !== 'HEAD') || ((status === 301 || status === 302) && from.method === 'POST')
  const keepsBody = !becomesGet && from.body !== null
  // A body may hold a password as well as a header may: it stays with the origin that it was written for.
  if (keepsBody && elsewhere) {
    return refuse(
      'redirect-invalid',
      `${from.url.origin} redirects (${status}) the body of the request to another origin, ${to.origin}: request that one in the first place`,
    )
  }
  const names = Object.keys(from.headers)
  const goesAlong = (name: string): boolean =>
    elsewhere ? HARMLESS.has(name) : !becomesGet || !ABOUT_THE_BODY.has(name)
  const dropped = elsewhere ? names.filter((name) => !HARMLESS.has(name) && !ABOUT_THE_BODY.has(name)) : []
  return {
    request: {
      url: to,
      method: becomesGet ? 'GET' : from.method,
      headers: Object.fromEntries(Object.entries(from.headers).filter(([name]) => goesAlong(name))),
      body: keepsBody ? from.body : null,
    },
    hop: { status, from: from.url.origin, to: to.origin, dropped },
  }
}

function refuse(kind: RequestFailure['kind'], detail: string): NextHop {
  return { failure: { kind, detail } }
}
