/** The port to what stands behind the front: one session of a client on the throwaway server. */
import type { Message } from './wire-messages.ts'

export interface Backend {
  /** Sends whole messages on. What the server answers goes to `Client.take`, in order. */
  send(bytes: Buffer): void
  /** The client's exchange is over, and no transaction is open: another one may have its turn. */
  rest(): void
  /** The client has gone. */
  end(): void
}

export interface Client {
  /** Its StartupMessage, whole. */
  readonly startup: Buffer
  /** One message of the server, the answer to the startup included. */
  readonly take: (message: Message) => void
  /** The server has closed the session, or never opened it. */
  readonly lost: () => void
}

export interface Backends {
  open(client: Client): Backend
  /** Passes on a CancelRequest. */
  cancel(request: Buffer): void
  /** Resolves when what clients left behind that have gone is put in order. */
  settled(): Promise<void>
}
