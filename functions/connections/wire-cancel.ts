/** Asks a Postgres server to cancel what a session runs: a server does not notice that a client is gone while a query sleeps. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Client } from 'pg'

/** What of a `pg` client is not in its types. */
interface Internals {
  readonly connection: { readonly stream: Socket }
  /** Of BackendKeyData: who may cancel what runs. */
  readonly processID: number | null
  readonly secretKey: number | null
}

/** A cancel request is no protocol of its own: a packet of 16 bytes with this in place of a version (protocol.h). */
const CANCEL_REQUEST_CODE = 80_877_102
const PATIENCE_MS = 2_000

/**
 * On a connection of its own, without TLS, as libpq does it: the key is of no use once the session is gone. The server answers
 * nothing, so nobody waits; what fails is of no interest.
 */
export function cancelRequest(client: Client): void {
  const { processID, secretKey, connection } = client as unknown as Internals
  if (processID === null || secretKey === null) return
  const packet = Buffer.alloc(16)
  packet.writeInt32BE(16, 0)
  packet.writeInt32BE(CANCEL_REQUEST_CODE, 4)
  // Bits, whatever the driver takes them for.
  packet.writeInt32BE(processID | 0, 8)
  packet.writeInt32BE(secretKey | 0, 12)
  const { remoteAddress, remotePort } = connection.stream
  const socket =
    remoteAddress === undefined || remotePort === undefined
      ? connect(`${client.host}/.s.PGSQL.${client.port}`)
      : connect(remotePort, remoteAddress)
  socket.on('error', () => undefined)
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  socket.end(packet)
}
