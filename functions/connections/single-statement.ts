/**
 * Every text that a connection sends is exactly one statement, and none that ends or alters the look's transaction.
 * The lexical rules are the server's own (`src/backend/parser/scan.l`), with standard_conforming_strings on.
 */
import { DatabaseError } from './connection.ts'

interface Element {
  readonly kind: 'space' | 'word' | 'semicolon' | 'open' | 'other'
  readonly end: number
}

const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y
const SPACE = /[ \t\n\r\f\v]+/y
const LINE_COMMENT = /--[^\n\r]*/y
const CONTINUATION = /(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]+|--[^\n\r]*[\n\r])*'/y

function matchAt(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(sql)?.[0] ?? null
}

/** The end of a quoted part whose first quote is at `start`; null where it is never closed. */
function endOfQuoted(sql: string, start: number, backslashes: boolean): number | null {
  const quote = sql[start]
  for (let at = start + 1; at < sql.length; at += 1) {
    if (backslashes && sql[at] === '\\') at += 1
    else if (sql[at] === quote) {
      if (sql[at + 1] !== quote) return at + 1
      at += 1
    }
  }
  return null
}

/** E'…' goes on in the next '…' behind a line break, and its backslashes still escape there. */
function endOfEscapeString(sql: string, start: number): number | null {
  let end = endOfQuoted(sql, start, true)
  while (end !== null) {
    const between = matchAt(CONTINUATION, sql, end)
    if (between === null) return end
    end = endOfQuoted(sql, end + between.length - 1, true)
  }
  return null
}

/** Block comments nest. */
function endOfBlockComment(sql: string, start: number): number | null {
  let depth = 0
  for (let at = start; at < sql.length; at += 1) {
    const pair = sql.slice(at, at + 2)
    if (pair === '/*') depth += 1
    else if (pair === '*/') depth -= 1
    else continue
    at += 1
    if (depth === 0) return at + 1
  }
  return null
}

function endOfDollarQuoted(sql: string, start: number, tag: string): number | null {
  const close = sql.indexOf(tag, start + tag.length)
  return close === -1 ? null : close + tag.length
}

/** The lexical element at `at`; null where a quote or comment is never closed. */
function elementAt(sql: string, at: number): Element | null {
  const element = (kind: Element['kind'], end: number | null): Element | null => (end === null ? null : { kind, end })
  const space = matchAt(SPACE, sql, at) ?? matchAt(LINE_COMMENT, sql, at)
  if (space !== null) return element('space', at + space.length)
  if (sql.startsWith('/*', at)) return element('space', endOfBlockComment(sql, at))
  const word = matchAt(WORD, sql, at)
  if (word !== null) {
    const end = at + word.length
    if ((word === 'e' || word === 'E') && sql[end] === "'") return element('other', endOfEscapeString(sql, end))
    return element('word', end)
  }
  const character = sql[at]
  if (character === "'" || character === '"') return element('other', endOfQuoted(sql, at, false))
  const tag = matchAt(DOLLAR_TAG, sql, at)
  if (tag !== null) return element('other', endOfDollarQuoted(sql, at, tag))
  if (character === ';') return element('semicolon', at + 1)
  if (character === '(') return element('open', at + 1)
  return element('other', at + 1)
}

export type StatementScan =
  | { readonly kind: 'one'; readonly text: string; readonly words: readonly string[] }
  | { readonly kind: 'several'; readonly at: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unterminated'; readonly at: number }

const LEADING_WORDS = 3

/**
 * Says whether a text is one statement. `text` is the statement without what follows it (`;`, comments); `words` are its
 * leading words in lower case, three at most. `at` counts UTF-16 units from 0.
 */
export function scanStatement(sql: string): StatementScan {
  const words: string[] = []
  let leading = true
  let last = 0
  let closed = false
  for (let at = 0; at < sql.length;) {
    const element = elementAt(sql, at)
    if (element === null) return { kind: 'unterminated', at }
    if (element.kind === 'semicolon') closed = closed || last > 0
    else if (element.kind !== 'space') {
      if (closed) return { kind: 'several', at }
      last = element.end
      if (leading && element.kind === 'word' && words.length < LEADING_WORDS) {
        words.push(sql.slice(at, element.end).toLowerCase())
      } else if (element.kind !== 'open' || words.length > 0) leading = false
    }
    at = element.end
  }
  return last === 0 ? { kind: 'empty' } : { kind: 'one', text: sql.slice(0, last), words }
}

/** Whether a text is exactly one SQL statement; a `;` behind it is allowed. */
export function isSingleStatement(sql: string): boolean {
  return !sql.includes('\0') && scanStatement(sql).kind === 'one'
}

const TRANSACTION_CONTROL: ReadonlySet<string> = new Set(
  'abort begin commit end release rollback savepoint start'.split(' '),
)

/**
 * SET and RESET of `transaction_…` too: before 16 the server resets `transaction_read_only` without its check, in the
 * middle of a read-only transaction. `U&"…"` can spell any name, so it is no way round.
 */
function controlsTransaction(text: string, words: readonly string[]): boolean {
  const [first, second] = words
  if (first === undefined) return false
  if (TRANSACTION_CONTROL.has(first)) return true
  if (first === 'prepare') return second === 'transaction'
  if (first !== 'set' && first !== 'reset') return false
  return second === 'session' && words[2] === 'characteristics' ? true : /transaction|\bu&/i.test(text)
}

function refusal(sqlState: string, message: string, statement: number, position: number | null): DatabaseError {
  return new DatabaseError(message, { sqlState, position, detail: null, hint: null, statement })
}

/** Characters as the server counts them, from 1: code points, not UTF-16 units. */
function positionOf(sql: string, at: number): number {
  return Array.from(sql.slice(0, at)).length + 1
}

/**
 * The statement that may be sent, alone.
 *
 * @throws {DatabaseError} 42601 where the text is not exactly one statement, 2D000 where it would end or alter the look's
 * transaction, 0A000 for COPY, whose answer is no rows. Nothing was sent.
 */
export function statementToSend(sql: string, statement: number): string {
  const excerpt = JSON.stringify(sql.trim().slice(0, 60))
  if (sql.includes('\0')) {
    throw refusal(
      '42601',
      `statement ${excerpt} holds a NUL character: remove it`,
      statement,
      positionOf(sql, sql.indexOf('\0')),
    )
  }
  const scan = scanStatement(sql)
  switch (scan.kind) {
    case 'empty':
      throw refusal('42601', `statement ${excerpt} is empty: write one statement`, statement, null)
    case 'unterminated':
      throw refusal(
        '42601',
        `statement ${excerpt} opens a quote or comment that it never closes`,
        statement,
        positionOf(sql, scan.at),
      )
    case 'several':
      throw refusal(
        '42601',
        `${excerpt} holds more than one statement: write each as a query of its own`,
        statement,
        positionOf(sql, scan.at),
      )
    case 'one': {
      if (controlsTransaction(scan.text, scan.words)) {
        throw refusal(
          '2D000',
          `statement ${excerpt} controls the transaction: a look is one read-only transaction, remove it`,
          statement,
          null,
        )
      }
      if (scan.words[0] === 'copy') {
        throw refusal('0A000', `statement ${excerpt} is a COPY: write it as a SELECT`, statement, null)
      }
      return scan.text
    }
  }
}
