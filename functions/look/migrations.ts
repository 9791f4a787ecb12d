/** One look at what an environment shows of a release's migrations, without its statements, queries and endpoints. */
import type { Connection } from '../connections/connection.ts'
import { ConnectionError, DatabaseError } from '../connections/connection.ts'
import type { Finding } from '../core/finding.ts'
import { FINDING_CODES } from '../core/finding.ts'
import type { MigrationEvidence, TableVolume } from '../core/migration-evidence.ts'
import { migrationsSeen } from '../core/migrations-seen.ts'
import type { Seen } from '../core/observation.ts'
import { lookAtDatabase } from './database.ts'
import type { CheckInput } from './input.ts'
import { createPool } from './pool.ts'
import type { TargetSight } from './target.ts'
import { startTimer } from './timer.ts'
import { unseenIn } from './unseen.ts'
import { readVolumes } from './volumes.ts'

export interface MigrationsSight {
  /** null: nothing was seen. */
  readonly evidence: MigrationEvidence | null
  /** What could not be seen, and why. */
  readonly unseen: readonly Finding[]
  /** What the migrations that are missing would find; null: none is. */
  readonly target: Seen<TargetSight> | null
}

/** Never a shortcut: a stamp says that nothing changed, and not what is there. */
export async function lookAtMigrations(
  given: Omit<CheckInput, 'endpoints' | 'deployed' | 'store' | 'changes'>,
): Promise<MigrationsSight> {
  const { release } = given
  const expectation = { ...release.expectation, statements: [] }
  const input: CheckInput = {
    ...given,
    release: { ...release, expectation },
    endpoints: null,
    deployed: false,
    store: null,
    changes: 'accepted',
    concurrency: 1,
  }
  const timer = startTimer(input)
  const pool = createPool(input)
  try {
    const { judgement, server, target } = await lookAtDatabase(input, pool, timer)
    const unseen = judgement.findings.filter(({ code }) => FINDING_CODES[code].group === 'could-not-look')
    if (server === null) return { evidence: null, unseen, target }
    const seenAt = new Date(input.clock()).toISOString()
    const seen = migrationsSeen({ judgement, effects: await release.effects(), seenAt })
    const connection = await pool.open()
    const volumes = await timer.within(
      'volumes',
      () =>
        readVolumes(
          input,
          connection,
          seen.records.flatMap(({ tables }) => tables),
          seenAt,
        ),
      unseenIn(input, 'volumes', connection),
    )
    const { engine, version } = server
    return {
      target,
      evidence: { seenAt, server: { engine, version }, ...seen, volumes: volumes.seen ? volumes.value : [] },
      unseen: volumes.seen ? unseen : [...unseen, ...volumes.why],
    }
  } finally {
    timer.stop()
    if (timer.isOver()) pool.abandon()
    else await pool.close()
  }
}

/** How large these tables are, by their subjects; [] where that could not be seen. */
export async function lookAtSizes(
  given: Pick<CheckInput, 'connect' | 'engine' | 'release' | 'environment' | 'clock'>,
  tables: readonly string[],
): Promise<readonly TableVolume[]> {
  if (tables.length === 0) return []
  let connection: Connection | null = null
  try {
    connection = await given.connect()
    return await readVolumes(given, connection, tables, new Date(given.clock()).toISOString())
  } catch (error) {
    if (error instanceof ConnectionError || error instanceof DatabaseError) return []
    throw error
  } finally {
    await connection?.close().catch(() => undefined)
  }
}
