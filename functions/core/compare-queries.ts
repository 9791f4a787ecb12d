/** Judges how the release's queries answered. Pure. */
import { compareStatements } from './compare-statements.ts'
import type { StatementBreak } from './compare-statements.ts'
import { couldNotLook } from './could-not-look.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import type { AnsweredQuery, QueryObservation, StatementObservation } from './observation.ts'
import { sqlCommand } from './paste.ts'
import type { QueryExpectation } from './query-expectation.ts'
import { canonicalType, holds, readQueryExpectation, textOf, wordsOf } from './query-expectation.ts'
import type { Statement } from './release.ts'

export interface QueryComparisonInput {
  readonly statements: readonly Statement[]
  /** How they prepared: what has an expectation and did not prepare cannot meet it. */
  readonly prepared: readonly StatementObservation[]
  readonly observed: readonly QueryObservation[]
  /** SQLSTATEs by which a statement is broken. */
  readonly breaks: ReadonlySet<string>
  readonly environment: string
  /** The environment variable that holds the address of its database, as the config names it; null where none is known. */
  readonly variable: string | null
}

export interface QueryComparison {
  /** Names that did not resolve only when it ran: in the body of a routine. */
  readonly breaks: readonly StatementBreak[]
  readonly findings: readonly Finding[]
}

export function compareQueries(input: QueryComparisonInput): QueryComparison {
  const observed = new Map(input.observed.map((one) => [one.subject, one.outcome]))
  const prepared = new Map(input.prepared.map((one) => [one.subject, one]))
  const breaks: StatementBreak[] = []
  const findings: Finding[] = []
  for (const statement of input.statements) {
    const expectation = readQueryExpectation(statement.expect)
    if (expectation === null) continue
    const { error = null, refused = null } = prepared.get(statement.subject) ?? {}
    // Breaks and refusals of preparing are found where all statements are judged.
    if (refused !== null || (error !== null && isBroken(statement, error, input.breaks).length > 0)) continue
    const outcome = error === null ? observed.get(statement.subject) : ({ kind: 'failed', error } as const)
    const broken = outcome?.kind === 'failed' ? isBroken(statement, outcome.error, input.breaks) : []
    breaks.push(...broken)
    if (broken.length === 0) findings.push(...judgeOutcome(input, statement, expectation, outcome))
  }
  return { breaks, findings }
}

function isBroken(
  statement: Statement,
  error: NonNullable<StatementObservation['error']>,
  breaks: ReadonlySet<string>,
): readonly StatementBreak[] {
  return compareStatements([statement], [{ subject: statement.subject, error, refused: null }], breaks).breaks
}

function judgeOutcome(
  input: QueryComparisonInput,
  statement: Statement,
  expectation: QueryExpectation,
  outcome: QueryObservation['outcome'] | undefined,
): readonly Finding[] {
  const unseen = (code: 'check-timeout' | 'look-blocked' | 'permission-denied', detail: string): readonly Finding[] => [
    {
      ...couldNotLook(code, { environment: input.environment, subject: statement.subject, detail }),
      source: sourceOf(statement),
    },
  ]
  // No answer is no pass.
  if (outcome === undefined) return unseen('check-timeout', 'the query was not run before the look ended')
  switch (outcome.kind) {
    case 'answered':
      return judgeAnswer(input, statement, expectation, outcome.answer)
    case 'failed':
      return [
        result(input, statement, 'the query answers', `${outcome.error.message} (SQLSTATE ${outcome.error.sqlState})`),
      ]
    case 'timed-out': {
      const { maxMillis } = expectation
      if (maxMillis !== null && outcome.timeoutMs >= maxMillis)
        return [
          slow(input, statement, maxMillis, `it had not answered after ${outcome.timeoutMs} ms, and was cancelled`),
        ]
      return unseen('check-timeout', `the query had not answered after ${outcome.timeoutMs} ms, and was cancelled`)
    }
    case 'blocked':
      return unseen('look-blocked', outcome.message)
    case 'denied':
      return unseen('permission-denied', outcome.message)
  }
}

function judgeAnswer(
  input: QueryComparisonInput,
  statement: Statement,
  expectation: QueryExpectation,
  answer: AnsweredQuery,
): readonly Finding[] {
  const disagreements = [
    ...rowDisagreements(expectation, answer),
    ...columnDisagreements(expectation, answer),
    ...valueDisagreements(expectation, answer),
    ...ageDisagreements(expectation, answer),
  ]
  const results =
    disagreements.length === 0
      ? []
      : [
          result(
            input,
            statement,
            disagreements.map(({ expected }) => expected).join(', and '),
            disagreements.map(({ found }) => found).join(', and '),
          ),
        ]
  const { maxMillis } = expectation
  return maxMillis !== null && answer.durationMs > maxMillis
    ? [...results, slow(input, statement, maxMillis, `it took ${milliseconds(answer.durationMs)} ms`)]
    : results
}

