/**
 * The port to a migration tool: how its files are named, ordered and hashed, how its ledger is recognised and read.
 * A tool is one file and one const that satisfies `LedgerTool`. It holds no comparison: that is the core's.
 */
import type { CandidateTable } from '../engines/engine.ts'
import type { LedgerReading } from '../core/ledger.ts'
import type { LedgerCommands, LedgerTableName, Migration } from '../core/release.ts'

/** The repository as a tool may look at it. Paths are relative to the config file's folder, with '/'. */
export interface ProjectFiles {
  /** Files below `folder`, at any depth, sorted by code unit; [] where it does not exist. */
  list(folder: string): Promise<readonly string[]>
  /** Bytes of a file, or null where it does not exist. */
  read(path: string): Promise<Buffer | null>
  /** Whether the folder exists. */
  isFolder(path: string): Promise<boolean>
}

export interface LedgerSettings {
  /** The migrations folder. */
  readonly path: string
  readonly placeholders: Readonly<Record<string, string>>
  /** `table` of the config: overrides what the repository says. */
  readonly table: LedgerTableName | null
}

/** Why these files are this tool's: one sentence, and how sure: an own config or lock file is 'certain'. */
export interface Detection {
  readonly evidence: string
  readonly confidence: 'certain' | 'likely'
}

/** A file that is no migration but looks like a mistake: reported with its place, never dropped in silence. */
export interface FileProblem {
  readonly file: string
  readonly line: number
  readonly message: string
}

export interface Discovery {
  /** In the tool's own order. */
  readonly migrations: readonly Migration[]
  readonly problems: readonly FileProblem[]
  /** Where the repository says that the ledger is, or null. */
  readonly table: LedgerTableName | null
  readonly commands: LedgerCommands
  readonly late: 'runs' | 'refuses' | 'never-runs'
  /** The settings' placeholders and those of the tool's own config files: what `script` is to be given. */
  readonly placeholders: Readonly<Record<string, string>>
  /** Schemas that the repository has the tool make, the first being where names without a schema go. [] leaves it to the server. */
  readonly schemas: readonly string[]
  readonly notes: readonly string[]
}

/** How a migration is executed in a replay. */
export interface Script {
  /** What is run, in order; `line` is where it begins in the file. */
  readonly statements: readonly { readonly sql: string; readonly line: number }[]
}

/** A ledger row with the columns that were read, by lower-case name. */
export type LedgerRow = Readonly<Record<string, string | null>>

export interface LedgerTool {
  readonly name: string
  /** For people: 'Flyway'. */
  readonly title: string
  /** Where the ledger is when nothing says otherwise. schema null: the first of the search path. */
  readonly defaultTable: LedgerTableName
  /** Column sets by which a ledger of this tool is found: a table that has all of one set is a candidate. */
  readonly columnSets: readonly (readonly string[])[]
  /** Whether the candidate is this tool's, by its exact columns and types; the sentence says by what. */
  recognise(table: CandidateTable, others: readonly CandidateTable[]): string | null
  /** Whether the folder's files are this tool's. */
  detect(project: ProjectFiles, path: string): Promise<Detection | null>
  discover(project: ProjectFiles, settings: LedgerSettings): Promise<Discovery>
  /** The columns to read, those of the table that this tool knows, and the order. */
  readonly read: {
    readonly columns: readonly string[]
    readonly orderBy: readonly string[]
    /**
     * Beside the times: columns that two runs of the same migrations fill differently, and that decide nothing but by being null.
     * By the others many tenants' ledgers are told alike.
     */
    readonly incidental?: readonly string[]
  }
  /** Lock tables beside the ledger, by the ledger's name; [] for tools that lock otherwise. Their columns are in `columnSets`. */
  lockTables(table: {
    readonly schema: string
    readonly table: string
  }): readonly { readonly schema: string; readonly table: string }[]
  /** Rows (and the lock tables' rows) in the common model. `migrations` are the release's, in order. */
  interpret(input: {
    readonly table: CandidateTable
    readonly rows: readonly LedgerRow[]
    readonly locks: readonly { readonly table: string; readonly rows: readonly LedgerRow[] }[]
    readonly migrations: readonly Migration[]
  }): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'>
  /** What a replay runs for a migration. Null for code. */
  script(migration: Migration, text: string, settings: LedgerSettings): Script | null
  /** DDL of the ledger as the tool makes it, for migrations that read or alter it while they run. */
  readonly ledgerDdl: string
}
