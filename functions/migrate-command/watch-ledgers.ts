/**
 * The ledgers, read again and again while a command changes them: which migrations have run, and when. On a connection of its own, in transactions of milliseconds, with a lock timeout far below a look's: it stands in nobody's way, and what it cannot see
 * costs durations, and nothing else.
 */
import type { Connection } from '../connections/connection.ts'
import { ConnectionError, DatabaseError } from '../connections/connection.ts'
import type { LedgerProgress } from '../core/ledger-progress.ts'
import { seeLedgers } from '../core/ledger-progress.ts'
import type { LedgerObservation } from '../core/ledger.ts'
import type { LedgerExpectation } from '../core/release.ts'
import type { Blocker, CandidateTable, Engine } from '../engines/engine.ts'
import type { LedgerEngine } from '../ledgers/ledger-rows.ts'
import { LEDGER_COLUMN_SETS, readLedgers } from '../ledgers/read-ledgers.ts'

export interface WatchLedgersInput {
  /** With short timeouts: `WATCH_TIMEOUTS`. */
  connect(): Promise<Connection>
  readonly engine: LedgerEngine & Pick<Engine, 'candidateTables' | 'blockers'>
  readonly ledgers: readonly LedgerExpectation[]
  readonly searchPath: readonly string[]
  readonly clock: () => number
  /** Resolves early where the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** After each sight. */
  readonly tell: (sight: LedgersSight) => void
}

export type LedgersSight =
  | { readonly seen: true; readonly before: LedgerProgress; readonly now: LedgerProgress }
  | { readonly seen: false; readonly why: string }

export interface LedgersWatch {
  /** Sees what the command left when it ended, and ends. null: nothing was ever seen. */
  end(endedAt?: number): Promise<LedgerProgress | null>
  /** Who holds or awaits a strong lock just now; [] where that cannot be learnt. */
  blockers(): Promise<readonly Blocker[]>
}

export const WATCH_TIMEOUTS = { connectTimeoutMs: 5_000, statementTimeoutMs: 2_000, lockTimeoutMs: 200 } as const

/** How far apart sights are: a share of what the migration at hand has taken, so that durations are known to that share. */
const APART = { share: 0.05, leastMs: 200, mostMs: 2_000 } as const
/** A sight costs the server a tenth of its time at most. */
const COST_SHARE = 10
/** For the last sight. */
const LAST_MS = 5_000

/** Sees the ledgers as they are, and goes on seeing them. To be called before the command is started. */
export async function watchLedgers(input: WatchLedgersInput): Promise<LedgersWatch> {
  const reader = new LedgersReader(input)
  await reader.see()
  const over = new AbortController()
  const running = (async () => {
    for (;;) {
      await input.sleep(reader.apartMs(), over.signal)
      if (over.signal.aborted) return
      await reader.see()
    }
  })()
  return {
    blockers: () => reader.blockers(),
    end: async (endedAt) => {
      over.abort()
      const late = setTimeout(() => reader.abandon(), LAST_MS)
      await running
      await reader.see(endedAt)
      clearTimeout(late)
      await reader.close()
      return reader.progress
    },
  }
}

class LedgersReader {
  readonly #input: WatchLedgersInput
  #connection: Connection | null = null
  /** null: to be asked for, because not every ledger is there yet. */
  #candidates: readonly CandidateTable[] | null = null
  #abandoned = false
  progress: LedgerProgress | null = null
  #costMs = 0
  #newsAt: number

  constructor(input: WatchLedgersInput) {
    this.#input = input
    this.#newsAt = input.clock()
  }

  apartMs(): number {
    const { share, leastMs, mostMs } = APART
    const apart = Math.min(mostMs, Math.max(leastMs, share * (this.#input.clock() - this.#newsAt)))
    return Math.max(apart, COST_SHARE * this.#costMs)
  }

  /** `at`: when what is there was there; left out: now. */
  async see(at?: number): Promise<void> {
    const { clock, tell } = this.#input
    const from = clock()
    try {
      const observations = await this.#read()
      const before = this.progress
      const now = seeLedgers(before, observations, Math.max(before?.seenAt ?? 0, at ?? clock()))
      this.progress = now
      this.#costMs = clock() - from
      const isNews =
        before === null || now.appeared.length > before.appeared.length || now.begun.size > before.begun.size
      if (isNews) this.#newsAt = clock()
      if (before !== null) tell({ seen: true, before, now })
    } catch (error) {
      tell({ seen: false, why: this.#whyNot(error) })
    }
  }

  async #read(): Promise<readonly LedgerObservation[]> {
    const { engine, ledgers, searchPath } = this.#input
    const connection = await this.#open()
    this.#candidates ??= (await connection.read([engine.candidateTables(LEDGER_COLUMN_SETS)]))[0]
    const candidates = this.#candidates
    const { observations } = await readLedgers(connection, engine, {
      ledgers,
      candidates,
      searchPath,
      role: 'this role',
    })
    // One that is not there yet may be there next time.
    if (observations.some((one) => 'problem' in one)) this.#candidates = null
    return observations
  }

  async #open(): Promise<Connection> {
    if (this.#abandoned) throw new ConnectionError('nobody waits for it any more', 'check-timeout', false)
    this.#connection ??= await this.#input.connect()
    return this.#connection
  }

  /** A connection that broke is opened anew next time, a ledger that went is looked for anew. A bug here must not end the command. */
  #whyNot(error: unknown): string {
    this.#candidates = null
    if (error instanceof DatabaseError) return error.message
    this.#connection?.abandon()
    this.#connection = null
    return error instanceof ConnectionError ? error.message : error instanceof Error ? error.name : 'no reason'
  }

  async blockers(): Promise<readonly Blocker[]> {
    try {
      return (await (await this.#open()).read([this.#input.engine.blockers()]))[0]
    } catch (error) {
      this.#whyNot(error)
      return []
    }
  }

  abandon(): void {
    this.#abandoned = true
    this.#connection?.abandon()
  }

  async close(): Promise<void> {
    await this.#connection?.close().catch(() => undefined)
  }
}
