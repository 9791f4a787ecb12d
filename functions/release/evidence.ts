/**
 * Evidence: what one environment showed of a release, keyed by the digest of its expectation. It travels beside the manifest,
 * so that an environment learns of another without access to it. Of its statements no clock and no order of events is in it:
 * the same ones give the same bytes. What was seen of its migrations says when, because it ages.
 */
import * as z from 'zod'
import { PIPELINE_ERRORS } from '../core/pipeline-errors.ts'
import { MIGRATION_STATES, uniteMigrations } from '../core/migration-evidence.ts'
import type { MigrationEvidence } from '../core/migration-evidence.ts'
import type { Expectation } from '../core/release.ts'
import { lazily } from '../lazily.ts'

export const EVIDENCE_SCHEMA = 'deploywatch/evidence/1'

const statement = lazily(() =>
  z.object({
    id: z.string(),
    sql: z.string(),
    /** Who ran it. */
    role: z.string(),
    calls: z.number().int().min(1),
    /** Mean execution time in milliseconds. */
    meanMs: z.number().min(0),
  }),
)

/** Loose: what a newer version saw beside is no reason not to read this. */
export const migrationEvidenceSchema = lazily(() => {
  const time = z.string().regex(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/u, 'a time in UTC')
  const size = z.number().int().min(0)
  return z.object({
    seenAt: time,
    server: z.object({ engine: z.string(), version: z.string() }),
    records: z
      .array(
        z.object({
          ledger: z.string(),
          subject: z.string(),
          state: z.enum(MIGRATION_STATES),
          at: time.nullable(),
          took: z.object({ ms: z.number().min(0), by: z.enum(['ledger', 'migrate']), seenAt: time }).nullable(),
          tables: z.array(z.string()).readonly(),
          seenAt: time,
        }),
      )
      .readonly(),
    volumes: z
      .array(
        z.object({
          table: z.string(),
          rows: size.nullable(),
          heapBytes: size,
          totalBytes: size,
          countedAt: time.nullable(),
          seenAt: time,
        }),
      )
      .readonly(),
    objects: z
      .object({
        seenAt: time,
        differing: z.array(z.object({ code: z.string(), subject: z.string(), found: z.string() })).readonly(),
      })
      .nullable(),
  }) satisfies z.ZodType<MigrationEvidence>
})

/** What the pipelines that deploy to an environment do wrong, as the audit of the release's repository found it. */
const pipelinesSeen = lazily(() =>
  z.object({
    seenAt: z.string(),
    findings: z.array(
      z.object({
        code: z.enum(PIPELINE_ERRORS),
        subject: z.string(),
        expected: z.string(),
        found: z.string(),
        source: z.array(z.object({ file: z.string(), line: z.number().int().min(1) })),
        causes: z.array(z.object({ text: z.string(), evidence: z.string().nullable() })),
        nextSteps: z.array(z.object({ text: z.string(), command: z.string().nullable() })),
      }),
    ),
  }),
)

/** Loose: what a newer version wrote beside stays as it is. */
const document = lazily(() =>
  z.looseObject({
    schema: z.literal(EVIDENCE_SCHEMA),
    service: z.string(),
    environment: z.string(),
    /** The release that showed it last. */
    release: z.object({ version: z.string(), commit: z.string().nullable() }),
    /** Digest of the expectation. */
    expectation: z.string(),
    statements: z.array(statement()),
    /** Not in documents of versions that did not look at them. */
    migrations: migrationEvidenceSchema().optional(),
    /** Written by `publish`: whoever looks from a place without the repository has no pipelines to read. */
    pipelines: pipelinesSeen().optional(),
  }),
)

export type Evidence = z.output<ReturnType<typeof document>>
export type EvidenceStatement = z.output<ReturnType<typeof statement>>

export type ParsedEvidence =
  | { readonly kind: 'evidence'; readonly evidence: Evidence }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** The file's name for an environment; beside the manifest. */
export function evidenceFile(environment: string): string {
  return `deploywatch.evidence.${environment}.json`
}

/** Whether a file's name is that of evidence. */
export function isEvidenceFile(name: string): boolean {
  return /^deploywatch\.evidence\..+\.json$/u.test(name)
}

export function parseEvidence(text: string): ParsedEvidence {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { kind: 'unreadable', reason: 'it is not whole: it is no JSON' }
  }
  const named = typeof json === 'object' && json !== null && 'schema' in json ? String(json.schema) : ''
  if (/^deploywatch\/evidence\/\d+$/u.test(named) && named !== EVIDENCE_SCHEMA) {
    return { kind: 'unreadable', reason: `it is ${named}, and this deploywatch reads ${EVIDENCE_SCHEMA}` }
  }
  const parsed = document().safeParse(json)
  if (parsed.success) return { kind: 'evidence', evidence: parsed.data }
  const [issue] = parsed.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  return { kind: 'unreadable', reason: `it is no evidence${where}: it was edited, or written by something else` }
}

