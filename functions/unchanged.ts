/**
 * The shortcut: a database whose catalogs' stamp and whose ledgers' rows are what they were when a look of the same
 * expectation passed, is as it was then. Only a passing look is remembered, and only if nothing moved meanwhile.
 */
import type { Connection, Query } from './connections/connection.ts'
import { ConnectionError, DatabaseError, WHOLE_CATALOG } from './connections/connection.ts'
import type { Judgement } from './core/judgement.ts'
import type { Server } from './core/observation.ts'
import type { TableName } from './ledgers/ledger.ts'
import type { CheckInput } from './look/input.ts'
import type { Timer, Unseen } from './look/timer.ts'
import { mapSchemas } from './engines/scope.ts'
import type { LedgerSight, Sight } from './observe.ts'
import { StoreError } from './stores/store.ts'
import type { StampKey, Store, VerifiedStamp } from './stores/store.ts'

/** Part of every stamp's key: another way of reading makes every old stamp worthless. Raise it with any reader. */
export const READER_VERSION = '3'

type KeyOfStore = Omit<StampKey, 'systemIdentifier' | 'database'>

/** What is remembered of this database for this release. */
export function databaseKey(input: CheckInput, server: Server): StampKey {
  return { ...keyOf(input), systemIdentifier: server.systemIdentifier, database: server.database }
}

function keyOf(input: CheckInput): KeyOfStore {
  const { expectation } = input.release
  return {
    service: expectation.release.service,
    environment: input.environment.name,
    schemas: JSON.stringify(
      input.environment.tenants ?? mapSchemas(expectation.catalog.schemas, input.environment.searchPath),
    ),
    expectationDigest: expectation.digest,
    readerVersion: READER_VERSION,
  }
}

export type Unchanged =
  | { readonly unchanged: true; readonly remembered: Pick<Judgement, 'findings' | 'notes'>; readonly server: Server }
  /** A full look is due. `ledgers`: where the last good look found them, or null where there was none. */
  | { readonly unchanged: false; readonly ledgers: VerifiedStamp['ledgers'] | null }

/** What a look that is still valid had to say, if there is one. One round trip over the wire, none where nothing is known. */
export async function findUnchanged(input: CheckInput, connection: Connection): Promise<Unchanged> {
  const known = await stampsKnown(input)
  const newest = known.toSorted((a, b) => b.at.localeCompare(a.at))[0]
  if (newest === undefined) return { unchanged: false, ledgers: null }
  const { engine } = input
  const changed: Unchanged = { unchanged: false, ledgers: newest.ledgers }
  try {
    const [server, stamp, ...digests] = await connection.read(
      [engine.identify(), engine.stamp(), ...newest.ledgers.map((table) => digestOf(input, table))],
      WHOLE_CATALOG,
    )
    const match = known.find(
      (candidate) =>
        candidate.key.systemIdentifier === server.systemIdentifier &&
        candidate.key.database === server.database &&
        candidate.stamp === stamp &&
        // What is to be accepted has to be looked at: it becomes what later looks compare with.
        !(input.changes === 'accepted' && tellsChanges(candidate)) &&
        sameTables(candidate, newest) &&
        candidate.ledgers.every((ledger, at) => ledger.digest === digests[at]),
    )
    return match === undefined ? changed : { unchanged: true, remembered: rememberedOf(match), server }
  } catch (error) {
    // A ledger that was dropped or closed to this role since: that is for the full look to say.
    if (error instanceof DatabaseError) return changed
    throw error
  }
}

/** In the place of a ledger's schema: one digest of that table in all tenants' schemas. No schema has the empty name. */
export const EACH_TENANT = ''

function digestOf({ engine, environment }: CheckInput, table: TableName): Query<string> {
  const { tenants = null } = environment
  return tenants !== null && table.schema === EACH_TENANT
    ? engine.tenants.tableDigest(tenants, table.table)
    : engine.tableDigest(table)
}

