/** A disagreement about an object that no migration explains: what brought it, what may have become of it, how it comes back. Pure. */
import type { ObjectDifference } from './compare-catalog.ts'
import type { MigrationStanding } from './compare-ledger.ts'
import type { Cause, Finding, NextStep, SourcePlace } from './finding.ts'
import { finding } from './finding.ts'
import { sqlCommand } from './paste.ts'

export interface LooseInput {
  readonly difference: ObjectDifference
  /** How the environment stands to the migration that brought or changed it last; undefined: that is not known. */
  readonly standing: MigrationStanding | undefined
  /** The variable that holds the database's address, or null. */
  readonly variable: string | null
  /** Migrations that have not run here, where it is not known what each brings. */
  readonly pending: readonly Finding[]
}

export function looseFinding(input: LooseInput): Finding {
  const { difference, standing } = input
  return finding({
    code: difference.code,
    subject: difference.subject,
    expected: difference.expected,
    found: difference.found,
    source: sourceOf(standing),
    causes: causesOf(difference, standing),
    nextSteps: stepsOf(input),
  })
}

function sourceOf(standing: MigrationStanding | undefined): readonly SourcePlace[] {
  return standing === undefined ? [] : [{ file: standing.migration.file, line: 1 }]
}

function causesOf(difference: ObjectDifference, standing: MigrationStanding | undefined): readonly Cause[] {
  if (difference.code === 'object-unexpected') {
    return [{ text: 'it was made by hand, or by a migration that this release does not have', evidence: null }]
  }
  if (standing === undefined || standing.applied === null) return []
  const { migration, applied } = standing
  const when = applied.at === null ? '' : ` since ${applied.at}`
  const counted: Record<string, string> = {
    baseline: `the ledger's baseline covers ${migration.subject}, which never ran here`,
    marked: `the ledger has ${migration.subject} marked as applied${when}, without having run it`,
    assumed: `the ledger stands at ${applied.label}, which counts ${migration.subject} as applied`,
    applied: `the ledger counts ${migration.subject} as applied${when}`,
  }
  const evidence = counted[applied.state] ?? null
  const byHand = difference.code.endsWith('-missing')
    ? 'it was dropped or renamed by hand, or a backup was restored, after the migration had run'
    : 'it was changed by hand after the migration had run'
  return [
    {
      text:
        applied.state === 'baseline' || applied.state === 'marked'
          ? 'the migration was recorded without being run'
          : byHand,
      evidence,
    },
    { text: 'the migrations ran in another schema or database than this one (search_path)', evidence: null },
  ]
}

function stepsOf({ difference, standing, variable, pending }: LooseInput): readonly NextStep[] {
  const [first] = pending
  if (first !== undefined) {
    const command = first.nextSteps.findLast((step) => step.command !== null)?.command ?? null
    const text = `${pending.length} migrations have not run here, and one of them may bring it: run them, then look again`
    return [{ text, command }]
  }
  if (difference.remedy !== null) {
    return [{ text: `as the owner: ${difference.remedy}`, command: sqlCommand(variable, difference.remedy) }]
  }
  if (difference.code === 'object-unexpected') {
    return [{ text: 'put it into a migration, drop it, or name it in schema.ignore', command: null }]
  }
  const where = standing === undefined ? 'the release' : standing.migration.file
  return [
    {
      text: `make it as ${where} does, in a new migration, since the ledger will not run the old one again`,
      command: null,
    },
  ]
}
