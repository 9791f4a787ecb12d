/** A disagreement about an object that no migration explains: what brought it, what may have become of it, how it comes back. Pure. */
import type { ObjectKind } from './catalog.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import type { MigrationStanding } from './compare-ledger.ts'
import type { Cause, Finding, FindingCode, NextStep, SourcePlace } from './finding.ts'
import { finding } from './finding.ts'
import type { ObjectSql } from './object-sql.ts'
import { sqlCommand } from './paste.ts'

export interface LooseInput {
  readonly difference: ObjectDifference
  /** How the environment stands to the migration that brought or changed it last; undefined: that is not known. */
  readonly standing: MigrationStanding | undefined
  /** What went with it: differences that it explains. */
  readonly rest: readonly ObjectDifference[]
  readonly sql: ObjectSql | null
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
  const recorded = applied.state === 'baseline' || applied.state === 'marked'
  const elsewhere = {
    text: 'the migrations ran in another schema or database than this one (search_path)',
    evidence: null,
  }
  return [
    { text: recorded ? 'the migration was recorded without being run' : becameOf(difference), evidence },
    ...(difference.code.endsWith('-missing') && !BESIDE_SCHEMAS.has(difference.kind) ? [elsewhere] : []),
  ]
}

/** What another schema or search path does not change. */
const BESIDE_SCHEMAS = new Set<ObjectKind>(['extension', 'grant'])

/** After its migration had run. */
function becameOf({ code }: ObjectDifference): string {
  const special = BECAME[code]
  if (special !== undefined) return special
  return code.endsWith('-missing')
    ? 'it was dropped or renamed by hand, or a backup was restored, after the migration had run'
    : 'it was changed by hand after the migration had run'
}

const BECAME: Partial<Record<FindingCode, string>> = {
  'index-invalid':
    'building it failed or was ended, and the next run passed over what was left (IF NOT EXISTS), or the failure was cleared by hand',
  'constraint-invalid':
    'it was put back or made NOT VALID, by hand or by another migration, and nobody validated it since',
  'grant-missing': 'it was revoked by hand, or what it is on was made anew without it',
}

function stepsOf(input: LooseInput): readonly NextStep[] {
  const { difference, standing, pending } = input
  const [first] = pending
  if (first !== undefined) {
    const command = first.nextSteps.findLast((step) => step.command !== null)?.command ?? null
    const text = `${pending.length} migrations have not run here, and one of them may bring it: run them, then look again`
    return [{ text, command }]
  }
  if (difference.code === 'object-unexpected') {
    return [{ text: 'put it into a migration, drop it, or name it in schema.ignore', command: null }]
  }
  if (standing?.status === 'unknown') {
    return [{ text: 'see first to the ledger: whether a migration has still to bring it is not known', command: null }]
  }
  const where = standing === undefined ? 'the release' : standing.migration.file
  return [
    remedyOf(input) ?? {
      text: `make it as ${where} does, in a new migration, since the ledger will not run the old one again`,
      command: null,
    },
  ]
}

/** Text longer than that stands in the command only. */
const READABLE = 200

/** The SQL for it and for all that went with it; null: some of it does not follow from what is known. */
function remedyOf({ difference, standing, rest, sql, variable }: LooseInput): NextStep | null {
  const all = [difference, ...rest].map(({ remedy }) => remedy)
  if (sql === null || all.some((remedy) => remedy.length === 0)) return null
  const statements = [...new Set(all.flat())]
  const shown = statements.join('; ')
  const command = sqlCommand(variable, statements, sql.isTransactional(statements))
  const what = standing === undefined ? 'what is missing' : `what ${standing.migration.file} made`
  const mend = command !== null && shown.length > READABLE ? `make ${what} again` : shown
  const lost = difference.code === 'column-missing' ? '; what was in it does not come back with it' : ''
  return { text: `as the owner: ${mend}${lost}`, command }
}
