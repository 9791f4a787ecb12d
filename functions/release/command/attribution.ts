/**
 * Which migration brought what, while a command runs them: after each exchange that may have changed a ledger it is read, and what
 * was done since the last new row is that row's migration's.
 */
import { DatabaseError } from '../../connections/connection.ts'
import type { LedgerProgress } from '../../core/ledger-progress.ts'
import { seeLedgers } from '../../core/ledger-progress.ts'
import type { LedgerObservation } from '../../core/ledger.ts'
import type { ExpectedObject, LedgerExpectation, StatementCost } from '../../core/release.ts'
import { flattenMigrations } from '../../core/release.ts'
import type { CandidateTable, Engine } from '../../engines/engine.ts'
import { LEDGER_COLUMN_SETS, readLedgers } from '../../ledgers/read-ledgers.ts'
import { costsOf } from '../postgres/cost.ts'
import type { CatalogChange } from '../changes.ts'
import { needsEverything } from '../replay.ts'
import type { Tracker } from '../tracker.ts'
import { createAttempts } from './attempts.ts'
import type { Exchange, RanStatement, TransactionState, WireSession } from './served-client.ts'
import type { Inside } from './inside.ts'
import { lookInside } from './inside.ts'

export interface AttributionInput {
  readonly engine: Engine
  readonly ledgers: readonly LedgerExpectation[]
  /** Bare names of tables that are ledgers: a statement that has none of them, and ends no transaction, changes none. */
  readonly ledgerTables: readonly string[]
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
  tables(): readonly string[]
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
  const indexes = new Map(migrations.map(({ ledger, migration }, at) => [keyOf(ledger.name, migration.key), at]))
  const attempts = createAttempts()
  const appeared = new Set<number>()
  const costs = new Map<number, StatementCost[]>()
  const together: (readonly number[])[] = []
  const tables = new Set<string>()
  let pending: Pending[] = []
  let candidates: readonly CandidateTable[] | null = null
  // Before the command there is none.
  let progress: LedgerProgress = seeLedgers(
    null,
    ledgers.map(({ name }) => ({ ledger: name, problem: NOT_THERE })),
    0,
  )
  let digest = ''
  /** Sessions in whose open transactions something was attributed. */
  const uncommitted = new Set<number>()
  /** Something was undone: what was touched says no longer what changed. */
  let isUndone = false

  async function readAll(inside: Inside, searchPath: readonly string[]): Promise<Sight> {
    candidates ??= (await inside.connection.read([engine.candidateTables(LEDGER_COLUMN_SETS)]))[0]
    const read = await readLedgers(inside.connection, engine, { ledgers, candidates, searchPath, role: 'postgres' })
    const readings = read.observations.flatMap((one) => ('reading' in one ? [one.reading] : []))
    // One that is not there yet may be there next time.
    if (readings.length < ledgers.length) candidates = null
    for (const { table } of read.tables) tables.add(table)
    // A lock that is taken is no news.
    const own = read.tables.filter(({ schema, table }) => readings.some((one) => one.table === `${schema}.${table}`))
    return { observations: read.observations, digest: JSON.stringify(own) }
  }

  /** Whose all that is what was done since the last new row; 'wait': nobody knows yet. */
  function newsOf({ observations }: Sight): number | null | 'wait' {
    const before = progress
    progress = seeLedgers(before, observations, before.seenAt + 1)
    const rows = progress.appeared.slice(before.appeared.length)
    const known = [...new Set(rows.flatMap(({ ledger, row }) => indexes.get(keyOf(ledger, row.key)) ?? []))]
    for (const index of known) appeared.add(index)
    // Those that are there no more were rolled back.
    const present = new Set(
      [...progress.ran].flatMap(([ledger, ran]) => [...ran.keys()].map((key) => indexes.get(keyOf(ledger, key)))),
    )
    for (const index of appeared) if (!present.has(index)) forget(index)
    const [only = null, ...more] = known
    if (more.length > 0) together.push(known.sort((a, b) => a - b))
    // The tool has begun one, and not ended it.
    if (only === null && progress.begun.size > 0) return 'wait'
    return more.length > 0 ? null : only
  }

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
    if (uncommitted.has(session) || lost.some(({ statement }) => statement.touches.length > 0)) isUndone = true
    if (state === 'idle') pending = pending.filter((one) => !lost.includes(one))
    // The ledger may be among it.
    candidates = null
  }

  function forget(index: number): void {
    appeared.delete(index)
    costs.delete(index)
    attempts.undo(index)
  }

  function mentions(sql: string): boolean {
    const text = sql.toLowerCase()
    return [...input.ledgerTables, ...tables].some((table) => text.includes(table.toLowerCase()))
  }

  async function look(inside: Inside, searchPath: readonly string[], session: number | null): Promise<Sight> {
    const sight = await readAll(inside, searchPath)
    if (sight.digest === digest) return sight
    const by = newsOf(sight)
    digest = sight.digest
    if (by !== 'wait') await attribute(by, session)
    if (session !== null) uncommitted.add(session)
    return sight
  }

  async function lookFrom(session: WireSession, state: Exclude<TransactionState, 'aborted'>): Promise<void> {
    try {
      await lookInside(session, state, async (inside, searchPath) => {
        enter(inside)
        await look(inside, searchPath, session.id)
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
      if (failed || ran.some(({ tag }) => tag.startsWith('ROLLBACK'))) undo(session.id, state)
      if (state === 'idle') for (const one of pending) if (one.session === session.id) one.isCommitted = true
      if (state === 'aborted') return
      const mayBeNews =
        ran.some(({ sql, tag }) => tag === 'COMMIT' || mentions(sql)) || (isUndone && uncommitted.has(session.id))
      if (state === 'idle') uncommitted.delete(session.id)
      if (mayBeNews) await lookFrom(session, state)
    },
    end: async (inside) => {
      const { rows } = await inside.run('SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))::text')
      // What was open when the command ended was rolled back.
      pending = pending.filter((one) => one.isCommitted)
      candidates = null
      const { observations } = await look(
        inside,
        rows.map(([schema]) => schema ?? ''),
        null,
      )
      // What came behind the last row is no migration's.
      await attribute(null, null)
      return observations
    },
    seen: () => appeared.size,
    costs: (index) => costs.get(index) ?? [{ ...NOT_SEEN, line: migrations[index]?.migration.line ?? 1 }],
    together: () => together,
    tables: () => [...tables].sort(),
    resolve: (object) => attempts.resolve(object),
    changeOf: (index) => attempts.changeOf(index, (number) => tracker.changeOf(number)),
  }
}

/** Of a migration that was not seen alone nobody knows what it costs: it must not look like one that costs nothing. */
const NOT_SEEN = { class: 'unknown', relations: [], concurrently: false, rows: null, lock: null } as const

const NOT_THERE = { problem: 'missing', lookedFor: '', detail: null } as const

/** Tags of statements that do nothing to a table. */
const FRAME = /^(BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|PREPARE|DEALLOCATE)\b/
const ABOUT_CATALOGS = /\b(pg_\w+|information_schema|version|current_\w+)\b/i

interface Sight {
  readonly observations: readonly LedgerObservation[]
  readonly digest: string
}

function keyOf(ledger: string, key: string): string {
  return `${ledger}\u001f${key}`
}
