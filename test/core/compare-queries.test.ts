import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareQueries } from '../../functions/core/compare-queries.ts'
import type { AnsweredQuery, QueryOutcome } from '../../functions/core/observation.ts'
import { canonicalType, holds, readQueryExpectation, wordsOf } from '../../functions/core/query-expectation.ts'
import type { Statement, StatementExpect } from '../../functions/core/release.ts'

const ANSWER: AnsweredQuery = {
  rows: 3,
  more: false,
  durationMs: 12.34,
  columns: ['id', 'at'],
  types: { id: 'bigint', at: 'timestamp with time zone' },
  values: { id: 7 },
  newestAgeMs: 90_000,
}

const statementOf = (expectation: StatementExpect | null): Statement => ({
  subject: 'recent-orders',
  sql: "SELECT id FROM orders WHERE note = 'x'",
  source: { file: 'deploywatch.yaml', line: 9 },
  from: 'config',
  calls: null,
  expect: expectation,
})

function compare(expectation: StatementExpect | null, outcome: QueryOutcome | undefined) {
  return compareQueries({
    statements: [statementOf(expectation)],
    prepared: [{ subject: 'recent-orders', error: null, refused: null }],
    observed: outcome === undefined ? [] : [{ subject: 'recent-orders', outcome }],
    breaks: new Set(['42703']),
    environment: 'production',
    variable: 'URL',
  })
}

const answered = (answer: Partial<AnsweredQuery> = {}): QueryOutcome => ({
  kind: 'answered',
  answer: { ...ANSWER, ...answer },
})
const lines = (expectation: StatementExpect, outcome: QueryOutcome | undefined): readonly string[] =>
  compare(expectation, outcome).findings.map(
    ({ code, severity, expected, found }) => `${code} ${severity}: ${expected} | ${found}`,
  )

describe('a query that answered', () => {
  test('as it should is no finding', () => {
    const expectation = {
      minRows: 1,
      maxRows: 3,
      rows: 3,
      columns: { id: 'int8', at: 'timestamptz' },
      values: { id: { above: 6, in: [7, 8] } },
      newest: { column: 'at', within: 600_000 },
      maxMillis: 500,
    }
    expect(compare(expectation, answered())).toEqual({ breaks: [], findings: [] })
  })

  test('but not what it should is one finding with every disagreement, its place and what to paste', () => {
    const [finding, ...rest] = compare(
      { minRows: 5, values: { id: { equals: 8 } }, newest: { column: 'at', within: 60_000 } },
      answered(),
    ).findings
    expect(rest).toEqual([])
    expect(finding).toMatchObject({
      code: 'query-result',
      severity: 'error',
      subject: 'recent-orders',
      expected:
        'the query returns at least 5 rows, and id of the first row is 8, and the newest at is younger than 1 min',
      found: 'it returned 3 rows, and id is 7, and the newest at is 1.5 min old',
      source: [{ file: 'deploywatch.yaml', line: 9 }],
    })
    expect(finding?.nextSteps[0]?.command).toBe(`psql "$URL" -c 'SELECT id FROM orders WHERE note = '\\''x'\\'''`)
  })

  test('too late is slow, beside what else is wrong', () => {
    expect(lines({ maxMillis: 10, rows: 1 }, answered())).toEqual([
      'query-result error: the query returns exactly 1 row | it returned 3 rows',
      'query-slow error: the query answers within 10 ms | it took 12 ms',
    ])
  })

  test('with more rows than were counted has no exact number of rows', () => {
    expect(lines({ rows: 3 }, answered({ more: true }))).toEqual([
      'query-result error: the query returns exactly 3 rows | it returned more than 3 rows',
    ])
    expect(lines({ minRows: 3 }, answered({ more: true }))).toEqual([])
  })

  test('with no row fails only where the expectation says so', () => {
    const none = answered({ rows: 0, values: null, newestAgeMs: null })
    expect(lines({ maxMillis: 100, maxRows: 5, columns: ['id'] }, none)).toEqual([])
    expect(lines({ newest: { column: 'at', within: 1000 } }, none)).toHaveLength(1)
  })
})

