/**
 * Which migration brought what, while a command runs them: after each exchange that may have changed a ledger it is read, and what
 * was done since the last new row is that row's migration's.
 */
import { DatabaseError } from '../../connections/connection.ts'
import type { LedgerObservation } from '../../core/ledger.ts'
import type { ExpectedObject, LedgerExpectation, LedgerTableName, StatementCost } from '../../core/release.ts'
import { flattenMigrations } from '../../core/release.ts'
import type { Engine } from '../../engines/engine.ts'
import type { TableName } from '../../ledgers/ledger.ts'
import { costsOf } from '../postgres/cost.ts'
import type { CatalogChange } from '../changes.ts'
import { needsEverything } from '../replay.ts'
import type { Tracker } from '../tracker.ts'
import { createAttempts } from './attempts.ts'
import type { Exchange, RanStatement, TransactionState, WireSession } from './served-client.ts'
import type { Inside } from './inside.ts'
import { lookInside } from './inside.ts'
import type { Sight } from './ledger-news.ts'
import { createLedgerNews } from './ledger-news.ts'

export interface AttributionInput {
  readonly engine: Engine
  readonly ledgers: readonly LedgerExpectation[]
  /** Bare names of tables that are ledgers: a statement that has none of them, and ends no transaction, changes none. */
  readonly ledgerTables: readonly LedgerTableName[]
  /** On a server whose `run` and `connection` are those that `enter` was last called with. */
  readonly tracker: Tracker
  /** Has the tracker read in this session from now on; null: in its own. */
  readonly enter: (inside: Inside | null) => void
}

export interface Attribution {
  readonly observe: (exchange: Exchange, session: WireSession) => Promise<void>
  /** What was left, once the command has ended. */
  end(inside: Inside): Promise<readonly LedgerObservation[]>
  /** How many migrations of the release have appeared. */
  seen(): number
  /** What the statements of a migration cost, by its index. */
  costs(index: number): readonly StatementCost[]
  /** Indexes of migrations that appeared at once: what each of them brought is not known. */
  together(): readonly (readonly number[])[]
  /** The tracker's objects and changes, which it has by numbers of looks, by the migrations' indexes. */
  resolve(object: ExpectedObject): ExpectedObject
  changeOf(index: number): CatalogChange
  /** Bare names of the ledgers' tables as they were found. */
  tables(): readonly TableName[]
}

/** What was done and is not attributed yet. */
interface Pending {
  readonly session: number
  readonly statement: RanStatement
  isCommitted: boolean
}

