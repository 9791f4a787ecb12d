/** Migrations × environments as one look sees them: its own environment as it is now, the others by their evidence. Pure. */
import { compareEnvironments } from './compare-environments.ts'
import type { Comparison, EnvironmentSight } from './compare-environments.ts'
import type { Elsewhere } from './environment-behind.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationEvidence, MigrationRecord } from './migration-evidence.ts'
import type { LedgerExpectation, Release } from './release.ts'
import type { Report } from './report.ts'

export interface LookComparisonInput {
  readonly release: Release
  readonly ledgers: readonly LedgerExpectation[]
  readonly environment: string
  readonly report: Report
  /** What the look saw of the migrations; null: nothing was read anew. */
  readonly migrations: MigrationEvidence | null
  /** What environments showed earlier, this one too. */
  readonly elsewhere: readonly Elsewhere[]
}

export function comparisonOfLook(input: LookComparisonInput): Comparison {
  const { release, ledgers, environment, report, elsewhere } = input
  const known = elsewhere.find((one) => one.environment === environment)?.evidence ?? null
  const seen = input.migrations ?? unchanged(input, known)
  const from = seen === null ? (known === null ? null : 'evidence') : 'database'
  const others = elsewhere
    .filter((one) => one.environment !== environment)
    .map((one): EnvironmentSight => ({ ...one, from: 'evidence', why: null }))
    .toSorted((a, b) => (a.environment < b.environment ? -1 : 1))
  return compareEnvironments({
    release,
    ledgers,
    effects: [],
    // The way that releases travel: this one last.
    environments: [...others, { environment, from, evidence: seen ?? known, why: null }],
    unseen: [],
    now: report.startedAt,
  })
}

/** A look at an unchanged database reads no ledger: it passed as it is, so that all of the release is applied. */
function unchanged(
  { ledgers, report }: LookComparisonInput,
  known: MigrationEvidence | null,
): MigrationEvidence | null {
  const { checks, database, startedAt } = report
  const hasPassed = checks.some(({ name, outcome }) => name === 'ledger' && outcome === 'pass')
  if (!hasPassed || database === null) return null
  const earlier = new Map((known?.records ?? []).map((record) => [keyOfRecord(record), record]))
  const records = ledgers.flatMap(({ name, migrations }) =>
    migrations.map(({ subject }): MigrationRecord => {
      const key = { ledger: name, subject }
      const { at = null, took = null, tables = [] } = earlier.get(keyOfRecord(key)) ?? {}
      return { ...key, state: 'applied', at, took, tables, seenAt: startedAt }
    }),
  )
  const { engine, version } = database
  return { seenAt: startedAt, server: { engine, version }, records, volumes: [], objects: null }
}
