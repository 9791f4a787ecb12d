/** TLS before a PostgreSQL that has none: a deployed look goes over the wire in no other way. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'

export interface TlsFront {
  readonly host: string
  readonly port: number
  /** Path of the certificate, which is its own authority. */
  readonly certificate: string
  close(): void
}

/** The bytes of an SSLRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const REQUEST_BYTES = 8

export async function startTlsFront(server: URL, folder: string): Promise<TlsFront> {
  const [key, certificate] = [join(folder, 'front.key'), join(folder, 'front.pem')]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  const secrets = { key: readFileSync(key), cert: readFileSync(certificate) }
  const open = new Set<Socket>()
  const front = createServer((client) => {
    const database = connect(Number(server.port), server.hostname)
    const end = (): void => {
      client.destroy()
      database.destroy()
    }
    for (const socket of [client, database]) {
      open.add(socket)
      // One that ends takes the other with it.
      socket.on('error', () => undefined).on('close', end)
    }
    client.once('readable', () => {
      client.read(REQUEST_BYTES)
      client.write('S')
      const secure = new TLSSocket(client, { isServer: true, ...secrets })
      secure.on('error', () => undefined)
      secure.pipe(database).pipe(secure)
    })
  })
  await new Promise<void>((done) => front.listen(0, '127.0.0.1', done))
  return {
    host: '127.0.0.1',
    port: (front.address() as AddressInfo).port,
    certificate,
    close: () => {
      for (const socket of open) socket.destroy()
      front.close()
    },
  }
}
