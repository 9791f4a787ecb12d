/**
 * Findings: one disagreement each, as data. Text is rendered from them, never stored instead of them.
 *
 * The table of codes is the contract: codes may be added, never renamed or removed.
 */

export type Severity = 'error' | 'unsure' | 'warning' | 'info'

export type FindingGroup = 'ledger' | 'schema' | 'statements' | 'endpoints' | 'environments' | 'could-not-look'

interface CodeDefinition {
  readonly group: FindingGroup
  readonly severity: Severity
}

/** Every finding code with its one severity. */
export const FINDING_CODES = {
  'migration-missing': { group: 'ledger', severity: 'error' },
  'migration-skipped': { group: 'ledger', severity: 'error' },
  'migration-failed': { group: 'ledger', severity: 'error' },
  'migration-edited': { group: 'ledger', severity: 'error' },
  'migration-unknown': { group: 'ledger', severity: 'info' },
  'ledger-missing': { group: 'ledger', severity: 'error' },
  'ledger-ambiguous': { group: 'ledger', severity: 'unsure' },
  'ledger-locked': { group: 'ledger', severity: 'unsure' },
  'migrate-unconfirmed': { group: 'ledger', severity: 'error' },
  'expectation-empty': { group: 'ledger', severity: 'error' },
  'replay-failed': { group: 'ledger', severity: 'unsure' },

  'table-missing': { group: 'schema', severity: 'error' },
  'column-missing': { group: 'schema', severity: 'error' },
  'column-differs': { group: 'schema', severity: 'error' },
  'index-missing': { group: 'schema', severity: 'error' },
  'index-invalid': { group: 'schema', severity: 'error' },
  'constraint-missing': { group: 'schema', severity: 'error' },
  'constraint-invalid': { group: 'schema', severity: 'error' },
  'enum-value-missing': { group: 'schema', severity: 'error' },
  'view-missing': { group: 'schema', severity: 'error' },
  'routine-missing': { group: 'schema', severity: 'error' },
  'sequence-missing': { group: 'schema', severity: 'error' },
  'trigger-missing': { group: 'schema', severity: 'error' },
  'extension-missing': { group: 'schema', severity: 'error' },
  'policy-missing': { group: 'schema', severity: 'error' },
  'type-missing': { group: 'schema', severity: 'error' },
  'grant-missing': { group: 'schema', severity: 'error' },
  'object-differs': { group: 'schema', severity: 'error' },
  'object-unexpected': { group: 'schema', severity: 'error' },
  'schema-changed': { group: 'schema', severity: 'warning' },

  'query-broken': { group: 'statements', severity: 'error' },
  'query-slow': { group: 'statements', severity: 'error' },
  'query-result': { group: 'statements', severity: 'error' },
  'query-refused': { group: 'statements', severity: 'error' },

  'endpoint-failed': { group: 'endpoints', severity: 'error' },
  'endpoint-slow': { group: 'endpoints', severity: 'error' },
  'endpoint-result': { group: 'endpoints', severity: 'error' },
  'revision-mismatch': { group: 'endpoints', severity: 'unsure' },

  'environment-behind': { group: 'environments', severity: 'warning' },
  'pipeline-step-missing': { group: 'environments', severity: 'error' },
  'pipeline-order': { group: 'environments', severity: 'error' },
  'pipeline-step-conditional': { group: 'environments', severity: 'error' },
  'pipeline-unreadable': { group: 'environments', severity: 'unsure' },

  'database-unreachable': { group: 'could-not-look', severity: 'unsure' },
  'database-resuming': { group: 'could-not-look', severity: 'unsure' },
  'permission-denied': { group: 'could-not-look', severity: 'unsure' },
  'credentials-invalid': { group: 'could-not-look', severity: 'unsure' },
  'data-api-disabled': { group: 'could-not-look', severity: 'unsure' },
  'check-timeout': { group: 'could-not-look', severity: 'unsure' },
  'look-blocked': { group: 'could-not-look', severity: 'unsure' },
  'ledger-unsupported': { group: 'could-not-look', severity: 'unsure' },
  'evidence-unreadable': { group: 'could-not-look', severity: 'unsure' },
  'release-unknown': { group: 'could-not-look', severity: 'unsure' },
} as const satisfies Record<string, CodeDefinition>

export type FindingCode = keyof typeof FINDING_CODES

/** The codes that say "could not look". */
export type CouldNotLookCode = {
  [C in FindingCode]: (typeof FINDING_CODES)[C]['group'] extends 'could-not-look' ? C : never
}[FindingCode]

/** A place in the release's files. `line` counts from 1. */
export interface SourcePlace {
  readonly file: string
  readonly line: number
}

/** A likely cause. Without evidence it is only possible, and is printed as that. */
export interface Cause {
  readonly text: string
  readonly evidence: string | null
}

/** What to do next. `command` works when it is pasted. */
export interface NextStep {
  readonly text: string
  readonly command: string | null
}

/** How long the remedy takes: milliseconds, as a range with its explicit multiplier. */
export interface Estimate {
  readonly class: string
  readonly lowMs: number
  readonly highMs: number
  readonly multiplier: number
  readonly basis: string
  /** What is not in the range, and what it means for others meanwhile: 'lock wait: …', 'not in cache: …', a line each. */
  readonly beside: readonly string[]
}

/** One disagreement. No field is optional, so that nothing is forgotten. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  readonly subject: string
  /** One sentence, readable alone: lower case, no full stop. */
  readonly expected: string
  readonly found: string
  readonly source: readonly SourcePlace[]
  readonly causes: readonly Cause[]
  /** "code subject", one an object or statement, of the findings that this one explains. */
  readonly consequences: readonly string[]
  readonly nextSteps: readonly NextStep[]
  readonly estimate: Estimate | null
}

/** What a caller has to say of a finding; the rest has a neutral value. */
export type FindingDraft = Pick<Finding, 'code' | 'subject' | 'expected' | 'found'> &
  Partial<Pick<Finding, 'source' | 'causes' | 'consequences' | 'nextSteps' | 'estimate'>>

/** Completes a draft. The severity follows from the code alone. */
export function finding(draft: FindingDraft): Finding {
  return {
    code: draft.code,
    severity: FINDING_CODES[draft.code].severity,
    subject: draft.subject,
    expected: draft.expected,
    found: draft.found,
    source: draft.source ?? [],
    causes: draft.causes ?? [],
    consequences: draft.consequences ?? [],
    nextSteps: draft.nextSteps ?? [],
    estimate: draft.estimate ?? null,
  }
}

/**
 * A finding that is information, whatever severity its code has. The contract has one: the check step that a pipeline could
 * have and has not, under the code of a missing step.
 */
export function information(draft: FindingDraft): Finding {
  return { ...finding(draft), severity: 'info' }
}
