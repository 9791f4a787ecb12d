/** Which statement each CommandComplete answers: the texts are in other messages, and prepared ones were sent long before. */
import { splitStatements } from '../../ledgers/sql-statements.ts'
import type { Message } from './wire-messages.ts'
import { textAt } from './wire-messages.ts'

export interface Spoken {
  /** A message of the client, before it is sent on. */
  hear(message: Message): void
  /** The text of the statement that ends now; '' where nobody knows. */
  next(): string
  /** The exchange is over: what an error skipped is forgotten. */
  over(): void
}

export function createSpoken(): Spoken {
  const statements = new Map<string, string>()
  const portals = new Map<string, string>()
  let expected: string[] = []
  return {
    hear: ({ type, bytes }) => {
      switch (type) {
        case 'Q': {
          const { text } = textAt(bytes, 5)
          const parts = splitStatements(text).map(({ sql }) => sql)
          expected.push(...(parts.length === 0 ? [text] : parts))
          return
        }
        case 'P': {
          const name = textAt(bytes, 5)
          statements.set(name.text, textAt(bytes, name.next).text)
          return
        }
        case 'B': {
          const portal = textAt(bytes, 5)
          portals.set(portal.text, statements.get(textAt(bytes, portal.next).text) ?? '')
          return
        }
        case 'E':
          expected.push(portals.get(textAt(bytes, 5).text) ?? '')
      }
    },
    next: () => expected.shift() ?? '',
    over: () => {
      expected = []
    },
  }
}
