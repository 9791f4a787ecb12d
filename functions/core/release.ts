/** A release and what it needs of its environment, as plain data. */
import type { CatalogObject, Digest } from './catalog.ts'
import type { TableLock } from './table-lock.ts'

export interface Release {
  readonly service: string
  readonly version: string
  /** The commit, or null where the folder is under no version control. */
  readonly commit: string | null
}

/** Every migration tool that is known. A tool that is only recognised has no ledger file (see functions/ledgers). */
export type ToolName = string

/**
 * - `versioned`: runs once, in order.
 * - `repeatable`: runs again whenever its text changed.
 * - `baseline`: stands for all versioned ones up to it on a fresh database.
 */
export type MigrationKind = 'versioned' | 'repeatable' | 'baseline'

/** What running one statement costs, as the server reported it in the replay (research: DDL classes). */
export type CostClass = 'instant' | 'scan' | 'foreign-key' | 'index' | 'rewrite' | 'data' | 'query' | 'unknown'

/** The cost of one statement of a migration. `line` counts from 1 in the migration's file. */
export interface StatementCost {
  readonly line: number
  readonly class: CostClass
  /** The relations that it rewrites, scans or indexes, as subjects. */
  readonly relations: readonly string[]
  readonly concurrently: boolean
  /** Of class `data`, as far as the statement's form tells; null: of any other. */
  readonly rows: DataRows | null
  /** The strongest lock that it takes on tables that were there before; null: none, or not known. */
  readonly lock: TableLock | null
}

/**
 * Whose rows a statement that changes data touches.
 * - `every`: all rows of one table, by its subject.
 * - `given`: those that stand in its own text, whatever there is.
 * - `some`: those that it finds (a WHERE, a join, a LIMIT): how many, only counting says.
 */
export type DataRows =
  | { readonly kind: 'every'; readonly of: string }
  | { readonly kind: 'given' }
  | { readonly kind: 'some' }

/** One migration of the release, as its tool sees it. */
export interface Migration {
  /** The contract's subject: the path below the migrations folder as the tool names it. */
  readonly subject: string
  /** What is compared with the ledger's rows, in the tool's own normal form. */
  readonly key: string
  readonly kind: MigrationKind
  /** Place of its text: relative to the config file's folder, with '/'. */
  readonly file: string
  /** The tool's checksums that count as unchanged (line-ending variants, …). Empty: the tool keeps none. */
  readonly checksums: readonly string[]
  /** SHA-256 of the file's bytes, hex: ours, also where the tool keeps none. */
  readonly digest: string
  /** Code cannot be replayed as SQL. */
  readonly form: 'sql' | 'code'
  /** Where it begins in `file`; absent: at its first line. */
  readonly line?: number | undefined
  /** Where it stands in the list that the tool keeps of its migrations; absent: it keeps none, or none that decides what has run. */
  readonly entry?: { readonly file: string; readonly line: number } | undefined
  /** Keys of those that it stands on, where the tool's order is a graph; absent: it is a list. */
  readonly after?: readonly string[] | undefined
  /** Keys of those that it stands for: where they all ran, it need not (Django's squashes). */
  readonly replaces?: readonly string[] | undefined
  /** It may fail half way, be mended and go on, with the text of before that recorded; absent: it may not. */
  readonly mendable?: boolean | undefined
  /** Why the repository does not tell whether the tool runs it at all; absent: it does. Without a full stop. */
  readonly doubt?: string | undefined
}

/** What replaying one migration did. All names are subjects ("kind subject" is unique within a migration). */
export interface MigrationEffect {
  readonly brought: readonly ObjectReference[]
  readonly changed: readonly ObjectReference[]
  readonly removed: readonly ObjectReference[]
  readonly costs: readonly StatementCost[]
  /** Why it could not be replayed, or null. */
  readonly failed: ReplayFailure | null
}

export interface ObjectReference {
  readonly kind: CatalogObject['kind']
  readonly schema: string
  readonly group: string
  readonly name: string
}

/** What a replay could not do of one migration. */
export interface ReplayFailure {
  /** Where the statement begins in the migration's file; 1 for code. */
  readonly line: number
  /** The server's words, or that the migration is code. */
  readonly reason: string
  /** The extension that cannot be had, where that is the cause. */
  readonly extension: string | null
  /** The failure that this one follows from: an extension's name or an earlier migration's subject; null: none. */
  readonly follows: string | null
  /** What the failing statements would have brought or changed, by name: unsure, on either side. */
  readonly unsure: readonly ObjectReference[]
  /** Failures of the same migration with another cause; theirs is empty. */
  readonly further: readonly ReplayFailure[]
}

