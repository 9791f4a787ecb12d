/**
 * Splits SQL text into statements as psql does (psqlscan.l): a semicolon ends one unless it stands in a comment, a
 * quote, parentheses (CREATE RULE … DO (a; b)) or the BEGIN ATOMIC body of a routine. Written by hand and in one pass:
 * migrations of 20,000 statements exist, and a backtracking expression overflows on a string of a megabyte.
 */
import type { Script } from './ledger.ts'

export type SqlStatement = Script['statements'][number]

/** Every character beyond ASCII is a letter to the server; U+FEFF is left out, since files begin with it. */
const IDENTIFIER = /[A-Za-z_\u0080-\ufefe\uff00-\uffff][\w$\u0080-\ufefe\uff00-\uffff]*/y
const DOLLAR_TAG = /\$(?:[A-Za-z_\u0080-\ufefe\uff00-\uffff][\w\u0080-\ufefe\uff00-\uffff]*)?\$/y
/** What the scanner has to look at; everything else is passed over. */
const NOTABLE = /[A-Za-z_\u0080-\ufefe\uff00-\uffff;()'"$]|--|\/\*/g
/** A number's letters (1e5) and a parameter's digits are no identifiers. */
const NUMBER = /[0-9]/

/**
 * The statements of a text, without their semicolon and without what comes before their first word. `line` is where
 * that word stands, counted from `firstLine`. A quote that is never closed takes the rest of the text, as the server
 * would say. Pieces of nothing but comments are left out.
 */
export function splitStatements(text: string, firstLine = 1): readonly SqlStatement[] {
  const statements: SqlStatement[] = []
  const lines = lineCounter(text, firstLine)
  let start = -1
  let depth = 0
  let routine = routineTracker()
  let at = 0
  const finish = (end: number): void => {
    if (start >= 0) statements.push({ sql: text.slice(start, end).trimEnd(), line: lines(start) })
    start = -1
    depth = 0
    routine = routineTracker()
  }
  while (at < text.length) {
    const next = nextNotable(text, at)
    if (start < 0) start = firstVisible(text, at, next.at)
    if (next.at >= text.length) break
    at = next.end
    if (next.kind === 'comment') continue
    if (next.kind === 'semicolon') {
      if (depth === 0 && !routine.inBody()) finish(next.at)
      continue
    }
    if (start < 0) start = next.at
    if (next.kind === 'open') depth += 1
    else if (next.kind === 'close') depth = Math.max(0, depth - 1)
    else if (next.kind === 'word' && depth === 0) routine.word(text.slice(next.at, next.end))
  }
  finish(text.length)
  return statements
}

/** Drizzle's `--> statement-breakpoint`: each piece is sent by itself, and may hold several statements. */
export function splitAtBreakpoints(text: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = []
  let line = 1
  for (const piece of text.split('--> statement-breakpoint')) {
    statements.push(...splitStatements(piece, line))
    line += countLines(piece, 0, piece.length)
  }
  return statements
}

/**
 * Atlas' `atlas:delimiter`: the delimiter ends a statement where it stands outside of quotes, comments and parentheses. A piece
 * is sent by itself, and may hold several statements.
 */
export function splitAtDelimiter(text: string, delimiter: string, firstLine: number): readonly SqlStatement[] {
  const statements: SqlStatement[] = []
  let line = firstLine
  let start = 0
  let at = 0
  let depth = 0
  const finish = (end: number): void => {
    statements.push(...splitStatements(text.slice(start, end), line))
    line += countLines(text, start, end + delimiter.length)
    start = end + delimiter.length
  }
  for (let found = text.indexOf(delimiter); found >= 0; found = text.indexOf(delimiter, at)) {
    const next = nextNotable(text, at)
    if (next.at < found || (depth > 0 && next.at === found)) {
      at = next.end
      if (next.kind === 'open') depth += 1
      else if (next.kind === 'close') depth = Math.max(0, depth - 1)
    } else if (depth > 0) at = found + 1
    else {
      finish(found)
      at = start
    }
  }
  finish(text.length)
  return statements
}

interface Notable {
  readonly kind: 'comment' | 'semicolon' | 'open' | 'close' | 'word' | 'quote' | 'other'
  readonly at: number
  readonly end: number
}

function nextNotable(text: string, from: number): Notable {
  NOTABLE.lastIndex = from
  const match = NOTABLE.exec(text)
  if (match === null) return { kind: 'other', at: text.length, end: text.length }
  const at = match.index
  switch (match[0]) {
    case ';':
      return { kind: 'semicolon', at, end: at + 1 }
    case '(':
      return { kind: 'open', at, end: at + 1 }
    case ')':
      return { kind: 'close', at, end: at + 1 }
    case '--':
      return { kind: 'comment', at, end: endOr(text, text.indexOf('\n', at), 0) }
    case '/*':
      return { kind: 'comment', at, end: endOfComment(text, at) }
    case "'":
      return { kind: 'quote', at, end: endOfQuote(text, at, "'") }
    case '"':
      return { kind: 'quote', at, end: endOfQuote(text, at, '"') }
    case '$':
      return { kind: 'quote', at, end: endOfDollarQuote(text, at) }
    default:
      return word(text, at)
  }
}

function word(text: string, at: number): Notable {
  if (at > 0 && NUMBER.test(text.charAt(at - 1))) return { kind: 'other', at, end: at + 1 }
  IDENTIFIER.lastIndex = at
  const end = at + (IDENTIFIER.exec(text)?.[0].length ?? 1)
  // E'…' is the one quote in which a backslash escapes (standard_conforming_strings is on since 9.1).
  if (end === at + 1 && /[eE]/.test(text.charAt(at)) && text[end] === "'") {
    return { kind: 'quote', at, end: endOfEscapeQuote(text, end) }
  }
  return { kind: 'word', at, end }
}

/** Comments nest. */
function endOfComment(text: string, at: number): number {
  const mark = /\/\*|\*\//g
  mark.lastIndex = at
  let depth = 0
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return match.index + 2
  }
  return text.length
}

