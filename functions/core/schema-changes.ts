/**
 * What changed since the last good look, as findings: one a table, with what of it appeared, differs or is gone. Pure.
 *
 * - An object that another finding tells of is left out: `column-missing` is not `schema-changed` too.
 * - Where migrations ran since that the release does not have, they explain what changed: it is their finding's consequence, and
 *   what is there now is what the next look compares with.
 */
import type { CatalogObject, ObjectKind } from './catalog.ts'
import { identityOf, KINDS, subjectOf } from './catalog.ts'
import { groupOf } from './compare-catalog.ts'
import type { Cause, Finding } from './finding.ts'
import { finding } from './finding.ts'
import { isIgnored } from './ignore.ts'
import { describe, factOf, phrase, show } from './object-text.ts'

/** A table with all that belongs to it, or another object, that is not what it was. */
export interface ChangedGroup {
  readonly schema: string
  readonly group: string
  /** Its objects at the last good look: none, where it was not there; null: it is not known what they were. */
  readonly before: readonly CatalogObject[] | null
  /** Its objects now; null: they were not read. */
  readonly after: readonly CatalogObject[] | null
}

export interface SchemaChangesInput {
  readonly changed: readonly ChangedGroup[]
  /** What the look found beside. */
  readonly findings: readonly Finding[]
  /** Identities of objects that are not as expected: others tell of them. */
  readonly differing: ReadonlySet<string>
  /** `schema.ignore`. */
  readonly ignore: readonly string[]
  /** When the last good look began, and this one: ISO 8601, UTC. */
  readonly goodAt: string
  readonly now: string
  /** As `LastGood.seen`. */
  readonly seen: Readonly<Record<string, string>>
  /** Migrations that the release does not have and that had run by then. */
  readonly migrations: readonly string[]
  /** A row of a ledger changed since. */
  readonly ledgersMoved: boolean
}

export interface SchemaChanges {
  /** Those that were given, with what changed among them. */
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
  /** As `LastGood.seen`, as it is now. */
  readonly seen: Readonly<Record<string, string>>
  /** Nothing changed that no migration explains. */
  readonly good: boolean
}

/** So many findings; the rest is one remark. */
export const MOST_CHANGES_TOLD = 20

export function tellSchemaChanges(input: SchemaChangesInput): SchemaChanges {
  const told = fold(input.changed.flatMap((group) => describeGroup(group, input)))
  if (told.length === 0) return { findings: input.findings, notes: [], seen: {}, good: true }
  const migration = input.findings.findLast(
    ({ code, subject }) => code === 'migration-unknown' && !input.migrations.includes(subject),
  )
  if (migration !== undefined) {
    const lines = told.flatMap(({ subject, others }) => [subject, ...others]).map((name) => `schema-changed ${name}`)
    const explaining = { ...migration, consequences: [...migration.consequences, ...lines.slice(0, MOST_LISTED)] }
    const findings = input.findings.map((one) => (one === migration ? explaining : one))
    return { findings, notes: notesOf(lines.length - MOST_LISTED, [], input), seen: {}, good: true }
  }
  const seen = Object.fromEntries(told.map(({ key }) => [key, input.seen[key] ?? input.now]))
  const shown = told.slice(0, MOST_CHANGES_TOLD)
  const rest = told.slice(MOST_CHANGES_TOLD)
  return {
    findings: [...input.findings, ...shown.map((group) => changeFinding(group, input, seen[group.key] ?? input.now))],
    notes: notesOf(rest.length, rest, input),
    seen,
    good: false,
  }
}

const MOST_LISTED = 100
const MOST_NAMED = 10

function notesOf(count: number, named: readonly ToldGroup[], { goodAt }: SchemaChangesInput): readonly string[] {
  if (count <= 0) return []
  const names = named.slice(0, MOST_NAMED).map(({ subject }) => subject)
  const which = names.length === 0 ? '' : `: ${names.join(', ')}${count > names.length ? ', …' : ''}`
  return [`${count} more tables and objects changed since the last good look, of ${goodAt}${which}`]
}

interface ToldGroup {
  readonly key: string
  readonly group: ChangedGroup
  readonly subject: string
  /** One phrase a change, in the order in which they are told. */
  readonly phrases: readonly string[]
  /** Nothing but a sequence: the column that owns it. */
  readonly owner: string | null
  /** Subjects of what goes with it. */
  readonly others: readonly string[]
  /** What went or differs may break something; what appeared seldom does. */
  readonly rank: number
}

interface Change {
  readonly how: 'gone' | 'differs' | 'appeared'
  readonly object: CatalogObject
  readonly text: string
}

function describeGroup(group: ChangedGroup, input: SchemaChangesInput): readonly ToldGroup[] {
  const key = groupOf(group)
  const relation = subjectOf({ kind: 'table', name: group.group, schema: group.schema, group: group.group })
  const base = { key, group, owner: null, others: [] }
  if (isIgnored(input.ignore, relation)) return []
  if (group.before === null || group.after === null) {
    const gone = group.after !== null && group.after.length === 0
    const text = gone ? 'it is gone' : 'it is not what it was; in what is not known, since it was one of too many'
    return [{ ...base, subject: relation, phrases: [text], rank: 0 }]
  }
  const changes = changesOf(group.before, group.after)
  // With a relation goes all that belongs to it: who tells of the relation tells of that.
  const main = changes.find(({ how, object }) => how !== 'differs' && isMain(object))
  if (main !== undefined && input.differing.has(identityOf(main.object))) return []
  const own = (main === undefined ? changes : [main]).filter(
    ({ object }) => !input.differing.has(identityOf(object)) && !isIgnored(input.ignore, subjectOf(object)),
  )
  const [first, ...others] = own
  if (first === undefined) return []
  return [
    {
      ...base,
      subject: others.length === 0 ? subjectOf(first.object) : relation,
      phrases: main === undefined ? own.map(({ text }) => text) : [`${first.text}${withParts(changes)}`],
      owner: first.object.kind === 'sequence' && others.length === 0 ? ownerOf(first.object) : null,
      rank: Math.min(...own.map(({ how }) => HOW.indexOf(how))),
    },
  ]
}

