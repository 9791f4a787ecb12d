/** Takes values out of an answer: by header, by JSONPath, or by a regular expression on the body. */
import type { IncomingHttpHeaders } from 'node:http'
import type { ExchangeAnswer } from './exchange.ts'
import type { AnswerValue } from './comparisons.ts'
import { lookUp, parseJsonPath } from '../core/json-path.ts'
import { matchText, TOO_LONG } from './regular-expression.ts'

/** Where a value is: exactly one of them is given. */
export interface Extraction {
  readonly header?: string | undefined
  readonly json?: string | undefined
  readonly text?: string | undefined
}

/** An answer whose body is read at most once as JSON. */
export interface ReadableAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Why the body is no JSON, or its value. */
  readonly json: () => { readonly value: unknown } | { readonly why: string }
  readonly certificateEnds: number | null
}

export function readableAnswer(answer: ExchangeAnswer): ReadableAnswer {
  const text = answer.body.toString('utf8').replace(/^\uFEFF/u, '')
  let parsed: ReturnType<ReadableAnswer['json']> | undefined
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: () => (parsed ??= parseJson(text, answer.headers['content-type'])),
    certificateEnds: answer.certificateEnds,
  }
}

function parseJson(text: string, type: string | undefined): { readonly value: unknown } | { readonly why: string } {
  if (text.trim() === '') return { why: 'an empty body, and no JSON' }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    // The parser's message would quote the body.
    return { why: `a body that is no JSON (${type === undefined ? 'without content-type' : `content-type ${type}`})` }
  }
}

export function printExtraction({ header, json, text }: Extraction): string {
  if (header !== undefined) return `header ${header.toLowerCase()}`
  return json === undefined ? `body /${text ?? ''}/` : `json ${json}`
}

export function extractValue(extraction: Extraction, answer: ReadableAnswer): AnswerValue {
  if (extraction.header !== undefined) return headerValue(extraction.header, answer)
  if (extraction.json !== undefined) return jsonValue(extraction.json, answer)
  const match = matchText(extraction.text ?? '', answer.text)
  if (match.groups === null) {
    return { there: false, why: match.reason === 'too-long' ? TOO_LONG : 'nothing in the body matches' }
  }
  return { there: true, value: match.groups[1] ?? match.groups[0] ?? '', from: 'text' }
}

export function headerValue(name: string, answer: ReadableAnswer): AnswerValue {
  const value = answer.headers[name.toLowerCase()]
  if (value === undefined) return { there: false, why: `the answer has no header ${name.toLowerCase()}` }
  return { there: true, value: Array.isArray(value) ? value.join(', ') : value, from: 'text' }
}

export function jsonValue(path: string, answer: ReadableAnswer): AnswerValue {
  const segments = parseJsonPath(path)
  if (segments === null) return { there: false, why: `${path} is no path to one value` }
  const json = answer.json()
  if ('why' in json) return { there: false, why: json.why }
  const found = lookUp(json.value, segments)
  if (found.found) return { there: true, value: found.value, from: 'json' }
  return { there: false, why: `the body has no ${found.missing}` }
}
