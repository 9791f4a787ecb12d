/**
 * The port to a migration tool: how its files are named, ordered and hashed, how its ledger is recognised and read.
 * A tool is one file with two consts: `LedgerReader`, what a look at a database needs, and the `LedgerTool` that a build needs, made of it
 * by `defineTool`. It holds no comparison: that is the core's.
 */
import type { CandidateTable, ColumnSet } from '../engines/engine.ts'
import type { LedgerReading } from '../core/ledger.ts'
import type { LedgerCommands, LedgerTableName, Migration } from '../core/release.ts'

export interface TableName {
  readonly schema: string
  readonly table: string
}

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
  /** The migrations folder, or the file that lists them. */
  readonly path: string
  readonly placeholders: Readonly<Record<string, string>>
  /** `table` of the config: overrides what the repository says. */
  readonly table: LedgerTableName | null
}

/**
 * Why these files are this tool's: one sentence, and how sure: an own config or lock file is 'certain', a name that several tools
 * could have given 'possible'.
 */
export interface Detection {
  readonly evidence: string
  readonly confidence: 'certain' | 'likely' | 'possible'
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
  /** Keys that other migrations of the repository record in the same table, and that are not this folder's; absent: none. */
  readonly elsewhere?: readonly string[]
  /** What a replay runs of migrations, by key, where more than their files' text tells it; absent: `script` tells of all. */
  readonly scripts?: ReadonlyMap<string, Script>
}

/** How a migration is executed in a replay. */
export interface Script {
  /** What is run, in order; `line` is where it begins in the file. */
  readonly statements: readonly { readonly sql: string; readonly line: number }[]
}

/** A ledger row with the columns that were read, by lower-case name. */
export type LedgerRow = Readonly<Record<string, string | null>>

/** A tool's table in a database. */
export interface LedgerReader {
  readonly name: string
  /** For people: 'Flyway'. */
  readonly title: string
  /** Where the ledger is when nothing says otherwise. schema null: the first of the search path. */
  readonly defaultTable: LedgerTableName
  /** Where else it is when nothing says otherwise; absent for most. */
  readonly otherDefaults?: readonly LedgerTableName[]
  /**
   * Column sets by which a ledger of this tool, and the tables beside it, are found: a table that has all of one set is a candidate.
   * The ledger's own is the first. One of one or two columns stands `alone`, or every second table would be a candidate.
   */
  readonly columnSets: readonly ColumnSet[]
  /** Whether the candidate is this tool's, by its exact columns and types; the sentence says by what. */
  recognise(table: CandidateTable, others: readonly CandidateTable[]): string | null
  /** Where another tool makes the same table; absent for most. A table at the default place is then taken for this tool's by its rows. */
  readonly twin?: {
    /** Why it is not taken for this tool's at once, one sentence; null: it is no such table. */
    mayBe(table: CandidateTable, others: readonly CandidateTable[]): string | null
    /** What in its rows this tool never writes, one sentence; null: nothing. */
    notOurs(rows: readonly LedgerRow[]): string | null
  }
  /** The columns to read, those of the table that this tool knows, and the order. */
  readonly read: {
    readonly columns: readonly string[]
    readonly orderBy: readonly string[]
    /**
     * Beside the times: columns that two runs of the same migrations fill differently, and that decide nothing but by being null.
     * By the others many tenants' ledgers are told alike.
     */
    readonly incidental?: readonly string[]
    /**
     * Columns that are read as what `sql` makes of them, where their type is that: a text too long to be sent, as its digest.
     * For a tool of one database system.
     */
    readonly digests?: Readonly<Record<string, { readonly type: RegExp; readonly sql: (column: string) => string }>>
  }
  /**
   * Its tables have names that the application's own may have (`projects`, `tags`): they are nobody's expectation in the ledger's schema
   * only. Absent: such a table is the tool's in whichever schema.
   */
  readonly commonNames?: boolean
  /** Tables that are read with the ledger, by its name: a lock, a log of events; [] for most. Their columns are in `columnSets`. */
  beside(table: TableName): readonly TableName[]
  /** Rows in the common model. `migrations` are the release's, in order; `beside` are those of the tables beside that exist. */
  interpret(input: {
    readonly table: CandidateTable
    readonly rows: readonly LedgerRow[]
    readonly beside: readonly { readonly table: string; readonly rows: readonly LedgerRow[] }[]
    readonly migrations: readonly Migration[]
    /** `Discovery.elsewhere` of the release. */
    readonly elsewhere?: readonly string[] | undefined
  }): Omit<LedgerReading, 'table' | 'tool' | 'recognisedBy'>
}

/** A tool's files in a repository. */
export interface MigrationFiles {
  /** Whether the folder's files are this tool's. */
  detect(project: ProjectFiles, path: string): Promise<Detection | null>
  discover(project: ProjectFiles, settings: LedgerSettings): Promise<Discovery>
  /** What a replay runs for a migration. Null for code. */
  script(migration: Migration, text: string, settings: LedgerSettings): Script | null
  /** DDL of the ledger as the tool makes it, for migrations that read or alter it while they run. */
  readonly ledgerDdl: string
  /** Tools whose files may have the same names: where nothing but these tells, a look tells by the ledger. Absent for most. */
  readonly alike?: readonly string[]
  readonly facts: ToolFacts
}

/** What people are told of the tool: docs/migration-tools.md is made of it. Sentences without a full stop. */
export interface ToolFacts {
  /** Versions whose ledgers were read in the tests; for one that was never run here, what its rules were taken from. */
  readonly tried: string
  /** Whether each is verified, and where not, why: presence is, for every tool. */
  readonly order: Verified
  readonly edit: Verified
  readonly failure: Verified
  readonly duration: Verified
  /** What the ledger cannot tell. */
  readonly cannotTell: string
  /** What `migrations.path` names, and what else is to be set, if anything. */
  readonly configure: string
}

/** A string says under which condition, or why not: 'no: the ledger keeps no checksum'. */
export type Verified = 'yes' | `yes: ${string}` | `no: ${string}`

export interface LedgerTool extends LedgerReader, MigrationFiles {}

/** To be called behind a PURE mark, as every tool does: a bundler then leaves out the files' side where nobody uses it, as in production. */
export function defineTool(ledger: LedgerReader, files: MigrationFiles): LedgerTool {
  return { ...ledger, ...files }
}
