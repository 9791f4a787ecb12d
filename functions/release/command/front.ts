/**
 * The throwaway server as the command reaches it: over loopback, each exchange of each client passing through here, so that what it
 * did is known before the client hears of its end. Clients may send several exchanges at once; they are sent on one by one.
 */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { createSerial } from '../../connections/serial.ts'
import type { Backends } from './backend.ts'
import type { Exchange, WireSession } from './served-client.ts'
import { serve } from './served-client.ts'

export interface FrontInput {
  readonly backends: Backends
  /** Called after each exchange, one after the other; the client waits. What it throws ends nothing: it is the front's failure. */
  readonly observe: (exchange: Exchange, session: WireSession) => Promise<void>
}

export interface Front {
  readonly port: number
  /** How many logins there were. */
  logins(): number
  /** What `observe` threw first, or null. */
  failure(): unknown
  close(): Promise<void>
}

export async function openFront(input: FrontInput): Promise<Front> {
  const serial = createSerial()
  const sockets = new Set<Socket>()
  const state = { logins: 0, failure: null as unknown }
  const observe: FrontInput['observe'] = (exchange, session) =>
    serial(async () => {
      await input.observe(exchange, session).catch((error: unknown) => {
        state.failure ??= error
      })
    })
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    greet(socket, input.backends, (startup) => {
      state.logins += 1
      serve({ socket, startup, backends: input.backends, observe, id: state.logins })
    })
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    port,
    logins: () => state.logins,
    failure: () => state.failure,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
      // What was under way when they were cut off.
      await serial(async () => {})
      await input.backends.settled()
    },
  }
}

/** The codes in the place of a version: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const CANCEL = 80877102
const WANTS_ENCRYPTION = new Set([80877103, 80877104])

/** Until the StartupMessage has come, which has no letter. Encryption is declined: nothing leaves this machine. */
function greet(socket: Socket, backends: Backends, begin: (startup: Buffer) => void): void {
  let bytes: Buffer = Buffer.alloc(0)
  socket.on('error', () => {})
  const hear = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 8 && bytes.length >= bytes.readInt32BE(0)) {
      const length = Math.max(8, bytes.readInt32BE(0))
      const [first, rest] = [bytes.subarray(0, length), bytes.subarray(length)]
      const code = first.readInt32BE(4)
      bytes = rest
      if (WANTS_ENCRYPTION.has(code)) socket.write('N')
      else if (code === CANCEL) {
        backends.cancel(first)
        return void socket.end()
      } else {
        socket.off('data', hear)
        begin(first)
        if (rest.length > 0) socket.unshift(rest)
        return
      }
    }
  }
  socket.on('data', hear)
}
