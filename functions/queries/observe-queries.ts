/**
 * The queries that have an expectation: judged harmless first, described where columns matter, then run, each in a transaction of
 * its own. Planning costs few round trips for all of them together; each run is one more, and runs may go side by side.
 */
import type { Connection } from '../connections/connection.ts'
import { DatabaseError } from '../connections/connection.ts'
import type { AnsweredQuery, QueryObservation, QueryOutcome, StatementObservation } from '../core/observation.ts'
import type { QueryExpectation, Scalar } from '../core/query-expectation.ts'
import { columnsAskedFor, readQueryExpectation } from '../core/query-expectation.ts'
import type { Statement } from '../core/release.ts'
import type { AnswerQuestion, Engine, QueryAnswer } from '../engines/engine.ts'

export interface QueryInput {
  /** All of the release's: those without an expectation are left alone. */
  readonly statements: readonly Statement[]
  readonly searchPath: string | null
}

/** A query that may be run, or how it failed before. */
export interface QueryPlan {
  readonly statement: Statement
  readonly expectation: QueryExpectation
  /** null: it is to be run. */
  readonly outcome: QueryOutcome | null
  readonly columns: readonly string[] | null
  readonly types: Readonly<Record<string, string>>
}

export interface QueryPlans {
  /** How every query was refused or prepared: to be judged with the other statements. */
  readonly prepared: readonly StatementObservation[]
  /** Those that were neither refused nor failed to prepare. */
  readonly plans: readonly QueryPlan[]
}

/** Whether the statement is a query that is to be run, and so must not even be prepared before it is judged. */
export function isQuery(statement: Statement): boolean {
  return statement.expect !== null
}

/** Without a limit of its own, a query gets the time that every statement of a look has. */
const TIMEOUT_MS = 10_000
/** The RDS Data API ends a statement after 45 s. */
const LONGEST_TIMEOUT_MS = 40_000
/** Rows are counted this far, or as far as the expectation says something of them. */
const MOST_ROWS = 10_000
/** The RDS Data API takes 65,536 characters of SQL. */
const MOST_CHARACTERS = 50_000

/**
 * Which of the queries may run, and what of their columns matters. Runs none of them.
 *
 * @throws {ConnectionError} there is no answer to be had
 * @throws {DatabaseError} a lock was in the way of preparing
 */
export async function planQueries(connection: Connection, engine: Engine, input: QueryInput): Promise<QueryPlans> {
  const queries = input.statements.filter(isQuery)
  const judgements = await engine.judgeQueries(connection, queries, input.searchPath)
  const harmless = queries.filter((_, at) => judgements[at]?.refused === null)
  const preparing =
    harmless.length === 0
      ? []
      : await engine.prepareStatements(connection, harmless, input.searchPath, { judged: true })
  const bySubject = new Map(preparing.map((one) => [one.subject, one]))
  const prepared = queries.map(({ subject }, at) => {
    const { refused = null, unknown = null } = judgements[at] ?? {}
    const one = bySubject.get(subject)
    if (one === undefined) return { subject, error: null, refused: refused ?? 'it could not be judged' }
    return one.error === null && one.refused === null && unknown !== null
      ? { ...one, refused: `it names ${unknown}, which cannot be found in the catalog: it cannot be judged` }
      : one
  })
  const plans = queries.flatMap((statement, at) => {
    const expectation = readQueryExpectation(statement.expect)
    const sound = prepared[at]?.error === null && prepared[at].refused === null
    return sound && expectation !== null ? [{ statement, expectation, outcome: null, columns: null, types: {} }] : []
  })
  return { prepared, plans: await describe(connection, engine, plans, input.searchPath) }
}

/**
 * Runs one planned query.
 *
 * @throws {ConnectionError} there is no answer to be had
 */
export async function runQuery(
  connection: Connection,
  engine: Engine,
  plan: QueryPlan,
  searchPath: string | null,
): Promise<QueryObservation> {
  const { subject, sql } = plan.statement
  if (plan.outcome !== null) return { subject, outcome: plan.outcome }
  const { maxMillis } = plan.expectation
  // Time enough to see by how much it is too slow, as far as that goes.
  const timeoutMs = Math.min(LONGEST_TIMEOUT_MS, Math.max(TIMEOUT_MS, (maxMillis ?? 0) * 2))
  const question = questionOf(engine, plan)
  try {
    const options = { searchPath, statementTimeoutMs: timeoutMs }
    const [answer] = await connection.read([engine.answerQuery(sql, question)], options)
    return { subject, outcome: { kind: 'answered', answer: answered(plan, question, answer) } }
  } catch (error) {
    return { subject, outcome: outcomeOf(engine, error, timeoutMs) }
  }
}

export interface QuerySight {
  readonly prepared: readonly StatementObservation[]
  readonly observed: readonly QueryObservation[]
}

/** All of them, one after another, on one connection. */
export async function observeQueries(connection: Connection, engine: Engine, input: QueryInput): Promise<QuerySight> {
  const { prepared, plans } = await planQueries(connection, engine, input)
  const observed: QueryObservation[] = []
  for (const plan of plans) observed.push(await runQuery(connection, engine, plan, input.searchPath))
  return { prepared, observed }
}