interface Disagreement {
  readonly expected: string
  readonly found: string
}

function rowDisagreements(
  { rows, minRows, maxRows }: QueryExpectation,
  answer: AnsweredQuery,
): readonly Disagreement[] {
  const found = `it returned ${answer.more ? 'more than ' : ''}${countOf(answer.rows)}`
  const all: Disagreement[] = []
  if (rows !== null && (answer.rows !== rows || answer.more))
    all.push({ expected: `the query returns exactly ${countOf(rows)}`, found })
  if (minRows !== null && answer.rows < minRows)
    all.push({ expected: `the query returns at least ${countOf(minRows)}`, found })
  if (maxRows !== null && (answer.rows > maxRows || (answer.more && answer.rows >= maxRows)))
    all.push({ expected: `the query returns at most ${countOf(maxRows)}`, found })
  // One answer, said once.
  return all.slice(0, 1)
}

function countOf(rows: number): string {
  return rows === 0 ? 'no row' : rows === 1 ? '1 row' : `${rows} rows`
}

/** Why nothing can be said of a column, or null. */
function missing(answer: AnsweredQuery, column: string): string | null {
  const times = (answer.columns ?? []).filter((name) => name === column).length
  if (times === 1) return null
  const names = (answer.columns ?? []).join(', ')
  return times === 0
    ? `it has no column ${column}, its columns are ${names === '' ? 'none' : names}`
    : `it has ${times} columns ${column}: name them apart`
}

function columnDisagreements({ columns }: QueryExpectation, answer: AnsweredQuery): readonly Disagreement[] {
  return columns.flatMap(({ name, type }) => {
    const expected = type === null ? `the query has a column ${name}` : `the query has a column ${name} of type ${type}`
    const why = missing(answer, name)
    if (why !== null) return [{ expected, found: why }]
    const there = answer.types[name] ?? 'unknown'
    return type === null || canonicalType(type) === canonicalType(there)
      ? []
      : [{ expected, found: `its column ${name} is of type ${there}` }]
  })
}

function valueDisagreements({ values }: QueryExpectation, answer: AnsweredQuery): readonly Disagreement[] {
  return values.flatMap(({ column, comparison }) => {
    const expected = `${column} of the first row is ${wordsOf(comparison)}`
    const why = missing(answer, column)
    if (why !== null) return [{ expected, found: why }]
    if (answer.values === null) return [{ expected, found: 'it returned no row' }]
    const value = answer.values[column] ?? null
    return holds(comparison, value) ? [] : [{ expected, found: `${column} is ${textOf(value)}` }]
  })
}

function ageDisagreements({ newest }: QueryExpectation, answer: AnsweredQuery): readonly Disagreement[] {
  if (newest === null) return []
  const { column, withinMs } = newest
  const expected = `the newest ${column} is younger than ${age(withinMs)}`
  const why = missing(answer, column)
  if (why !== null) return [{ expected, found: why }]
  if (answer.newestAgeMs !== null) {
    return answer.newestAgeMs < withinMs
      ? []
      : [{ expected, found: `the newest ${column} is ${age(answer.newestAgeMs)} old` }]
  }
  if (answer.rows === 0) return [{ expected, found: 'it returned no row' }]
  const type = answer.types[column]
  return [
    { expected, found: `no row has a time in ${column}${type === undefined ? '' : `, which is of type ${type}`}` },
  ]
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** `12 min`, `3.5 h`: the largest unit of which there is one, one place after the point below ten. */
function age(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= one) ?? ['ms', 1]
  const amount = ms / size
  return `${amount < 10 ? Number(amount.toFixed(1)) : Math.round(amount)} ${unit}`
}

function milliseconds(ms: number): string {
  return String(ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms))
}

function sourceOf({ source }: Statement): Finding['source'] {
  return source === null ? [] : [source]
}

function result(input: QueryComparisonInput, statement: Statement, expected: string, found: string): Finding {
  return finding({
    code: 'query-result',
    subject: statement.subject,
    expected,
    found,
    source: sourceOf(statement),
    nextSteps: [
      { text: 'run it by hand and see', command: sqlCommand(input.variable, statement.sql) },
      { text: 'see the usual causes', command: 'npx deploywatch explain query-result' },
    ],
  })
}

function slow(input: QueryComparisonInput, statement: Statement, maxMillis: number, found: string): Finding {
  return finding({
    code: 'query-slow',
    subject: statement.subject,
    expected: `the query answers within ${maxMillis} ms`,
    found,
    source: sourceOf(statement),
    nextSteps: [
      {
        text: 'see its plan with the times',
        command: sqlCommand(input.variable, `EXPLAIN (ANALYZE, BUFFERS) ${statement.sql}`),
      },
      { text: 'see the usual causes', command: 'npx deploywatch explain query-slow' },
    ],
  })
}
