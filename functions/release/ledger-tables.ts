/** Tables of migration tools are no part of the schema: by their name in any schema, or as `schema.table` in that one. */

export interface ExcludedTable {
  readonly schema: string
  readonly table: string
}

export function excludedTables(schemas: readonly string[], ledgerTables: readonly string[]): readonly ExcludedTable[] {
  return schemas.flatMap((schema) =>
    ledgerTables.flatMap((table) => [
      { schema, table },
      ...(table.startsWith(`${schema}.`) ? [{ schema, table: table.slice(schema.length + 1) }] : []),
    ]),
  )
}
