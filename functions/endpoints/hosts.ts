/** Which hosts endpoint checks and their redirects may reach. Pure. */
import { isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'

export interface AllowedHosts {
  /** Patterns and exact names, in normal form. */
  readonly patterns: readonly string[]
  /** Hosts that somebody named exactly: only these may be loopback or private. */
  readonly named: readonly string[]
}

/**
 * @param hosts `hosts` of the environment; null: those that the urls name
 * @param urls the urls that the operator of the environment wrote, expanded. Those of a manifest that somebody else published are
 * none of them: pass `[]` then, with `hosts`.
 */
export function allowHosts(hosts: readonly string[] | null, urls: readonly string[]): AllowedHosts {
  const named = urls.flatMap((url) => {
    const parsed = parseUrl(url)
    return parsed === null ? [] : [hostOf(parsed)]
  })
  const patterns = hosts === null ? named : hosts.map(normalPattern)
  return {
    patterns: [...new Set(patterns)],
    named: [...new Set([...patterns.filter((pattern) => !pattern.includes('*')), ...named])],
  }
}

export type HostJudgement = 'named' | 'matched' | 'refused'

/** `named`: allowed, and named exactly. `matched`: allowed by a pattern only. */
export function judgeHost(url: URL, allowed: AllowedHosts): HostJudgement {
  const fits = (pattern: string): boolean => {
    const withPort = /:\d+$/u.test(pattern.replace(/^\[.*\]/u, ''))
    return matches(withPort ? `${hostOf(url)}:${portOf(url)}` : hostOf(url), pattern)
  }
  if (!allowed.patterns.some(fits)) return 'refused'
  return allowed.named.some(fits) ? 'named' : 'matched'
}

/** The host of a url as it is compared: lower case, punycode, numbers as addresses, no dot at the end, brackets around IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/\.$/u, '')
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port)
  return url.protocol === 'https:' ? 443 : 80
}

/** A url that can be requested; null for anything else. */
export function parseUrl(text: string, base?: URL): URL | null {
  try {
    const url = new URL(text, base)
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '' ? url : null
  } catch {
    return null
  }
}

function normalPattern(written: string): string {
  const pattern = written.trim()
  if (isIPv6(pattern)) return hostOf(new URL(`http://[${pattern}]/`))
  const [, host = '', port = ''] = /^(.*?)(:\d+)?$/u.exec(pattern) ?? []
  if (!pattern.includes('*')) {
    const parsed = parseUrl(`http://${host}/`)
    return parsed === null ? pattern : `${hostOf(parsed)}${port}`
  }
  const labels = host.toLowerCase().replace(/\.$/u, '').split('.')
  return `${labels.map((label) => (label.includes('*') ? label : domainToASCII(label) || label)).join('.')}${port}`
}

/** `*` stands for any characters, dots too. Greedy from the left with the end pinned: no backtracking. */
function matches(host: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return host === pattern
  const last = rest.at(-1) ?? ''
  if (!host.startsWith(first) || !host.endsWith(last) || host.length < first.length + last.length) return false
  let at = first.length
  for (const piece of rest.slice(0, -1)) {
    const found = host.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return at <= host.length - last.length
}
