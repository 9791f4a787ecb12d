/** Judges how the release's statements fared when they were prepared. Pure. */
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { groupBy } from './group.ts'
import type { StatementObservation } from './observation.ts'
import type { Learnt, Statement } from './release.ts'

export interface StatementBreak {
  readonly finding: Finding
  /** The names in the server's message that did not resolve, bare. */
  readonly names: readonly string[]
  readonly statement: Statement
}

export interface StatementComparison {
  readonly breaks: readonly StatementBreak[]
  /** Statements that were refused, not run. */
  readonly refused: readonly Finding[]
  /** Errors that are no break: without effect on the verdict. */
  readonly notes: readonly string[]
}

/** `breaks` are the SQLSTATEs by which a name did not resolve; any other error is a note. */
export function compareStatements(
  statements: readonly Statement[],
  observed: readonly StatementObservation[],
  breaks: ReadonlySet<string>,
): StatementComparison {
  // Learnt statements may begin alike, and so have one subject: the nth of them was observed nth.
  const bySubject = groupBy(statements, ({ subject }) => subject)
  const taken = new Map<string, number>()
  const pairs = observed.flatMap((observation) => {
    const nth = taken.get(observation.subject) ?? 0
    taken.set(observation.subject, nth + 1)
    const statement = bySubject.get(observation.subject)?.[nth]
    return statement === undefined ? [] : [{ statement, observation }]
  })
  return {
    breaks: pairs.flatMap(({ statement, observation }) =>
      observation.error !== null && isBreak(observation.error, breaks) ? [broken(statement, observation.error)] : [],
    ),
    refused: pairs.flatMap(({ statement, observation }) =>
      observation.refused === null || learntOf(statement) !== null ? [] : [refusal(statement, observation.refused)],
    ),
    notes: [
      ...pairs.flatMap(({ statement, observation: { error } }) =>
        error !== null && !isBreak(error, breaks) && learntOf(statement) === null
          ? [
              `statement ${statement.subject} could not be prepared, for another reason than a missing name: ${error.message} (SQLSTATE ${error.sqlState})`,
            ]
          : [],
      ),
      ...learntNotes(pairs, breaks),
    ],
  }
}

interface Pair {
  readonly statement: Statement
  readonly observation: StatementObservation
}

/** Learnt statements are many: what hinders them is told once, with up to three examples. What broke is told with its place. */
function learntNotes(pairs: readonly Pair[], breaks: ReadonlySet<string>): readonly string[] {
  const learnt = pairs.filter(({ statement }) => learntOf(statement) !== null)
  const broken = learnt.flatMap(({ statement, observation: { error } }) =>
    error !== null && isBreak(error, breaks)
      ? [`${whose(statement)} \`${statement.subject}\` breaks: ${told(statement, error)}${ran(statement)}`]
      : [],
  )
  const others = learnt.flatMap(({ statement, observation: { error, refused } }) => {
    if (refused !== null) return [`\`${statement.subject}\` (${refused})`]
    return error !== null && !isBreak(error, breaks) ? [`\`${statement.subject}\` (${error.message})`] : []
  })
  const examples = others.slice(0, 3).join(', ')
  const more = broken.length > MOST_NOTES ? [`${broken.length - MOST_NOTES} more learnt statements break`] : []
  return [
    ...broken.slice(0, MOST_NOTES),
    ...more,
    ...(others.length === 0
      ? []
      : [
          `${others.length} of ${learnt.length} learnt statements could not be prepared, for another reason than a missing name: ${examples}${others.length > 3 ? ' …' : ''}`,
        ]),
  ]
}

const MOST_NOTES = 10

function learntOf({ from }: Statement): Learnt | null {
  return typeof from === 'string' ? null : from
}

/** The version of the release that runs now and sends the statement; null: the release that is looked for does. */
export function runningOf(statement: Statement): string | null {
  return learntOf(statement)?.running ?? null
}

function whose(statement: Statement): string {
  const running = runningOf(statement)
  return running === null ? 'statement' : `statement of the running release ${running}`
}

function told(statement: Statement, error: NonNullable<StatementObservation['error']>): string {
  const place =
    error.position === null ? '' : `, at character ${error.position}: \`${excerptAt(statement.sql, error.position)}\``
  return `${error.message} (SQLSTATE ${error.sqlState}${place})`
}

/** How often it was seen to run: `; it ran 12 times in staging`. */
function ran(statement: Statement): string {
  if (statement.calls === null) return ''
  const where = learntOf(statement)?.environments.join(' and ') ?? ''
  return `; it ran ${statement.calls} times ${where === '' ? 'where it was learnt' : `in ${where}`}`
}

/** 22P02 is a break only on an enum literal: any other bad literal is the statement's own affair. */
function isBreak(error: { readonly sqlState: string; readonly message: string }, breaks: ReadonlySet<string>): boolean {
  if (!breaks.has(error.sqlState)) return false
  return error.sqlState !== '22P02' || error.message.includes('enum')
}

function broken(statement: Statement, error: NonNullable<StatementObservation['error']>): StatementBreak {
  const running = runningOf(statement)
  return {
    names: unresolvedNames(error.message),
    statement,
    finding: finding({
      code: 'query-broken',
      subject: statement.subject,
      expected: `every name in it resolves on this database${ran(statement).replace('; it', ', and it')}`,
      found:
        running === null
          ? told(statement, error)
          : `the running release ${running}, which serves until this one is deployed, sends it, and it fails: ${told(statement, error)}`,
      source: statement.source === null ? [] : [statement.source],
    }),
  }
}

function refusal(statement: Statement, reason: string): Finding {
  return finding({
    code: 'query-refused',
    subject: statement.subject,
    expected: 'one SELECT, VALUES or TABLE that writes nothing and reaches nothing outside the database',
    found: reason,
    source: statement.source === null ? [] : [statement.source],
    nextSteps: [{ text: 'see what a query may be', command: 'npx deploywatch explain query-refused' }],
  })
}

/** Thirty characters from the position on, on one line. */
function excerptAt(sql: string, position: number): string {
  return [...sql]
    .slice(position - 1, position + 29)
    .join('')
    .replaceAll(/\s+/gu, ' ')
    .trim()
}

/**
 * The names that PostgreSQL and MySQL quote in "does not exist" messages: `column "note" does not exist`,
 * `column o.note does not exist`, `relation "app.orders" does not exist`, `function total(integer) does not exist`.
 */
function unresolvedNames(message: string): readonly string[] {
  const quoted = [...message.matchAll(/"((?:[^"]|"")+)"/gu)].map((match) => (match[1] ?? '').replaceAll('""', '"'))
  const bare = [...message.matchAll(/(?:column|relation|function|type|table|schema) ([\w.$]+)/gu)].map(
    (match) => match[1] ?? '',
  )
  return [...quoted, ...bare].map((name) => name.split('.').at(-1) ?? name)
}
