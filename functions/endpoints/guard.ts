/**
 * Decides where a request may go, before anything is sent: the host by name, then every address that it has. The connection is
 * made to these very addresses, so that a second DNS answer cannot change the decision (DNS rebinding).
 */
import { isIP } from 'node:net'
import type { RequestFailure } from '../core/endpoint.ts'
import { judgeAddress } from './address.ts'
import type { AllowedHosts } from './hosts.ts'
import { hostOf, judgeHost } from './hosts.ts'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** All addresses of a host name. Rejects with the resolver's error, as `dns.promises.lookup` does. */
export type Lookup = (host: string) => Promise<readonly Address[]>

export type Target =
  | { readonly allowed: true; readonly addresses: readonly Address[] }
  | { readonly allowed: false; readonly failure: RequestFailure }

export async function judgeTarget(url: URL, allowed: AllowedHosts, lookup: Lookup): Promise<Target> {
  const host = hostOf(url)
  const byName = judgeHost(url, allowed)
  if (byName === 'refused') {
    return refuse('host-not-allowed', `the host ${url.host} is not allowed (allowed: ${listHosts(allowed)})`)
  }
  const addresses = await addressesOf(host, lookup)
  if ('failure' in addresses) return { allowed: false, failure: addresses.failure }
  for (const { address } of addresses.found) {
    const { class: class_, what } = judgeAddress(address)
    const at = address === host.replace(/^\[|\]$/gu, '') ? `${host} is ${what}` : `${host} is at ${address}, ${what}`
    if (class_ === 'forbidden') return refuse('address-forbidden', `${at}, which no check may reach`)
    if (class_ === 'internal' && byName !== 'named') {
      return refuse('address-forbidden', `${at}, and only a pattern allows this host: name ${host} itself in \`hosts\``)
    }
  }
  return { allowed: true, addresses: addresses.found }
}

function refuse(kind: RequestFailure['kind'], detail: string): Target {
  return { allowed: false, failure: { kind, detail } }
}

function listHosts(allowed: AllowedHosts): string {
  return allowed.patterns.length === 0 ? 'none' : allowed.patterns.join(', ')
}

type Addresses = { readonly found: readonly Address[] } | { readonly failure: RequestFailure }

async function addressesOf(host: string, lookup: Lookup): Promise<Addresses> {
  const literal = host.replace(/^\[|\]$/gu, '')
  const family = isIP(literal)
  if (family === 4 || family === 6) return { found: [{ address: literal, family }] }
  try {
    const found = await lookup(host)
    if (found.length > 0) return { found }
    return { failure: { kind: 'dns-not-found', detail: `DNS knows no address of ${host}` } }
  } catch (error) {
    return { failure: dnsFailure(host, error) }
  }
}

function dnsFailure(host: string, error: unknown): RequestFailure {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  const name = typeof code === 'string' ? code : 'no code'
  if (name === 'ENOTFOUND' || name === 'ENODATA') {
    return { kind: 'dns-not-found', detail: `DNS does not know the name ${host} (${name})` }
  }
  return { kind: 'dns-failed', detail: `DNS gave no answer for ${host} (${name})` }
}
