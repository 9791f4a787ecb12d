/** Which migrations are missing, and the findings that say so with how long each will take there. Pure. */
import type { MigrationEstimate, MissingMigration } from './estimate.ts'
import { sumOf } from './estimate.ts'
import type { Refusal } from './estimate-parts.ts'
import type { Estimate, Finding } from './finding.ts'
import { groupBy } from './group.ts'
import { keyOfRecord } from './migration-evidence.ts'
import type { MigrationRecord } from './migration-evidence.ts'
import { flattenMigrations } from './release.ts'
import type { Expectation, MigrationEffect, ReplayMode } from './release.ts'

/** In the order in which they will run. @param effects one a migration, flattened; empty where nothing was replayed */
export function missingOf(
  { ledgers, catalog }: Pick<Expectation, 'ledgers' | 'catalog'>,
  effects: readonly MigrationEffect[],
  records: readonly MigrationRecord[],
): readonly MissingMigration[] {
  const states = new Map(records.map((record) => [keyOfRecord(record), record.state]))
  return flattenMigrations(ledgers).flatMap(({ ledger, migration }, at) => {
    const state = states.get(keyOfRecord({ ledger: ledger.name, subject: migration.subject }))
    const isMissing = state === 'missing' || state === 'skipped'
    // Only a replay tells what statements cost.
    return isMissing
      ? [{ ledger: ledger.name, migration, effect: isReplayed(catalog.mode) ? effects[at] : undefined }]
      : []
  })
}

/** The other modes know what is there, and not how it came. */
function isReplayed(mode: ReplayMode): boolean {
  return mode === 'sql' || mode === 'command'
}

/** Subjects of the tables that they lock, or whose size their duration follows: each once. */
export function tablesOfMissing(missing: readonly MissingMigration[]): readonly string[] {
  const tables = missing.flatMap(({ effect }) =>
    (effect?.costs ?? []).flatMap(({ relations, rows, lock }) => [
      ...relations,
      ...(rows?.kind === 'every' ? [rows.of] : []),
      ...(lock?.relations ?? []),
    ]),
  )
  return [...new Set(tables)].sort()
}

export interface ToldEstimates {
  readonly findings: readonly Finding[]
  /** Why there is no number, where there is none. */
  readonly notes: readonly string[]
}

/** The findings about missing migrations with their estimates; that of a missing ledger with the sum of its own. */
export function tellEstimates(
  findings: readonly Finding[],
  estimates: readonly MigrationEstimate[],
  { ledgers }: Pick<Expectation, 'ledgers'>,
): ToldEstimates {
  const told = findings.map((own): Finding => {
    const file = own.source[0]?.file
    if (own.code === 'migration-missing' || own.code === 'migration-skipped') {
      const about = estimates.find((one) => one.subject === own.subject && one.file === file)
      return about === undefined || about.estimate === null ? own : { ...own, estimate: about.estimate }
    }
    const ledger = own.code === 'ledger-missing' ? ledgers.find(({ path }) => path === file) : undefined
    return ledger === undefined
      ? own
      : { ...own, estimate: together(estimates.filter((one) => one.ledger === ledger.name)) }
  })
  return { findings: told, notes: notesOf(estimates) }
}

/** Several as one: null where one of them has no number, or there is none. */
function together(estimates: readonly MigrationEstimate[]): Estimate | null {
  const sum = sumOf(estimates)
  const [first, ...rest] = estimates.flatMap(({ subject, estimate }) =>
    estimate === null ? [] : [{ subject, ...estimate }],
  )
  if (sum === null || first === undefined) return null
  const { subject, ...longest } = rest.reduce((known, one) => (one.highMs > known.highMs ? one : known), first)
  if (rest.length === 0) return longest
  return { ...longest, ...sum, basis: `${estimates.length} migrations, the longest ${subject}: ${longest.basis}` }
}

const MOST_NOTES = 3

function notesOf(estimates: readonly MigrationEstimate[]): readonly string[] {
  const refused = estimates.flatMap(({ subject, refused: why }) => (why === null ? [] : [{ subject, why }]))
  const groups = [...groupBy(refused, ({ why }) => why.reason).values()]
  const notes = groups.slice(0, MOST_NOTES).flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const more = group.length === 1 ? '' : ` and ${group.length - 1} more`
    return [`no estimate of how long ${first.subject}${more} will take: ${refusalText(first.why)}`]
  })
  const left = groups.length - MOST_NOTES
  return left > 0 ? [...notes, `no estimate of others, for ${left} more reasons`] : notes
}

/** The reason, and what would give a number. */
export function refusalText({ reason, nextStep }: Refusal): string {
  if (nextStep === null) return reason
  const { text, command } = nextStep
  return `${reason}; ${text}${command === null ? '' : `: ${command}`}`
}
