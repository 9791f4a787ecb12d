/**
 * The team's own migration command between two looks: what is confirmed already is not run, what ran is confirmed by the look
 * after it alone, and how long each migration took is kept, also of a run that failed half way.
 */
import type { Look } from '../check.ts'
import type { MigrationEnd } from '../core/confirm-migration.ts'
import { confirmMigration, mayMigrate, tellForeign } from '../core/confirm-migration.ts'
import type { KeptRun } from '../core/estimate-history.ts'
import { outcomesOf } from '../core/estimate-outcomes.ts'
import type { RunMigration } from '../core/ledger-progress.ts'
import { timesOf } from '../core/ledger-progress.ts'
import { keyOfRecord } from '../core/migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord, TableVolume } from '../core/migration-evidence.ts'
import { touchedTables } from '../core/migrations-seen.ts'
import type { NextStep } from '../core/finding.ts'
import type { LedgerExpectation, MigrationEffect } from '../core/release.ts'
import type { Report } from '../core/report.ts'
import { durationText } from '../core/duration-text.ts'
import type { LedgersWatch } from './watch-ledgers.ts'

export interface MigrateCommandInput {
  readonly environment: string
  readonly ledgers: readonly LedgerExpectation[]
  /** One a migration, flattened; empty where nothing was replayed. */
  readonly effects: () => Promise<readonly MigrationEffect[]>
  readonly look: () => Promise<Look>
  /** How large these tables are, by their subjects. */
  readonly sizes: (tables: readonly string[]) => Promise<readonly TableVolume[]>
  /** Begins to see the ledgers again and again; null: the environment's cannot be seen beside the command. */
  readonly watch: (() => Promise<LedgersWatch>) | null
  /** Runs the command, to its end. */
  readonly run: (watch: LedgersWatch | null) => Promise<CommandEnd>
  /** Runs this again. */
  readonly again: NextStep
  /** Where the database is, without secrets. */
  readonly place: string
  readonly tell: (event: MigrateEvent) => void
  readonly clock: () => number
}

/** What a command's end is, and when: milliseconds since 1970. */
export type CommandEnd = MigrationEnd & { readonly startedAt: number; readonly endedAt: number }

export type MigrateEvent =
  /** `missing`: how many migrations are not applied. */
  | { readonly kind: 'looked'; readonly report: Report; readonly missing: number }
  | { readonly kind: 'not-run'; readonly why: string }
  | { readonly kind: 'ended'; readonly end: CommandEnd }

export interface Migrated {
  readonly report: Report
  readonly samples: Look['samples']
  /** null: the command was not run. */
  readonly ran: Ran | null
}

export interface Ran {
  readonly end: CommandEnd
  /** What it brought, in the order in which each ended; [] where nobody could watch. */
  readonly migrations: readonly RunMigration[]
  /** null: the look after it did not see the ledgers. */
  readonly evidence: MigrationEvidence | null
  /** How long the look before said that each would take, and how long each took. */
  readonly outcomes: readonly KeptRun[]
}

export async function migrateByCommand(input: MigrateCommandInput): Promise<Migrated> {
  const { look, tell, clock } = input
  const before = await look()
  const why = whyNot(before.report)
  if (why !== null) {
    tell({ kind: 'not-run', why })
    return { report: { ...before.report, notes: [why, ...before.report.notes] }, samples: before.samples, ran: null }
  }
  const missing = before.migrations?.records.filter(({ state }) => state !== 'applied').length ?? 0
  tell({ kind: 'looked', report: before.report, missing })
  const effects = await input.effects()
  const sizes = await input.sizes(tablesOfMissing(before.migrations, effects))
  const { end, migrations } = await runWatched(input)
  tell({ kind: 'ended', end })
  const after = await look()
  const { report } = confirmMigration({
    before: before.report,
    ended: end,
    after: after.report,
    typed: {
      durationMs: end.endedAt - end.startedAt,
      ran: migrations.flatMap(({ subject, isKnown }) => (isKnown ? [subject] : [])),
      again: input.again,
      place: input.place,
    },
  })
  const { startedAt } = before.report
  const own = report.notes.length - after.report.notes.length
  const notes = report.notes.toSpliced(own, 0, ...timeNotes(migrations))
  const durationMs = Math.round(clock() - Date.parse(startedAt))
  const evidence = after.migrations && evidenceOf(after.migrations, effects, sizes, migrations)
  return {
    report: tellForeign(before.report, { ...report, startedAt, durationMs, notes }, end.said),
    samples: [...before.samples, ...after.samples],
    ran: {
      end,
      migrations,
      evidence,
      outcomes: outcomesOf(input.environment, before.estimates, ranOf(evidence, migrations)),
    },
  }
}

