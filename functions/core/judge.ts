/** From what a release expects and what a look saw to findings, with the outcome of each check. Pure. */
import type { ObjectDifference, TextComparer } from './compare-catalog.ts'
import { compareCatalog } from './compare-catalog.ts'
import type { LedgerComparison } from './compare-ledger.ts'
import { compareLedger } from './compare-ledger.ts'
import { identityOf } from './catalog.ts'
import type { Finding } from './finding.ts'
import { finding } from './finding.ts'
import { foldFindings } from './fold.ts'
import { groupBy } from './group.ts'
import { isIgnored } from './ignore.ts'
import { judgeStatements, whyNot } from './judgement.ts'
import type { Judgement, StatementsInput } from './judgement.ts'
import type { Observation } from './observation.ts'
import type { ObjectSql } from './object-sql.ts'
import { isOpen } from './open-migrations.ts'
import { commandsFor } from './paste.ts'
import { replayFindings, unsureIdentities } from './replay-failures.ts'
import type { Expectation, LedgerExpectation, MigrationEffect, ObjectReference } from './release.ts'
import { verdictOf } from './verdict.ts'
import type { LedgerObservation } from './ledger.ts'

export interface JudgeInput extends StatementsInput {
  /** One a migration, flattened; read only when something is amiss. */
  readonly effects: readonly MigrationEffect[]
  readonly observation: Observation
  readonly compareTexts: TextComparer
  /** SQL for the environment's schemas; null: they are many. */
  readonly sql: ObjectSql | null
}

export function judge(input: JudgeInput): Judgement {
  const ledgers = judgeLedgers(input)
  const catalog = judgeCatalog(input)
  const statements = judgeStatements(input)
  const replay = replayFindings(input.expectation.ledgers, input.effects, (name) =>
    isIgnored(input.expectation.policy.ignore, name),
  )
  const empty = emptyFindings(input.expectation)
  const folded = foldFindings({
    ledgers: ledgers.comparisons,
    effects: input.effects,
    differences: catalog.differences,
    breaks: statements.breaks,
    sql: input.sql,
    attributed: isAttributed(input),
    brought: finallyBrought(input.effects),
    variable: input.variable,
  })
  return {
    findings: [...empty, ...ledgers.notSeen, ...folded, ...catalog.notSeen, ...statements.findings, ...replay],
    outcomes: {
      ledger: verdictOf([...empty, ...ledgers.notSeen, ...ledgers.comparisons.flatMap((ledger) => ledger.findings)]),
      schema: verdictOf([
        ...catalog.notSeen,
        ...judgedDifferences(ledgers.comparisons, catalog.differences),
        ...replay,
      ]),
      queries: statements.outcome,
    },
    notes: [...ledgers.comparisons.flatMap((ledger) => ledger.notes), ...catalog.notes, ...statements.notes],
    ledgers: ledgers.comparisons,
    differences: isCompared(input) ? catalog.differences : null,
  }
}

/** Each as what it counts for: what an open migration would have brought is unsure. */
function judgedDifferences(
  ledgers: readonly LedgerComparison[],
  differences: readonly ObjectDifference[],
): readonly Finding[] {
  const standings = ledgers.flatMap((ledger) => ledger.standings)
  return differences.map((difference) =>
    finding(isOpen(difference, standings) ? { ...difference, code: 'ledger-ambiguous' } : difference),
  )
}

/** Where it is known of each object which migration brought it. A command that recorded none of them on its own told nothing. */
function isAttributed({ expectation, effects }: JudgeInput): boolean {
  const { mode } = expectation.catalog
  if (mode === 'command') return effects.some(({ brought, changed }) => brought.length + changed.length > 0)
  return mode === 'sql' || mode === 'none'
}

function isCompared({ expectation, observation }: JudgeInput): boolean {
  return expectation.catalog.mode !== 'none' && observation.catalog.seen && observation.server.seen
}

