/** Telling one tool's ledger from another's table: by exact columns and types, never by the name alone. */
import type { CandidateTable } from '../engines/engine.ts'

/** The columns of a tool's ledger: name → what its type must look like, and whether every version has it. */
export type LedgerColumns = Readonly<Record<string, { readonly type: RegExp; readonly optional?: true }>>

export const INTEGER = /^(?:int|integer|int4|int unsigned|smallint|serial)/
export const BIGINT = /^(?:bigint|int8)/
export const TEXT = /^(?:text|character varying|varchar|longtext)/
export const TIME = /^(?:timestamp|datetime)/
export const BOOLEAN = /^(?:bool|tinyint)/

/** The names that a table must have to be a candidate. */
export function requiredColumns(columns: LedgerColumns): readonly string[] {
  return Object.keys(columns).filter((name) => columns[name]?.optional !== true)
}

/** What of the table is not as the tool makes it: columns that lack or have another type, and those it does not know. */
export function compareColumns(
  table: CandidateTable,
  columns: LedgerColumns,
): { readonly wrong: readonly string[]; readonly extra: readonly string[] } {
  const found = new Map(Object.entries(table.columns).map(([name, type]) => [name.toLowerCase(), type]))
  const wrong = Object.entries(columns).flatMap(([name, { type, optional }]) => {
    const actual = found.get(name)
    if (actual === undefined) return optional === true ? [] : [name]
    return type.test(actual) ? [] : [name]
  })
  return { wrong, extra: [...found.keys()].filter((name) => columns[name] === undefined) }
}

/**
 * The usual rule: every column of the tool with its type. Columns that nobody knows are let pass only under a name
 * that the tool itself gives, since newer versions add some; under another name it may be anybody's table.
 */
export function recogniseColumns(table: CandidateTable, columns: LedgerColumns, ownName: RegExp): string | null {
  const { wrong, extra } = compareColumns(table, columns)
  if (wrong.length > 0) return null
  if (extra.length > 0 && !ownName.test(table.table)) return null
  const own = Object.keys(table.columns).filter((name) => columns[name.toLowerCase()] !== undefined)
  const beside = extra.length === 0 ? '' : `, and ${extra.join(', ')} beside them`
  const some = own.slice(0, 3).join(', ')
  return own.length <= 3
    ? `told by its columns ${some}${beside}`
    : `told by its ${own.length} columns (${some} ...)${beside}`
}
