/** The ledgers' tables and those beside them: nobody's expectation. Without a schema they are so in whichever. */
import type { LedgerTableName } from '../core/release.ts'
import type { Scope } from '../engines/engine.ts'

/** In a fixed order, each once. */
export function distinctTables(tables: readonly LedgerTableName[]): readonly LedgerTableName[] {
  const named = tables.map(({ schema, table }) => [JSON.stringify([table, schema]), { schema, table }] as const)
  return [...new Map(named)].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, table]) => table)
}

/** @param schemas All that are there. */
export function excludedTables(schemas: readonly string[], tables: readonly LedgerTableName[]): Scope['exclude'] {
  return tables.flatMap(({ schema, table }) =>
    (schema === null ? schemas : [schema]).map((one) => ({ schema: one, table })),
  )
}

/** Whether one of them is this table. */
export function coversTable(
  tables: readonly LedgerTableName[],
  table: { readonly schema: string; readonly table: string },
): boolean {
  return tables.some((one) => one.table === table.table && (one.schema === null || one.schema === table.schema))
}