/** A store that cannot be read is no shortcut, and no reason not to look. */
async function stampsKnown(input: CheckInput): Promise<Awaited<ReturnType<Store['verifiedStamps']>>> {
  try {
    return input.store === null ? [] : await input.store.verifiedStamps(keyOf(input))
  } catch (error) {
    if (error instanceof StoreError) return []
    throw error
  }
}

/** Something is not what it was at the last good look. */
export function tellsChanges({ findings }: Pick<Judgement, 'findings'>): boolean {
  return findings.some(({ code }) => code === 'schema-changed')
}

function sameTables(a: VerifiedStamp, b: VerifiedStamp): boolean {
  const names = (stamp: VerifiedStamp) => JSON.stringify(stamp.ledgers.map(({ schema, table }) => [schema, table]))
  return names(a) === names(b)
}

function rememberedOf(stamp: VerifiedStamp): Pick<Judgement, 'findings' | 'notes'> {
  const note = `nothing ran DDL here, and no ledger row changed, since the full look of ${stamp.at}`
  return { findings: stamp.findings, notes: [...stamp.notes, note] }
}

export interface Verified {
  readonly sight: Pick<Sight, 'server' | 'stamp'>
  readonly ledgers: Pick<LedgerSight, 'tables'> | null
  readonly judgement: Judgement
  /** Remembers the rest, before the stamp does; answers whether it could, since an unchanged look needs both. */
  readonly keep: () => Promise<boolean>
}

/**
 * Keeps the stamp of a passing look, if neither catalogs nor ledgers moved while it looked. What was seen stands, whatever becomes
 * of this: a database that answers no more, or the look's deadline, costs the next look its shortcut.
 */
export async function rememberVerified(
  input: CheckInput,
  connection: Connection,
  timer: Timer,
  verified: Verified,
): Promise<void> {
  const { sight, ledgers, judgement, keep } = verified
  const { store } = input
  if (store === null || ledgers === null) return
  const nobody: Unseen = { threw: async (error) => raiseUnlessRead(error), late: () => [] }
  const still = await timer.within('ledger', () => isStill(input, connection, sight.stamp, ledgers.tables), nobody)
  if (!still.seen || !still.value || !(await keep())) return
  await putStamp(store, databaseKey(input, sight.server), {
    stamp: sight.stamp,
    ledgers: ledgers.tables,
    at: new Date(input.clock()).toISOString(),
    notes: judgement.notes,
    findings: judgement.findings,
  })
}

/** Neither the catalogs nor a ledger's row moved between what was judged and now. */
async function isStill(
  input: CheckInput,
  connection: Connection,
  stamp: string,
  tables: LedgerSight['tables'],
): Promise<boolean> {
  const [now, ...digests] = await connection.read(
    [input.engine.stamp(), ...tables.map((table) => digestOf(input, table))],
    WHOLE_CATALOG,
  )
  return now === stamp && tables.every((table, at) => table.digest === digests[at])
}

function raiseUnlessRead(error: unknown): readonly [] {
  if (error instanceof DatabaseError || error instanceof ConnectionError) return []
  throw error
}

/** What is not remembered costs the next look its shortcut, and this one nothing. */
async function putStamp(store: Store, ...stamp: Parameters<Store['putVerifiedStamp']>): Promise<void> {
  try {
    await store.putVerifiedStamp(...stamp)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

/** Looks of a watch are seconds apart: to know it to the minute is enough. */
const NOTE_EVERY_MS = 60_000

/** An unchanged look found all as it was: since then something may change, and not since the last full look. */
export async function noteStillGood(input: CheckInput, server: Server): Promise<void> {
  const { store } = input
  if (store === null) return
  const key = databaseKey(input, server)
  try {
    const last = await store.lastGood(key)
    if (last !== null && input.startedAt - Date.parse(last.at) < NOTE_EVERY_MS) return
    await store.putLastGood(key, { at: new Date(input.startedAt).toISOString(), seen: {} })
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}
