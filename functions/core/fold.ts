/**
 * Folds what disagrees under what explains it: one missing migration is one finding, not nine. Pure.
 *
 * A finding that another one explains becomes one line of that one's consequences and has no row of its own.
 */
import { identityOf, KINDS } from './catalog.ts'
import type { AlreadyThereInput, Placed } from './already-there.ts'
import { stepsOfFailed, stepsOfMissing, stepsOfMissingLedger } from './already-there.ts'
import type { ObjectDifference } from './compare-catalog.ts'
import type { LedgerComparison, MigrationStanding } from './compare-ledger.ts'
import type { Finding, NextStep } from './finding.ts'
import { finding } from './finding.ts'
import { createAbsentees } from './dependence.ts'
import { foldBreaks } from './fold-breaks.ts'
import type { FoldInput, Root } from './fold-root.ts'
import { consequence, isError, rootOf } from './fold-root.ts'
import { looseFinding } from './loose-finding.ts'
import { openFindings } from './open-migrations.ts'
import { fileCommand } from './paste.ts'
import type { LedgerExpectation, Migration, MigrationEffect, Statement } from './release.ts'

/** The findings that remain, each with its consequences. */
export function foldFindings(input: FoldInput): readonly Finding[] {
  const standings = input.ledgers.flatMap((ledger) => ledger.standings)
  const there = {
    ...input,
    missing: absentIn(input.differences),
    invalid: invalidIn(input.differences),
    firstBy: firstBringers(input.effects),
  }
  const skipped = skippedBelowTheMark(input, standings)
  const others = input.ledgers.flatMap((ledger) => ledger.findings)
  const byMigration = new Map(others.toReversed().map((candidate) => [aboutOf(candidate), candidate]))
  const roots = new Map<number, Root>(rootsOfOpen(input.ledgers))
  for (const [index, standing] of standings.entries()) {
    const own = skipped.get(index) ?? byMigration.get(placeOf(standing.migration))
    if (own !== undefined) roots.set(index, rootOf(stepped(own, { index, standing }, there), own))
  }
  const indexes = indexesByKey(standings)
  for (const [index, { ledger, toldBy }] of standings.entries()) {
    const by = toldBy === undefined ? undefined : indexes.get(ledger)?.get(toldBy)
    const root = by === undefined ? undefined : roots.get(by)
    if (root !== undefined) roots.set(index, root)
  }
  for (const [index, root] of rootsOfMissingLedgers(input, there)) roots.set(index, root)
  const loose = foldDifferences(input, standings, roots)
  const broken = foldBreaks(input, standings, roots, loose)
  const told = new Set([...roots.values()].map((root) => root.origin))
  const listed = others.filter((candidate) => !told.has(candidate))
  const known = new Set(others)
  // What is open is only told where something is absent for it, or the ledger says so itself.
  const kept = [...new Set(roots.values())].filter(
    ({ origin, consequences }) => isError(origin) || known.has(origin) || consequences.length > 0,
  )
  return [...kept.map(finish), ...listed, ...[...loose.values()].map(finish), ...broken]
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

/** What an open migration would have brought is a consequence of that doubt. */
function rootsOfOpen(ledgers: readonly LedgerComparison[]): ReadonlyMap<number, Root> {
  const byFinding = new Map<Finding, Root>()
  const result = new Map<number, Root>()
  for (const [index, own] of openFindings(ledgers)) {
    const root = byFinding.get(own) ?? rootOf(own)
    byFinding.set(own, root)
    result.set(index, root)
  }
  return result
}

const ROOT_CODES = new Set(['migration-missing', 'migration-skipped', 'migration-failed', 'migration-edited'])

/** The migration that a finding is about; empty: none. */
function aboutOf({ code, subject, source }: Finding): string {
  return ROOT_CODES.has(code) ? placeOf({ subject, file: source[0]?.file ?? '' }) : ''
}

function placeOf({ subject, file }: Pick<Migration, 'subject' | 'file'>): string {
  return JSON.stringify([subject, file])
}

function indexesByKey(
  standings: readonly MigrationStanding[],
): ReadonlyMap<LedgerExpectation, ReadonlyMap<string, number>> {
  const found = new Map<LedgerExpectation, Map<string, number>>()
  for (const [index, { ledger, migration }] of standings.entries()) {
    const own = found.get(ledger) ?? new Map<string, number>()
    found.set(ledger, own)
    if (!own.has(migration.key)) own.set(migration.key, index)
  }
  return found
}

/** With the steps for what a run that failed left behind, whether the ledger tells of it or not. */
function stepped(own: Finding, placed: Placed, there: AlreadyThereInput): Finding {
  if (own.code === 'migration-failed') return { ...own, nextSteps: stepsOfFailed(own, placed, there) }
  return own.code === 'migration-missing' ? { ...own, nextSteps: stepsOfMissing(own, placed, there) } : own
}

function firstBringers(effects: readonly MigrationEffect[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const [index, { brought }] of effects.entries()) {
    for (const object of brought) {
      const identity = identityOf(object)
      if (!found.has(identity)) found.set(identity, index)
    }
  }
  return found
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

function invalidIn(differences: readonly ObjectDifference[]): ReadonlySet<string> {
  return new Set(differences.filter(({ code }) => code.endsWith('-invalid')).map(({ identity }) => identity))
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

/** Adds each difference to the root that explains it; those that none explains become roots of their own, by identity. */
function foldDifferences(
  input: FoldInput,
  standings: readonly MigrationStanding[],
  roots: ReadonlyMap<number, Root>,
): ReadonlyMap<string, Root> {
  const loose = new Map<string, Root>()
  const absentees = createAbsentees<Root>()
  const pending = [...new Set(roots.values())].filter(
    ({ finding: { severity, code } }) => severity === 'error' && code !== 'migration-edited',
  )
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
