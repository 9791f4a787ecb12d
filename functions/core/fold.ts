/**
 * Folds what disagrees under what explains it: one missing migration is one finding, not nine. Pure.
 *
 * A finding that another one explains becomes one line of that one's consequences and has no row of its own.
 */
import { identityOf, KINDS, subjectOf } from './catalog.ts'
import type { AlreadyThereInput, Placed } from './already-there.ts'
import { stepsOfFailed, stepsOfMissingLedger } from './already-there.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import type { LedgerComparison, MigrationStanding } from './compare-ledger.ts'
import type { StatementBreak } from './compare-statements.ts'
import { runningOf } from './compare-statements.ts'
import type { Cause, Finding, NextStep } from './finding.ts'
import { finding } from './finding.ts'
import { createAbsentees } from './dependence.ts'
import type { LooseInput } from './loose-finding.ts'
import { looseFinding } from './loose-finding.ts'
import { fileCommand } from './paste.ts'
import type { ObjectSql } from './object-sql.ts'
import type { MigrationEffect, ObjectReference, Statement } from './release.ts'

export interface FoldInput {
  /** In the order of the release's ledgers. */
  readonly ledgers: readonly LedgerComparison[]
  /** One a migration, flattened as `flattenMigrations` does; empty where nothing was replayed. */
  readonly effects: readonly MigrationEffect[]
  readonly differences: readonly ObjectDifference[]
  readonly breaks: readonly StatementBreak[]
  readonly sql: ObjectSql | null
  /** Whether the replay says which migration brought what. */
  readonly attributed: boolean
  /** What each migration brought and no later one removed. Index = migration. */
  readonly brought: ReadonlyMap<number, readonly ObjectReference[]>
  /** The environment variable that holds the address of its database, as the config names it; null where none is known. */
  readonly variable: string | null
}

/** A finding with the index of its migration, to which consequences are added while folding. */
interface Root {
  readonly finding: Finding
  /** The comparison's own, without what only the whole look shows. */
  readonly origin: Finding
  readonly consequences: string[]
  readonly causes: Cause[]
  /** The statements that break for it. */
  readonly calls: Statement[]
  /** Of an object that no migration explains: how its finding is made once all that went with it is known. */
  readonly loose: { readonly input: Omit<LooseInput, 'rest'>; readonly rest: ObjectDifference[] } | null
}

/** The findings that remain, each with its consequences. */
export function foldFindings(input: FoldInput): readonly Finding[] {
  const standings = input.ledgers.flatMap((ledger) => ledger.standings)
  const there = { ...input, missing: absentIn(input.differences) }
  const skipped = skippedBelowTheMark(input, standings)
  const others = input.ledgers.flatMap((ledger) => ledger.findings)
  const roots = new Map<number, Root>()
  for (const [index, standing] of standings.entries()) {
    const own = skipped.get(index) ?? others.find((candidate) => isAbout(candidate, standing))
    if (own !== undefined) roots.set(index, rootOf(stepped(own, { index, standing }, there), own))
  }
  for (const [index, { ledger, toldBy }] of standings.entries()) {
    if (toldBy === undefined) continue
    const by = standings.findIndex((other) => other.ledger === ledger && other.migration.key === toldBy)
    const root = roots.get(by)
    if (root !== undefined) roots.set(index, root)
  }
  for (const [index, root] of rootsOfMissingLedgers(input, there)) roots.set(index, root)
  const loose = foldDifferences(input, standings, roots)
  const broken = foldBreaks(input, standings, roots, loose)
  const told = new Set([...roots.values()].map((root) => root.origin))
  const listed = others.filter((candidate) => !told.has(candidate))
  return [...[...new Set(roots.values())].map(finish), ...listed, ...[...loose.values()].map(finish), ...broken]
}

