/**
 * Replays the files of a release on a throwaway server, and says what each brought, what its statements cost, and what
 * could not be done. The same files give the same answer: nothing of a clock or of chance is in it.
 */
import type { ExpectedObject, LedgerTableName, MigrationEffect, ReplayFailure } from '../core/release.ts'
import type { Engine, Scope } from '../engines/engine.ts'
import { literal } from '../engines/postgres/sql.ts'
import type { FailedStatement } from './failures.ts'
import { codeFailure, failureOf, recordOf } from './failures.ts'
import type { RunStatement } from './postgres/cost.ts'
import { costsOf } from './postgres/cost.ts'
import { isAboutPrivileges, wordsAbout } from './postgres/confined.ts'
import type { Touch } from './postgres/touches.ts'
import { parseTouch, TOUCH_TRIGGERS } from './postgres/touches.ts'
import type { Outcome, Session } from './session.ts'
import { isLong, openSession } from './session.ts'
import type { Throwaway } from './throwaway.ts'
import type { CatalogChange } from './changes.ts'
import type { Tracker, TrackerState } from './tracker.ts'
import { createTracker } from './tracker.ts'

/** A file to be replayed. */
export interface ReplayFile {
  /** The migration's subject, or the file's name. */
  readonly subject: string
  /** null: it is code. */
  readonly statements: readonly { readonly sql: string; readonly line: number }[] | null
  /** A repeatable migration: it runs after all that run once, which a new one then comes before. */
  readonly repeats?: boolean
}

export interface ReplayInput {
  readonly server: Throwaway
  readonly engine: Engine
  /** What runs before the migrations: the ledgers' own tables, the prelude. Nobody's merit. */
  readonly before: readonly ReplayFile[]
  /** In replay order: an index into them is a migration's index. */
  readonly migrations: readonly ReplayFile[]
  readonly ignore: Scope['ignore']
  readonly ledgerTables: readonly LedgerTableName[]
  readonly role: string | null
  /** Whether it is recorded what each migration did: off for the servers that only give other words. */
  readonly attributes: boolean
  /** Whether everything is read again at the end only, or after each migration, as tests do. */
  readonly verifies?: 'at the end' | 'each time'
  /** Where an earlier replay of a prefix stood; the server has been started from its state. */
  readonly from: ReplayState | null
  /** Called once before the migration of that index, where the replay has come a long way to it. */
  readonly checkpoint: { readonly before: number; save(state: ReplayState): Promise<void> } | null
}

/** A replayed prefix as plain data; the server's own state is saved beside it. */
export interface ReplayState {
  readonly effects: readonly MigrationEffect[]
  /** Failures of what ran before the migrations. */
  readonly troubles: readonly Trouble[]
  readonly tracker: TrackerState
}

/** What failed in a file that is no migration, or on a server that only gives other words. */
export interface Trouble {
  readonly file: string
  readonly failure: ReplayFailure
}

export interface Replayed {
  readonly version: string
  /** In canonical order. */
  readonly objects: readonly ExpectedObject[]
  readonly effects: readonly MigrationEffect[]
  readonly schemas: readonly string[]
  readonly troubles: readonly Trouble[]
  /** Where the incremental reading missed something that the last, full one found: a bug of ours, never of the user. */
  readonly corrections: readonly CatalogChange[]
}

export async function replay(input: ReplayInput): Promise<Replayed> {
  const { server } = input
  const tracker = createTracker({
    ...input,
    state: input.from?.tracker ?? null,
    lastAbout: lastAbout(input.migrations),
  })
  const effects: MigrationEffect[] = [...(input.from?.effects ?? [])]
  const session = openSession(
    server,
    input.from === null ? [] : [...input.before, ...input.migrations.slice(0, effects.length)],
  )
  const troubles: Trouble[] = [...(input.from?.troubles ?? [])]
  if (input.from === null) troubles.push(...(await begin(input, session, tracker)))
  const done = effects.length
  const found: CatalogChange[] = []
  for (let index = done; index < input.migrations.length; index += 1) {
    if (input.checkpoint?.before === index) {
      await tracker.settle(true)
      await input.checkpoint.save({ effects: attributed(effects, done, tracker), troubles, tracker: tracker.state() })
    }
    effects.push(await replayMigration(input, session, tracker, { effects, troubles }, index))
    if (input.verifies === 'each time') found.push(await tracker.verify(index))
  }
  const last = effects.length === 0 ? null : effects.length - 1
  const corrections = [...found, await tracker.verify(last)].filter(isChange)
  const objects = tracker.objects()
  const scope = await tracker.scope()
  const own = await ledgerSchemas(input)
  return {
    version: server.version,
    objects,
    effects: input.attributes ? attributed(effects, done, tracker) : effects,
    schemas: scope.schemas
      .map((schema) => schema.expected)
      .filter((schema) => !own.has(schema) || objects.some(({ object }) => object.schema === schema)),
    troubles,
    corrections,
  }
}

/** Which migration is the last that is likely to be about a name. */
function lastAbout(migrations: readonly ReplayFile[]): (name: string) => number {
  const last = new Map<string, number>()
  for (const [index, { statements }] of migrations.entries())
    for (const { sql } of statements ?? []) for (const word of wordsAbout(sql)) last.set(word, index)
  return (name) => last.get(name) ?? -1
}

/** With what each migration did, which is known once the groups that it touched have been read. `done`: those of a prefix. */
function attributed(effects: readonly MigrationEffect[], done: number, tracker: Tracker): readonly MigrationEffect[] {
  return effects.map((effect, at) => (at < done ? effect : { ...effect, ...tracker.changeOf(at) }))
}

function isChange({ brought, changed, removed }: CatalogChange): boolean {
  return brought.length + changed.length + removed.length > 0
}

