/**
 * A table of one column `version`: dbmate and Rails make the same one under the same name, and on PostgreSQL to the letter.
 * What tells whose it is: what stands beside it, and the length of the column where it has one.
 */
import type { CandidateTable } from '../engines/engine.ts'
import type { LedgerColumns } from './recognise.ts'
import { compareColumns } from './recognise.ts'

/** Both write `varchar`; a `text` is the first Supabase's. */
export const VERSION_COLUMNS: LedgerColumns = { version: { type: /^(?:character varying|varchar)/ } }

/** Rails' own facts on the database, which Rails' reader has looked for. */
export const METADATA_COLUMNS = ['key', 'value', 'created_at', 'updated_at']

export interface VersionTableOwner {
  readonly tool: 'dbmate' | 'rails'
  /** By what it was told: goes on after "told by its columns". */
  readonly by: string
}

/** Null where the table is no such table. */
export function ownerOfVersions(table: CandidateTable, others: readonly CandidateTable[]): VersionTableOwner | null {
  const { wrong, extra } = compareColumns(table, VERSION_COLUMNS)
  // Supabase's first ledgers had one column too, in a schema that nobody else uses.
  if (wrong.length > 0 || extra.length > 0 || table.schema === 'supabase_migrations') return null
  const type = Object.values(table.columns)[0] ?? ''
  const metadata = others.find(
    (other) =>
      other.schema === table.schema &&
      /ar_internal_metadata/.test(other.table) &&
      METADATA_COLUMNS.every((column) => other.columns[column] !== undefined),
  )
  if (type.endsWith('(128)')) return { tool: 'dbmate', by: `version is ${type}, as dbmate makes it` }
  if (metadata !== undefined) return { tool: 'rails', by: `${metadata.table}, which Rails makes, stands beside it` }
  if (type.endsWith('(255)')) return { tool: 'rails', by: `version is ${type}, as Rails makes it` }
  return { tool: 'dbmate', by: 'ar_internal_metadata, which Rails makes, does not stand beside it' }
}

const TITLES = { dbmate: 'dbmate', rails: 'Rails' } as const

/** What a tool's `recognise` says of it. */
export function recogniseVersions(
  tool: VersionTableOwner['tool'],
  table: CandidateTable,
  others: readonly CandidateTable[],
): string | null {
  const owner = ownerOfVersions(table, others)
  return owner?.tool === tool ? `told by its columns (version and no other), and ${owner.by}` : null
}

/** What a tool's `twin.mayBe` says: why a table that it would use all the same is taken for the other's. */
export function doubtVersions(
  tool: VersionTableOwner['tool'],
  table: CandidateTable,
  others: readonly CandidateTable[],
): string | null {
  const owner = ownerOfVersions(table, others)
  return owner === null || owner.tool === tool ? null : `it looks like a table of ${TITLES[owner.tool]}: ${owner.by}`
}