/** One ledger that the release expects: a folder of migrations and the tool that runs them. */
export interface LedgerExpectation {
  /** Its name in the config; 'default' where there is one. */
  readonly name: string
  readonly tool: ToolName
  /** By what the tool was recognised: one sentence. */
  readonly detectedBy: string
  /** The migrations folder, relative to the config file. */
  readonly path: string
  /** Where the repository says that the ledger is; null where the tool's default applies. */
  readonly table: LedgerTableName | null
  /** In the tool's own order. */
  readonly migrations: readonly Migration[]
  /** Migration file → how to run what is missing; command and the one for late ones, both as pasted. */
  readonly commands: LedgerCommands
  /** What the tool does with a migration that sorts before one that is applied. */
  readonly late: 'runs' | 'refuses' | 'never-runs'
  /** Dependencies that the repository cannot show, in words; empty for most. */
  readonly notes: readonly string[]
  /** Keys that other migrations of the repository record in the same table: rows of them say nothing of these; absent: none. */
  readonly elsewhere?: readonly string[] | undefined
  /**
   * The same migrations, in the same order, as those of another tool whose files may be named alike: it is that one's where its
   * ledger is there and this one's is not. Absent where the repository says which tool it is.
   */
  readonly otherwise?: readonly LedgerExpectation[] | undefined
}

export interface LedgerTableName {
  readonly schema: string | null
  readonly table: string
}

export interface LedgerCommands {
  /** The environment variable in which the commands have the database's address; null: they have it from elsewhere. */
  readonly addressIn: string | null
  /** Applies what is missing. */
  readonly migrate: string
  /** Applies a late one, where that needs another command; null where it cannot be run at all. */
  readonly migrateLate: string | null
  /**
   * Clears a failed state after the repair. The word NAME stands for the failed migration's subject, VERSION for the key of
   * the one before it (-1 where it is the first).
   */
  readonly repair: string | null
  /** A run goes on at the statement at which one failed: what ran of it has to stay, and there is no state to clear. Absent: it does not. */
  readonly resumes?: boolean | undefined
  /** What names the ledger's schema at the end of each of them, with SCHEMA for it, where only the database tells; absent: nothing has to. */
  readonly inSchema?: string | undefined
  /** Counts a migration as applied without running it; null where the tool has no way to. */
  readonly record: RecordCommand | null
}

/**
 * NAME stands for a migration's subject, KEY for its key, PARTS for what is between the key's dots, a word each; the first alone of one
 * that a graph only names. `each`: once for every migration; else the last one counts all before it.
 */
export interface RecordCommand {
  readonly command: string
  readonly each: boolean
}

/** A statement that the release sends: from the config, a file, or evidence. */
export interface Statement {
  /** Its name, else `file:line`, else its first 60 characters: learnt statements may have the same one. */
  readonly subject: string
  readonly sql: string
  readonly source: { readonly file: string; readonly line: number } | null
  readonly from: 'config' | 'file' | 'evidence' | Learnt
  /** Calls seen where it was learnt, or null. */
  readonly calls: number | null
  /** Index into the configured queries, or null: expectations live there. */
  readonly expect: StatementExpect | null
}

/** A statement that the release's own files do not hold: seen to be run, or sent by the release that runs now. */
export interface Learnt {
  /** Where the application ran it; empty: it stands in the running release's files. */
  readonly environments: readonly string[]
  /** Who ran it, under whose search path it is prepared; null: the environment's path. */
  readonly role: string | null
  /** The version of the release that runs now, and sends it; null: the release that is looked for does. */
  readonly running: string | null
}

export interface StatementExpect {
  readonly [assertion: string]: unknown
}

/** The expected catalog, without its objects: what an unchanged look needs. */
export interface CatalogSummary {
  /** How it came about: sql | command | dump | environment | none. */
  readonly mode: ReplayMode
  /** The servers that it was computed on, the first one's texts being the catalog's. Example: '18.3'. */
  readonly servers: readonly string[]
  readonly schemas: readonly string[]
  readonly total: Digest
  /** One digest a bucket, in decimal sums; index = bucket. Without grants. */
  readonly buckets: readonly Digest[]
  /** The digest of the grant objects. */
  readonly grants: Digest
  /** Hex SHA-256 of the catalog part. */
  readonly digest: string
}

export type ReplayMode = 'sql' | 'command' | 'dump' | 'environment' | 'none'

/** An expected object, with the migrations that brought and changed it (indexes into the flattened migrations). */
export interface ExpectedObject {
  readonly object: CatalogObject
  /** Index of the migration that brought it: ledgers in order, migrations in order; null: no migration (prelude, dump). */
  readonly brought: number | null
  readonly changed: readonly number[]
  /** The texts of other majors, where they differ: major → facts text of the whole object. */
  readonly variants: Readonly<Record<string, string>>
}

/** The policy of the comparison, from the config. */
export interface SchemaPolicy {
  readonly match: 'subset' | 'exact'
  readonly ignore: readonly string[]
  readonly role: string | null
}

/** Everything that a release needs of its environment, but for the objects themselves and what each migration did. */
export interface Expectation {
  readonly release: Release
  /** Hex SHA-256 over all that is expected. It does not hold version and commit. */
  readonly digest: string
  readonly ledgers: readonly LedgerExpectation[]
  readonly catalog: CatalogSummary
  readonly policy: SchemaPolicy
  readonly statements: readonly Statement[]
}

/** All migrations of all ledgers in replay order: what indexes of migrations point into. */
export function flattenMigrations(
  ledgers: readonly LedgerExpectation[],
): readonly { readonly ledger: LedgerExpectation; readonly migration: Migration }[] {
  return ledgers.flatMap((ledger) => ledger.migrations.map((migration) => ({ ledger, migration })))
}
