/**
 * Next steps where what a migration brings is there, and its ledger does not say so: a run that stopped half way, another tool's
 * work, a ledger that was lost. To run the migration there again would fail on what is there. Pure.
 */
import { identityOf, subjectOf } from './catalog.ts'
import type { MigrationStanding } from './compare-ledger.ts'
import type { Finding, NextStep } from './finding.ts'
import type { ObjectSql } from './object-sql.ts'
import { filled, shellWord, sqlCommand } from './paste.ts'
import type { Migration, ObjectReference, RecordCommand } from './release.ts'

export interface AlreadyThereInput {
  /** Identities of objects → the first migration that brings each. */
  readonly firstBy: ReadonlyMap<string, number>
  /** What each migration brought and no later one removed. Index = migration. */
  readonly brought: ReadonlyMap<number, readonly ObjectReference[]>
  /** Identities of the objects that are absent. */
  readonly missing: ReadonlySet<string>
  /** Identities of indexes and constraints that are there and not valid: what a statement left that failed outside of a transaction. */
  readonly invalid: ReadonlySet<string>
  readonly sql: ObjectSql | null
  readonly variable: string | null
}

/** A migration of the release with its index. */
export interface Placed {
  readonly index: number
  readonly standing: MigrationStanding
}

/** How much of what it brings is there; 'nothing to see': it brings no object. */
type Presence = 'all' | 'part' | 'none' | 'nothing to see'

function presenceOf({ index }: Placed, { brought, missing }: AlreadyThereInput): Presence {
  const objects = brought.get(index) ?? []
  if (objects.length === 0) return 'nothing to see'
  const absent = objects.filter((object) => missing.has(identityOf(object))).length
  return absent === 0 ? 'all' : absent === objects.length ? 'none' : 'part'
}

/** Tools that record nothing while a failed row is there. */
const REFUSES_FAILED: ReadonlySet<string> = new Set(['flyway', 'sqlx'])

/** Of a migration that failed: what it left behind has to go before it can run again; or it is all there, and only not recorded. */
export function stepsOfFailed(own: Finding, placed: Placed, input: AlreadyThereInput): readonly NextStep[] {
  const { ledger } = placed.standing
  const [repair, ...rest] = own.nextSteps
  if (repair === undefined || ledger.commands.resumes === true) return own.nextSteps
  switch (presenceOf(placed, input)) {
    case 'none':
    case 'nothing to see':
      return own.nextSteps
    case 'all':
      if (ledger.commands.record === null || REFUSES_FAILED.has(ledger.tool)) return own.nextSteps
      return [
        {
          text: 'all objects that it brings are there; what it does to rows does not show: if the log says that only the end was not recorded, record it',
          command: recordCommand(ledger.commands.record, [placed]),
        },
        ...rest,
      ]
    case 'part': {
      const there = (input.brought.get(placed.index) ?? []).filter((object) => !input.missing.has(identityOf(object)))
      const names = there.map((object) => `${object.kind} ${subjectOf(object)}`).join(', ')
      return [
        {
          text: `see in the log of the last migration run why it stopped and mend that; then take back what it left behind, with what is in it: ${names}`,
          command: removal(there, input),
        },
        { ...repair, text: 'clear the failed state' },
        ...rest,
      ]
    }
  }
}

/** What others may have made for everybody, and what privileges give by default: that it is there says nothing of a run. */
const OF_EVERYBODY: ReadonlySet<ObjectReference['kind']> = new Set<ObjectReference['kind']>(['extension', 'grant'])

/**
 * Of a migration without a row, of which a part is there: most tools record nothing of a run that stopped half way, and running it
 * again would fail on what is there. What an earlier migration brought too may be there from that one.
 */