export function createAttribution(input: AttributionInput): Attribution {
  const { engine, ledgers, tracker, enter } = input
  const migrations = flattenMigrations(ledgers)
  const attempts = createAttempts()
  const news = createLedgerNews(engine, ledgers)
  const costs = new Map<number, StatementCost[]>()
  const together: (readonly number[])[] = []
  let pending: Pending[] = []
  /** Recorded, and not attributed: another session has not committed what it did. null: somebody else's migration. */
  let deferred: (number | null)[] = []
  /** Sessions in whose open transactions a ledger was seen to change. */
  const uncommitted = new Set<number>()
  /** Something was undone: what was touched says no longer what changed. */
  let isUndone = false

  /** What this session did, and what others have committed. */
  async function attribute(by: number | null, session: number | null): Promise<void> {
    const mine = pending.filter((one) => one.isCommitted || one.session === session)
    pending = pending.filter((one) => !mine.includes(one))
    const ran = mine.map(({ statement }) => statement)
    const touches = ran.flatMap((statement) => statement.touches)
    const everything = isUndone || ran.some(({ sql }) => needsEverything(sql))
    isUndone = false
    await tracker.update(touches, everything ? 'everything' : 'touched', attempts.begin(by))
    if (by === null) return
    const line = migrations[by]?.migration.line ?? 1
    const own = await costsOf(ran.filter(isWork).map((statement) => ({ ...statement, line })))
    costs.set(by, [...(costs.get(by) ?? []), ...own])
  }

  /** A statement about a ledger is the tool's own, whatever it costs; so is what it asks of catalogs. */
  function isWork({ sql, tag }: RanStatement): boolean {
    if (mentions(sql) || FRAME.test(tag)) return false
    return !tag.startsWith('SELECT') || (/\(|\bfrom\b/i.test(sql) && !ABOUT_CATALOGS.test(sql))
  }

  /** What a session did since its last commit is gone, all or some of it: what was touched says no longer what changed. */
  function undo(session: number, state: TransactionState): void {
    const lost = pending.filter((one) => one.session === session && !one.isCommitted)
    if (uncommitted.has(session) || lost.some(isTouching)) isUndone = true
    if (state === 'idle') pending = pending.filter((one) => !lost.includes(one))
    // The ledger may be among it.
    news.renew()
  }

  function mentions(sql: string): boolean {
    const text = sql.toLowerCase()
    return [...input.ledgerTables, ...news.tables()].some(({ table }) => text.includes(table.toLowerCase()))
  }

  async function retract(inside: Inside, searchPath: readonly string[], session: number): Promise<void> {
    const gone = news.retract(await news.read(inside, searchPath), session)
    deferred = deferred.filter((index) => index === null || !gone.includes(index))
    for (const index of gone) {
      costs.delete(index)
      attempts.undo(index)
    }
    // So that it is seen to come again.
    if (gone.length > 0) await tracker.update([], 'everything', attempts.begin(null))
  }

  async function look(inside: Inside, searchPath: readonly string[], session: number | null): Promise<Sight> {
    const sight = await news.read(inside, searchPath)
    const { known, isForeign } = news.take(sight, session)
    if (session !== null && known.length > 0) uncommitted.add(session)
    deferred.push(...known, ...(isForeign ? [null] : []))
    // Flyway records in one session what it does in another one.
    const isElsewhere = pending.some((one) => !one.isCommitted && one.session !== session && isTouching(one))
    if (deferred.length === 0 || isElsewhere) return sight
    const recorded = deferred
    deferred = []
    const own = recorded.filter((index) => index !== null)
    if (recorded.length > 1 && own.length > 0) together.push(own.toSorted((a, b) => a - b))
    await attribute(recorded.length === 1 ? (recorded[0] ?? null) : null, session)
    return sight
  }

  /** In the client's session, and so with its eyes. */
  async function lookFrom(
    session: WireSession,
    state: Exclude<TransactionState, 'aborted'>,
    task: (inside: Inside, searchPath: readonly string[], session: number) => Promise<unknown>,
  ): Promise<void> {
    try {
      await lookInside(session, state, async (inside, searchPath) => {
        enter(inside)
        await task(inside, searchPath, session.id)
      })
    } catch (error) {
      // Another session of the command holds a lock: it is seen next time.
      if (!(error instanceof DatabaseError) || engine.classify(error) !== 'blocked') throw error
      isUndone = true
    } finally {
      enter(null)
    }
  }

  return {
    observe: async ({ ran, failed, state }, session) => {
      for (const statement of ran) pending.push({ session: session.id, statement, isCommitted: false })
      const isBack = failed || ran.some(({ tag }) => tag.startsWith('ROLLBACK'))
      if (isBack) undo(session.id, state)
      if (state === 'idle') for (const one of pending) if (one.session === session.id) one.isCommitted = true
      if (state === 'aborted') return
      if (isBack && uncommitted.has(session.id)) await lookFrom(session, state, retract)
      if (state === 'idle') uncommitted.delete(session.id)
      if (ran.some(({ sql, tag }) => tag === 'COMMIT' || mentions(sql))) await lookFrom(session, state, look)
    },
    end: async (inside) => {
      const { rows } = await inside.run('SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))::text')
      const searchPath = rows.map(([schema]) => schema ?? '')
      // What was open when the command ended was rolled back.
      pending = pending.filter((one) => one.isCommitted)
      news.renew()
      const { observations } = await look(inside, searchPath, null)
      // What came behind the last row is no migration's.
      await attribute(null, null)
      return observations
    },
    seen: () => news.seen(),
    costs: (index) => costs.get(index) ?? [{ ...NOT_SEEN, line: migrations[index]?.migration.line ?? 1 }],
    together: () => together,
    tables: () => news.tables(),
    resolve: (object) => attempts.resolve(object),
    changeOf: (index) => attempts.changeOf(index, (number) => tracker.changeOf(number)),
  }
}

function isTouching({ statement }: Pending): boolean {
  return statement.touches.length > 0
}

/** Of a migration that was not seen alone nobody knows what it costs: it must not look like one that costs nothing. */
const NOT_SEEN = { class: 'unknown', relations: [], concurrently: false, rows: null, lock: null } as const

/** Tags of statements that do nothing to a table. */
const FRAME = /^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|PREPARE|DEALLOCATE)\b/
const ABOUT_CATALOGS = /\b(pg_\w+|information_schema|version|current_\w+)\b/i