/** What the server's refusal says of the query. @throws what is no refusal of the server */
function outcomeOf(engine: Engine, error: unknown, timeoutMs: number): QueryOutcome {
  if (!(error instanceof DatabaseError)) throw error
  const { sqlState } = error.facts
  const message = `${error.message} (SQLSTATE ${sqlState})`
  switch (engine.classify(error)) {
    case 'timeout':
      return { kind: 'timed-out', timeoutMs }
    case 'blocked':
      return { kind: 'blocked', message }
    case 'denied':
      return { kind: 'denied', message }
    case 'missing':
    case 'other':
      // The place is one in the text around the query.
      return { kind: 'failed', error: { sqlState, message: error.message, position: null } }
  }
}

function questionOf(engine: Engine, { expectation, columns, types }: QueryPlan): AnswerQuestion {
  const once = (name: string): boolean => (columns ?? []).filter((column) => column === name).length === 1
  const { rows, minRows, maxRows, newest } = expectation
  return {
    mostRows: Math.max(MOST_ROWS, rows ?? 0, minRows ?? 0, maxRows ?? 0),
    newest:
      newest !== null && once(newest.column) && engine.datedTypes.has(types[newest.column] ?? '')
        ? newest.column
        : null,
    values: expectation.values.map(({ column }) => column).filter(once),
  }
}

function answered(plan: QueryPlan, question: AnswerQuestion, answer: QueryAnswer): AnsweredQuery {
  const { rows, more, durationMs, newestAgeMs } = answer
  return {
    rows,
    more,
    durationMs,
    newestAgeMs,
    columns: plan.columns,
    types: plan.types,
    values:
      rows === 0
        ? null
        : Object.fromEntries(question.values.map((name) => [name, scalarOf(answer.values[name] ?? 'null')])),
  }
}

/** Documents stay text, and so do numbers of more digits than a JavaScript number has. */
function scalarOf(json: string): Scalar {
  const value: unknown = JSON.parse(json)
  if (typeof value === 'number') return json.replaceAll(/[^\d]/gu, '').length > 15 ? json : value
  return typeof value === 'object' && value !== null ? json : (value as Scalar)
}

/** Names and types of the columns, for the queries whose expectation speaks of them. */
async function describe(
  connection: Connection,
  engine: Engine,
  plans: readonly QueryPlan[],
  searchPath: string | null,
): Promise<readonly QueryPlan[]> {
  const asked = plans.filter(({ outcome, expectation }) => outcome === null && columnsAskedFor(expectation).length > 0)
  const named = await together(connection, engine, asked, searchPath, async (group) => {
    const [names] = await connection.read([engine.columnNames(group.map(({ statement }) => statement.sql))], {
      searchPath,
    })
    return group.map((plan, at) => ({ ...plan, columns: names[at] ?? [] }))
  })
  const typed = await together(
    connection,
    engine,
    named.filter((plan) => wantedTypes(plan).length > 0),
    searchPath,
    async (group) => {
      const wanted = group.map((plan) => ({ sql: plan.statement.sql, columns: wantedTypes(plan) }))
      const [types] = await connection.read([engine.columnTypes(wanted)], { searchPath })
      return group.map((plan, at) => ({
        ...plan,
        types: Object.fromEntries((types[at] ?? []).map(({ name, type }) => [name, type])),
      }))
    },
  )
  const known = new Map([...named, ...typed].map((plan) => [plan.statement.subject, plan]))
  return plans.map((plan) => known.get(plan.statement.subject) ?? plan)
}

/** Columns whose type says something, and that are there, once. */
function wantedTypes({ expectation, columns, outcome }: QueryPlan): readonly string[] {
  if (outcome !== null) return []
  const { newest } = expectation
  const names = expectation.columns.filter(({ type }) => type !== null).map(({ name }) => name)
  const all = new Set(newest === null ? names : [...names, newest.column])
  return [...all].filter((name) => (columns ?? []).filter((column) => column === name).length === 1)
}

/** In groups that a request takes; where one query of a group fails, each alone. */
async function together(
  connection: Connection,
  engine: Engine,
  plans: readonly QueryPlan[],
  searchPath: string | null,
  work: (group: readonly QueryPlan[]) => Promise<readonly QueryPlan[]>,
): Promise<readonly QueryPlan[]> {
  const done: QueryPlan[] = []
  for (const group of groupsOf(plans)) {
    try {
      done.push(...(await work(group)))
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      for (const plan of group) {
        const alone = work([plan]).catch((failure: unknown) => [
          { ...plan, outcome: outcomeOf(engine, failure, TIMEOUT_MS) },
        ])
        done.push(...(await alone))
      }
    }
  }
  return done
}

function groupsOf(plans: readonly QueryPlan[]): readonly (readonly QueryPlan[])[] {
  const groups: QueryPlan[][] = []
  let characters = Infinity
  for (const plan of plans) {
    const length = plan.statement.sql.length + 600
    if (characters + length > MOST_CHARACTERS) {
      groups.push([])
      characters = 0
    }
    groups.at(-1)?.push(plan)
    characters += length
  }
  return groups
}
