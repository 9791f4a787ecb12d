/**
 * Replays a release by its own migration command: on a throwaway server over loopback, with what each migration brought, and nothing
 * of it in a cache, since what a command reads nobody knows.
 */
import type { Variables } from './command-environment.ts'
import { commandEnvironment } from './command-environment.ts'
import type { LedgerExpectation, LedgerTableName } from '../../core/release.ts'
import { flattenMigrations } from '../../core/release.ts'
import type { Engine, Scope } from '../../engines/engine.ts'
import type { TableName } from '../../ledgers/ledger.ts'
import { recogniseOther } from '../../ledgers/other-tools.ts'
import { LEDGER_COLUMN_SETS } from '../../ledgers/read-ledgers.ts'
import { LEDGER_READERS } from '../../ledgers/readers.ts'
import { coversTable } from '../ledger-tables.ts'
import type { Trouble } from '../replay.ts'
import { begin, ledgerSchemas } from '../replay.ts'
import type { Replayed, ReplayFile } from '../replay.ts'
import { openSession } from '../session.ts'
import type { Reach, Throwaway } from '../throwaway.ts'
import { createTracker } from '../tracker.ts'
import { createAttribution } from './attribution.ts'
import type { Attribution } from './attribution.ts'
import type { Backends } from './backend.ts'
import { commandProblem } from './command-problem.ts'
import { embeddedBackends } from './embedded-backend.ts'
import type { Front } from './front.ts'
import { openFront } from './front.ts'
import type { Inside } from './inside.ts'
import { runCommand } from './run-command.ts'
import type { CommandOutcome } from './run-command.ts'
import { serverBackends } from './server-backend.ts'

export interface ReplayCommandInput {
  /** A new, empty server; called again where the ledger turns out to have another name. */
  readonly start: () => Promise<Throwaway>
  readonly engine: Engine
  readonly command: string
  readonly cwd: string
  /** In milliseconds. */
  readonly timeoutMs: number
  readonly env: Variables
  /** Variables that lead to the config's environments. */
  readonly environments: readonly string[]
  /** Texts of the project's `.env` files. */
  readonly envFiles: readonly string[]
  readonly ledgers: readonly LedgerExpectation[]
  readonly ledgerTables: readonly LedgerTableName[]
  /** What runs before the command. */
  readonly before: readonly ReplayFile[]
  readonly ignore: Scope['ignore']
  readonly role: string | null
}

export type CommandReplay =
  | { readonly problem: string }
  | { readonly replayed: Replayed; readonly notes: readonly string[] }

export async function replayCommand(input: ReplayCommandInput): Promise<CommandReplay> {
  const first = await replayOnce(input)
  if ('problem' in first) return first
  const unknown = first.tables.filter((table) => !coversTable(input.ledgerTables, table))
  if (unknown.length === 0) return first
  // Its own objects are in what was read: once its name is known, they are left out from the beginning.
  return replayOnce({ ...input, ledgerTables: [...input.ledgerTables, ...unknown] })
}

type Once =
  | Extract<CommandReplay, { problem: string }>
  | (Extract<CommandReplay, { replayed: Replayed }> & { readonly tables: readonly TableName[] })

async function replayOnce(input: ReplayCommandInput): Promise<Once> {
  const { engine, ledgers, ledgerTables, ignore, role } = input
  const server = await input.start()
  try {
    const lent = lend(server)
    const tracking = { server: lent.server, engine, ignore, ledgerTables, role, state: null, lastAbout: () => -1 }
    const tracker = createTracker(tracking)
    const troubles = await begin({ server, role, before: input.before }, openSession(server), tracker)
    const attribution = createAttribution({ engine, ledgers, ledgerTables, tracker, enter: lent.enter })
    const { run, front, stalled, variables } = await runOn(server, attribution, input)
    if (front.failure() !== null) throw front.failure()
    const observations = await attribution.end(server)
    const { command, timeoutMs } = input
    const problem = commandProblem({
      command,
      timeoutMs,
      outcome: run,
      logins: front.logins(),
      stalled,
      variables,
      ledgers,
      observations,
    })
    if (problem !== null) return { problem }
    const read =
      ledgers.length > 0
        ? tracker
        : createTracker({ ...tracking, ledgerTables: await ledgersOfAnyTool(server, engine) })
    const corrections = [await read.verify(null)]
    const replayed = await finish(input, { server, tracker: read, attribution, troubles, corrections })
    return { replayed, notes: notesOf(input, attribution), tables: attribution.tables() }
  } finally {
    await server.close()
  }
}

