/**
 * The table of causes: what a look, the evidence and the pipelines showed, joined to why something is as it is. Pure.
 *
 * A cause is worth as much as the pieces of evidence that speak for it: causes are listed by their number, and one without any is
 * only possible. Nothing is guessed: a rule that lacks what it needs says nothing.
 */
import type { LedgerComparison } from './compare-ledger.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import { indexCauses } from './cause-index.ts'
import { CAUSE_RULES } from './cause-rules.ts'
import type { Elsewhere } from './environment-behind.ts'
import type { Cause, Finding, NextStep } from './finding.ts'
import type { MigrationEffect } from './release.ts'

/** What is known besides the finding itself. */
export interface CauseContext {
  readonly environment: string
  /** ISO 8601, UTC. */
  readonly now: string
  /** How this look found each ledger; empty: it could not. */
  readonly ledgers: readonly LedgerComparison[]
  /** One a migration, flattened; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  /** Objects that are not as expected; null: they were not compared. */
  readonly differences: readonly ObjectDifference[] | null
  /** What environments showed of this release before, this one too. */
  readonly evidence: readonly Elsewhere[]
  /** What the audit of the pipelines says of this environment; null: they were not read. */
  readonly pipelines: readonly Finding[] | null
  /** Schemas of this database that nobody looked at, with those of the missing tables and ledgers that are there. */
  readonly otherSchemas: readonly { readonly schema: string; readonly relations: readonly string[] }[]
  /** All that was found: one finding may be the reason of another. */
  readonly findings: readonly Finding[]
}

/** What a rule has to say of one finding. */
export interface ToldCause {
  readonly text: string
  /** One statement each, readable alone. None: the cause is only possible. */
  readonly pieces: readonly string[]
  /** What keeps it from happening again; runs after the finding's own steps. */
  readonly steps: readonly NextStep[]
}

/** The findings with their causes, those with the most evidence first. */
export function tellCauses(context: CauseContext): readonly Finding[] {
  const indexed = { ...context, index: indexCauses(context) }
  return context.findings.map((own) => {
    const told = CAUSE_RULES.flatMap((rule) => (rule.codes.has(own.code) ? (rule.tell(own, indexed) ?? []) : []))
    return told.length === 0 ? own : withCauses(own, told)
  })
}

function withCauses(own: Finding, told: readonly ToldCause[]): Finding {
  const texts = new Set(told.map(({ text }) => text))
  const ranked = [
    ...told.map((one) => ({ cause: causeOf(one), weight: one.pieces.length })),
    ...own.causes
      .filter(({ text }) => !texts.has(text))
      .map((cause) => ({ cause, weight: cause.evidence === null ? 0 : 1 })),
  ].toSorted((a, b) => b.weight - a.weight)
  return {
    ...own,
    causes: ranked.map(({ cause }) => cause),
    nextSteps: [...own.nextSteps, ...told.flatMap(({ steps }) => steps)],
  }
}

function causeOf({ text, pieces }: ToldCause): Cause {
  return { text, evidence: pieces.length === 0 ? null : pieces.join('; ') }
}
