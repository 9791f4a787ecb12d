/**
 * Sessions on the embedded server, which has one: clients take turns, a transaction or a statement outside of one at a time. What a
 * client has set comes back with its turn, and what it has prepared is under a name of its own.
 */
import { randomInt } from 'node:crypto'
import { queryMessage } from '../../connections/embedded.ts'
import { createTurns } from './turns.ts'
import type { Backend, Backends, Client } from './backend.ts'
import type { Message } from './wire-messages.ts'
import { createSplitter, messageOf, rowOf, startupParameters, textAt, zeroEnded } from './wire-messages.ts'

export interface EmbeddedBackendsInput {
  /** Runs whole messages in the server's session, and answers what it says to them. */
  readonly exchange: (bytes: Uint8Array) => Promise<Uint8Array>
  /** A client waits for a turn, and the one whose turn it is does nothing, inside a transaction: with one session neither goes on. */
  readonly stalled: () => void
}

/** What a client's session has beside the transaction. */
interface SessionState {
  /** The number of the client: the first one's prepared statements keep their names. */
  readonly number: number
  settings: readonly (readonly [name: string, value: string])[]
}

export function embeddedBackends({ exchange, stalled }: EmbeddedBackendsInput): Backends {
  const turns = createTurns(stalled)
  let opened = 0
  let open = 0
  let last: SessionState | null = null
  const leaving = new Set<Promise<void>>()

  const ask = async (sql: string): Promise<readonly Message[]> => createSplitter()(await exchange(queryMessage(sql)))

  /** The session becomes this client's: the settings of the one before are kept, and its own made again. */
  async function enter(state: SessionState): Promise<void> {
    if (last === state) return
    if (last !== null) last.settings = pairsOf(await ask(SETTINGS))
    last = state
    await ask('RESET SESSION AUTHORIZATION; RESET ALL')
    // One by one: what a client asks for may not be known here.
    for (const [name, value] of state.settings) {
      await ask(`SELECT pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`)
    }
  }

  return {
    cancel: () => {},
    settled: async () => void (await Promise.all(leaving)),
    open: (client) => {
      const state: SessionState = { number: opened, settings: settingsOf(client) }
      opened += 1
      open += 1
      let pending: Promise<void> = Promise.resolve()
      const inTurn = (task: () => Promise<void>): void => {
        pending = pending.then(async () => {
          await turns.take(state)
          await enter(state)
          await task()
        })
        pending.catch(client.lost)
      }
      inTurn(async () => {
        for (const message of greeting(await ask(REPORTED))) client.take(message)
      })
      return {
        send: (bytes) =>
          inTurn(async () => {
            const messages = createSplitter()(bytes).map((message) => adapted(message, state.number))
            for (const message of createSplitter()(await exchange(Buffer.concat(messages)))) client.take(message)
            turns.touch(state)
          }),
        rest: () => turns.leave(state),
        end: () => {
          inTurn(async () => {
            open -= 1
            // Behind an error the server passes over everything up to a Sync.
            await exchange(messageOf('S', Buffer.alloc(0)))
            await ask('ROLLBACK')
            // Nobody's session is left: whoever comes next begins anew.
            if (open === 0) await ask('DISCARD ALL')
            last = null
          })
          const left = pending.catch(() => {}).then(() => turns.leave(state))
          leaving.add(left)
          void left.then(() => leaving.delete(left))
        },
      } satisfies Backend
    },
  }
}

const SETTINGS = `SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session' UNION ALL SELECT 'role', pg_catalog.current_setting('role')`

/** What a server reports after a login, and clients rely on. */
const REPORTED = `SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.unnest(ARRAY['server_version', 'server_encoding', 'client_encoding', 'application_name', 'default_transaction_read_only', 'in_hot_standby', 'is_superuser', 'session_authorization', 'DateStyle', 'IntervalStyle', 'TimeZone', 'integer_datetimes', 'standard_conforming_strings', 'scram_iterations', 'search_path']) AS reported (name)`

function pairsOf(messages: readonly Message[]): readonly (readonly [string, string])[] {
  return messages
    .filter(({ type }) => type === 'D')
    .map(rowOf)
    .map(([name, value]) => [name ?? '', value ?? ''] as const)
}

/** Authentication is over, the settings, a key with which nothing can be cancelled, and ready. */
function greeting(reported: readonly Message[]): readonly Message[] {
  const key = Buffer.alloc(8)
  key.writeInt32BE(process.pid, 0)
  key.writeInt32BE(randomInt(2 ** 31), 4)
  const bytes = [
    messageOf('R', Buffer.alloc(4)),
    ...pairsOf(reported).map(([name, value]) => messageOf('S', Buffer.concat([zeroEnded(name), zeroEnded(value)]))),
    messageOf('K', key),
    messageOf('Z', Buffer.from('I')),
  ]
  return createSplitter()(Buffer.concat(bytes))
}

/** What a login sets for its session: as parameters, and as `options` of the command line (`-c name=value`). */
function settingsOf({ startup }: Client): SessionState['settings'] {
  const settings: (readonly [string, string])[] = []
  for (const [name, value] of startupParameters(startup)) {
    if (name === 'options') {
      for (const [, key = '', set = ''] of value.matchAll(/(?:-c\s*|--)([\w.-]+)=((?:\\.|\S)*)/g)) {
        settings.push([key.replaceAll('-', '_'), set.replaceAll(/\\(.)/g, '$1')])
      }
    } else if (name !== 'user' && name !== 'database' && name !== 'replication' && !name.startsWith('_pq_.')) {
      settings.push([name, value])
    }
  }
  return settings
}

/** COPY FROM STDIN ends this server's process (PGlite 0.5.14). */
const COPIES_IN = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*copy\b[^;]*\bfrom\s+stdin\b/i
export const NO_COPY_IN = 'the embedded server takes no COPY FROM STDIN'

function adapted({ type, bytes }: Message, number: number): Buffer {
  switch (type) {
    case 'Q':
      return COPIES_IN.test(textAt(bytes, 5).text) ? messageOf('Q', zeroEnded(refusing(NO_COPY_IN))) : bytes
    case 'P': {
      const name = textAt(bytes, 5)
      const { text, next } = textAt(bytes, name.next)
      const refused = COPIES_IN.test(text)
      const rest = refused
        ? Buffer.concat([zeroEnded(refusing(NO_COPY_IN)), Buffer.alloc(2)])
        : bytes.subarray(name.next)
      return next === 0 ? bytes : messageOf('P', Buffer.concat([zeroEnded(ownName(name.text, number)), rest]))
    }
    case 'B': {
      const portal = textAt(bytes, 5)
      const name = textAt(bytes, portal.next)
      const parts = [bytes.subarray(5, portal.next), zeroEnded(ownName(name.text, number)), bytes.subarray(name.next)]
      return messageOf('B', Buffer.concat(parts))
    }
    case 'D':
    case 'C': {
      if (bytes[5] !== 'S'.charCodeAt(0)) return bytes
      const name = zeroEnded(ownName(textAt(bytes, 6).text, number))
      return messageOf(type, Buffer.concat([bytes.subarray(5, 6), name]))
    }
    default:
      return bytes
  }
}

/** The unnamed statement stays unnamed: it lives no longer than its exchange. */
function ownName(name: string, number: number): string {
  return number === 0 || name === '' ? name : `c${number}_${name}`
}

function refusing(why: string): string {
  return `DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = ${literal(why)}, ERRCODE = '0A000'; END $$`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
