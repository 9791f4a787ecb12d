/** What a migration would find where it is missing: its tables' sizes, who is at work on them, what memory there is. */
import type { Connection } from '../connections/connection.ts'
import { missingOf, tablesOfMissing } from '../core/estimate-findings.ts'
import type { EstimateTarget } from '../core/estimate-target.ts'
import type { Judgement } from '../core/judgement.ts'
import { migrationsSeen } from '../core/migrations-seen.ts'
import type { Seen } from '../core/observation.ts'
import type { ActivitySight } from '../engines/engine.ts'
import type { CheckInput } from './input.ts'
import type { Timer } from './timer.ts'
import { unseenIn } from './unseen.ts'
import { keyOf, sizeQueries, tablesNamed, volumesOf } from './volumes.ts'
import type { NamedTable } from './volumes.ts'

export type TargetSight = Pick<EstimateTarget, 'volumes' | 'activity' | 'cache'>

/** One round trip over the wire. @param subjects tables, by the release's names @param seenAt ISO 8601, UTC */
async function readTarget(
  where: Pick<CheckInput, 'engine' | 'release' | 'environment'>,
  connection: Connection,
  subjects: readonly string[],
  seenAt: string,
): Promise<TargetSight> {
  const tables = tablesNamed(where, subjects)
  const [activity, cache, ...sizes] = await connection.read([
    ...(await where.engine.activityQueries(tables)),
    ...sizeQueries(where, tables),
  ] as const)
  const names = new Map(tables.map(({ subject, schema, table }) => [subject, [schema, table]]))
  const volumes = volumesOf(tables, sizes.flat(), seenAt).map((volume) => ({
    ...volume,
    sql: (names.get(volume.table) ?? []).map((part) => where.engine.identifier(part)).join('.'),
  }))
  return { activity: named(activity, tables), cache, volumes }
}

/** Only where migrations are missing. What could not be read is an estimate less, and no finding. */
export async function lookAtTarget(
  input: CheckInput,
  connection: Connection,
  timer: Timer,
  judgement: Judgement,
): Promise<Seen<TargetSight> | null> {
  if (judgement.ledgers.length === 0) return null
  const { expectation } = input.release
  const seenAt = new Date(input.clock()).toISOString()
  const { records } = migrationsSeen({ judgement, effects: [], seenAt })
  if (missingOf(expectation, [], records).length === 0) return null
  const missing = missingOf(expectation, await input.release.effects(), records)
  return timer.within(
    'volumes',
    () => readTarget(input, connection, tablesOfMissing(missing), seenAt),
    unseenIn(input, 'volumes', connection),
  )
}

function named(activity: ActivitySight, tables: readonly NamedTable[]): EstimateTarget['activity'] {
  const subjects = new Map(tables.map((table) => [keyOf(table), table.subject]))
  return {
    ...activity,
    transactions: activity.transactions.map((session) => ({
      ...session,
      locks: session.locks.flatMap((lock) => {
        const table = subjects.get(keyOf(lock))
        return table === undefined ? [] : [{ table, mode: lock.mode }]
      }),
    })),
  }
}
