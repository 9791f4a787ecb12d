/** Judges how the release's statements fared when they were prepared. Pure. */
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import type { StatementObservation } from './observation.ts'
import type { Statement } from './release.ts'

export interface StatementBreak {
  readonly finding: Finding
  /** The names in the server's message that did not resolve, bare. */
  readonly names: readonly string[]
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
  const bySubject = new Map(statements.map((statement) => [statement.subject, statement]))
  const pairs = observed.flatMap((observation) => {
    const statement = bySubject.get(observation.subject)
    return statement === undefined ? [] : [{ statement, observation }]
  })
  return {
    breaks: pairs.flatMap(({ statement, observation }) =>
      observation.error !== null && isBreak(observation.error, breaks) ? [broken(statement, observation.error)] : [],
    ),
    refused: pairs.flatMap(({ statement, observation }) =>
      observation.refused === null ? [] : [refusal(statement, observation.refused)],
    ),
    notes: pairs.flatMap(({ statement, observation }) =>
      observation.error !== null && !isBreak(observation.error, breaks)
        ? [
            `statement ${statement.subject} could not be prepared, for another reason than a missing name: ${observation.error.message} (SQLSTATE ${observation.error.sqlState})`,
          ]
        : [],
    ),
  }
}

/** 22P02 is a break only on an enum literal: any other bad literal is the statement's own affair. */
function isBreak(error: { readonly sqlState: string; readonly message: string }, breaks: ReadonlySet<string>): boolean {
  if (!breaks.has(error.sqlState)) return false
  return error.sqlState !== '22P02' || error.message.includes('enum')
}

function broken(statement: Statement, error: NonNullable<StatementObservation['error']>): StatementBreak {
  const excerpt = error.position === null ? '' : `, at \`${excerptAt(statement.sql, error.position)}\``
  return {
    names: unresolvedNames(error.message),
    finding: finding({
      code: 'query-broken',
      subject: statement.subject,
      expected: `every name in it resolves on this database${statement.calls === null ? '' : ` (it ran ${statement.calls} times where it was learnt)`}`,
      found: `${error.message} (SQLSTATE ${error.sqlState}${excerpt})`,
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
