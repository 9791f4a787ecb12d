/** A URI as Perl's URI makes it canonical, whose text is a part of hashes (RFC 3986, 6.2.2 and 6.2.3). */
import { domainToASCII } from 'node:url'

/** Characters that stand in a URI as they are. */
const KEPT = /[;/?:@&=+$,[\]A-Za-z0-9\-_.!~*'()%#]/
const UNRESERVED = /[A-Za-z0-9\-_.!~*'()]/
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, ftp: 21, ssh: 22, sftp: 22 }

export function canonicalUri(written: string): string {
  const escaped = [...written.trim()]
    .map((character) => (KEPT.test(character) ? character : encode(character)))
    .join('')
  const parts = /^([A-Za-z][A-Za-z0-9.+-]*):(?:\/\/([^/?#]*))?([^?#]*)(.*)$/.exec(escaped)
  if (parts === null) return normalEscapes(escaped)
  const [, name = '', authority, path = '', rest = ''] = parts
  const scheme = name.toLowerCase()
  const port = PORTS[scheme]
  // Of a scheme that it does not know, it knows no more than its form.
  if (port === undefined || authority === undefined) {
    // Of a URN the part that names its kind has no case.
    const own = scheme === 'urn' ? path.replace(/^[^:]*/, (kind) => kind.toLowerCase()) : path
    const end = `${own}${rest}`
    return normalEscapes(
      authority === undefined ? `${scheme}:${end}` : `${scheme}://${authority}${escapeBrackets(end)}`,
    )
  }
  const isWeb = scheme === 'http' || scheme === 'https'
  const slash = isWeb && path === '' && !rest.startsWith('?') ? '/' : path
  return normalEscapes(`${scheme}://${canonicalAuthority(authority, port)}${escapeBrackets(`${slash}${rest}`)}`)
}

function canonicalAuthority(authority: string, usual: number): string {
  const at = authority.lastIndexOf('@') + 1
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at)) ?? [null, authority.slice(at)]
  const keeps = port !== undefined && port !== '' && Number(port) !== usual
  return `${authority.slice(0, at)}${hostOf(host)}${keeps ? `:${port}` : ''}`
}

function hostOf(host: string): string {
  if (!host.includes('%')) return host.toLowerCase()
  const plain = decodeURIComponent(host)
  return domainToASCII(plain) || host
}

/** Brackets stand in a host only. */
function escapeBrackets(text: string): string {
  return text.replaceAll('[', '%5B').replaceAll(']', '%5D')
}

function encode(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')
}

/** Upper case, and none where none is needed. */
function normalEscapes(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16))
    return UNRESERVED.test(character) ? character : `%${digits.toUpperCase()}`
  })
}
