/** A session on a real server: everything goes through as it is, the password too. */
import { connect } from 'node:net'
import type { Backends } from './backend.ts'
import { createSplitter } from './wire-messages.ts'

export function serverBackends(port: number): Backends {
  return {
    open: ({ startup, take, lost }) => {
      const split = createSplitter()
      const socket = connect(port, '127.0.0.1')
      socket.setNoDelay(true)
      socket.on('data', (chunk) => split(chunk).forEach(take))
      socket.on('error', lost)
      socket.on('close', lost)
      socket.write(startup)
      return {
        send: (bytes) => void socket.write(bytes),
        rest: () => {},
        end: () => void socket.destroy(),
      }
    },
    cancel: (request) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.end(request)
    },
    settled: async () => {},
  }
}
