/** Which values of a request must never be seen. Pure. */
import { referencesOf } from '../config/references.ts'
import { fillText, fillUrl, namesIn } from './fill.ts'
import type { Values } from './fill.ts'
import { parseUrl } from './hosts.ts'
import type { RequestConfig } from './parts.ts'

const SENSITIVE = /auth|token|secret|cookie|session|passw|credential|signature|api[-_]?key|access[-_]?key|\bkey\b/iu

/** A header, or a path in an answer, that holds a secret by its name. */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE.test(name)
}

/**
 * Values of variables wherever they stand but as the host; headers that are secret by their name; credentials in a url. Rather too
 * many than too few: of what a variable holds nobody knows whether it is a secret.
 */
export function sensitiveValues(
  request: RequestConfig,
  values: Values,
  harmless: readonly string[],
): readonly string[] {
  const { url, ...rest } = request
  const parsed = parseUrl(fillUrl(url, values))
  const open = new Set([
    ...harmless,
    ...(parsed === null ? [] : [parsed.hostname, parsed.host, parsed.origin, `${parsed.origin}/`]),
  ])
  const variables = [
    ...namesIn(rest, 'variable'),
    ...namesIn(url, 'variable').filter((name) => !isAuthority(url, name)),
  ]
  const saved = namesIn([request.headers, request.body], 'reference').filter((name) => name.startsWith('saved.'))
  const headers = Object.entries(request.headers).filter(([name]) => isSensitiveName(name))
  return [
    ...variables.map((name) => values.variables[name] ?? ''),
    ...saved.map((name) => String(values.saved[name.slice('saved.'.length)] ?? '')),
    ...headers.map(([, value]) => fillText(value, values)),
    ...credentialsOf(parsed),
    ...wholeUrlParts(url, parsed),
  ].filter((value) => value !== '' && !open.has(value))
}

/** Whether a variable is nothing but the host of a url, or its beginning. */
function isAuthority(url: string, name: string): boolean {
  const authority = /^(?:https?:\/\/)?([^/?#]*)/u.exec(url)?.[1] ?? ''
  const host = authority.split('@').at(-1) ?? ''
  const elsewhere = url.slice(0, url.indexOf(authority)) + authority.slice(0, -host.length || undefined)
  const rest = url.slice(url.indexOf(authority) + authority.length)
  const stands = (text: string): boolean => referencesOf(text).some((reference) => reference.name === name)
  return stands(host) && !stands(rest) && !(host !== authority && stands(elsewhere))
}

function credentialsOf(url: URL | null): readonly string[] {
  if (url === null || (url.username === '' && url.password === '')) return []
  const { username, password } = url
  return [
    password,
    decode(password),
    username === '' ? '' : Buffer.from(`${decode(username)}:${decode(password)}`).toString('base64'),
  ]
}

/** Of a url that a variable holds as a whole, the path and query may be the secret: a hook's. */
function wholeUrlParts(template: string, url: URL | null): readonly string[] {
  if (url === null || !template.startsWith('${')) return []
  return [url.pathname, url.search.slice(1)].filter((part) => part.length > 12)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
