/**
 * What a look has to say of a database, and the part of it that is asked anew each time: statements and queries. The rest, which an
 * unchanged database does not need, is in judge.ts. Pure.
 */
import type { LedgerComparison } from './compare-ledger.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import { compareQueries } from './compare-queries.ts'
import { compareStatements } from './compare-statements.ts'
import type { StatementBreak } from './compare-statements.ts'
import type { Finding } from './finding.ts'
import type { Observation, Seen } from './observation.ts'
import type { Expectation } from './release.ts'
import type { Verdict } from './verdict.ts'
import { verdictOf } from './verdict.ts'

export interface Judgement {
  readonly findings: readonly Finding[]
  /** Before folding: a check that found something has not passed, whoever explains it. */
  readonly outcomes: Readonly<Record<'ledger' | 'schema' | 'queries', Verdict>>
  readonly notes: readonly string[]
  /** How the environment stands to each migration, before folding; empty where nothing was read anew. */
  readonly ledgers: readonly LedgerComparison[]
  /** Objects that are not as expected, whoever explains them; null: they were not compared. */
  readonly differences: readonly ObjectDifference[] | null
}

/** What judging statements and queries needs. */
export interface StatementsInput {
  readonly expectation: Expectation
  /** The environment's name, for the commands. */
  readonly environment: string
  readonly observation: Pick<Observation, 'statements' | 'queries'>
  /** SQLSTATEs by which a statement is broken. */
  readonly breaks: ReadonlySet<string>
  /** The environment variable that holds the address of its database, as the config names it; null where none is known. */
  readonly variable: string | null
}

/** An unchanged database is what it was when it passed; what its queries answer is another matter. */
export function judgeUnchanged(remembered: Pick<Judgement, 'findings' | 'notes'>, input: StatementsInput): Judgement {
  const statements = judgeStatements(input)
  return {
    findings: [...remembered.findings, ...statements.breaks.map((broken) => broken.finding), ...statements.findings],
    outcomes: { ledger: 'pass', schema: 'pass', queries: statements.outcome },
    notes: [...remembered.notes, ...statements.notes],
    ledgers: [],
    differences: null,
  }
}

export interface StatementsJudgement {
  readonly breaks: readonly StatementBreak[]
  /** All but the breaks, which others may explain. */
  readonly findings: readonly Finding[]
  readonly outcome: Verdict
  readonly notes: readonly string[]
}

export function judgeStatements(input: StatementsInput): StatementsJudgement {
  const { statements, queries } = input.observation
  const notSeen = [...whyNot(statements), ...whyNot(queries)]
  if (!statements.seen || !queries.seen) {
    return { breaks: [], findings: notSeen, outcome: verdictOf(notSeen), notes: [] }
  }
  const prepared = compareStatements(input.expectation.statements, statements.value, input.breaks)
  const answered = compareQueries({
    statements: input.expectation.statements,
    prepared: statements.value,
    observed: queries.value,
    breaks: input.breaks,
    environment: input.environment,
    variable: input.variable,
  })
  const breaks = [...prepared.breaks, ...answered.breaks]
  const findings = [...prepared.refused, ...answered.findings]
  return {
    breaks,
    findings,
    outcome: verdictOf([...findings, ...breaks.map((broken) => broken.finding)]),
    notes: prepared.notes,
  }
}

export function whyNot(seen: Seen<unknown>): readonly Finding[] {
  return seen.seen ? [] : seen.why
}