/** Why the command is not to be run; null: it is. */
function whyNot(report: Report): string | null {
  switch (mayMigrate(report)) {
    case 'run':
      return null
    case 'confirmed':
      return 'the schema is confirmed already: the command was not run'
    case 'never':
      return 'the command was not run: there is nothing that it could bring'
    case 'locked':
      return 'the command was not run: the lock of the migration tool was held by somebody else'
    case 'blind':
      return 'the command was not run: nobody could look, and so nobody could confirm it afterwards'
  }
}

async function runWatched({
  watch,
  run,
  ledgers,
}: MigrateCommandInput): Promise<{ readonly end: CommandEnd; readonly migrations: readonly RunMigration[] }> {
  const watching = (await watch?.()) ?? null
  try {
    const end = await run(watching)
    const progress = (await watching?.end(end.endedAt)) ?? null
    return { end, migrations: progress === null ? [] : timesOf(progress, end.startedAt, ledgers) }
  } catch (error) {
    await watching?.end()
    throw error
  }
}

/** What of the evidence this run brought. */
function ranOf(evidence: MigrationEvidence | null, ran: readonly RunMigration[]): readonly MigrationRecord[] {
  const keys = new Set(ran.map(keyOfRecord))
  return (evidence?.records ?? []).filter((record) => keys.has(keyOfRecord(record)))
}

/** In the order of the release's migrations, as effects are. */
function tablesOfMissing(seen: MigrationEvidence | null, effects: readonly MigrationEffect[]): readonly string[] {
  const missing = effects.filter((_, at) => seen?.records[at]?.state !== 'applied')
  return [...new Set(missing.flatMap(touchedTables))]
}

function evidenceOf(
  seen: MigrationEvidence,
  effects: readonly MigrationEffect[],
  volumes: readonly TableVolume[],
  ran: readonly RunMigration[],
): MigrationEvidence {
  const watched = new Map(ran.map((one) => [keyOfRecord(one), one.took]))
  return {
    ...seen,
    volumes,
    records: seen.records.map((record, at): MigrationRecord => {
      const effect = effects[at]
      const took = record.state === 'applied' ? (watched.get(keyOfRecord(record)) ?? null) : null
      return {
        ...record,
        tables: effect === undefined ? [] : touchedTables(effect),
        // The tool's own measure counts more.
        took: record.took ?? (took === null ? null : { ...took, seenAt: record.seenAt }),
      }
    }),
  }
}

const TOLD = 10

function timeNotes(ran: readonly RunMigration[]): readonly string[] {
  const timed = ran.flatMap(({ subject, took }) => (took === null ? [] : [`${subject} took ${durationText(took.ms)}`]))
  const together = ran.filter(({ took }) => took === null).map(({ subject }) => subject)
  const more = timed.length - TOLD
  return [
    ...timed.slice(0, TOLD),
    ...(more > 0 ? [`how long ${more} more took is in the evidence`] : []),
    ...(together.length === 0
      ? []
      : [
          `how long each took is not known of ${together.slice(0, TOLD).join(', ')}: they appeared in the ledger together`,
        ]),
  ]
}
