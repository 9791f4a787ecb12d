/** The options of every command, as its module gets them: nothing optional, null where it was not said. */

/** The formats of a report. */
export const FORMATS = ['text', 'json', 'markdown', 'junit', 'html'] as const
export type Format = (typeof FORMATS)[number]

/** The formats of what is no report: a note of what was done. */
export const NOTE_FORMATS = ['text', 'json'] as const

export const DEFAULT_CONFIG = 'deploywatch.yaml'

/** Paths are as they were typed: relative to `io.cwd`. */
export interface CommonOptions {
  readonly config: string
  /** null: not named, so the default file counts if it is there. */
  readonly release: string | null
  readonly running: string | null
  /** null: the config's. */
  readonly store: string | null
  readonly format: Format
  /** null: stdout. */
  readonly output: string | null
}

export interface InitOptions extends CommonOptions {
  readonly force: boolean
  readonly grants: boolean
  readonly env: string | null
  readonly role: string | null
}

export interface BuildOptions extends CommonOptions {
  readonly out: string | null
  readonly releaseVersion: string | null
  readonly commit: string | null
}

export interface CheckOptions extends CommonOptions {
  readonly env: string
  readonly deployed: boolean
}

export interface MigrateOptions extends CommonOptions {
  readonly env: string
  /** What follows `--`: a program and its arguments; [] where nothing does. */
  readonly command: readonly string[]
  /** As it was typed, such as 30m; null: none. */
  readonly timeout: string | null
}

export interface RecordOptions extends CommonOptions {
  readonly env: string
  /** null: beside the manifest. */
  readonly out: string | null
}

export const COMPARE_FORMATS = ['text', 'json', 'markdown', 'html'] as const
export type CompareFormat = (typeof COMPARE_FORMATS)[number]

export interface CompareOptions extends Omit<CommonOptions, 'format'> {
  readonly environments: readonly string[]
  readonly format: CompareFormat
}

export const ESTIMATE_FORMATS = ['text', 'json', 'markdown'] as const
export type EstimateFormat = (typeof ESTIMATE_FORMATS)[number]

export interface EstimateOptions extends Omit<CommonOptions, 'format'> {
  readonly env: string
  readonly format: EstimateFormat
}

export interface PublishOptions extends CommonOptions {
  readonly labels: readonly string[]
}

export interface WatchOptions extends CommonOptions {
  readonly env: string
  /** As it was typed, such as 15m; null: the environment's. */
  readonly for: string | null
}

export interface ExplainOptions extends CommonOptions {
  readonly code: string
}