export function stepsOfMissing(own: Finding, placed: Placed, input: AlreadyThereInput): readonly NextStep[] {
  const isLeft = presenceOf(placed, input) === 'part' || isUnfinished(placed, input)
  if (!isLeft) return own.nextSteps
  const left = (input.brought.get(placed.index) ?? []).filter(
    (object) =>
      !input.missing.has(identityOf(object)) &&
      !OF_EVERYBODY.has(object.kind) &&
      input.firstBy.get(identityOf(object)) === placed.index,
  )
  if (left.length === 0) return own.nextSteps
  const names = left.map((object) => `${object.kind} ${subjectOf(object)}`).join(', ')
  const text = `if a run stopped half way, as its log says, mend why it did and take back what it left behind, with what is in it: ${names}; what was made by hand may stay where the migration lets it`
  return [{ text, command: removal(left, input) }, ...own.nextSteps]
}

function isUnfinished({ index }: Placed, { brought, invalid }: AlreadyThereInput): boolean {
  return (brought.get(index) ?? []).some((object) => invalid.has(identityOf(object)))
}

/** What rests on others goes before them. */
const FIRST_TO_GO: readonly ObjectReference['kind'][] = ['trigger', 'policy', 'index', 'constraint', 'column', 'table']

function removal(there: readonly ObjectReference[], { sql, variable }: AlreadyThereInput): string | null {
  const groupOf = ({ schema, group }: ObjectReference): string => JSON.stringify([schema, group])
  const tables = new Set(there.filter(({ kind }) => kind === 'table').map(groupOf))
  const rank = ({ kind }: ObjectReference): number => {
    const at = FIRST_TO_GO.indexOf(kind)
    return at < 0 ? FIRST_TO_GO.length : at
  }
  // All that belongs to a table goes with it.
  const named = there.filter((object) => object.kind === 'table' || !tables.has(groupOf(object)))
  const statements = named.toSorted((a, b) => rank(a) - rank(b)).map((object) => sql?.drop(object) ?? null)
  const known = statements.flatMap((one) => one ?? [])
  return sql === null || statements.includes(null) ? null : sqlCommand(variable, known, sql.isTransactional(known))
}

/**
 * Of a ledger that does not exist: where the first migrations' objects are all there, they are recorded, and only the rest is run.
 * null: it does not look like that.
 */
export function stepsOfMissingLedger(ledger: readonly Placed[], input: AlreadyThereInput): readonly NextStep[] | null {
  const versioned = ledger.filter(({ standing }) => standing.migration.kind === 'versioned')
  const presences = versioned.map((placed) => presenceOf(placed, input))
  const last = presences.lastIndexOf('all')
  const place = versioned[last]
  const isPrefix = presences.every(
    (presence, at) => presence === 'nothing to see' || presence === (at <= last ? 'all' : 'none'),
  )
  if (place === undefined || !isPrefix) return null
  const { commands, tool } = place.standing.ledger
  const upTo = `everything up to ${place.standing.migration.subject} is there, made by another tool or before its ledger was lost`
  if (commands.record === null) {
    return [
      { text: `${upTo}: to run it again would fail, and ${tool} has no command that only records it`, command: null },
    ]
  }
  const recording = {
    text: `${upTo}: record it without running it`,
    command: recordCommand(commands.record, versioned.slice(0, last + 1)),
  }
  const rest = ledger.length > last + 1 ? [{ text: 'run the others, then look again', command: commands.migrate }] : []
  return [recording, ...rest]
}

function recordCommand({ command, each }: RecordCommand, placed: readonly Placed[]): string {
  const all = placed.map(({ standing }) => standing.migration)
  // To record a squash records what it replaces.
  const replaced = new Set(all.flatMap(({ replaces = [] }) => replaces))
  const chosen = each ? all.filter(({ key }) => !replaced.has(key)) : all.slice(-1)
  const commands = chosen.map((migration) =>
    filled(command, {
      NAME: shellWord(migration.subject),
      KEY: shellWord(migration.key),
      PARTS: partsOf(migration, all),
    }),
  )
  return [...new Set(commands)].join(' && ')
}

/** Of one that is only named, in a graph, more than itself is there: the first part stands for all that belongs to it. */
function partsOf({ key, after }: Migration, all: readonly Migration[]): string {
  const parts = key.split('.').map(shellWord)
  const isNamed = after === undefined && all.some((other) => other.after !== undefined)
  return (isNamed ? parts.slice(0, 1) : parts).join(' ')
}