/** Where a ledger does not exist nothing has run: all that its migrations bring is that one finding's consequence. */
function rootsOfMissingLedgers(input: FoldInput, there: AlreadyThereInput): ReadonlyMap<number, Root> {
  const result = new Map<number, Root>()
  let index = 0
  for (const ledger of input.ledgers) {
    const missing = ledger.findings.find((candidate) => candidate.code === 'ledger-missing')
    const placed = ledger.standings.map((standing, at) => ({ index: index + at, standing }))
    const steps = missing === undefined || !input.attributed ? null : stepsOfMissingLedger(placed, there)
    const root =
      missing === undefined ? undefined : rootOf(steps === null ? missing : madeElsewhere(missing, steps), missing)
    for (const _ of ledger.standings) {
      if (root !== undefined) result.set(index, root)
      index += 1
    }
  }
  return result
}

const ROOT_CODES = new Set(['migration-missing', 'migration-skipped', 'migration-failed', 'migration-edited'])

function isAbout(candidate: Finding, standing: MigrationStanding): boolean {
  const file = candidate.source[0]?.file
  return (
    ROOT_CODES.has(candidate.code) &&
    candidate.subject === standing.migration.subject &&
    file === standing.migration.file
  )
}

function rootOf(own: Finding, origin: Finding = own): Root {
  return { finding: own, origin, consequences: [...own.consequences], causes: [...own.causes], calls: [], loose: null }
}

/** With the steps for what a run that failed left behind. */
function stepped(own: Finding, placed: Placed, there: AlreadyThereInput): Finding {
  return own.code === 'migration-failed' ? { ...own, nextSteps: stepsOfFailed(own, placed, there) } : own
}

function madeElsewhere(own: Finding, steps: readonly NextStep[]): Finding {
  const cause = {
    text: 'another tool made what is here, or the ledger was lost: the migrations are new to this database, what they bring is not',
    evidence: own.found,
  }
  return { ...own, causes: [cause, ...own.causes], nextSteps: steps }
}

function absentIn(differences: readonly ObjectDifference[]): ReadonlySet<string> {
  return new Set(differences.filter(({ code, kind }) => code === KINDS[kind].missing).map(({ identity }) => identity))
}

function finish(root: Root): Finding {
  const own = root.loose === null ? root.finding : looseFinding({ ...root.loose.input, rest: root.loose.rest })
  const found = `${own.found}${impactOf(root.calls)}`
  return { ...own, found, consequences: [...new Set(root.consequences)], causes: root.causes }
}

/** How much the application needs what is missing: `; 2 statements that need it ran 1204 times in staging`. */
function impactOf(statements: readonly Statement[]): string {
  const learnt = statements.filter(({ calls }) => calls !== null)
  if (learnt.length === 0) return ''
  const calls = learnt.reduce((sum, statement) => sum + (statement.calls ?? 0), 0)
  const environments = new Set(learnt.flatMap(({ from }) => (typeof from === 'string' ? [] : from.environments)))
  const where = environments.size === 0 ? 'where they were learnt' : `in ${[...environments].sort().join(' and ')}`
  const what = learnt.length === 1 ? 'a statement that needs it' : `${learnt.length} statements that need it`
  return `; ${what} ran ${calls} times ${where}`
}

/**
 * A ledger of one number counts everything below it. A migration there of which not one object exists never ran:
 * golang-migrate skips what arrives late without a trace.
 */
function skippedBelowTheMark(input: FoldInput, standings: readonly MigrationStanding[]): ReadonlyMap<number, Finding> {
  const missing = new Map<number, number>()
  for (const { object, code } of input.differences) {
    if (object === null || object.brought === null || code !== KINDS[object.object.kind].missing) continue
    missing.set(object.brought, (missing.get(object.brought) ?? 0) + 1)
  }
  const result = new Map<number, Finding>()
  for (const [index, standing] of standings.entries()) {
    const count = input.brought.get(index)?.length ?? 0
    if (standing.applied?.state === 'assumed' && count > 0 && missing.get(index) === count) {
      result.set(index, belowTheMark(standing, fileOf(standing, input.effects[index], input.variable)))
    }
  }
  return result
}

