/** How every look's transaction on a Postgres begins: one list of settings, the same on all three connections. */
import type { ReadOptions } from './connection.ts'

/**
 * Settings that change what the server writes, or what a look costs it. Deparsed expressions follow TimeZone, DateStyle,
 * IntervalStyle, bytea_output, extra_float_digits and quote_all_identifiers.
 */
export const PINNED_SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ['TimeZone', 'UTC'],
  ['DateStyle', 'ISO, YMD'],
  ['IntervalStyle', 'postgres'],
  ['bytea_output', 'hex'],
  ['extra_float_digits', '1'],
  ['quote_all_identifiers', 'off'],
  ['standard_conforming_strings', 'on'],
  // A look of many small statements: compiling any of them costs more than it saves.
  ['jit', 'off'],
  // A looker that died must not hold its snapshot, and with it VACUUM, open.
  ['idle_in_transaction_session_timeout', '60000'],
]

/** A look waits for a lock this long at most: who waits for ACCESS SHARE makes those behind it wait too. */
const MAX_LOCK_TIMEOUT_MS = 1000

const DEFAULT_READ_OPTIONS: ReadOptions = {
  statementTimeoutMs: 10_000,
  lockTimeoutMs: MAX_LOCK_TIMEOUT_MS,
  searchPath: null,
}

export function resolveReadOptions(
  options: Partial<ReadOptions> | undefined,
  defaults: Partial<ReadOptions> = {},
): ReadOptions {
  const merged = { ...DEFAULT_READ_OPTIONS, ...defaults, ...options }
  return {
    // 0 would switch the timeouts off.
    statementTimeoutMs: Math.max(1, Math.round(merged.statementTimeoutMs)),
    lockTimeoutMs: Math.min(MAX_LOCK_TIMEOUT_MS, Math.max(1, Math.round(merged.lockTimeoutMs))),
    searchPath: merged.searchPath,
  }
}

export const BEGIN_READ_ONLY = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/** As a statement of its own, where something else began the transaction. Only before the transaction's first query. */
export const SET_READ_ONLY = 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * One SELECT that makes all settings, for this transaction only. It is a query, so the transaction has its snapshot, and from
 * then on the server refuses to make the transaction read-write. Its second column is the server's process, by which
 * another session can cancel what this one runs.
 */
export function settingsSql(options: ReadOptions): string {
  const settings = [
    ...PINNED_SETTINGS,
    ['statement_timeout', String(options.statementTimeoutMs)],
    ['lock_timeout', String(options.lockTimeoutMs)],
    ['search_path', options.searchPath ?? 'pg_catalog'],
  ] as const
  const rows = settings.map(([name, value]) => `(${literal(name)}, ${literal(value)})`).join(', ')
  // Qualified, because the search_path of the role is in force until this has run.
  return `SELECT pg_catalog.count(pg_catalog.set_config(s.name, s.value, true))::pg_catalog.text, pg_catalog.pg_backend_pid()::pg_catalog.text FROM (VALUES ${rows}) AS s (name, value)`
}
