/** Compares the release's migrations with what a ledger counts. Pure. */
import type { Cause, Finding, SourcePlace } from './finding.ts'
import { finding } from './finding.ts'
import type { AppliedMigration, LedgerObservation, LedgerProblem, LedgerReading } from './ledger.ts'
import { lockFindings, otherEntryFinding, problemFinding, stuckFinding, unclearFindings } from './ledger-findings.ts'
import type { GraphReading } from './migration-graph.ts'
import { readGraph } from './migration-graph.ts'
import { commandsIn, filled, shellWord } from './paste.ts'
import type { LedgerExpectation, Migration } from './release.ts'

/** How the environment stands to one migration of the release. */
export type MigrationStatus = 'applied' | 'covered' | 'missing' | 'skipped' | 'failed' | 'edited' | 'unknown'

export interface MigrationStanding {
  readonly ledger: LedgerExpectation
  readonly migration: Migration
  readonly status: MigrationStatus
  readonly applied: AppliedMigration | null
  /** The key of the migration of the same ledger that counts instead of it: what it would bring is that one's. */
  readonly toldBy?: string | undefined
}

export interface LedgerComparison {
  readonly standings: readonly MigrationStanding[]
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

/** One ledger of the release against its observation. */
export function compareLedger(
  release: LedgerExpectation,
  observed: LedgerObservation,
  /** Keys of what other folders of this release record in the same table. */
  others: ReadonlySet<string> = new Set(),
): LedgerComparison {
  if ('problem' in observed) return compareUnreadable(release, observed.problem)
  const reading = observed.reading
  const own = release.otherwise?.find(({ tool }) => tool === reading.tool) ?? release
  const schema = reading.table.slice(0, reading.table.lastIndexOf('.'))
  const expected = { ...own, commands: commandsIn(own.commands, schema) }
  const judged = judge(expected, reading)
  const standings = expected.migrations.map((migration, index) => standingOf(expected, migration, index, judged))
  return {
    standings,
    findings: [
      ...lockFindings(reading),
      ...standings.flatMap((standing, index) => standingFinding(standing, index, judged)),
      ...unclearFindings(expected, reading),
      ...unknownFindings(expected, reading, others),
    ],
    notes: [
      `${expected.path}: ${expected.tool}, ${expected.detectedBy}`,
      `${reading.table}: ${reading.recognisedBy}`,
      ...reading.notes,
      ...expected.notes,
    ],
  }
}

interface Judged {
  readonly reading: LedgerReading
  /** null: the migrations are a list. */
  readonly graph: GraphReading | null
  /** Keys of which the ledger says neither that they ran nor that they did not. */
  readonly unclear: ReadonlySet<string>
  /** The first row of each key. */
  readonly rows: ReadonlyMap<string, AppliedMigration>
  /** By a migration's index, the first row that counts as run and comes after it. */
  readonly later: readonly AppliedMigration[]
  /** How much the ledger has, for messages. */
  readonly count: string
}

/** Once for all migrations: a ledger may have thousands of rows. */
function judge({ migrations }: LedgerExpectation, reading: LedgerReading): Judged {
  const counted = reading.applied.filter(countsAsRun)
  return {
    reading,
    graph: readGraph(migrations, new Set(counted.map(({ key }) => key))),
    unclear: new Set(reading.unclear?.keys),
    rows: new Map(reading.applied.toReversed().map((row) => [row.key, row])),
    later: laterRows(counted),
    count: countText(reading),
  }
}

function laterRows(rows: readonly AppliedMigration[]): readonly AppliedMigration[] {
  const later: AppliedMigration[] = []
  for (const row of rows) while (later.length < row.place) later.push(row)
  return later
}

function standingOf(ledger: LedgerExpectation, migration: Migration, index: number, judged: Judged): MigrationStanding {
  const { rows } = judged
  const { key } = migration
  const own = rows.get(key)
  const applied = own ?? rows.get(judged.graph?.through.get(key) ?? key) ?? null
  // What a squash stands for is told by the squash, and the other way round.
  const toldBy = applied === null ? judged.graph?.insteadOf.get(key) : undefined
  const covered = toldBy !== undefined || (own === undefined && applied !== null)
  const status = covered ? 'covered' : statusOf(migration, applied, index, judged)
  return { ledger, migration, applied, status, toldBy }
}

function statusOf(
  migration: Migration,
  applied: AppliedMigration | null,
  index: number,
  judged: Judged,
): MigrationStatus {
  if (applied === null) {
    if (judged.unclear.has(migration.key)) return 'unknown'
    const late = migration.kind === 'versioned' && laterThan(migration, index, judged) !== undefined
    return late ? 'skipped' : 'missing'
  }
  if (applied.state === 'failed') return 'failed'
  if (applied.state === 'baseline' || applied.state === 'assumed') return 'covered'
  if (applied.differs !== undefined) return 'edited'
  if (isOtherText(migration, applied)) return migration.kind === 'repeatable' ? 'missing' : 'edited'
  return 'applied'
}

/** An applied one that comes after it; where the order is a graph, one that stands on it. */
function laterThan(migration: Migration, index: number, { graph, later, rows }: Judged): AppliedMigration | undefined {
  if (graph === null) return later[index]
  const by = graph.under.get(migration.key)
  return by === undefined ? undefined : rows.get(graph.through.get(by) ?? by)
}

function countsAsRun(row: AppliedMigration): boolean {
  return row.state !== 'failed' && row.state !== 'baseline'
}

/** A repeatable of another text will be run again; a versioned one was edited after it ran. */
function isOtherText(migration: Migration, applied: AppliedMigration): boolean {
  return applied.checksum !== null && migration.checksums.length > 0 && !migration.checksums.includes(applied.checksum)
}

function sourceOf(migration: Migration): readonly SourcePlace[] {
  return [{ file: migration.file, line: migration.line ?? 1 }]
}

function standingFinding(standing: MigrationStanding, index: number, judged: Judged): readonly Finding[] {
  const { reading } = judged
  switch (standing.status) {
    case 'applied':
    case 'covered':
    case 'unknown':
      return []
    case 'missing':
      return [missingFinding(standing, judged)]
    case 'skipped':
      return [skippedFinding(standing, index, judged)]
    case 'failed':
      return [failedFinding(standing, index, reading)]
    case 'edited':
      return [editedFinding(standing, reading)]
  }
}

function missingFinding({ ledger, migration, applied }: MigrationStanding, { reading, graph, count }: Judged): Finding {
  const changed = applied !== null
  const stuck = graph?.stuck.get(migration.key)
  if (stuck !== undefined) return stuckFinding(migration, reading, stuck)
  return finding({
    code: 'migration-missing',
    subject: migration.subject,
    expected: changed
      ? `${migration.subject} has run with the text that this release has`
      : `${migration.subject} is applied before this release is deployed`,
    found: changed
      ? `${reading.table} has it with checksum ${applied.checksum ?? 'none'}, an older text${whenText(applied)}`
      : `${reading.table} has ${count}, and not this one`,
    source: sourceOf(migration),
    causes: successorCauses(reading),
    nextSteps: [
      reading.instead?.missing ?? {
        text: 'run the migrations that are missing, then look again',
        command: ledger.commands.migrate,
      },
    ],
  })
}

function skippedFinding({ ledger, migration }: MigrationStanding, index: number, judged: Judged): Finding {
  const { reading } = judged
  const later = laterThan(migration, index, judged)
  const passedOver = reading.passedOver?.includes(migration.key) === true
  const found = `${reading.table} does not have it, though ${later?.label ?? 'a later one'}, which comes after it, is applied`
  const steps = {
    runs: {
      text: `${ledger.tool} still runs it, whatever its place: run the migrations, then look again`,
      command: ledger.commands.migrate,
    },
    refuses: {
      text:
        ledger.commands.migrateLate === null
          ? `${ledger.tool} refuses every run while that is so, and no command of it runs it out of order: see whether what it does is there, do by hand what is not, record it in ${reading.table}, then look again`
          : `${ledger.tool} refuses to run it in this place unless it is told to: run it out of order, then look again`,
      command: ledger.commands.migrateLate,
    },
    'never-runs': {
      text: `${ledger.tool} will never run it, and will say that all is well: give it a place after ${later?.label ?? 'the newest one'} and build the release again`,
      command: ledger.commands.migrateLate,
    },
  } as const
  return finding({
    code: 'migration-skipped',
    subject: migration.subject,
    expected: `${migration.subject} is applied before this release is deployed`,
    found,
    source: sourceOf(migration),
    causes: [
      {
        text:
          judged.graph === null
            ? 'it was merged after a later one had already run here'
            : 'it was added below one that had already run here, or its row was taken away',
        evidence: later === undefined ? null : `${later.label} is applied${whenText(later)}`,
      },
      ...successorCauses(reading),
    ],
    nextSteps: [
      passedOver ? { ...steps['never-runs'], command: null } : (reading.instead?.skipped ?? steps[ledger.late]),
    ],
  })
}

function failedFinding(
  { ledger, migration, applied }: MigrationStanding,
  index: number,
  reading: LedgerReading,
): Finding {
  const detail = applied?.detail ?? 'the ledger does not say why'
  return finding({
    code: 'migration-failed',
    subject: migration.subject,
    expected: `${migration.subject} has run to its end`,
    found: `${reading.table} says that it did not: ${detail}`,
    source: sourceOf(migration),
    causes: [
      {
        text: 'the run failed or was stopped half way',
        evidence: applied === null ? null : `${applied.label}: ${detail}`,
      },
    ],
    nextSteps: [
      {
        text: `see in the log of the last migration run why it stopped and mend that${mendText(ledger, reading)}`,
        command: repairCommand(ledger, migration, index),
      },
      reading.instead?.missing ?? { text: 'run it again, then look again', command: ledger.commands.migrate },
    ],
  })
}

function mendText({ commands, tool }: LedgerExpectation, { failedRunsAgain }: LedgerReading): string {
  if (commands.resumes === true)
    return `; leave what ran of it: ${tool} goes on at the statement that failed, and refuses where an earlier one was changed`
  if (failedRunsAgain === true) return ', then undo by hand what it left half done'
  return `, then clear the failed state${commands.repair === null ? ' by hand' : ''}`
}

function repairCommand(ledger: LedgerExpectation, migration: Migration, index: number): string | null {
  const before = ledger.migrations[index - 1]?.key ?? '-1'
  const words: Readonly<Record<string, string>> = { NAME: shellWord(migration.subject), VERSION: before }
  return ledger.commands.repair === null ? null : filled(ledger.commands.repair, words)
}

function editedFinding({ migration, applied }: MigrationStanding, reading: LedgerReading): Finding {
  if (applied?.differs !== undefined) return otherEntryFinding(migration, applied, applied.differs, reading)
  return finding({
    code: 'migration-edited',
    subject: migration.subject,
    expected: `${migration.subject} has checksum ${migration.checksums[0] ?? migration.digest}`,
    found: `${reading.table} has it applied with checksum ${applied?.checksum ?? 'none'}${applied === null ? '' : whenText(applied)}`,
    source: sourceOf(migration),
    causes: [{ text: 'the file was changed after it had run here', evidence: applied?.detail ?? null }],
    nextSteps: [
      {
        text: 'see what changed in the file since it ran, restore its text, and put the change into a new migration',
        command: `git log -p --follow -- ${shellWord(migration.file)}`,
      },
    ],
  })
}

function unknownFindings(
  expected: LedgerExpectation,
  reading: LedgerReading,
  others: ReadonlySet<string>,
): readonly Finding[] {
  // What a squash replaces is known by it, though its file is gone.
  const known = new Set(expected.migrations.flatMap(({ key, replaces = [] }) => [key, ...replaces]))
  return reading.applied
    .filter((row) => !known.has(row.key) && !others.has(row.key) && row.state !== 'baseline')
    .map((row) =>
      finding({
        code: 'migration-unknown',
        subject: row.label,
        expected: 'every applied migration is one of this release',
        found: `${reading.table} has ${row.label}${whenText(row)}, which the release does not know`,
        causes: [
          { text: 'a newer release was deployed here, or a branch that this one does not contain', evidence: null },
        ],
      }),
    )
}

function compareUnreadable(expected: LedgerExpectation, problem: LedgerProblem): LedgerComparison {
  const standings = expected.migrations.map((migration) => ({
    ledger: expected,
    migration,
    applied: null,
    status: 'unknown' as const,
  }))
  return { standings, findings: [problemFinding(expected, problem)], notes: [] }
}

function successorCauses({ successor }: LedgerReading): readonly Cause[] {
  if (successor === undefined) return []
  const text = `the team went over to ${successor.title}, which runs and records the migrations here since`
  return [{ text, evidence: successor.evidence }]
}

function countText(reading: LedgerReading): string {
  const count = reading.applied.filter((row) => row.state !== 'failed').length
  const last = reading.applied.at(-1)
  if (count === 0 || last === undefined) return 'no applied migration'
  return count === 1 ? `one migration (${last.label})` : `${count} migrations, the last one ${last.label}`
}

function whenText(row: AppliedMigration): string {
  return row.at === null ? '' : ` since ${row.at}`
}
