/** The common model of every tool's ledger: what an environment says that it has run. */

/**
 * - `applied`: ran to its end.
 * - `marked`: recorded without having run (`resolve --applied`, `--fake`, `force`).
 * - `baseline`: covered by a baseline row; its objects are expected, its row is not.
 * - `assumed`: below the high-water mark of a ledger that keeps one number only.
 * - `failed`: failed, dirty, half applied, or still running; `detail` says which, as far as the ledger can tell.
 */
export type AppliedState = 'applied' | 'marked' | 'baseline' | 'assumed' | 'failed'

/** One migration that a ledger counts. Rolled back, superseded and undone rows are not listed: they are history. */
export interface AppliedMigration {
  /** In the tool's normal form, equal to `Migration.key` of the release's migration. */
  readonly key: string
  /** The ledger's own identifier, for people. */
  readonly label: string
  readonly state: AppliedState
  /** The checksum as stored, or null. */
  readonly checksum: string | null
  /** ISO 8601 in UTC, where the ledger records it. */
  readonly at: string | null
  readonly durationMs: number | null
  readonly by: string | null
  /** What the ledger says beside: the error's first line, the direction that is unknown … */
  readonly detail: string | null
  /**
   * How many of the release's migrations sort at or before it in the tool's own order. A missing migration at index i
   * is late when an applied one has `place > i`.
   */
  readonly place: number
  /** How what ran is another than the release's, where its checksum does not tell that; absent: the checksum tells. */
  readonly differs?: EntryDifference | undefined
  /**
   * Why the tool, by a rule of its own, recorded it without running it, so that what it brings need not be here; one sentence. Absent for
   * all others, also for what people marked.
   */
  readonly passedOver?: string | undefined
}

/** What the ledger has in the place of an entry of the list that the tool keeps of its migrations. Sentences without a full stop. */
export interface EntryDifference {
  readonly expected: string
  /** What the ledger has: what may follow its name and `has it`. */
  readonly found: string
  readonly cause: string
  readonly advice: string
}

/** What is to be done of one that has not run, where the command that runs what is missing would be refused or pass it over. */
export interface InsteadOfRunning {
  readonly text: string
  readonly command: string | null
}

/** What a ledger cannot tell, and why. None of it is in `applied`. */
export interface UnclearMigrations {
  /** Of migrations of the release. */
  readonly keys: readonly string[]
  /** One sentence, without a full stop. */
  readonly why: string
  readonly causes: readonly string[]
  readonly nextStep: { readonly text: string; readonly command: string | null }
}

/** A ledger as it was read. */
export interface LedgerReading {
  /** The table with its schema, as a subject: `public.flyway_schema_history`. */
  readonly table: string
  readonly tool: string
  /** By what the table was told from another tool's: one sentence. */
  readonly recognisedBy: string
  readonly applied: readonly AppliedMigration[]
  /** A ledger of one high-water mark cannot tell a skipped migration from an applied one. */
  readonly highWaterMark: boolean
  /** The release's migrations of which the ledger tells neither that they ran nor that they did not; absent: it tells of all. */
  readonly unclear?: UnclearMigrations | undefined
  /** What is to be done of missing ones, and of those that come before one that has run; absent: the tool's commands do. */
  readonly instead?: { readonly missing?: InsteadOfRunning; readonly skipped?: InsteadOfRunning } | undefined
  /** A failed one is run again with the missing ones, and has no state to be cleared; absent: it has. */
  readonly failedRunsAgain?: boolean | undefined
  /** Keys of missing ones that the tool passes over for good, though it runs or refuses other late ones; absent: there are none. */
  readonly passedOver?: readonly string[] | undefined
  /** The lock's table with its schema, where the tool's lock is held, and what it says. */
  readonly lock: { readonly table: string; readonly detail: string } | null
  /** The tool whose ledger in this database goes on where this one ends; absent: there is none. `evidence`: one sentence. */
  readonly successor?: { readonly title: string; readonly evidence: string } | undefined
  /** Remarks for the report, each one sentence. */
  readonly notes: readonly string[]
}

/** Why a ledger could not be read as one. */
export type LedgerProblem =
  /** `detail`: what was found instead, one sentence; null: nothing. */
  | { readonly problem: 'missing'; readonly lookedFor: string; readonly detail: string | null }
  | { readonly problem: 'ambiguous'; readonly tables: readonly string[]; readonly why: string }
  | { readonly problem: 'unsupported'; readonly table: string; readonly tool: string; readonly why: string }
  | { readonly problem: 'denied'; readonly table: string; readonly role: string; readonly detail: string }

export type LedgerObservation =
  | { readonly ledger: string; readonly reading: LedgerReading }
  | { readonly ledger: string; readonly problem: LedgerProblem }
