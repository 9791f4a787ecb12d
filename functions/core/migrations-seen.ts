/** From what a look judged to what the environment showed of each migration. Pure. */
import { subjectOf } from './catalog.ts'
import type { ObjectKind } from './catalog.ts'
import type { LedgerComparison, MigrationStanding, MigrationStatus } from './compare-ledger.ts'
import type { Finding } from './finding.ts'
import type { Judgement } from './judgement.ts'
import type { MigrationEvidence, MigrationRecord, MigrationState } from './migration-evidence.ts'
import type { MigrationEffect } from './release.ts'

/** Kinds of objects that are a table, or on one: their group is the table. */
const ON_TABLES: ReadonlySet<ObjectKind> = new Set<ObjectKind>([
  'table',
  'column',
  'constraint',
  'index',
  'trigger',
  'policy',
  'view',
])

/** Subjects of the tables and materialized views that a migration touches, as its replay showed: in order, each once. */
export function touchedTables({ brought, changed, removed, costs }: MigrationEffect): readonly string[] {
  const objects = [...brought, ...changed, ...removed].filter(({ kind }) => ON_TABLES.has(kind))
  const named = objects.map(({ schema, group }) => subjectOf({ kind: 'table', schema, group, name: group }))
  return [...new Set([...named, ...costs.flatMap(({ relations }) => relations)])].sort()
}

const STATES: Readonly<Record<MigrationStatus, MigrationState>> = {
  applied: 'applied',
  covered: 'applied',
  missing: 'missing',
  skipped: 'skipped',
  failed: 'failed',
  edited: 'edited',
  unknown: 'unknown',
}

export interface SeenInput {
  readonly judgement: Pick<Judgement, 'ledgers' | 'differences' | 'findings'>
  /** One a migration, flattened; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  /** ISO 8601, UTC. */
  readonly seenAt: string
}

/** Records and objects of the evidence: all but the tables' sizes. */
export function migrationsSeen({
  judgement,
  effects,
  seenAt,
}: SeenInput): Pick<MigrationEvidence, 'records' | 'objects'> {
  const standings = judgement.ledgers.flatMap((ledger) => ledger.standings.map((standing) => ({ ledger, standing })))
  const { differences } = judgement
  return {
    records: standings.map(({ ledger, standing }, at): MigrationRecord => {
      const state = stateOf(standing, ledger, judgement.findings)
      const effect = effects[at]
      return {
        ledger: standing.ledger.name,
        subject: standing.migration.subject,
        state,
        at: state === 'missing' || state === 'skipped' ? null : (standing.applied?.at ?? null),
        took: tookOf(standing, state, seenAt),
        tables: effect === undefined ? [] : touchedTables(effect),
        seenAt,
      }
    }),
    objects:
      differences === null
        ? null
        : { seenAt, differing: differences.map(({ code, subject, found }) => ({ code, subject, found })) },
  }
}

/** A ledger that is not there has none of them; what a look knows to have been skipped, though its ledger counts it, was. */
function stateOf(
  { migration, status }: MigrationStanding,
  { findings: ofLedger }: LedgerComparison,
  findings: readonly Finding[],
): MigrationState {
  if (ofLedger.some(({ code }) => code === 'ledger-missing')) return 'missing'
  const skipped = findings.some(
    ({ code, subject, source }) =>
      code === 'migration-skipped' && subject === migration.subject && source[0]?.file === migration.file,
  )
  return skipped ? 'skipped' : STATES[status]
}

/** What was recorded without having run took no time. */
function tookOf({ applied }: MigrationStanding, state: MigrationState, seenAt: string): MigrationRecord['took'] {
  const ran = state === 'applied' || state === 'edited'
  if (!ran || applied === null || applied.state !== 'applied' || applied.durationMs === null) return null
  return { ms: applied.durationMs, by: 'ledger', seenAt }
}