function belowTheMark({ migration, ledger, applied }: MigrationStanding, command: string | null): Finding {
  return finding({
    code: 'migration-skipped',
    subject: migration.subject,
    expected: `${migration.subject} is applied before this release is deployed`,
    found: `the ledger stands above it (${applied?.label ?? 'its mark'}), and not one object of it exists`,
    source: [{ file: migration.file, line: 1 }],
    causes: [
      {
        text: `it was merged after a later one had run: ${ledger.tool} keeps one number and never looks below it`,
        evidence: `none of its objects exists, and the ledger counts it as applied`,
      },
    ],
    nextSteps: [
      {
        text: `${ledger.tool} counts it as applied, and will never run it: run its file yourself, then look again; or, where no environment has run it yet, give it a number above the newest one and build the release again`,
        command,
      },
    ],
  })
}

function fileOf(
  { migration }: MigrationStanding,
  effect: MigrationEffect | undefined,
  variable: string | null,
): string | null {
  if (migration.form !== 'sql') return null
  return fileCommand(variable, migration.file, effect?.costs.some(({ concurrently }) => concurrently) !== true)
}

function consequence(difference: Pick<ObjectDifference, 'code' | 'subject'>): string {
  return `${difference.code} ${difference.subject}`
}

/** Adds each difference to the root that explains it; those that none explains become roots of their own, by identity. */
function foldDifferences(
  input: FoldInput,
  standings: readonly MigrationStanding[],
  roots: ReadonlyMap<number, Root>,
): ReadonlyMap<string, Root> {
  const loose = new Map<string, Root>()
  const absentees = createAbsentees<Root>()
  const pending = [...new Set(roots.values())].filter((root) => root.finding.code !== 'migration-edited')
  for (const difference of input.differences) {
    const { code, kind, identity, subject } = difference
    const object = difference.object?.object
    const explaining =
      explainingMigration(difference, input.effects, roots) ??
      (object === undefined ? undefined : (onlyPending(input, pending) ?? absentees.explain(object)))
    const root = explaining ?? looseRoot(difference, standings, pending, input)
    if (explaining === undefined) loose.set(`${identity} ${code} ${subject}`, root)
    else {
      root.consequences.push(consequence(difference))
      root.loose?.rest.push(difference)
    }
    const absent = code === KINDS[kind].missing && (kind !== 'column' || explaining === undefined)
    if (object !== undefined && absent) absentees.add(object, root)
  }
  return loose
}

/**
 * A structure file, or another environment's catalog, does not say which migration brings what. Where one alone has not run here, it
 * is taken for it.
 */
function onlyPending({ attributed }: FoldInput, pending: readonly Root[]): Root | undefined {
  return attributed || pending.length > 1 ? undefined : pending[0]
}

function explainingMigration(
  difference: ObjectDifference,
  effects: readonly MigrationEffect[],
  roots: ReadonlyMap<number, Root>,
): Root | undefined {
  const { object } = difference
  if (object === null) {
    const index = effects.findLastIndex((effect) =>
      effect.removed.some((gone) => identityOf(gone) === difference.identity),
    )
    return roots.get(index)
  }
  const absent = difference.code === KINDS[object.object.kind].missing
  const indexes = absent ? [object.brought] : [...object.changed].reverse().concat(object.brought ?? [])
  return indexes.map((index) => (index === null ? undefined : roots.get(index))).find((root) => root !== undefined)
}

function looseRoot(
  difference: ObjectDifference,
  standings: readonly MigrationStanding[],
  pending: readonly Root[],
  { variable, attributed, sql }: FoldInput,
): Root {
  const index = difference.object?.changed.at(-1) ?? difference.object?.brought ?? null
  const standing = index === null ? undefined : standings[index]
  const input = {
    difference,
    standing,
    sql,
    variable,
    pending: attributed || difference.object === null ? [] : pending.map((root) => root.finding),
  }
  return { ...rootOf(looseFinding({ ...input, rest: [] })), loose: { input, rest: [] } }
}

