/** Messages of PostgreSQL's protocol, version 3, as far as whoever stands between a client and a server has to know them. */
import type { Row } from '../../connections/connection.ts'

/** A whole message: its type's letter, its length, its body. */
export interface Message {
  readonly type: string
  readonly bytes: Buffer
}

/** Cuts a stream into messages; what has come of the next one is kept. */
export function createSplitter(): (chunk: Uint8Array) => readonly Message[] {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    const messages: Message[] = []
    let at = 0
    while (at + 5 <= bytes.length) {
      const end = at + 1 + bytes.readInt32BE(at + 1)
      if (end > bytes.length) break
      messages.push({ type: String.fromCharCode(bytes[at] ?? 0), bytes: bytes.subarray(at, end) })
      at = end
    }
    rest = bytes.subarray(at)
    return messages
  }
}

export function messageOf(type: string, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(type, 0, 'latin1')
  bytes.writeInt32BE(4 + body.length, 1)
  bytes.set(body, 5)
  return bytes
}

export function zeroEnded(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8')
}

/** The text that begins there, up to its zero byte, and where the next begins. */
export function textAt(bytes: Buffer, at: number): { readonly text: string; readonly next: number } {
  const end = bytes.indexOf(0, at)
  return { text: bytes.toString('utf8', at, end), next: end + 1 }
}

/** The fields of an ErrorResponse or a NoticeResponse, by their letters: S severity, C code, M message, D detail, H hint, P position. */
export function fieldsOf({ bytes }: Message): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {}
  for (let at = 5; at < bytes.length && bytes[at] !== 0;) {
    const { text, next } = textAt(bytes, at + 1)
    fields[String.fromCharCode(bytes[at] ?? 0)] = text
    at = next
  }
  return fields
}

/** The values of a DataRow, whose columns are all text. */
export function rowOf({ bytes }: Message): Row {
  const row: (string | null)[] = []
  let at = 7
  for (let left = bytes.readInt16BE(5); left > 0; left -= 1) {
    const length = bytes.readInt32BE(at)
    at += 4
    row.push(length < 0 ? null : bytes.toString('utf8', at, at + length))
    at += Math.max(0, length)
  }
  return row
}

/** The parameters of a StartupMessage, whose body begins behind length and version. */
export function startupParameters(startup: Buffer): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  for (let at = 8; at < startup.length && startup[at] !== 0;) {
    const name = textAt(startup, at)
    const value = textAt(startup, name.next)
    parameters.set(name.text, value.text)
    at = value.next
  }
  return parameters
}
