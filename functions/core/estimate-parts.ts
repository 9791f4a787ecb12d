/** From what a migration's statements cost to those whose duration follows from tables that are there, or why nobody can say. Pure. */
import { subjectOf } from './catalog.ts'
import { isScaling } from './estimate-classes.ts'
import type { ScalingClass } from './estimate-classes.ts'
import type { NextStep } from './finding.ts'
import type { Migration, MigrationEffect, StatementCost } from './release.ts'

/** Why there is no number, as one sentence, and what would give one. */
export interface Refusal {
  readonly reason: string
  readonly nextStep: NextStep | null
}

export function refusal(reason: string, nextStep: NextStep | null = null): Refusal {
  return { reason, nextStep }
}

/** A statement, or several of one class on the same tables. */
export interface Part {
  readonly class: ScalingClass
  readonly line: number
  /** Subjects of the tables whose size counts; empty: the rows stand in its own text. */
  readonly tables: readonly string[]
}

export interface PartsInput {
  readonly migration: Pick<Migration, 'file' | 'form'>
  /** undefined: nothing was replayed. */
  readonly effect: MigrationEffect | undefined
  /** Migrations that will run before it, and are missing as well. */
  readonly before: readonly { readonly subject: string; readonly effect: MigrationEffect }[]
  /** Subjects of tables that are there, and hold nothing. */
  readonly empty: ReadonlySet<string>
}

export interface Parts {
  readonly parts: readonly Part[]
  /** Tables that are, or will be, empty when it runs: what is done to them takes no time. */
  readonly spared: readonly string[]
}

/** The parts whose duration follows from volume; none where it changes the catalog alone. */
export function partsOf({ migration, effect, before, empty }: PartsInput): Parts | Refusal {
  if (effect === undefined) return refusal('nothing says what its statements do: the migrations were not replayed')
  if (migration.form === 'code' && effect.failed !== null)
    return refusal(`${migration.file} is code, which is not replayed: what it does to the tables is not known`)
  if (effect.failed !== null)
    return refusal(
      `${migration.file}:${effect.failed.line} could not be replayed (${effect.failed.reason}), so that what it costs is not known`,
    )
  const own = tablesBrought(effect)
  const spared = new Set<string>()
  const parts: Part[] = []
  for (const cost of effect.costs) {
    if (cost.class === 'instant') continue
    const tables = tablesOf(cost).filter((table) => !own.has(table))
    const filled = tables.map((table) => filledBy(table, before)).find((subject) => subject !== null)
    if (filled !== undefined)
      return refusal(`${tables.join(', ')} will be as large as ${filled} makes it, which is missing too`)
    const there = tables.filter((table) => !empty.has(table) && !isBrought(table, before))
    if (tables.length > 0 && there.length === 0) {
      for (const table of tables) spared.add(table)
      continue
    }
    if (!isScaling(cost.class)) return refusal(unknownReason(cost, migration))
    if (cost.rows?.kind === 'some' || (cost.class === 'data' && cost.rows === null))
      return countedByNobody(cost, migration.file)
    // What it does to tables that it made itself follows from what filled them.
    const isOwn = there.length === 0 && tablesOf(cost).length > 0
    parts.push({ class: cost.class, line: cost.line, tables: isOwn ? [] : there })
  }
  return { parts, spared: [...spared].sort() }
}

function tablesOf({ rows, relations }: StatementCost): readonly string[] {
  if (rows?.kind === 'every') return [rows.of]
  return rows?.kind === 'given' ? [] : relations
}

function tablesBrought({ brought }: MigrationEffect): ReadonlySet<string> {
  return new Set(
    brought
      .filter(({ kind }) => kind === 'table')
      .map(({ schema, group }) => subjectOf({ kind: 'table', schema, group, name: group })),
  )
}

function isBrought(table: string, before: PartsInput['before']): boolean {
  return before.some(({ effect }) => tablesBrought(effect).has(table))
}

/**
 * The subject of an earlier one that is missing as well, and may put rows into a table that one of them makes; null: none. The few
 * that stand in a migration's own text do not count.
 */
function filledBy(table: string, before: PartsInput['before']): string | null {
  if (!isBrought(table, before)) return null
  const filling = before.find(({ effect }) =>
    effect.costs.some(
      ({ class: own, relations, rows }) =>
        own === 'query' || own === 'unknown' || (own === 'data' && rows?.kind !== 'given' && relations.includes(table)),
    ),
  )
  return filling?.subject ?? null
}

function unknownReason({ class: own, line }: StatementCost, { file, form }: PartsInput['migration']): string {
  if (own === 'query') return `${file}:${line} runs a query, whose duration does not follow from the size of its tables`
  return form === 'code'
    ? `${file} is code that calls what nobody looks into, or that was not seen to run on its own`
    : `${file}:${line} runs code of its own (DO, CALL, a function), and what that does to data nobody tells`
}

function countedByNobody({ line, relations }: StatementCost, file: string): Refusal {
  const where = relations.length === 0 ? '' : ` of ${relations.join(', ')}`
  return refusal(
    `${file}:${line} changes the rows${where} that it finds, and how many those are there nobody counted`,
    {
      text: `count them in both environments, as ${file}:${line} finds them: the duration follows from that ratio`,
      command: null,
    },
  )
}
