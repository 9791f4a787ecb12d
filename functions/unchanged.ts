/**
 * The shortcut: a database whose catalogs' stamp and whose ledgers' rows are what they were when a look of the same
 * expectation passed, is as it was then. Only a passing look is remembered, and only if nothing moved meanwhile.
 */
import type { CheckInput } from './check.ts'
import type { Connection } from './connections/connection.ts'
import { DatabaseError } from './connections/connection.ts'
import type { Judgement } from './core/judge.ts'
import type { Server } from './core/observation.ts'
import { mapSchemas } from './observe.ts'
import type { CatalogSight, LedgerSight, Sight } from './observe.ts'
import type { StampKey, VerifiedStamp } from './stores/store.ts'

/** Part of every stamp's key: another way of reading makes every old stamp worthless. Raise it with any reader. */
export const READER_VERSION = '1'

type KeyOfStore = Omit<StampKey, 'systemIdentifier' | 'database'>

function keyOf(input: CheckInput): KeyOfStore {
  const { expectation } = input.release
  return {
    service: expectation.release.service,
    environment: input.environment.name,
    schemas: JSON.stringify(mapSchemas(expectation.catalog.schemas, input.environment.searchPath)),
    expectationDigest: expectation.digest,
    readerVersion: READER_VERSION,
  }
}

/** The judgement of the look that is still valid, or null: then a full look is due. One round trip over the wire. */
export async function findUnchanged(
  input: CheckInput,
  connection: Connection,
): Promise<{ readonly judgement: Judgement; readonly server: Server } | null> {
  const known = input.store === null ? [] : await input.store.verifiedStamps(keyOf(input))
  const newest = known.toSorted((a, b) => b.at.localeCompare(a.at))[0]
  if (newest === undefined) return null
  const { engine } = input
  try {
    const [server, stamp, ...digests] = await connection.read([
      engine.identify(),
      engine.stamp(),
      ...newest.ledgers.map((table) => engine.tableDigest(table)),
    ])
    const match = known.find(
      (candidate) =>
        candidate.key.systemIdentifier === server.systemIdentifier &&
        candidate.key.database === server.database &&
        candidate.stamp === stamp &&
        sameTables(candidate, newest) &&
        candidate.ledgers.every((ledger, at) => ledger.digest === digests[at]),
    )
    return match === undefined ? null : { judgement: unchangedJudgement(match), server }
  } catch (error) {
    // A ledger that was dropped or closed to this role since: that is for the full look to say.
    if (error instanceof DatabaseError) return null
    throw error
  }
}

function sameTables(a: VerifiedStamp, b: VerifiedStamp): boolean {
  const names = (stamp: VerifiedStamp) => JSON.stringify(stamp.ledgers.map(({ schema, table }) => [schema, table]))
  return names(a) === names(b)
}

function unchangedJudgement(stamp: VerifiedStamp): Judgement {
  return {
    findings: [...stamp.findings],
    outcomes: { ledger: 'pass', schema: 'pass', queries: 'pass' },
    notes: [...stamp.notes, `nothing ran DDL here, and no ledger row changed, since the full look of ${stamp.at}`],
  }
}

/** Keeps the stamp of a passing look, if neither catalogs nor ledgers moved while it looked. */
export async function rememberVerified(
  input: CheckInput,
  connection: Connection,
  seen: {
    readonly sight: Sight
    readonly ledgers: LedgerSight | null
    readonly catalog: CatalogSight | null
    readonly judgement: Judgement
  },
): Promise<void> {
  const { store, engine } = input
  const { sight, ledgers, judgement } = seen
  if (store === null || ledgers === null) return
  const [stamp, ...digests] = await connection.read([
    engine.stamp(),
    ...ledgers.tables.map((table) => engine.tableDigest(table)),
  ])
  // Neither the catalogs nor a ledger's row may have moved between what was judged and now.
  if (stamp !== sight.stamp || ledgers.tables.some((table, at) => table.digest !== digests[at])) return
  await store.putVerifiedStamp(
    { ...keyOf(input), systemIdentifier: sight.server.systemIdentifier, database: sight.server.database },
    {
      stamp,
      ledgers: ledgers.tables,
      at: new Date(input.clock()).toISOString(),
      notes: judgement.notes,
      findings: judgement.findings,
    },
  )
}