function judgeLedgers({ expectation, observation, variable }: JudgeInput): {
  readonly comparisons: readonly LedgerComparison[]
  readonly notSeen: readonly Finding[]
} {
  const observed = observation.ledgers.seen ? observation.ledgers.value : []
  const comparisons = expectation.ledgers.map((expected) => {
    const aimed = (ledger: LedgerExpectation): LedgerExpectation => ({
      ...ledger,
      commands: commandsFor(ledger.commands, variable),
      otherwise: ledger.otherwise?.map(aimed),
    })
    const ledger = aimed(expected)
    const own = observed.find((candidate) => candidate.ledger === ledger.name)
    if (own === undefined) return unseenLedger(ledger)
    return compareLedger(ledger, own, keysBeside(own, expectation.ledgers, observed))
  })
  return { comparisons, notSeen: whyNot(observation.ledgers) }
}

/** Two folders may be one ledger: what the other has is no stranger there. */
function keysBeside(
  own: LedgerObservation,
  ledgers: readonly LedgerExpectation[],
  observed: readonly LedgerObservation[],
): ReadonlySet<string> {
  if ('problem' in own) return new Set()
  const { table, tool } = own.reading
  const same = new Set(
    observed.flatMap((other) =>
      other !== own && 'reading' in other && other.reading.table === table && other.reading.tool === tool
        ? [other.ledger]
        : [],
    ),
  )
  return new Set(
    ledgers.filter(({ name }) => same.has(name)).flatMap(({ migrations }) => migrations.map(({ key }) => key)),
  )
}

function unseenLedger(ledger: LedgerExpectation): LedgerComparison {
  const standings = ledger.migrations.map((migration) => ({
    ledger,
    migration,
    applied: null,
    status: 'unknown' as const,
  }))
  return { standings, findings: [], notes: [] }
}

function judgeCatalog({ expectation, effects, observation, compareTexts, sql }: JudgeInput) {
  const { catalog, server } = observation
  if (!catalog.seen || !server.seen) return { differences: [], notes: [], notSeen: whyNot(catalog) }
  const comparison = compareCatalog(catalog.value, {
    policy: expectation.policy,
    major: server.value.major,
    expectedMajors: expectation.catalog.servers.map(majorOf),
    compareTexts,
    sql,
  })
  // What a failed replay leaves open is that finding's consequence, and no error of its own.
  const unsure = unsureIdentities(effects)
  const differences = comparison.differences.filter((difference) => !unsure.has(difference.identity))
  return { differences, notes: comparison.notes, notSeen: [] }
}

/** A release that expects nothing is a mistake, and never a pass. */
function emptyFindings(expectation: Expectation): readonly Finding[] {
  const empty = expectation.ledgers.filter((ledger) => ledger.migrations.length === 0)
  const nothing =
    expectation.ledgers.length === 0 &&
    expectation.catalog.total.objects === 0 &&
    // What was learnt, or what another release sends, is nobody's expectation of this one.
    expectation.statements.every(({ from }) => typeof from !== 'string')
  const subjects = nothing
    ? [{ subject: expectation.release.service, where: 'the config' }]
    : empty.map(({ path }) => ({ subject: path, where: path }))
  return subjects.map(({ subject, where }) =>
    finding({
      code: 'expectation-empty',
      subject,
      expected: 'the release has at least one migration to look for',
      found: `${where} has none, so that nothing would be checked`,
      source: empty.some(({ path }) => path === subject) ? [{ file: subject, line: 1 }] : [],
      causes: [
        {
          text: 'the path is another folder than the one with the migrations, or the build did not copy them',
          evidence: null,
        },
      ],
      nextSteps: [
        {
          text: 'correct migrations.path in deploywatch.yaml and build the release again',
          command: 'npx deploywatch build',
        },
      ],
    }),
  )
}

/** What each migration brought and no later one removed. */
function finallyBrought(effects: readonly MigrationEffect[]): ReadonlyMap<number, readonly ObjectReference[]> {
  const owner = new Map<string, { readonly index: number; readonly object: ObjectReference }>()
  for (const [index, effect] of effects.entries()) {
    for (const object of effect.removed) owner.delete(identityOf(object))
    for (const object of effect.brought) owner.set(identityOf(object), { index, object })
  }
  const groups = groupBy([...owner.values()], ({ index }) => index)
  return new Map([...groups].map(([index, members]) => [index, members.map(({ object }) => object)]))
}

/** '15.18' → 15. */
export function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}
