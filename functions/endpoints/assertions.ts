/** What `expect` says of an answer, judged while its body is at hand: only the words of it are kept. */
import type { Assertion } from '../core/endpoint.ts'
import type { AnswerValue, Comparison } from './comparisons.ts'
import { compareValue, printComparison, printValue } from './comparisons.ts'
import type { ReadableAnswer } from './extract.ts'
import { headerValue, jsonValue } from './extract.ts'
import type { Mask } from './masker.ts'
import type { RequestConfig } from './parts.ts'
import { isSensitiveName } from './sensitive.ts'

type Expect = RequestConfig['expect']

/** The statuses that are fine, where they are listed. */
export function listedStatuses(expect: Expect): readonly number[] {
  if (expect.status === undefined) return []
  return typeof expect.status === 'number' ? [expect.status] : expect.status
}

export function assertStatus(expect: Expect, status: number): Assertion {
  const listed = listedStatuses(expect)
  const holds = listed.length === 0 ? status >= 200 && status <= 299 : listed.includes(status)
  const expected = listed.length === 0 ? 'status 200-299' : `status ${listed.join(' or ')}`
  return { group: 'status', what: 'status', holds, expected, found: `status ${status}` }
}

export function assertContent(expect: Expect, answer: ReadableAnswer, mask: Mask): readonly Assertion[] {
  const { headers = {}, json = {}, body } = expect
  return [
    ...Object.entries(headers).map(([name, comparison]) =>
      assertion(`header ${name.toLowerCase()}`, comparison, headerValue(name, answer), mask),
    ),
    ...Object.entries(json).map(([path, comparison]) =>
      assertion(`json ${path}`, comparison, jsonValue(path, answer), mask),
    ),
    ...(body === undefined ? [] : [assertion('body', body, bodyValue(answer), mask)]),
  ]
}

function bodyValue(answer: ReadableAnswer): AnswerValue {
  // A body of no bytes is none: `exists: false` is how to ask for that.
  if (answer.text === '') return { there: false, why: 'an empty body' }
  return { there: true, value: answer.text, from: 'text' }
}

function assertion(what: string, comparison: Comparison, found: AnswerValue, mask: Mask): Assertion {
  const { holds, remark } = compareValue(comparison, found)
  // The value of what is called a token is one, whoever made it.
  const value = found.there && what !== 'body' && isSensitiveName(what) ? '***' : printValue(found, mask)
  return {
    group: 'content',
    what,
    holds,
    expected: `${what} ${printComparison(comparison)}`,
    found: `${found.there ? `${what} is ${value}` : value}${remark === null ? '' : ` (${remark})`}`,
  }
}

export function assertDuration(maxMillis: number | undefined, durationMs: number): readonly Assertion[] {
  if (maxMillis === undefined) return []
  return [
    {
      group: 'duration',
      what: 'duration',
      holds: durationMs <= maxMillis,
      expected: `at most ${maxMillis} ms`,
      found: `${Math.round(durationMs)} ms`,
    },
  ]
}

const DAY_MS = 86_400_000

/** @param now milliseconds since 1970 */
export function assertCertificate(minDays: number | null, answer: ReadableAnswer, now: number): readonly Assertion[] {
  if (minDays === null) return []
  const ends = answer.certificateEnds
  const days = ends === null ? 0 : Math.floor((ends - now) / DAY_MS)
  return [
    {
      group: 'certificate',
      what: 'certificate',
      holds: ends !== null && days >= minDays,
      expected: `a certificate that is valid for ${minDays} more days`,
      found:
        ends === null
          ? 'no certificate: the answer came over plain http'
          : `a certificate that ends in ${days} days, on ${new Date(ends).toISOString().slice(0, 10)}`,
    },
  ]
}