describe('a query that did not answer is never a pass', () => {
  test.each<[QueryOutcome | undefined, StatementExpect, string]>([
    [undefined, {}, 'check-timeout unsure'],
    [{ kind: 'timed-out', timeoutMs: 10_000 }, {}, 'check-timeout unsure'],
    [{ kind: 'timed-out', timeoutMs: 10_000 }, { maxMillis: 500 }, 'query-slow error'],
    [{ kind: 'timed-out', timeoutMs: 10_000 }, { maxMillis: 20_000 }, 'check-timeout unsure'],
    [{ kind: 'blocked', message: 'lock timeout' }, {}, 'look-blocked unsure'],
    [{ kind: 'denied', message: 'permission denied' }, {}, 'permission-denied unsure'],
    [
      { kind: 'failed', error: { sqlState: '22012', message: 'division by zero', position: null } },
      {},
      'query-result error',
    ],
  ])('%j with %j', (outcome, expectation, expected) => {
    expect(compare(expectation, outcome).findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual([
      expected,
    ])
  })

  test('a name that is missing only when it runs is a break, for its migration to explain', () => {
    const { breaks, findings } = compare(
      {},
      { kind: 'failed', error: { sqlState: '42703', message: 'column "note" does not exist', position: null } },
    )
    expect(findings).toEqual([])
    expect(breaks).toMatchObject([{ names: ['note'], finding: { code: 'query-broken' } }])
  })

  test('what did not prepare for another reason than a name fails, what was refused or broken is found elsewhere', () => {
    const prepared = (sqlState: string, refused: string | null) =>
      compareQueries({
        statements: [statementOf({ minRows: 1 })],
        prepared: [
          {
            subject: 'recent-orders',
            error: refused === null ? { sqlState, message: 'm', position: 1 } : null,
            refused,
          },
        ],
        observed: [],
        breaks: new Set(['42703']),
        environment: 'e',
        variable: null,
      }).findings.map(({ code }) => code)
    expect(prepared('42702', null)).toEqual(['query-result'])
    expect(prepared('42703', null)).toEqual([])
    expect(prepared('', 'it writes')).toEqual([])
  })

  test('a statement without an expectation is left alone', () => {
    expect(compare(null, undefined)).toEqual({ breaks: [], findings: [] })
  })
})

describe('comparisons', () => {
  test('numbers of many digits compare as numbers, and null with nothing', () => {
    expect(holds({ atLeast: 1 }, '9007199254740993')).toBe(true)
    expect(holds({ atLeast: 1 }, null)).toBe(false)
    expect(holds({ equals: '7' }, 7)).toBe(true)
    expect(holds({ equals: null }, null)).toBe(true)
    expect(holds({ matches: '^v\\d' }, 'v2')).toBe(true)
    expect(holds({ exists: false }, null)).toBe(true)
    expect(holds({ above: 1, below: 3 }, 3)).toBe(false)
  })

  test('words name every comparison', () => {
    expect(wordsOf({ not: 'x', in: [1, null], contains: 'a', exists: true })).toBe(
      'not "x" and one of 1, null and a text with "a" in it and there',
    )
  })

  test('a range holds exactly for what lies in it', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (low, high, value) => {
        expect(holds({ atLeast: low, atMost: high }, value)).toBe(low <= value && value <= high)
        expect(holds({ equals: value }, String(value))).toBe(true)
      }),
    )
  })

  test.each([
    ['int8', 'bigint'],
    ['varchar(20)[]', 'character varying[]'],
    ['TIMESTAMPTZ', 'timestamp with time zone'],
    ['numeric(12, 2)', 'numeric'],
    ['order_state', 'order_state'],
  ])('%s is %s', (written, name) => {
    expect(canonicalType(written)).toBe(name)
  })

  test('no expectation lets a lost answer pass', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('rows', 'minRows', 'maxRows', 'maxMillis'), fc.nat()),
        (expectation) => {
          expect(readQueryExpectation(expectation)).not.toBeNull()
          expect(compare(expectation, undefined).findings).toHaveLength(1)
        },
      ),
    )
  })
})
