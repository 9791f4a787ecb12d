/** From estimates and the runs that followed them to what is kept of both. Pure. */
import { estimateMissing } from './estimate.ts'
import type { MigrationEstimate } from './estimate.ts'
import { isScaling } from './estimate-classes.ts'
import type { KeptRun } from './estimate-history.ts'
import type { Elsewhere } from './environment-behind.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord } from './migration-evidence.ts'
import { flattenMigrations } from './release.ts'
import type { Expectation, MigrationEffect } from './release.ts'

/** Of the estimates that had a range, and whose migration has run since and was measured. What changes the catalog alone tells nothing. */
export function outcomesOf(
  environment: string,
  estimates: readonly MigrationEstimate[],
  records: readonly MigrationRecord[],
): readonly KeptRun[] {
  const byKey = new Map(records.map((record) => [keyOfRecord(record), record]))
  return estimates.flatMap((one): readonly KeptRun[] => {
    const record = byKey.get(keyOfRecord(one))
    const { estimate, reckoned, ledger, subject } = one
    if (estimate === null || reckoned === null || record === undefined || record.took === null) return []
    const known = classOf(estimate.class)
    if (known === null || record.state !== 'applied') return []
    return [
      {
        environment,
        ledger,
        subject,
        class: known,
        // What does not shrink with a table would be taken for a factor of it.
        teaches: reckoned.alone && estimate.multiplier >= 1,
        centreMs: reckoned.centreMs,
        lowMs: estimate.lowMs,
        highMs: estimate.highMs,
        actualMs: record.took.ms,
        at: record.at ?? record.took.seenAt,
      },
    ]
  })
}

function classOf(name: string): KeptRun['class'] | null {
  const known = name as Parameters<typeof isScaling>[0]
  return isScaling(known) ? known : null
}

/** Tables that were measured later than this after a run may have another size by then. */
const FRESH_MS = 7 * 86_400_000

export interface HindsightInput extends Pick<Expectation, 'ledgers'> {
  readonly environment: string
  /** What was just seen there. */
  readonly evidence: MigrationEvidence
  /** What was known of it before: of its runs nothing is news. */
  readonly known: readonly MigrationEvidence[]
  readonly elsewhere: readonly Elsewhere[]
  /** One a migration, flattened; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  readonly history: readonly KeptRun[]
}

/**
 * What would have been said of the migrations that ran since the last time, by the sizes that their tables have now, and how
 * long they took: also of those that ran without `migrate`.
 */
export function outcomesInHindsight(input: HindsightInput): readonly KeptRun[] {
  const { environment, evidence, known, ledgers, effects, history } = input
  const before = new Set(
    known.flatMap(({ records }) => records.filter(({ took }) => took !== null).map((record) => keyOfRecord(record))),
  )
  const news = evidence.records.filter(
    (record) => record.took !== null && !before.has(keyOfRecord(record)) && isFresh(record, evidence.seenAt),
  )
  const keys = new Set(news.map((record) => keyOfRecord(record)))
  const missing = flattenMigrations(ledgers).flatMap(({ ledger, migration }, at) =>
    keys.has(keyOfRecord({ ledger: ledger.name, subject: migration.subject }))
      ? [{ ledger: ledger.name, migration, effect: effects[at] }]
      : [],
  )
  const { server, volumes } = evidence
  const target = {
    environment,
    version: server.version,
    volumes: volumes.map((volume) => ({ ...volume, sql: volume.table })),
    activity: null,
    cache: null,
  }
  const about = {
    missing,
    target,
    elsewhere: input.elsewhere,
    others: [],
    history,
    variable: null,
    now: evidence.seenAt,
  }
  return outcomesOf(environment, estimateMissing(about), news)
}

function isFresh({ at }: MigrationRecord, seenAt: string): boolean {
  return at !== null && Date.parse(seenAt) - Date.parse(at) <= FRESH_MS
}
