/** One look, from the release to the report. Everything runs side by side under one deadline. */
import type { Sample } from './core/baseline.ts'
import { revisionOf } from './core/baseline.ts'
import type { CauseContext } from './core/causes.ts'
import type { MigrationEstimate } from './core/estimate.ts'
import type { MigrationEvidence } from './core/migration-evidence.ts'
import { migrationsSeen } from './core/migrations-seen.ts'
import type { Server } from './core/observation.ts'
import type { CheckOutcome, Report } from './core/report.ts'
import { verdictOf } from './core/verdict.ts'
import { lookAtDatabase } from './look/database.ts'
import type { EndpointsSight } from './look/endpoints.ts'
import type { CheckInput } from './look/input.ts'
import type { Pool } from './look/pool.ts'
import { createPool } from './look/pool.ts'
import type { DatabaseSight } from './look/sight.ts'
import type { Timer } from './look/timer.ts'
import { startTimer } from './look/timer.ts'

export type { CheckInput } from './look/input.ts'

/** Of a look, for `tellCauses`. */
export type Besides = Pick<CauseContext, 'ledgers' | 'differences' | 'otherSchemas'>

export interface Look {
  readonly report: Report
  /** What queries and endpoints took, of those that answered: for the baseline. */
  readonly samples: readonly Sample[]
  /** An endpoint told that it is this release which answers, and none told otherwise. */
  readonly answering: boolean
  /** What its database showed of the migrations, without sizes; null: nothing was read anew. */
  readonly migrations: MigrationEvidence | null
  /** What else the database showed, by which causes are told. */
  readonly besides: Besides
  /** What the migrations that are missing would find; null: none is, or nobody looked. */
  readonly target: DatabaseSight['target']
  /** How long each of these will take, once `takeLook` has said it. */
  readonly estimates: readonly MigrationEstimate[]
}

export async function look(input: CheckInput): Promise<Look> {
  const timer = startTimer(input)
  const pool = createPool(input)
  const leave = (): void => pool.abandon()
  input.signal?.addEventListener('abort', leave, { once: true })
  try {
    const [database, endpoints] = await Promise.all([lookAtDatabase(input, pool, timer), lookAtEndpoints(input, timer)])
    const samples = samplesOf(input, database, endpoints, pool.usage().resumeMs > 0)
    return {
      report: report(input, database, endpoints, pool, timer),
      samples,
      answering: isAnswering(endpoints),
      migrations: migrationsOf(database, new Date(input.clock()).toISOString()),
      besides: {
        ledgers: database.judgement.ledgers,
        differences: database.judgement.differences,
        otherSchemas: database.otherSchemas,
      },
      target: database.target,
      estimates: [],
    }
  } finally {
    timer.stop()
    input.signal?.removeEventListener('abort', leave)
    // A query that is late must not keep the look longer than its deadline, nor run on without anybody who waits.
    if (timer.isOver()) pool.abandon()
    else await pool.close()
  }
}

function migrationsOf({ judgement, server }: DatabaseSight, seenAt: string): MigrationEvidence | null {
  if (server === null || judgement.ledgers.length === 0) return null
  const { engine, version } = server
  return { seenAt, server: { engine, version }, ...migrationsSeen({ judgement, effects: [], seenAt }), volumes: [] }
}

export async function check(input: CheckInput): Promise<Report> {
  return (await look(input)).report
}

/** Loaded only where there are endpoints. */
async function lookAtEndpoints(input: CheckInput, timer: Timer): Promise<EndpointsSight> {
  if (input.endpoints === null) return { findings: [], notes: [], answers: [] }
  const { askEndpoints } = await import('./look/endpoints.ts')
  return askEndpoints({ ...input, endpoints: input.endpoints }, timer)
}

/** Before a deployment another release answers: its samples are the normal, and nobody knows its name here. */
function samplesOf(
  input: CheckInput,
  database: DatabaseSight,
  { answers }: EndpointsSight,
  resumed: boolean,
): readonly Sample[] {
  const at = new Date(input.clock()).toISOString()
  const own = revisionOf(input.release.expectation.release)
  const { deployed } = input
  const ofQueries = database.queries.flatMap(({ subject, outcome }): readonly Sample[] => {
    if (outcome.kind !== 'answered') return []
    const { durationMs, rows } = outcome.answer
    const revision = deployed ? own : null
    return [{ check: 'query', name: subject, at, durationMs, rows, resumed, revision }]
  })
  const ofEndpoints = answers.flatMap(({ name, durationMs, ok, release }): readonly Sample[] => {
    const revision = release === 'this' || (release === 'untold' && deployed) ? own : null
    return ok ? [{ check: 'endpoint', name, at, durationMs, rows: null, resumed, revision }] : []
  })
  return [...ofQueries, ...ofEndpoints]
}

function isAnswering({ answers }: EndpointsSight): boolean {
  const told = new Set(answers.map(({ release }) => release))
  return told.has('this') && !told.has('other')
}

function report(
  input: CheckInput,
  { judgement, server }: DatabaseSight,
  endpoints: EndpointsSight,
  pool: Pool,
  timer: Timer,
): Report {
  const { release } = input.release.expectation
  const findings = [...judgement.findings, ...endpoints.findings]
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(findings),
    service: release.service,
    environment: input.environment.name,
    release: { version: release.version, commit: release.commit },
    startedAt: new Date(input.startedAt).toISOString(),
    durationMs: Math.round(input.clock() - input.startedAt),
    checks: checksOf(input, judgement, endpoints, timer),
    findings,
    database: server === null ? null : databaseOf(server, pool),
    notes: [...judgement.notes, ...endpoints.notes],
  }
}

function databaseOf({ engine, version }: Server, pool: Pool): NonNullable<Report['database']> {
  const { roundTrips, bytesRead } = pool.usage()
  return { engine, version, roundTrips, bytesRead }
}

function checksOf(
  input: CheckInput,
  { outcomes }: DatabaseSight['judgement'],
  endpoints: EndpointsSight,
  timer: Timer,
): readonly CheckOutcome[] {
  const { catalog, statements } = input.release.expectation
  const took = (part: string): number => Math.round(timer.durations.get(part) ?? 0)
  const checks: CheckOutcome[] = [
    { name: 'ledger', outcome: outcomes.ledger, durationMs: took('ledger') },
    { name: 'schema', outcome: catalog.mode === 'none' ? 'skipped' : outcomes.schema, durationMs: took('schema') },
  ]
  if (statements.length > 0) {
    checks.push({ name: 'queries', outcome: outcomes.queries, durationMs: took('queries') })
  }
  if (input.endpoints !== null && input.endpoints.prepared.endpoints.length > 0) {
    const outcome = input.deployed ? verdictOf(endpoints.findings) : 'skipped'
    checks.push({ name: 'endpoints', outcome, durationMs: took('endpoints') })
  }
  return checks
}
