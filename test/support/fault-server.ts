/** A real HTTP or HTTPS server that answers as it is told: slowly, wrongly, half, in circles, or not at all. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createServer as createSocketServer } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Behaviour = (request: SeenRequest, response: ServerResponse) => void

/** By path without query. Of a list each request takes the next; the last one stays. */
export type Routes = Readonly<Record<string, Behaviour | readonly Behaviour[]>>

export interface FaultServer {
  readonly port: number
  readonly requests: SeenRequest[]
  /** Connections that are open. */
  open(): number
  close(): Promise<void>
}

export async function startFaultServer(
  routes: Routes,
  tls: { readonly key: string; readonly cert: string } | null = null,
): Promise<FaultServer> {
  const requests: SeenRequest[] = []
  const counts = new Map<string, number>()
  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('error', () => undefined)
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming
      const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      requests.push(request)
      const [path = ''] = url.split('?')
      const route = routes[path]
      const count = counts.get(path) ?? 0
      counts.set(path, count + 1)
      const behaviour = typeof route === 'function' ? route : (route?.[count] ?? route?.at(-1))
      if (behaviour === undefined) answer({ status: 404, body: 'no such path' })(request, response)
      else behaviour(request, response)
    })
  }
  const server = tls === null ? createServer(listener) : createSecureServer(tls, listener)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    open: () => sockets.size,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

export interface AnswerOptions {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: unknown
  readonly delayMs?: number
}

/** A text as it is, anything else as JSON. */
export function answer({ status = 200, headers = {}, body = '', delayMs = 0 }: AnswerOptions = {}): Behaviour {
  return (_request, response) => {
    const type = typeof body === 'string' ? 'text/plain' : 'application/json'
    setTimeout(() => {
      response.writeHead(status, { 'content-type': type, ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }, delayMs)
  }
}

export function redirect(location: string, status = 302): Behaviour {
  return answer({ status, headers: { location } })
}

/** Closes the connection in place of an answer. */
export const drop: Behaviour = (_request, response) => void response.socket?.resetAndDestroy()

/** Takes the request, and says nothing. */
export const hang: Behaviour = () => undefined

/** Announces 1000 bytes, sends some, and closes. */
export const dropInBody: Behaviour = (_request, response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('{"status":')
  setTimeout(() => response.socket?.destroy(), 20)
}

/** Sends the beginning of a body, and no more. */
export const stallInBody: Behaviour = (_request, response) => {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('0123456789')
}

/** Sends without end. */
export const endless: Behaviour = (_request, response) => {
  const chunk = Buffer.alloc(65_536, 'a')
  const send = (): void => {
    while (!response.destroyed && response.write(chunk)) continue
    if (!response.destroyed) response.once('drain', send)
  }
  response.writeHead(200)
  send()
}

const CODERS = { gzip: gzipSync, br: brotliCompressSync, deflate: deflateSync } as const

export function compressed(coding: keyof typeof CODERS, body: string | Buffer): Behaviour {
  const bytes = CODERS[coding](body)
  return (_request, response) => {
    response.writeHead(200, { 'content-encoding': coding, 'content-type': 'application/json' })
    response.end(bytes)
  }
}

/** A port that takes connections and then does this with each. */
export async function startSocketServer(
  onConnection: (socket: Socket) => void,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createSocketServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
