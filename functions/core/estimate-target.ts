/** What is known of the place where a migration is to run. Plain data. */
import type { TableVolume } from './migration-evidence.ts'
import type { LockMode } from './lock-modes.ts'

/** Of a table of the release, with its name there as SQL has it. */
export interface TargetVolume extends TableVolume {
  readonly sql: string
}

/** A session whose transaction is open, or that holds a lock on one of the tables. */
export interface OpenTransaction {
  readonly pid: string
  readonly role: string
  readonly application: string
  readonly state: string
  /** Milliseconds since its transaction began; null: hidden from the role that looks. */
  readonly sinceMs: number | null
  /** Of the tables that were asked for, by subject. */
  readonly locks: readonly { readonly table: string; readonly mode: LockMode }[]
}

export interface Activity {
  /** The oldest first, those whose age is hidden before all. */
  readonly transactions: readonly OpenTransaction[]
  /** Sessions of which the role that looks may not see what they do. */
  readonly hidden: number
  /** Sessions at work just now, its own left out. */
  readonly active: number
}

/** What the server says of memory. None of it is what the machine has. */
export interface CacheSettings {
  readonly sharedBuffersBytes: number
  /** effective_cache_size, where somebody set it; null: the default says nothing. */
  readonly cacheBytes: number | null
}

export interface EstimateTarget {
  readonly environment: string
  /** As the server says it: '15.18'. */
  readonly version: string
  readonly volumes: readonly TargetVolume[]
  /** null: it could not be read. */
  readonly activity: Activity | null
  readonly cache: CacheSettings | null
}
