/** One look, from the release to the report: the whole story. Only here are failures caught and become findings. */
import type { Connection } from './connections/connection.ts'
import { ConnectionError, DatabaseError } from './connections/connection.ts'
import type { TextComparer } from './core/compare-catalog.ts'
import { needsTextComparer } from './core/compare-catalog.ts'
import { couldNotLook } from './core/could-not-look.ts'
import type { Finding } from './core/finding.ts'
import type { Judgement } from './core/judge.ts'
import { judge, majorOf } from './core/judge.ts'
import type { Observation, Seen } from './core/observation.ts'
import type { Expectation, MigrationEffect } from './core/release.ts'
import type { CheckOutcome, Report } from './core/report.ts'
import { verdictOf } from './core/verdict.ts'
import type { Engine, Scope } from './engines/engine.ts'
import type { CatalogSight, ExpectedCatalog, LedgerSight, Sight } from './observe.ts'
import { mapSchemas, observeCatalog, observeLedgers, observeServer, observeStatements } from './observe.ts'
import type { Store } from './stores/store.ts'
import { findUnchanged, rememberVerified } from './unchanged.ts'

export interface CheckInput {
  readonly environment: {
    readonly name: string
    /** For people: the database's name or address, without secrets. */
    readonly database: string
    /** Schemas in order, bare; at least one. */
    readonly searchPath: readonly string[]
  }
  readonly release: {
    readonly expectation: Expectation
    readonly catalog: ExpectedCatalog
    effects(): Promise<readonly MigrationEffect[]>
  }
  readonly engine: Engine
  connect(): Promise<Connection>
  /** null: nothing is remembered, and every look is a full one. */
  readonly store: Store | null
  createTextComparer(): Promise<TextComparer>
  readonly shell: (sql: string) => string | null
  readonly clock: () => number
  /** When the command began, in milliseconds: loading the manifest counts. */
  readonly startedAt: number
  readonly deadlineMs: number
}

export async function check(input: CheckInput): Promise<Report> {
  const timer = startTimer(input)
  try {
    const connection = await timer.within('connect', 'database-unreachable', () => input.connect())
    if (!connection.seen) return report(input, unseenEverything(connection.why), null, timer)
    try {
      return await look(input, connection.value, timer)
    } finally {
      // A server that is gone must not turn an answer into a crash.
      await connection.value.close().catch(() => undefined)
    }
  } finally {
    timer.stop()
  }
}

async function look(input: CheckInput, connection: Connection, timer: Timer): Promise<Report> {
  const unchanged = await timer.within('stamp', 'check-timeout', () => findUnchanged(input, connection))
  if (unchanged.seen && unchanged.value !== null) {
    return report(input, unchanged.value.judgement, { connection, server: unchanged.value.server }, timer)
  }
  const sight = await timer.within(
    'ledger',
    'check-timeout',
    () => observeServer(connection, input.engine),
    blockers(input, connection),
  )
  if (!sight.seen) return report(input, unseenEverything(sight.why), { connection, server: null }, timer)
  const seen = await observe(input, connection, sight.value, timer)
  const judgement = await judgeSight(input, seen.observation)
  if (verdictOf(judgement.findings) === 'pass') {
    await rememberVerified(input, connection, {
      sight: sight.value,
      ledgers: seen.ledgers,
      catalog: seen.catalog,
      judgement,
    })
  }
  return report(input, judgement, { connection, server: sight.value.server }, timer)
}

interface SeenParts {
  readonly observation: Observation
  readonly ledgers: LedgerSight | null
  readonly catalog: CatalogSight | null
}

async function observe(input: CheckInput, connection: Connection, sight: Sight, timer: Timer): Promise<SeenParts> {
  const { engine, release, environment } = input
  const { expectation } = release
  const blocked = blockers(input, connection)
  const ledgers = await timer.within(
    'ledger',
    'check-timeout',
    () => observeLedgers(connection, engine, expectation, sight, environment.searchPath),
    blocked,
  )
  const scope: Scope = {
    schemas: mapSchemas(expectation.catalog.schemas, environment.searchPath),
    ignore: expectation.policy.ignore,
    exclude: ledgers.seen ? ledgers.value.tables : [],
    role: expectation.policy.role,
  }
  const catalog: Seen<CatalogSight | null> =
    expectation.catalog.mode === 'none'
      ? { seen: true, value: null }
      : await timer.within(
          'schema',
          'check-timeout',
          () => observeCatalog(connection, engine, release.catalog, scope, expectation.policy.match === 'exact'),
          blocked,
        )
  const statements = await timer.within(
    'queries',
    'check-timeout',
    () =>
      observeStatements(
        connection,
        engine,
        expectation.statements,
        environment.searchPath.map((schema) => engine.identifier(schema)).join(', '),
      ),
    blocked,
  )
  return {
    ledgers: ledgers.seen ? ledgers.value : null,
    catalog: catalog.seen ? catalog.value : null,
    observation: {
      server: { seen: true, value: sight.server },
      ledgers: ledgers.seen ? { seen: true, value: ledgers.value.observations } : ledgers,
      catalog: usable(input, sight, catalog),
      statements,
    },
  }
}

/** A schema that the role may not use cannot be judged: names in it would be deparsed otherwise. */
function usable(input: CheckInput, sight: Sight, catalog: Seen<CatalogSight | null>): Observation['catalog'] {
  if (!catalog.seen) return catalog
  const denied = catalog.value?.unusableSchemas ?? []
  if (denied.length === 0) {
    return { seen: true, value: catalog.value?.input ?? { expected: [], found: [], missingSchemas: [] } }
  }
  return {
    seen: false,
    why: denied.map((schema) =>
      couldNotLook('permission-denied', {
        environment: input.environment.name,
        subject: schema,
        detail: `role ${sight.server.role} lacks USAGE on schema ${schema}`,
      }),
    ),
  }
}

