/** One look at what an environment shows of a release's migrations, without its statements, queries and endpoints. */
import type { Connection } from '../connections/connection.ts'
import { ConnectionError, DatabaseError } from '../connections/connection.ts'
import type { Finding } from '../core/finding.ts'
import { FINDING_CODES } from '../core/finding.ts'
import type { MigrationEvidence, TableVolume } from '../core/migration-evidence.ts'
import { migrationsSeen } from '../core/migrations-seen.ts'
import type { TableName } from '../engines/engine.ts'
import { mapSchemas } from '../engines/scope.ts'
import { lookAtDatabase } from './database.ts'
import type { CheckInput } from './input.ts'
import { createPool } from './pool.ts'
import { startTimer } from './timer.ts'
import { unseenIn } from './unseen.ts'

export interface MigrationsSight {
  /** null: nothing was seen. */
  readonly evidence: MigrationEvidence | null
  /** What could not be seen, and why. */
  readonly unseen: readonly Finding[]
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
    const { judgement, server } = await lookAtDatabase(input, pool, timer)
    const unseen = judgement.findings.filter(({ code }) => FINDING_CODES[code].group === 'could-not-look')
    if (server === null) return { evidence: null, unseen }
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

/** A row of an answer is some 150 bytes, a name in the question as much: far below the Data API's limits. */
const TABLES_A_QUERY = 1_000

async function readVolumes(
  { engine, release, environment }: Pick<CheckInput, 'engine' | 'release' | 'environment'>,
  connection: Connection,
  subjects: readonly string[],
  seenAt: string,
): Promise<readonly TableVolume[]> {
  const schemas = mapSchemas(release.expectation.catalog.schemas, environment.searchPath)
  const tables = [...new Set(subjects)].map((subject) => ({ subject, ...nameOf(subject, schemas) }))
  if (tables.length === 0) return []
  const pages = Array.from({ length: Math.ceil(tables.length / TABLES_A_QUERY) }, (_, at) =>
    engine.tableSizes(tables.slice(at * TABLES_A_QUERY, (at + 1) * TABLES_A_QUERY)),
  )
  const sizes = new Map((await connection.read(pages)).flat().map((size) => [keyOf(size), size]))
  return tables.flatMap((table): readonly TableVolume[] => {
    const size = sizes.get(keyOf(table))
    if (size === undefined) return []
    const { rows, heapBytes, totalBytes, countedAt } = size
    return [{ table: table.subject, rows, heapBytes, totalBytes, countedAt, seenAt }]
  })
}

function keyOf({ schema, table }: TableName): string {
  return `${schema}\u001f${table}`
}

/** A subject's schema is one of the release's: a dot of the table's own name stays its own. */
function nameOf(subject: string, schemas: ReturnType<typeof mapSchemas>): TableName {
  const own = schemas.find(({ expected }) => subject.startsWith(`${expected}.`))
  if (own !== undefined) return { schema: own.actual, table: subject.slice(own.expected.length + 1) }
  return { schema: schemas.find(({ expected }) => expected === 'public')?.actual ?? 'public', table: subject }
}
