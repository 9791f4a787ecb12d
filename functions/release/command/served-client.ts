/** One client of the front: its exchanges, sent on one by one, with what each did. */
import type { Socket } from 'node:net'
import { queryMessage } from '../../connections/embedded.ts'
import type { Touch } from '../postgres/touches.ts'
import { parseTouch } from '../postgres/touches.ts'
import type { Backend, Backends } from './backend.ts'
import { createSpoken } from './spoken.ts'
import type { Message } from './wire-messages.ts'
import { createSplitter, fieldsOf, textAt } from './wire-messages.ts'

/** A statement of a client that ran to its end. */
export interface RanStatement {
  readonly sql: string
  /** As the server says it: 'CREATE TABLE', 'INSERT 0 1'. */
  readonly tag: string
  readonly notices: readonly string[]
  readonly touches: readonly Touch[]
}

/** What a client asked for up to a point at which the server is ready again. */
export interface Exchange {
  readonly ran: readonly RanStatement[]
  /** One of them was refused. */
  readonly failed: boolean
  /** `idle`: nothing is open. `open`: a transaction is. `aborted`: one is, in which nothing runs any more. */
  readonly state: TransactionState
}

export type TransactionState = 'idle' | 'open' | 'aborted'

/** A client's session, lent for as long as `observe` runs. */
export interface WireSession {
  readonly id: number
  /** Runs a text as the simple query protocol has it, and answers the server's messages. */
  ask(sql: string): Promise<readonly Message[]>
}

interface Serving {
  readonly socket: Socket
  readonly startup: Buffer
  readonly backends: Backends
  readonly observe: (exchange: Exchange, session: WireSession) => Promise<void>
  readonly id: number
}

/** What was asked in the client's session, and is no answer to the client. */
interface Asked {
  readonly messages: Message[]
  readonly done: (messages: readonly Message[]) => void
  readonly failed: (error: Error) => void
}

/** What the server answers with a ReadyForQuery: Query, Sync, FunctionCall. */
const ENDS_EXCHANGE = new Set(['Q', 'S', 'F'])
/** Answers to the server's own questions within an exchange: a password, rows of a COPY. */
const ANSWERS = new Set(['p', 'd', 'c', 'f'])

export function serve({ socket, startup, backends, observe, id }: Serving): void {
  const splitClient = createSplitter()
  const spoken = createSpoken()
  const waiting: Message[] = []
  /** Since the login: whoever has not logged in has an exchange under way. */
  let isBusy = true
  let isLogin = true
  let isOver = false
  /** What was done is being looked at, in this session: it is not to be closed under whoever looks. */
  let isSettling = false
  let copiesIn = false
  let asked: Asked | null = null
  let current = emptyExchange()

  const backend: Backend = backends.open({ startup, take, lost })
  const session: WireSession = {
    id,
    ask: (sql) =>
      new Promise((done, failed) => {
        asked = { messages: [], done, failed }
        backend.send(queryMessage(sql))
      }),
  }

  /** Sends on what may be sent now: up to the end of one exchange. */
  function pump(): void {
    if (isOver) return
    const go: Buffer[] = []
    for (;;) {
      const [message] = waiting
      if (message === undefined || (isBusy && !isAnswer(message))) break
      waiting.shift()
      if (message.type === 'X') return end()
      spoken.hear(message)
      go.push(message.bytes)
      if (ENDS_EXCHANGE.has(message.type)) isBusy = true
    }
    if (go.length > 0) backend.send(Buffer.concat(go))
  }

  /** Within a COPY the server has passed over the first Sync, and waits for another one. */
  function isAnswer({ type }: Message): boolean {
    return ANSWERS.has(type) || (copiesIn && type === 'S')
  }

  function take(message: Message): void {
    if (asked !== null) {
      asked.messages.push(message)
      if (message.type !== 'Z') return
      const { messages, done } = asked
      asked = null
      return done(messages)
    }
    switch (message.type) {
      case 'N':
        if (keepNotice(message, current)) return
        break
      case 'C':
        endStatement(current, spoken.next(), textAt(message.bytes, 5).text)
        break
      case 'I':
        spoken.next()
        break
      case 'G':
        copiesIn = true
        break
      case 'E':
        current.failed = true
        break
      case 'Z':
        return void settle(message)
    }
    socket.write(message.bytes)
  }

  async function settle(ready: Message): Promise<void> {
    isSettling = true
    const state = STATES[String.fromCharCode(ready.bytes[5] ?? 0)] ?? 'idle'
    const exchange: Exchange = { ran: current.ran, failed: current.failed, state }
    current = emptyExchange()
    spoken.over()
    // The server says what statements cost at this level only; the client may have set another one.
    const isSet = isLogin || exchange.ran.some(({ sql }) => /client_min_messages/i.test(sql))
    try {
      if (isSet && state !== 'aborted') await session.ask('SET client_min_messages = debug1')
      if (!isLogin) await observe(exchange, session)
    } catch {
      // The session is lost: the client hears of it as well.
    }
    isLogin = false
    if (isOver) return backend.end()
    if (state === 'idle') backend.rest()
    isBusy = false
    copiesIn = false
    isSettling = false
    socket.write(ready.bytes)
    pump()
  }

  function end(): void {
    if (isOver) return
    isOver = true
    if (!isSettling) backend.end()
    socket.destroy()
  }

  function lost(): void {
    const was = asked
    asked = null
    was?.failed(new Error('the throwaway server has closed the session'))
    socket.destroy()
  }

  socket.on('data', (chunk) => {
    waiting.push(...splitClient(chunk))
    pump()
  })
  socket.on('close', end)
}

const STATES: Readonly<Record<string, TransactionState>> = { I: 'idle', T: 'open', E: 'aborted' }

interface OpenExchange {
  readonly ran: RanStatement[]
  failed: boolean
  notices: string[]
  touches: Touch[]
}

function emptyExchange(): OpenExchange {
  return { ran: [], failed: false, notices: [], touches: [] }
}

/** Whether the message is ours: what the triggers tell, and what the server says at debug1. The client did not ask for it. */
function keepNotice(message: Message, exchange: OpenExchange): boolean {
  const { V: severity = '', M: text = '' } = fieldsOf(message)
  const notice = `${severity} ${text}`
  const touch = parseTouch(notice)
  if (touch !== null) exchange.touches.push(touch)
  else exchange.notices.push(notice)
  return touch !== null || severity.startsWith('DEBUG')
}

function endStatement(exchange: OpenExchange, sql: string, tag: string): void {
  exchange.ran.push({ sql, tag, notices: exchange.notices, touches: exchange.touches })
  exchange.notices = []
  exchange.touches = []
}
