/** What is new in the ledgers, from one sight to the next. Sessions see them differently: what one has not committed another does not see. */
import type { LedgerObservation } from '../../core/ledger.ts'
import type { LedgerExpectation } from '../../core/release.ts'
import { flattenMigrations } from '../../core/release.ts'
import type { CandidateTable, Engine } from '../../engines/engine.ts'
import type { TableName } from '../../ledgers/ledger.ts'
import { LEDGER_COLUMN_SETS, readLedgers } from '../../ledgers/read-ledgers.ts'
import type { Inside } from './inside.ts'

export interface Sight {
  readonly observations: readonly LedgerObservation[]
  /** Of the ledgers' rows. */
  readonly digest: string
  /** Every ledger is there. */
  readonly isWhole: boolean
}

export interface News {
  /** Indexes of migrations that are recorded now, and were not. */
  readonly known: readonly number[]
  /** Something else is recorded: somebody else's migration. */
  readonly isForeign: boolean
}

export interface LedgerNews {
  read(inside: Inside, searchPath: readonly string[]): Promise<Sight>
  /** What a session sees for the first time. */
  take(sight: Sight, session: number | null): News
  /** After that session went back: the migrations that it had recorded, and that are recorded no longer. */
  retract(sight: Sight, session: number): readonly number[]
  /** Tables may have come or gone. */
  renew(): void
  seen(): number
  /** The ledgers' tables, and those beside them, as they were found. */
  tables(): readonly TableName[]
}

export function createLedgerNews(engine: Engine, ledgers: readonly LedgerExpectation[]): LedgerNews {
  const indexes = new Map(
    flattenMigrations(ledgers).map(({ ledger, migration }, at) => [keyOf(ledger.name, migration.key), at]),
  )
  /** Index → the session in which it was seen first. */
  const appeared = new Map<number, number | null>()
  const tables = new Map<string, TableName>()
  let digests = new Set<string>()
  let candidates: readonly CandidateTable[] | null = null

  function indexesOf({ observations }: Sight, hasEnded: boolean): readonly number[] {
    return observations.flatMap((one) => {
      if (!('reading' in one)) return []
      const rows = one.reading.applied.filter(({ state }) => (state === 'applied' || state === 'assumed') === hasEnded)
      return rows.flatMap(({ key }) => indexes.get(keyOf(one.ledger, key)) ?? [])
    })
  }

  return {
    read: async (inside, searchPath) => {
      candidates ??= (await inside.connection.read([engine.candidateTables(LEDGER_COLUMN_SETS)]))[0]
      const read = await readLedgers(inside.connection, engine, { ledgers, candidates, searchPath, role: 'postgres' })
      const readings = read.observations.flatMap((one) => ('reading' in one ? [one.reading] : []))
      const isWhole = readings.length === ledgers.length
      // One that is not there yet may be there next time.
      if (!isWhole) candidates = null
      for (const { schema, table } of read.tables) tables.set(`${schema}.${table}`, { schema, table })
      // A lock that is taken is no news.
      const own = read.tables.filter(({ schema, table }) => readings.some((one) => one.table === `${schema}.${table}`))
      return { observations: read.observations, digest: JSON.stringify(own), isWhole }
    },
    take: (sight, session) => {
      if (digests.has(sight.digest)) return { known: [], isForeign: false }
      const isFirst = digests.size === 0
      if (sight.isWhole) digests.add(sight.digest)
      const known = [...new Set(indexesOf(sight, true))].filter((index) => !appeared.has(index)).sort((a, b) => a - b)
      for (const index of known) appeared.set(index, session)
      // One that is begun and has not ended takes what it does once it has; a ledger that is new has nothing in it.
      const isForeign = known.length === 0 && !isFirst && sight.isWhole && indexesOf(sight, false).length === 0
      return { known, isForeign }
    },
    retract: (sight, session) => {
      const present = new Set(indexesOf(sight, true))
      const gone = [...appeared].flatMap(([index, by]) => (by === session && !present.has(index) ? [index] : []))
      for (const index of gone) appeared.delete(index)
      digests = new Set([sight.digest])
      return gone
    },
    renew: () => {
      candidates = null
    },
    seen: () => appeared.size,
    tables: () => [...tables.values()],
  }
}

function keyOf(ledger: string, key: string): string {
  return `${ledger}\u001f${key}`
}
