/** What `estimate` answers: the contract `deploywatch/estimate/1`. Pure. */
import { sumOf } from './estimate.ts'
import type { MigrationEstimate } from './estimate.ts'
import type { HitRate } from './estimate-history.ts'
import type { Estimate, Finding, NextStep } from './finding.ts'
import type { MigrationRecord } from './migration-evidence.ts'
import type { Release } from './release.ts'

export interface EstimatedMigration {
  readonly ledger: string
  readonly subject: string
  /** null: the rule refuses a number. */
  readonly estimate: Estimate | null
  /** At most so long where its tables have to come from storage; null: they fit into memory, or there is no number. */
  readonly notInCacheMs: number | null
  /** Why there is no number, and what would give one; null: there is one. */
  readonly reason: string | null
  readonly nextStep: NextStep | null
}

export interface EstimateDocument {
  readonly schema: 'deploywatch/estimate/1'
  readonly service: string
  readonly release: Pick<Release, 'version' | 'commit'>
  readonly environment: string
  /** ISO 8601, UTC. */
  readonly estimatedAt: string
  /** Those that are missing, in the order in which they will run. */
  readonly migrations: readonly EstimatedMigration[]
  /** null: one of them has no number, or it is not known which are missing. */
  readonly total: { readonly lowMs: number; readonly highMs: number } | null
  /** How earlier estimates of this service held; null: none of them was followed by a run that was seen. */
  readonly hitRate: HitRate | null
  /** What could not be looked at. */
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

export interface DocumentInput extends Pick<
  EstimateDocument,
  'environment' | 'estimatedAt' | 'hitRate' | 'findings' | 'notes'
> {
  readonly release: Release
  readonly estimates: readonly MigrationEstimate[]
  /** null: nothing was seen. */
  readonly records: readonly MigrationRecord[] | null
}

export function estimateDocument(input: DocumentInput): EstimateDocument {
  const { release, environment, estimatedAt, estimates, records, hitRate, findings, notes } = input
  const isKnown = records !== null && records.every(({ state }) => state !== 'unknown')
  return {
    schema: 'deploywatch/estimate/1',
    service: release.service,
    release: { version: release.version, commit: release.commit },
    environment,
    estimatedAt,
    migrations: estimates.map(({ ledger, subject, estimate, notInCacheMs, refused }) => ({
      ledger,
      subject,
      estimate,
      notInCacheMs,
      reason: refused?.reason ?? null,
      nextStep: refused?.nextStep ?? null,
    })),
    total: isKnown ? sumOf(estimates) : null,
    hitRate,
    findings,
    notes,
  }
}