/** Where the config names no migrations the command has a ledger all the same, and it is no part of the schema. */
async function ledgersOfAnyTool({ connection }: Throwaway, engine: Engine): Promise<readonly TableName[]> {
  const [candidates] = await connection.read([engine.candidateTables(LEDGER_COLUMN_SETS)])
  return candidates.flatMap((table) => {
    const reader = LEDGER_READERS.find((one) => one.recognise(table, candidates) !== null)
    if (reader === undefined) return recogniseOther(table) === null ? [] : [table]
    return [table, ...reader.beside(table)]
  })
}

/** The server as a tracker has it: its own session, or a client's for as long as that is lent. */
function lend(server: Throwaway): { readonly server: Throwaway; readonly enter: (inside: Inside | null) => void } {
  let inside: Inside | null = null
  const now = (): Inside => inside ?? server
  return {
    enter: (next) => {
      inside = next
    },
    server: {
      ...server,
      run: (sql) => now().run(sql),
      get oneSession() {
        return inside === null ? server.oneSession : true
      },
      connection: { ...server.connection, read: (queries, options) => now().connection.read(queries, options) },
    },
  }
}

interface Ran {
  readonly run: CommandOutcome
  readonly front: Front
  readonly stalled: boolean
  readonly variables: readonly string[]
}

async function runOn(server: Throwaway, attribution: Attribution, input: ReplayCommandInput): Promise<Ran> {
  const { command, cwd, timeoutMs, env, environments, envFiles, ledgers } = input
  const over = new AbortController()
  let stalled = false
  const backends = backendsOf(server.reach, () => {
    stalled = true
    over.abort()
  })
  const front = await openFront({ backends, observe: attribution.observe })
  const addressIn = [...new Set(ledgers.flatMap(({ commands }) => commands.addressIn ?? []))]
  const address = { host: '127.0.0.1', port: front.port, user: 'postgres', password: 'postgres', database: 'postgres' }
  try {
    const run = await runCommand({
      command,
      cwd,
      env: commandEnvironment({ env, address, addressIn, environments, files: envFiles }),
      timeoutMs,
      signal: over.signal,
    })
    return { run, front, stalled, variables: [...new Set(['DATABASE_URL', ...addressIn, 'PGHOST', 'PGPORT'])] }
  } finally {
    await front.close()
  }
}

function backendsOf(reach: Reach, stalled: () => void): Backends {
  switch (reach.kind) {
    case 'embedded':
      return embeddedBackends({ exchange: reach.exchange, stalled })
    case 'server':
      return serverBackends(reach.port)
  }
}

interface Finished extends Pick<Replayed, 'corrections'> {
  readonly server: Throwaway
  readonly tracker: ReturnType<typeof createTracker>
  readonly attribution: Attribution
  readonly troubles: readonly Trouble[]
}

async function finish(
  { ledgers, ledgerTables }: ReplayCommandInput,
  { server, tracker, attribution, troubles, corrections }: Finished,
): Promise<Replayed> {
  const objects = tracker.objects().map((object) => attribution.resolve(object))
  const scope = await tracker.scope()
  const own = await ledgerSchemas({ server, ledgerTables })
  return {
    version: server.version,
    objects,
    effects: flattenMigrations(ledgers).map((_, index) => ({
      ...attribution.changeOf(index),
      costs: attribution.costs(index),
      failed: null,
    })),
    schemas: scope.schemas
      .map((schema) => schema.expected)
      .filter((schema) => !own.has(schema) || objects.some(({ object }) => object.schema === schema)),
    troubles,
    corrections,
  }
}

/** Where objects have no migration, it is said why. */
function notesOf({ ledgers, command }: ReplayCommandInput, attribution: Attribution): readonly string[] {
  const migrations = flattenMigrations(ledgers)
  if (migrations.length > 0 && attribution.seen() === 0) {
    return [`\`${command}\` showed no migration on its own: objects are expected, and belong to none of them`]
  }
  return attribution.together().map((indexes) => {
    const subjects = indexes.map((index) => migrations[index]?.migration.subject ?? '')
    return `\`${command}\` recorded ${subjects.join(', ')} at once: what they brought is expected, and belongs to none of them`
  })
}