/** One statement a line, so that a report can point to it, and a diff shows what changed; and so of migrations. */
export function writeEvidence(evidence: Evidence): string {
  const { statements, migrations, ...rest } = evidence
  const head = Object.entries(rest).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  const rows = statements
    .toSorted(byId)
    .map(({ id, sql, role, calls, meanMs }) => JSON.stringify({ id, sql, role, calls, meanMs }))
  const seen = migrations === undefined ? [] : [`"migrations": ${writeMigrations(migrations)}`]
  return `{\n${[...head, ...seen, `"statements": ${list(rows)}`].join(',\n')}\n}\n`
}

function writeMigrations({ seenAt, server, records, volumes, objects }: MigrationEvidence): string {
  const fields = {
    seenAt: JSON.stringify(seenAt),
    server: JSON.stringify(server),
    objects: JSON.stringify(objects),
    volumes: list(volumes.map((volume) => JSON.stringify(volume)).sort()),
    records: list(records.map((record) => JSON.stringify(record)).sort()),
  }
  return `{\n${Object.entries(fields)
    .map(([key, text]) => `${JSON.stringify(key)}: ${text}`)
    .join(',\n')}\n}`
}

function list(rows: readonly string[]): string {
  return rows.length === 0 ? '[]' : `[\n${rows.join(',\n')}\n]`
}

/** The line of each statement in what `writeEvidence` wrote, by id and role. From 1. */
export function linesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').flatMap((line, at) => {
    const found = /^\{"id":"(\w+)","sql":.*"role":("(?:[^"\\]|\\.)*"),"calls"/u.exec(line)
    return found === null ? [] : [[`${found[1]} ${String(JSON.parse(found[2] ?? '""'))}`, at + 1] as const]
  })
  return new Map(lines)
}

function byId(a: EvidenceStatement, b: EvidenceStatement): number {
  const [one, other] = [`${a.id} ${a.role}`, `${b.id} ${b.role}`]
  return one < other ? -1 : Number(one > other)
}

/** Adds up the calls of the same statement; the mean is that of all calls. The shortest text stands for all. */
export function addStatements(
  known: readonly EvidenceStatement[],
  learnt: readonly EvidenceStatement[],
): readonly EvidenceStatement[] {
  return combine([...known, ...learnt], (a, b) => {
    const calls = a.calls + b.calls
    return { calls, meanMs: round((a.meanMs * a.calls + b.meanMs * b.calls) / calls) }
  })
}

/** Two copies of one document: nothing is counted twice, nothing is lost. */
export function uniteStatements(
  one: readonly EvidenceStatement[],
  other: readonly EvidenceStatement[],
): readonly EvidenceStatement[] {
  return combine([...one, ...other], (a, b) => (a.calls >= b.calls ? a : b))
}

/** Two copies of one environment's evidence of one expectation: of statements and of migrations nothing is lost. */
export function uniteEvidence(one: Evidence, other: Evidence): Evidence {
  const [first, second] = [one.migrations, other.migrations].filter((part) => part !== undefined)
  const [newest] = [one.pipelines, other.pipelines]
    .filter((part) => part !== undefined)
    .toSorted((a, b) => (a.seenAt < b.seenAt ? 1 : -1))
  return {
    ...other,
    ...one,
    statements: [...uniteStatements(one.statements, other.statements)],
    ...(newest === undefined ? {} : { pipelines: newest }),
    ...(first === undefined ? {} : { migrations: second === undefined ? first : uniteMigrations(first, second) }),
  }
}

export interface NewEvidence {
  readonly expectation: Pick<Expectation, 'digest' | 'release'>
  readonly environment: string
  /** What was learnt since the last one: their calls are added up. */
  readonly statements: readonly EvidenceStatement[]
  readonly migrations: MigrationEvidence
}

/** The document of all that is known and of what was seen now. `known`: copies of this environment's, of this expectation. */
export function addToEvidence(known: readonly Evidence[], added: NewEvidence): Evidence {
  const { service, version, commit } = added.expectation.release
  const [first, ...others] = known
  const before = first === undefined ? null : others.reduce(uniteEvidence, first)
  return {
    // What other parts of evidence say stays.
    ...before,
    schema: EVIDENCE_SCHEMA,
    service,
    environment: added.environment,
    release: { version, commit },
    expectation: added.expectation.digest,
    statements: [...addStatements(before?.statements ?? [], added.statements)],
    migrations:
      before?.migrations === undefined ? added.migrations : uniteMigrations(before.migrations, added.migrations),
  }
}

function combine(
  statements: readonly EvidenceStatement[],
  add: (a: EvidenceStatement, b: EvidenceStatement) => Pick<EvidenceStatement, 'calls' | 'meanMs'>,
): readonly EvidenceStatement[] {
  const byKey = new Map<string, EvidenceStatement>()
  for (const statement of statements) {
    const key = `${statement.id} ${statement.role}`
    const earlier = byKey.get(key)
    const { calls, meanMs } = earlier === undefined ? statement : add(earlier, statement)
    const sql = earlier === undefined ? statement.sql : shorter(earlier.sql, statement.sql)
    byKey.set(key, { id: statement.id, sql, role: statement.role, calls, meanMs })
  }
  return [...byKey.values()].sort(byId)
}

function shorter(a: string, b: string): string {
  if (a.length !== b.length) return a.length < b.length ? a : b
  return a < b ? a : b
}

/** Microseconds are enough. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