/** A doubled quote is seen as an end and a new beginning, which splits alike. */
function endOfQuote(text: string, at: number, quote: string): number {
  return endOr(text, text.indexOf(quote, at + 1), 1)
}

function endOfEscapeQuote(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next]
    if (character === '\\') next += 1
    else if (character === "'") {
      if (text[next + 1] !== "'") return next + 1
      next += 1
    }
  }
  return text.length
}

function endOfDollarQuote(text: string, at: number): number {
  DOLLAR_TAG.lastIndex = at
  const tag = DOLLAR_TAG.exec(text)?.[0]
  // $1 is a parameter.
  if (tag === undefined) return at + 1
  return endOr(text, text.indexOf(tag, at + tag.length), tag.length)
}

function endOr(text: string, found: number, length: number): number {
  return found < 0 ? text.length : found + length
}

function firstVisible(text: string, from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    // U+FEFF counts as white space: a byte order mark is no part of a statement.
    if (!/\s/.test(text.charAt(at))) return at
  }
  return -1
}

/** psql's heuristic: CREATE [OR REPLACE] {FUNCTION|PROCEDURE}, then BEGIN and CASE open, END closes. */
function routineTracker(): { word(text: string): void; inBody(): boolean } {
  let head = ''
  let isRoutine = false
  let words = 0
  let depth = 0
  return {
    word: (text) => {
      words += 1
      if (words > 4 && !isRoutine) return
      const lower = text.toLowerCase()
      if (words <= 4) {
        head = `${head} ${lower}`
        if (/^ create (?:or replace )?(?:function|procedure)$/.test(head)) isRoutine = true
      }
      if (!isRoutine) return
      if (lower === 'begin' || (lower === 'case' && depth > 0)) depth += 1
      else if (lower === 'end') depth = Math.max(0, depth - 1)
    },
    inBody: () => depth > 0,
  }
}

/** Positions must be asked for in rising order. */
function lineCounter(text: string, firstLine: number): (at: number) => number {
  let line = firstLine
  let counted = 0
  return (at) => {
    line += countLines(text, counted, at)
    counted = at
    return line
  }
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
