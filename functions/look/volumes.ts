/** How large the tables of a release are in an environment: by the server's own statistics, no row is counted. */
import type { Connection, Query } from '../connections/connection.ts'
import type { TableVolume } from '../core/migration-evidence.ts'
import type { TableName, TableSize } from '../engines/engine.ts'
import { mapSchemas } from '../engines/scope.ts'
import type { CheckInput } from './input.ts'

type Where = Pick<CheckInput, 'engine' | 'release' | 'environment'>

/** A table by the release's name and by the environment's. */
export interface NamedTable extends TableName {
  readonly subject: string
}

/** Each once. */
export function tablesNamed({ release, environment }: Where, subjects: readonly string[]): readonly NamedTable[] {
  const schemas = mapSchemas(release.expectation.catalog.schemas, environment.searchPath)
  return [...new Set(subjects)].map((subject) => ({ subject, ...nameOf(subject, schemas) }))
}

/** A subject's schema is one of the release's: a dot of the table's own name stays its own. */
function nameOf(subject: string, schemas: ReturnType<typeof mapSchemas>): TableName {
  const own = schemas.find(({ expected }) => subject.startsWith(`${expected}.`))
  if (own !== undefined) return { schema: own.actual, table: subject.slice(own.expected.length + 1) }
  return { schema: schemas.find(({ expected }) => expected === 'public')?.actual ?? 'public', table: subject }
}

/** A row of an answer is some 150 bytes, a name in the question as much: far below the Data API's limits. */
const TABLES_A_QUERY = 1_000

export function sizeQueries({ engine }: Where, tables: readonly NamedTable[]): readonly Query<readonly TableSize[]>[] {
  return Array.from({ length: Math.ceil(tables.length / TABLES_A_QUERY) }, (_, at) =>
    engine.tableSizes(tables.slice(at * TABLES_A_QUERY, (at + 1) * TABLES_A_QUERY)),
  )
}

/** One a table that is there. @param seenAt ISO 8601, UTC */
export function volumesOf(
  tables: readonly NamedTable[],
  sizes: readonly TableSize[],
  seenAt: string,
): readonly TableVolume[] {
  const byName = new Map(sizes.map((size) => [keyOf(size), size]))
  return tables.flatMap((table): readonly TableVolume[] => {
    const size = byName.get(keyOf(table))
    if (size === undefined) return []
    const { rows, heapBytes, totalBytes, countedAt } = size
    return [{ table: table.subject, rows, heapBytes, totalBytes, countedAt, seenAt }]
  })
}

export function keyOf({ schema, table }: TableName): string {
  return `${schema}\u001f${table}`
}

export async function readVolumes(
  where: Where,
  connection: Connection,
  subjects: readonly string[],
  seenAt: string,
): Promise<readonly TableVolume[]> {
  const tables = tablesNamed(where, subjects)
  if (tables.length === 0) return []
  return volumesOf(tables, (await connection.read(sizeQueries(where, tables))).flat(), seenAt)
}