async function judgeSight(input: CheckInput, observation: Observation): Promise<Judgement> {
  const { expectation } = input.release
  const context = {
    policy: expectation.policy,
    major: observation.server.seen ? observation.server.value.major : 0,
    expectedMajors: expectation.catalog.servers.map(majorOf),
  }
  // The parser is 1.7 MB of WebAssembly: loaded only when a text differs.
  const compareTexts =
    observation.catalog.seen && needsTextComparer(observation.catalog.value, context)
      ? await input.createTextComparer()
      : () => 'differs' as const
  return judge({
    expectation,
    effects: await input.release.effects(),
    observation,
    compareTexts,
    breaks: input.engine.breaks,
    shell: input.shell,
  })
}

function unseenEverything(why: readonly Finding[]): Judgement {
  return { findings: why, outcomes: { ledger: 'unsure', schema: 'unsure', queries: 'unsure' }, notes: [] }
}

interface Timer {
  readonly durations: ReadonlyMap<string, number>
  /** Runs one part under the deadline of the look; whatever it throws becomes the reason why it was not seen. */
  within<T>(
    part: string,
    late: 'check-timeout' | 'database-unreachable',
    work: () => Promise<T>,
    blocked?: BlockedBy,
  ): Promise<Seen<T>>
  stop(): void
}

type BlockedBy = () => Promise<Finding | null>

const TOO_LATE = Symbol('the deadline of the look')

function startTimer(input: CheckInput): Timer {
  const durations = new Map<string, number>()
  let ring: NodeJS.Timeout | undefined
  const late = new Promise<typeof TOO_LATE>((resolve) => {
    ring = setTimeout(() => resolve(TOO_LATE), Math.max(1, input.deadlineMs - (input.clock() - input.startedAt)))
  })
  return {
    durations,
    stop: () => clearTimeout(ring),
    async within(part, lateCode, work, blocked) {
      const from = input.clock()
      try {
        const value = await Promise.race([work(), late])
        if (value !== TOO_LATE) return { seen: true, value }
        const detail = `it had not ended after ${input.deadlineMs} ms, while ${PARTS[part] ?? part}`
        return { seen: false, why: [couldNotLook(lateCode, { ...subject(input), detail })] }
      } catch (error) {
        return { seen: false, why: [await explain(input, error, blocked)] }
      } finally {
        durations.set(part, (durations.get(part) ?? 0) + (input.clock() - from))
      }
    },
  }
}

const PARTS: Readonly<Record<string, string>> = {
  connect: 'connecting',
  stamp: 'asking whether anything changed',
  ledger: 'reading the ledger',
  schema: 'comparing the schema',
  queries: 'preparing the statements',
}

function subject(input: CheckInput): { readonly environment: string; readonly subject: string } {
  return { environment: input.environment.name, subject: input.environment.database }
}

async function explain(input: CheckInput, error: unknown, blocked: BlockedBy | undefined): Promise<Finding> {
  if (error instanceof ConnectionError) return couldNotLook(error.code, { ...subject(input), detail: error.message })
  if (!(error instanceof DatabaseError)) throw error
  const detail = `${error.message} (SQLSTATE ${error.facts.sqlState})`
  switch (input.engine.classify(error)) {
    case 'blocked':
      return (await blocked?.()) ?? couldNotLook('look-blocked', { ...subject(input), detail })
    case 'denied':
      return couldNotLook('permission-denied', { ...subject(input), detail })
    case 'timeout':
    case 'missing':
    case 'other':
      return couldNotLook('check-timeout', { ...subject(input), detail })
  }
}

/** Names the session that holds the lock; null where nobody can say. */
function blockers(input: CheckInput, connection: Connection): BlockedBy {
  return async () => {
    const [sessions] = await connection.read([input.engine.blockers()]).catch(() => [[]] as const)
    const [first] = sessions
    if (first === undefined) return null
    const who = `session ${first.pid} (role ${first.role}, ${first.application === '' ? 'no application name' : first.application})`
    return couldNotLook('look-blocked', {
      ...subject(input),
      detail: `${who} holds a lock in the way: ${first.state} for ${Math.round(first.sinceSeconds)} s, ${first.statement}`,
    })
  }
}

function report(
  input: CheckInput,
  judgement: Judgement,
  database: { readonly connection: Connection; readonly server: Sight['server'] | null } | null,
  timer: Timer,
): Report {
  const { expectation } = input.release
  const skipped = expectation.catalog.mode === 'none'
  const checks: CheckOutcome[] = [
    { name: 'ledger', outcome: judgement.outcomes.ledger, durationMs: timer.durations.get('ledger') ?? 0 },
    {
      name: 'schema',
      outcome: skipped ? 'skipped' : judgement.outcomes.schema,
      durationMs: timer.durations.get('schema') ?? 0,
    },
  ]
  if (expectation.statements.length > 0) {
    checks.push({
      name: 'queries',
      outcome: judgement.outcomes.queries,
      durationMs: timer.durations.get('queries') ?? 0,
    })
  }
  return {
    schema: 'deploywatch/report/1',
    verdict: verdictOf(judgement.findings),
    service: expectation.release.service,
    environment: input.environment.name,
    release: { version: expectation.release.version, commit: expectation.release.commit },
    startedAt: new Date(input.startedAt).toISOString(),
    durationMs: Math.round(input.clock() - input.startedAt),
    checks: checks.map((entry) => ({ ...entry, durationMs: Math.round(entry.durationMs) })),
    findings: judgement.findings,
    database:
      database === null || database.server === null
        ? null
        : { engine: database.server.engine, version: database.server.version, ...database.connection.usage() },
    notes: judgement.notes,
  }
}
