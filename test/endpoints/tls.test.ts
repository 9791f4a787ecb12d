/** TLS is verified in full: chain, host and dates, each told apart, whatever the process says about verifying. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../../functions/config/problem.ts'
import type { FaultServer, Routes } from '../support/fault-server.ts'
import { answer, redirect, startFaultServer } from '../support/fault-server.ts'
import { codesOf, look } from './look.ts'

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

let folder = ''
const servers: FaultServer[] = []

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
}

/** A certificate of our authority, valid for so many days from now; below zero it has ended already. */
function makeCertificate(name: string, host: string, days: number): void {
  const dates = (at: number): string => new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/gu, '')
  writeFileSync(join(folder, `${name}.cnf`), `subjectAltName=DNS:${host}\n`)
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${host}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
  )
  writeFileSync(join(folder, `${name}.index`), '')
  writeFileSync(
    join(folder, `${name}.ca`),
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${name}.index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`,
  )
  const now = Date.now()
  const start = days < 0 ? now - 40 * 86_400_000 : now - 86_400_000
  const signed = ['ca', '-batch', '-notext', '-config', `${name}.ca`, '-in', `${name}.csr`, '-out', `${name}.pem`]
  const by = ['-cert', 'authority.pem', '-keyfile', 'authority.key', '-extfile', `${name}.cnf`]
  openssl(...signed, ...by, '-startdate', dates(start), '-enddate', dates(now + days * 86_400_000))
}

async function serve(name: string, routes: Routes = { '/': answer() }): Promise<FaultServer> {
  const read = (kind: string): string => readFileSync(join(folder, `${name}.${kind}`), 'utf8')
  const server = await startFaultServer(routes, { key: read('key'), cert: read('pem') })
  servers.push(server)
  return server
}

const endpoint = (port: number, tls = '{ ca: authority.pem }'): string =>
  `  - { name: page, url: "https://api.example:${port}/", tls: ${tls} }`

describe.skipIf(!hasOpenssl())('TLS', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deploywatch-tls-'))
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '60',
      '-subj',
      '/CN=authority',
      '-keyout',
      'authority.key',
      '-out',
      'authority.pem',
    )
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '60',
      '-subj',
      '/CN=api.example',
      '-addext',
      'subjectAltName=DNS:api.example',
      '-keyout',
      'self.key',
      '-out',
      'self.pem',
    )
    makeCertificate('good', 'api.example', 30)
    makeCertificate('other', 'other.example', 30)
    makeCertificate('expired', 'api.example', -3)
  })
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('a certificate of the private authority that the config names', async () => {
    const server = await serve('good')
    const seen = await look(endpoint(server.port), { folder })
    expect(seen.findings).toEqual([])
    expect(server.requests).toHaveLength(1)
  })

  test.each([
    ['expired', '{ ca: authority.pem }', 'the certificate has expired'],
    ['other', '{ ca: authority.pem }', 'the certificate is for another host'],
    ['good', '{}', 'the certificate is signed by an authority that is not trusted here'],
    ['self', '{ ca: authority.pem }', 'the certificate is signed by an authority that is not trusted here'],
  ])('%s with %s: %s', async (name, tls, words) => {
    const server = await serve(name)
    const seen = await look(endpoint(server.port, tls), { folder })
    expect(codesOf(seen)).toEqual(['endpoint-failed'])
    expect(seen.findings[0]?.found).toContain(words)
    // Nothing is sent to who cannot prove who it is, and nothing is tried again.
    expect(server.requests).toEqual([])
    expect(seen.waits).toEqual([])
  })

  test('NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing', async () => {
    const server = await serve('self')
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      expect(codesOf(await look(endpoint(server.port), { folder }))).toEqual(['endpoint-failed'])
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    }
  })

  test('a certificate that ends too soon', async () => {
    const server = await serve('good')
    const soon = await look(endpoint(server.port, '{ ca: authority.pem, minDays: 45 }'), { folder })
    expect(codesOf(soon)).toEqual(['endpoint-failed'])
    expect(soon.findings[0]).toMatchObject({ expected: 'a certificate that is valid for 45 more days' })
    expect(soon.findings[0]?.found).toMatch(/a certificate that ends in (?:29|30) days, on \d{4}-\d\d-\d\d/u)
    const fine = await look(endpoint(server.port, '{ ca: authority.pem, minDays: 14 }'), { folder })
    expect(fine.findings).toEqual([])
  })

  test('a redirect from https to http is refused', async () => {
    const plain = await startFaultServer({ '/': answer() })
    servers.push(plain)
    const server = await serve('good', { '/': redirect(`http://api.example:${plain.port}/`) })
    const seen = await look(endpoint(server.port), { folder })
    expect(seen.findings[0]?.found).toContain('without TLS')
    expect(plain.requests).toEqual([])
  })

  test('the command to ask by hand names the authority', async () => {
    const server = await serve('expired')
    const { findings } = await look(endpoint(server.port), { folder })
    expect(findings[0]?.nextSteps[0]?.command).toBe(
      `curl -sS -i --max-time 10 --cacert "authority.pem" "https://api.example:${server.port}/"`,
    )
  })

  test('an authority that cannot be read is a mistake in the config, with its place', async () => {
    await expect(look(endpoint(1, '{ ca: nowhere.pem }'), { folder })).rejects.toThrow(ConfigError)
    await expect(look(endpoint(1, '{ ca: nowhere.pem }'), { folder })).rejects.toThrow(
      /deploywatch\.yaml:3:\d+: the authority "nowhere\.pem" cannot be read \(ENOENT\)/u,
    )
    await expect(look(endpoint(1, '{ ca: good.key }'), { folder })).rejects.toThrow(/holds no certificate in PEM form/u)
  })
})