/** Schemas that hold a ledger's table: one that holds nothing else is the tool's, and nobody's expectation. */
export async function ledgerSchemas({
  server,
  ledgerTables,
}: Pick<ReplayInput, 'server' | 'ledgerTables'>): Promise<ReadonlySet<string>> {
  if (ledgerTables.length === 0) return new Set()
  const named = ledgerTables.map(({ schema, table }) => {
    const inSchema = schema === null ? '' : ` AND n.nspname = ${literal(schema)}`
    return `(c.relname = ${literal(table)}${inSchema})`
  })
  const { rows } = await server.run(
    `SELECT DISTINCT n.nspname::text FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid WHERE (${named.join(' OR ')}) AND n.nspname <> 'public'`,
  )
  return new Set(rows.map((row) => row[0] ?? ''))
}

/** Makes the role and what runs before the migrations. */
export async function begin(
  input: Pick<ReplayInput, 'server' | 'role' | 'before'>,
  session: Session,
  tracker: Tracker,
): Promise<readonly Trouble[]> {
  for (const sql of TOUCH_TRIGGERS) await input.server.run(sql)
  // A role that exists already (the superuser's own name) is what was wanted.
  if (input.role !== null) await session.runFile([{ sql: createRole(input.role) }])
  const troubles: Trouble[] = []
  const touches: Touch[] = []
  for (const file of input.before) {
    const runs = paired(file.statements ?? [], await session.runFile(file.statements ?? []))
    touches.push(...runs.flatMap((run) => run.touches))
    const failure = await failureOf(file.subject, failedOf(runs), recordOf(troubles.map(recorded)))
    if (failure !== null) troubles.push({ file: file.subject, failure })
  }
  await tracker.update(touches, 'everything', null)
  return troubles
}

function createRole(role: string): string {
  return `CREATE ROLE "${role.replaceAll('"', '""')}"`
}

function recorded({ file, failure }: Trouble): { readonly subject: string; readonly failed: ReplayFailure } {
  return { subject: file, failed: failure }
}

interface SoFar {
  readonly effects: readonly MigrationEffect[]
  readonly troubles: readonly Trouble[]
}

async function replayMigration(
  input: ReplayInput,
  session: Session,
  tracker: Tracker,
  soFar: SoFar,
  index: number,
): Promise<MigrationEffect> {
  const { subject, statements } = input.migrations[index] ?? { subject: '', statements: null }
  if (statements === null) return { ...NOTHING, costs: [], failed: codeFailure() }
  const texts = statements.map(({ sql }) => sql)
  const everything = input.attributes && texts.some(needsEverything)
  if (everything || isLong(statements)) await tracker.settle(true)
  else await tracker.prepare(texts, index)
  const runs = paired(
    statements,
    await session.runFile(statements, {
      accepts: (outcomes) => tracker.isSettled() || tracker.fits(touchesOf(outcomes)),
      settle: () => tracker.settle(true),
    }),
  )
  const failed = failedOf(runs)
  const known = soFar.effects.map((effect, at) => ({
    subject: input.migrations[at]?.subject ?? '',
    failed: effect.failed,
  }))
  const failure =
    failed.length === 0 ? null : await failureOf(subject, failed, recordOf([...soFar.troubles.map(recorded), ...known]))
  if (!input.attributes) return { ...NOTHING, costs: [], failed: failure }
  const touches = runs.flatMap((run) => run.touches)
  const leavesInvalid = runs.some(({ sql, outcome }) => !outcome.ran && /\bconcurrently\b/i.test(sql))
  if (everything || leavesInvalid) await tracker.update(touches, 'everything', index)
  else if (failed.length === 0 && tracker.fits(touches) && !(input.role !== null && texts.some(isAboutPrivileges)))
    tracker.note(touches, index)
  else {
    await tracker.settle(true)
    await tracker.update(touches, 'touched', index)
  }
  return { ...NOTHING, costs: await costsOf(runs.filter((run) => run.outcome.ran)), failed: failure }
}

function failedOf(runs: readonly Run[]): readonly FailedStatement[] {
  return runs.flatMap(({ sql, line, outcome }) => (outcome.ran ? [] : [{ sql, line, error: outcome.error }]))
}

const NOTHING: CatalogChange = { brought: [], changed: [], removed: [] }

interface Run extends RunStatement {
  readonly outcome: Outcome
}

function paired(statements: NonNullable<ReplayFile['statements']>, outcomes: readonly Outcome[]): readonly Run[] {
  return statements.flatMap(({ sql, line }, at) => {
    const outcome = outcomes[at]
    if (outcome === undefined) return []
    return [{ sql, line, outcome, notices: outcome.notices, touches: touchesOf([outcome]) }]
  })
}

function touchesOf(outcomes: readonly Outcome[]): readonly Touch[] {
  return outcomes
    .flatMap((outcome) => outcome.notices)
    .map(parseTouch)
    .filter((touch): touch is Touch => touch !== null)
}

/**
 * What no event trigger tells: roles belong to no database, catalogs may be written by hand, a partition that was
 * detached is its parent's no longer, and a table that becomes unlogged takes its sequences with it. An index that could not be built CONCURRENTLY, which stays behind, is seen afterwards.
 */
export function needsEverything(sql: string): boolean {
  return (
    /\b(drop|reassign)\s+owned\b|\balter\s+(role|user|group)\s+\S+\s+rename\b|\bdetach\s+partition\b|\bno\s+inherit\b|\bset\s+(un)?logged\b/i.test(
      sql,
    ) || /\b(update|insert\s+into|delete\s+from)\s+(only\s+)?("?pg_catalog"?\s*\.\s*)?"?pg_[a-z]/i.test(sql)
  )
}