/** A statement that names a missing object is that object's consequence, and through it the migration's. */
function foldBreaks(
  input: FoldInput,
  standings: readonly MigrationStanding[],
  roots: ReadonlyMap<number, Root>,
  loose: ReadonlyMap<string, Root>,
): readonly Finding[] {
  const taken = new Map<number, { readonly first: Finding; readonly consequences: Set<string> }>()
  const own = input.breaks.flatMap((broken) => {
    const index = runningOf(broken.statement) === null ? undefined : takenBy(broken, input.effects, standings)
    const standing = index === undefined ? undefined : standings[index]
    if (index !== undefined && standing !== undefined) {
      const line = consequence(broken.finding)
      const earlier = taken.get(index)
      if (earlier !== undefined) earlier.consequences.add(line)
      else taken.set(index, { first: brokenByRelease(broken, input.effects[index], standing), consequences: new Set() })
      return []
    }
    const root = rootNaming(broken.names, input, roots, loose)
    if (root === undefined) return [broken.finding]
    root.consequences.push(consequence(broken.finding))
    root.calls.push(broken.statement)
    return []
  })
  return [
    ...[...taken.values()].map(({ first, consequences }) => ({ ...first, consequences: [...consequences] })),
    ...own,
  ]
}

/** Which migration, applied here, removed what the statement names; else which changed it. */
function takenBy(
  { names }: StatementBreak,
  effects: readonly MigrationEffect[],
  standings: readonly MigrationStanding[],
): number | undefined {
  const named = ({ name }: ObjectReference): boolean => names.includes(bare(name))
  const isApplied = (at: number): boolean => (standings[at]?.applied ?? null) !== null
  const removed = effects.findLastIndex((effect, at) => isApplied(at) && effect.removed.some(named))
  const changed = effects.findLastIndex((effect, at) => isApplied(at) && effect.changed.some(named))
  return [removed, changed].find((at) => at >= 0)
}

/** A statement of the release that runs now, with the migration of the new one that took from it what it names. */
function brokenByRelease(
  broken: StatementBreak,
  effect: MigrationEffect | undefined,
  { migration: { subject, file } }: MigrationStanding,
): Finding {
  const removed = effect?.removed.find(({ name }) => broken.names.includes(bare(name)))
  const running = runningOf(broken.statement) ?? ''
  const did = removed === undefined ? 'changed what' : `removed ${removed.kind} ${subjectOf(removed)}, which`
  return {
    ...broken.finding,
    source: [{ file, line: 1 }, ...broken.finding.source],
    causes: [
      {
        text: `${subject} of this release ${did} the running release ${running} still names`,
        evidence: `${subject} is applied here, and ${running} still serves`,
      },
    ],
    nextSteps: [
      {
        text: `bring back what ${subject} took (${broken.names.join(', ')}), or deploy the new code now: until then ${running} fails`,
        command: null,
      },
      {
        text: 'next time, remove it in a release after the one whose code no longer names it (expand, then contract)',
        command: null,
      },
    ],
  }
}

function bare(subject: string): string {
  return (subject.split('(')[0] ?? subject).split('.').at(-1) ?? subject
}

function rootNaming(
  names: readonly string[],
  input: FoldInput,
  roots: ReadonlyMap<number, Root>,
  loose: ReadonlyMap<string, Root>,
): Root | undefined {
  const all = [...roots.values(), ...loose.values()]
  const byObject = all.find((root) =>
    [consequence(root.finding), ...root.consequences].some(
      (line) => !line.startsWith('query-') && names.includes(bare(line.slice(line.indexOf(' ') + 1))),
    ),
  )
  if (byObject !== undefined) return byObject
  const index = input.effects.findIndex(
    (effect, at) => roots.has(at) && effect.brought.some((object) => names.includes(bare(object.name))),
  )
  return roots.get(index)
}