const HOW = ['gone', 'differs', 'appeared'] as const
/** What belongs to a relation and is no relation itself. */
const PARTS: ReadonlySet<ObjectKind> = new Set(['column', 'constraint', 'index', 'trigger', 'policy', 'grant'])

function isMain({ kind }: CatalogObject): boolean {
  return !PARTS.has(kind)
}

function changesOf(before: readonly CatalogObject[], after: readonly CatalogObject[]): readonly Change[] {
  const earlier = new Map(before.map((object) => [identityOf(object), object]))
  const later = new Map(after.map((object) => [identityOf(object), object]))
  const gone = before.filter((object) => !later.has(identityOf(object)))
  const appeared = after.filter((object) => !earlier.has(identityOf(object)))
  return [
    ...gone.map((object): Change => ({ how: 'gone', object, text: `${nameOf(object)} is gone` })),
    ...after.flatMap((object) => {
      const was = earlier.get(identityOf(object))
      return was === undefined ? [] : differences(was, object)
    }),
    ...appeared.map((object): Change => ({
      how: 'appeared',
      object,
      text: `${nameOf(object)} appeared${describe(object)}`,
    })),
  ]
}

/** `column orders.note`; a grant's name says what it is on. */
function nameOf(object: CatalogObject): string {
  return `${KINDS[object.kind].noun} ${subjectOf(object)}`
}

/** Longer texts are no help in a sentence. */
const LONGEST_TEXT = 60

function differences(was: CatalogObject, is: CatalogObject): readonly Change[] {
  const facts = KINDS[is.kind].facts.filter((fact) => factOf(was, fact) !== factOf(is, fact))
  if (facts.length === 0) return []
  const said = facts.map((fact) => {
    const [before, now] = [show(factOf(was, fact)), show(factOf(is, fact))]
    const short = before.length <= LONGEST_TEXT && now.length <= LONGEST_TEXT
    return short ? `${phrase(fact)} ${now} instead of ${before}` : `another ${phrase(fact)}`
  })
  return [{ how: 'differs', object: is, text: `${nameOf(is)} has ${said.join(', ')}` }]
}

/** ` with 5 columns and 2 indexes`: what came or went with its table. */
function withParts(changes: readonly Change[]): string {
  const counts = (['column', 'index'] as const).flatMap((kind) => {
    const count = changes.filter(({ object }) => object.kind === kind).length
    const noun = kind === 'index' ? (count === 1 ? 'index' : 'indexes') : count === 1 ? 'column' : 'columns'
    return count === 0 ? [] : [`${count} ${noun}`]
  })
  return counts.length === 0 ? '' : `, with ${counts.join(' and ')}`
}

function ownerOf(sequence: CatalogObject): string | null {
  return factOf(sequence, 'ownedBy')
}

/** A serial's sequence comes and goes with its table, which tells of it. Most serious first, then by name. */
function fold(told: readonly ToldGroup[]): readonly ToldGroup[] {
  const tableOf = ({ owner, group }: ToldGroup): string | null =>
    owner === null ? null : groupOf({ schema: group.schema, group: owner.slice(0, owner.lastIndexOf('.')) })
  const tables = new Set(told.filter(({ owner }) => owner === null).map(({ key }) => key))
  const isFolded = (one: ToldGroup): boolean => tables.has(tableOf(one) ?? '')
  return told
    .filter((one) => !isFolded(one))
    .map((one) => ({
      ...one,
      others: told.filter((other) => isFolded(other) && tableOf(other) === one.key).map(({ subject }) => subject),
    }))
    .toSorted((a, b) => a.rank - b.rank || (a.subject < b.subject ? -1 : 1))
}

const MOST_PHRASES = 3

function changeFinding(told: ToldGroup, input: SchemaChangesInput, seenAt: string): Finding {
  const { subject, phrases, others } = told
  const more = phrases.length - MOST_PHRASES
  const what = phrases.slice(0, MOST_PHRASES).join('; ') + (more > 0 ? `; and ${more} more changes` : '')
  return finding({
    code: 'schema-changed',
    subject,
    expected: `${subject} is what it was at the last good look, of ${input.goodAt}`,
    found: `${what}; first seen by the look of ${seenAt}`,
    causes: [byHand(input)],
    consequences: others.map((other) => `schema-changed ${other}`),
    nextSteps: [
      { text: 'ask who did it, and undo it or put it into a migration', command: null },
      {
        text: 'where it is meant to be so, list it under schema.ignore, or leave it: the next release that passes its watch takes it over',
        command: null,
      },
    ],
  })
}

function byHand({ ledgersMoved }: SchemaChangesInput): Cause {
  return {
    text: 'it was changed by hand, or by something that is no migration of this service',
    evidence: ledgersMoved ? null : 'no row of the ledger has changed since',
  }
}
