/** Rows of `databasechangelog` in the common model (research: StandardChangeLogHistoryService, ChangeSet.isCheckSumValid). */
import type { AppliedMigration, LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { LedgerReader, LedgerRow } from './ledger.ts'
import { LEAVES_NO_ROW } from './liquibase-filters.ts'
import { changesetKey, olderKey } from './liquibase-paths.ts'
import { isoTime, isTrue } from './migration-text.ts'

type Input = Parameters<LedgerReader['interpret']>[0]

/** Values of EXECTYPE that Liquibase writes, or has in its list. */
const RAN = new Set(['EXECUTED', 'RERAN'])
const WITHOUT_RUNNING = new Set(['MARK_RAN', 'SKIPPED'])

export function interpretLiquibase({ table, rows, beside, migrations }: Input): ReturnType<LedgerReader['interpret']> {
  const name = `${table.schema}.${table.table}`
  const places = new Map(migrations.map(({ key }, at) => [key, at + 1]))
  // A changeset that has run keeps its older path.
  const former = new Map(
    migrations.flatMap(({ key, doubt }) => (olderKey(key, doubt) === null ? [] : [[olderKey(key, doubt), key]])),
  )
  const found = new Map<string, AppliedMigration>()
  let reached = 0
  for (const row of [...rows].sort((a, b) => Number(a['orderexecuted'] ?? 0) - Number(b['orderexecuted'] ?? 0))) {
    const own = changesetKey(row['filename'] ?? '', row['id'] ?? '', row['author'] ?? '')
    const key = places.has(own) ? own : (former.get(own) ?? own)
    const place = places.get(key)
    reached = Math.max(reached, place ?? 0)
    // A changeset may have two rows: the newer one counts.
    found.delete(key)
    found.set(key, appliedOf(key, row, place === undefined ? undefined : migrations[place - 1], place ?? reached))
  }
  return {
    applied: [...found.values()],
    highWaterMark: false,
    unclear: unclearOf(migrations, found, name),
    lock: lockOf(table.schema, beside),
    notes: [...unknownStates(rows, name), ...otherPlaces(migrations, found, name)],
  }
}

function appliedOf(key: string, row: LedgerRow, migration: Migration | undefined, place: number): AppliedMigration {
  const type = row['exectype'] ?? ''
  return {
    key,
    label: `${row['filename'] ?? ''}::${row['id'] ?? ''}::${row['author'] ?? ''}`,
    state: type === 'FAILED' ? 'failed' : WITHOUT_RUNNING.has(type) ? 'marked' : 'applied',
    checksum: comparableChecksum(row['md5sum'] ?? null, migration),
    at: isoTime(row['dateexecuted'] ?? null),
    durationMs: null,
    by: null,
    detail: RAN.has(type)
      ? null
      : `EXECTYPE is ${type}${type === 'MARK_RAN' ? ': its preconditions did not hold, and it was recorded without running' : ''}`,
    place,
    passedOver:
      type === 'MARK_RAN'
        ? 'its preconditions did not hold here, and Liquibase recorded it without running it'
        : undefined,
  }
}

/** It is verified by the rule of its own version; where there is none of that version to compare with, it is not judged. */
function comparableChecksum(stored: string | null, migration: Migration | undefined): string | null {
  const version = /^\d+:/.exec(stored ?? '')?.[0]
  if (stored === null || version === undefined) return null
  return migration === undefined || migration.checksums.some((own) => own.startsWith(version)) ? stored : null
}

/** Whether a context is run here shows where one of its changesets has run; where none has, either may be so. */
function unclearOf(
  migrations: readonly Migration[],
  found: ReadonlyMap<string, AppliedMigration>,
  table: string,
): LedgerReading['unclear'] {
  const run = new Set(migrations.filter(({ key }) => found.has(key)).map(({ doubt }) => doubt))
  // Preconditions are each changeset's own: that those of another one held says nothing.
  run.delete(LEAVES_NO_ROW)
  const doubtful = migrations.filter(({ key, doubt }) => doubt !== undefined && !run.has(doubt) && !found.has(key))
  const [first] = doubtful
  if (first?.doubt === undefined) return undefined
  return {
    keys: doubtful.map(({ key }) => key),
    why: `${first.doubt}, and ${table} has no row of the kind`,
    causes: ['Liquibase leaves them out in this environment', 'they have not run here yet'],
    nextStep: { text: stepFor(first.doubt), command: null },
  }
}

function stepFor(doubt: string): string {
  if (doubt === LEAVES_NO_ROW)
    return 'see in the output of the last `liquibase update` whether it left the changeset out; with onFail MARK_RAN it would leave a row that tells'
  return /^it has the (?:context|labels) /.test(doubt)
    ? 'say in liquibase.properties with which `contexts` and `labelFilter` Liquibase is run, and build the release again'
    : 'write logicalFilePath on each changeset, where every version of Liquibase takes it, and build the release again'
}

function lockOf(schema: string, beside: Input['beside']): LedgerReading['lock'] {
  for (const { table, rows } of beside) {
    const held = rows.find((row) => isTrue(row['locked']))
    if (held === undefined) continue
    const by = held['lockedby'] == null ? '' : ` by ${held['lockedby']}`
    const since = isoTime(held['lockgranted'] ?? null)
    return { table: `${schema}.${table}`, detail: `LOCKED is true${by}${since === null ? '' : ` since ${since}`}` }
  }
  return null
}

function unknownStates(rows: readonly LedgerRow[], table: string): readonly string[] {
  const types = new Set(rows.map((row) => row['exectype'] ?? ''))
  const unknown = [...types].filter((type) => !RAN.has(type) && !WITHOUT_RUNNING.has(type) && type !== 'FAILED')
  if (unknown.length === 0) return []
  return [
    `${table} has the EXECTYPE ${unknown.map((type) => type || 'null').join(', ')}, which no known Liquibase writes: such rows count as run, as they do for Liquibase`,
  ]
}

/** The same changesets under other paths: Liquibase was run from another folder, and would run all of them again. */
function otherPlaces(
  migrations: readonly Migration[],
  found: ReadonlyMap<string, AppliedMigration>,
  table: string,
): readonly string[] {
  if (found.size === 0 || migrations.some(({ key }) => found.has(key))) return []
  const byEnd = new Map<string, string>()
  for (const other of found.keys()) for (const end of endsOf(other)) byEnd.set(end, other)
  const whole = new Map([...found.keys()].map((other) => [other.toLowerCase(), other]))
  for (const { key } of migrations) {
    const row = byEnd.get(key.toLowerCase()) ?? endsOf(key).flatMap((end) => whole.get(end) ?? [])[0]
    if (row === undefined) continue
    return [
      `${table} has ${row} where the release has ${key}: Liquibase tells changesets apart by their paths, so it was run from another folder or with another search path here, and would run all of them again; write the folder from which it is run as searchPath into liquibase.properties, or set logicalFilePath`,
    ]
  }
  return []
}

/** What a key is below each of its folders, in lower case: `a/b/c.sql::1::ana` is `b/c.sql::1::ana`, and `c.sql::1::ana`. */
function endsOf(key: string): readonly string[] {
  const own = key.toLowerCase()
  const path = own.indexOf('::') < 0 ? own.length : own.indexOf('::')
  return [...own.slice(0, path).matchAll(/\//g)].map(({ index }) => own.slice(index + 1))
}
