/** The audit of a repository's pipelines, from the config to the report. */
import { auditPipelines } from './core/audit.ts'
import type { SourcePlace } from './core/finding.ts'
import type { Report } from './core/report.ts'
import { verdictOf } from './core/verdict.ts'
import { commandOf } from './pipelines/migration-commands.ts'
import { readPipelines } from './pipelines/read.ts'
import type { Repository } from './pipelines/repository.ts'

export interface AuditOrder {
  readonly repository: Repository
  /** The definitions; null: those in the known places. */
  readonly pipelines: readonly string[] | null
  readonly environments: readonly AuditedEnvironment[]
  readonly service: string
  readonly release: Report['release']
  /** The migration tool, and the project's own command; null where the config says none. */
  readonly tool: string | null
  readonly replayCommand: string | null
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly clock: () => number
}

export interface AuditedEnvironment {
  readonly name: string
  /** The variable that holds the address of its database; null where none does. */
  readonly variable: string | null
  readonly place: SourcePlace
}

/** Tools that want an address of their own, not DATABASE_URL. */
const OWN_ADDRESS = new Set(['flyway', 'liquibase', 'sqitch', 'ef-core', 'supabase', 'rails', 'django'])

export function audit(order: AuditOrder): Report {
  const { repository, tool, environments } = order
  const names = environments.map(({ name }) => name)
  const read = readPipelines({
    repository,
    files: order.pipelines,
    environments: names,
    replayCommand: order.replayCommand,
  })
  const findings = auditPipelines(names, read, {
    command: order.replayCommand ?? commandOf(tool),
    variableOf: (name) => environments.find((one) => one.name === name)?.variable ?? null,
    readsDatabaseUrl: tool === null || !OWN_ADDRESS.has(tool),
    textOf: (file) => repository.read(file),
    placeOf: (name) => environments.find((one) => one.name === name)?.place ?? { file: 'deploywatch.yaml', line: 1 },
  })
  const durationMs = Math.max(0, Math.round(order.clock() - order.startedAt))
  const verdict = verdictOf(findings)
  return {
    schema: 'deploywatch/report/1',
    verdict,
    service: order.service,
    environment: null,
    release: order.release,
    startedAt: new Date(order.startedAt).toISOString(),
    durationMs,
    checks: [{ name: 'pipelines', outcome: verdict, durationMs }],
    findings,
    database: null,
    notes: [read.files.length === 0 ? 'no pipeline definition was found' : `read ${read.files.join(', ')}`],
  }
}
