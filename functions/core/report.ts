/** The report: what a look answers. Its JSON form is the contract `deploywatch/report/1`. */
import type { Finding } from './finding.ts'
import type { Verdict } from './verdict.ts'

export interface CheckOutcome {
  /** ledger schema queries endpoints … */
  readonly name: string
  readonly outcome: Verdict | 'skipped'
  readonly durationMs: number
}

export interface Report {
  readonly schema: 'deploywatch/report/1'
  readonly verdict: Verdict
  readonly service: string
  readonly environment: string | null
  readonly release: { readonly version: string; readonly commit: string | null }
  /** ISO 8601, UTC. */
  readonly startedAt: string
  /** All of the look: manifest loading and connecting too. */
  readonly durationMs: number
  readonly checks: readonly CheckOutcome[]
  readonly findings: readonly Finding[]
  readonly database: {
    readonly engine: string
    readonly version: string
    readonly roundTrips: number
    readonly bytesRead: number
  } | null
  /** Remarks without effect on the verdict, one sentence each: by what a tool was recognised, what was skipped. */
  readonly notes: readonly string[]
}
