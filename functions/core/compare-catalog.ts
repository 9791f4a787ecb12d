/** Compares expected objects with those that were found. Pure: what each difference *means* for a release is `fold.ts`. */
import type { CatalogObject, ObjectKind } from './catalog.ts'
import { identityOf, KINDS, parseFacts, subjectOf } from './catalog.ts'
import type { FindingCode } from './finding.ts'
import { isIgnored } from './ignore.ts'
import { describe, factOf, phrase, show } from './object-text.ts'
import type { ObjectSql, ValuePlace } from './object-sql.ts'
import type { CatalogComparisonInput } from './observation.ts'
import type { ExpectedObject, SchemaPolicy } from './release.ts'

/** One disagreement about one object, before it is known which finding explains it. */
export interface ObjectDifference {
  readonly code: FindingCode
  readonly subject: string
  readonly expected: string
  readonly found: string
  /** The expected object; null where the object is unexpected. */
  readonly object: ExpectedObject | null
  /** The object's own identity, for folding. */
  readonly identity: string
  readonly group: string
  readonly kind: ObjectKind
  /** SQL that mends it, to be run in order; []: none that follows from the facts alone. */
  readonly remedy: readonly string[]
}

/** Whether two texts of an expression, deparsed by servers of different majors, say the same. */
export type TextComparer = (input: {
  readonly kind: ObjectKind
  readonly fact: string
  readonly expected: string
  readonly found: string
  readonly schema: string
}) => 'same' | 'differs' | 'unparsable'

export interface CatalogComparison {
  readonly differences: readonly ObjectDifference[]
  /** Texts that no parser could judge: remarks that name `schema.replay.versions`. */
  readonly notes: readonly string[]
}

export interface CatalogComparisonContext {
  readonly policy: SchemaPolicy
  /** The environment's server major; texts of the same major are compared as they are. */
  readonly major: number
  readonly expectedMajors: readonly number[]
  readonly compareTexts: TextComparer
  /** null: in many schemas at once nobody's SQL mends them all. */
  readonly sql: ObjectSql | null
}

/** All differences, each before those that may rest on it. */
export function compareCatalog(input: CatalogComparisonInput, context: CatalogComparisonContext): CatalogComparison {
  const found = new Map(input.found.map((object) => [identityOf(object), object]))
  const expected = new Set(input.expected.map(({ object }) => identityOf(object)))
  const notes: string[] = []
  const differences = input.expected.flatMap((wanted) => {
    const there = found.get(identityOf(wanted.object))
    if (there === undefined) return [missing(wanted, context.sql)]
    return compareObject(wanted, there, context, notes)
  })
  const unexpected =
    context.policy.match === 'exact'
      ? input.found
          .filter((object) => object.kind !== 'grant' && !expected.has(identityOf(object)))
          .map(unexpectedObject)
      : []
  // The server leaves out relations and routines by name; what belongs to one is read with it, and left out here.
  const counted = [...differences, ...unexpected].filter(({ subject }) => !isIgnored(context.policy.ignore, subject))
  return { differences: counted.sort(byContainment), notes }
}

/** Whether any text had to be judged across majors: then the parser is worth loading. */
export function needsTextComparer(
  input: CatalogComparisonInput,
  context: Pick<CatalogComparisonContext, 'major' | 'expectedMajors'>,
): boolean {
  if (context.expectedMajors.includes(context.major)) return false
  const found = new Map(input.found.map((object) => [identityOf(object), object]))
  return input.expected.some(({ object }) => {
    const there = found.get(identityOf(object))
    return there !== undefined && differingFacts(object, there).some((fact) => isExpression(object.kind, fact))
  })
}

/** What others rest on comes before them: to fold, roots have to be known first. */
const CONTAINMENT: readonly ObjectKind[] = ['extension', 'type', 'table', 'column', 'routine', 'view']

function byContainment(a: ObjectDifference, b: ObjectDifference): number {
  const rank = ({ kind }: ObjectDifference) => {
    const at = CONTAINMENT.indexOf(kind)
    return at < 0 ? CONTAINMENT.length : at
  }
  return rank(a) - rank(b)
}

function missing(wanted: ExpectedObject, sql: ObjectSql | null): ObjectDifference {
  const { object } = wanted
  const kind = KINDS[object.kind]
  const subject = subjectOf(object)
  const remedy = sql?.create(object) ?? []
  if (object.kind === 'grant') return missingGrant(wanted, remedy)
  const on = belongsToRelation(object.kind) ? ` on ${relationOf(object)}` : ''
  return {
    code: kind.missing,
    subject,
    expected: `${kind.noun} ${subject}${on} exists${describe(object)}`,
    found: `there is no such ${kind.noun}`,
    object: wanted,
    identity: identityOf(object),
    group: groupOf(object),
    kind: object.kind,
    remedy,
  }
}

function missingGrant(wanted: ExpectedObject, remedy: readonly string[]): ObjectDifference {
  const facts = wanted.object.facts as Readonly<Record<string, string | null>>
  const what = `${facts['privilege'] ?? ''} on ${facts['on'] ?? ''}`
  return {
    code: 'grant-missing',
    subject: subjectOf(wanted.object),
    expected: `role ${facts['role'] ?? ''} has ${what}`,
    found: 'it does not have that privilege, by itself or through another role',
    object: wanted,
    identity: identityOf(wanted.object),
    group: groupOf(wanted.object),
    kind: 'grant',
    remedy,
  }
}

function unexpectedObject(object: CatalogObject): ObjectDifference {
  const noun = KINDS[object.kind].noun
  return {
    code: 'object-unexpected',
    subject: subjectOf(object),
    expected: `only what this release knows exists (schema.match is exact)`,
    found: `${noun} ${subjectOf(object)} exists${describe(object)}`,
    object: null,
    identity: identityOf(object),
    group: groupOf(object),
    kind: object.kind,
    remedy: [],
  }
}

function compareObject(
  wanted: ExpectedObject,
  there: CatalogObject,
  context: CatalogComparisonContext,
  notes: string[],
): readonly ObjectDifference[] {
  const object = inMajor(wanted, context.major)
  const facts = differingFacts(object, there).filter((fact) => isDifference(object, there, fact, context, notes))
  if (facts.length === 0) return []
  const validity = facts.filter((fact) => isValidity(object, there, fact))
  const others = facts.filter((fact) => !validity.includes(fact))
  return [
    ...validity.map((fact) => invalid(wanted, fact, context.sql)),
    ...(object.kind === 'type' && others.length > 0
      ? compareType(wanted, object, there, context.sql)
      : differs(wanted, object, there, others)),
  ]
}

/** The expected object as the environment's major words it, where the release was replayed on that major too. */
function inMajor(wanted: ExpectedObject, major: number): CatalogObject {
  const text = wanted.variants[String(major)]
  return text === undefined
    ? wanted.object
    : { ...wanted.object, facts: parseFacts(wanted.object.kind, text) as CatalogObject['facts'] }
}

function differingFacts(expected: CatalogObject, found: CatalogObject): readonly string[] {
  return KINDS[expected.kind].facts.filter((fact) => factOf(expected, fact) !== factOf(found, fact))
}

function isDifference(
  expected: CatalogObject,
  found: CatalogObject,
  fact: string,
  context: CatalogComparisonContext,
  notes: string[],
): boolean {
  if (isBetterThanExpected(expected, found, fact)) return false
  const texts = { expected: factOf(expected, fact), found: factOf(found, fact) }
  if (!isExpression(expected.kind, fact) || texts.expected === null || texts.found === null) return true
  if (context.expectedMajors.includes(context.major)) return true
  const judged = context.compareTexts({
    kind: expected.kind,
    fact,
    expected: texts.expected,
    found: texts.found,
    schema: expected.schema,
  })
  if (judged === 'unparsable') {
    notes.push(
      `warning: the text of ${KINDS[expected.kind].noun} ${subjectOf(expected)} could not be compared across PostgreSQL ${context.expectedMajors.join(', ')} and ${context.major}: add ${context.major} to schema.replay.versions and build again`,
    )
  }
  return judged === 'differs'
}

/** A constraint that was validated meanwhile, an index that became valid: more than was asked for. */
function isBetterThanExpected(expected: CatalogObject, found: CatalogObject, fact: string): boolean {
  const flag =
    (expected.kind === 'constraint' && fact === 'validated') || (expected.kind === 'index' && fact === 'valid')
  return flag && factOf(found, fact) === 'yes'
}

function isValidity(expected: CatalogObject, found: CatalogObject, fact: string): boolean {
  if (factOf(found, fact) !== 'no') return false
  return (expected.kind === 'constraint' && fact === 'validated') || (expected.kind === 'index' && fact === 'valid')
}

function invalid(wanted: ExpectedObject, fact: string, sql: ObjectSql | null): ObjectDifference {
  const { object } = wanted
  const subject = subjectOf(object)
  const index = fact === 'valid'
  return {
    ...base(wanted),
    code: index ? 'index-invalid' : 'constraint-invalid',
    expected: index
      ? `index ${subject} on ${relationOf(object)} is valid`
      : `constraint ${subject} on ${relationOf(object)} is validated`,
    found: index
      ? 'it is marked invalid: building it CONCURRENTLY failed or is under way, and no query uses it'
      : 'it is NOT VALID: rows from before it were never checked',
    remedy:
      (index ? sql?.rebuild(object as CatalogObject<'index'>) : sql?.validate(object as CatalogObject<'constraint'>)) ??
      [],
  }
}

function differs(
  wanted: ExpectedObject,
  expected: CatalogObject,
  found: CatalogObject,
  facts: readonly string[],
): readonly ObjectDifference[] {
  if (facts.length === 0) return []
  const kind = KINDS[expected.kind]
  const side = (object: CatalogObject) =>
    facts.map((fact) => `${phrase(fact)} ${show(factOf(object, fact))}`).join(', ')
  return [
    {
      ...base(wanted),
      code: kind.differs,
      expected: `${kind.noun} ${subjectOf(expected)} has ${side(expected)}`,
      found: `it has ${side(found)}`,
    },
  ]
}

/** An enum that lacks labels lacks each of them; any other difference is one of the type. */
function compareType(
  wanted: ExpectedObject,
  expected: CatalogObject,
  found: CatalogObject,
  sql: ObjectSql | null,
): readonly ObjectDifference[] {
  const isEnum = factOf(expected, 'form') === 'enum' && factOf(found, 'form') === 'enum'
  if (!isEnum) return differs(wanted, expected, found, differingFacts(expected, found))
  const labels = (object: CatalogObject) => (factOf(object, 'definition') ?? '').split('\n')
  const there = labels(found)
  const absent = labels(expected).filter((label) => !there.includes(label))
  if (absent.length === 0) {
    const wantedLabels = new Set(labels(expected))
    const inOrder = there.filter((label) => wantedLabels.has(label))
    // More labels are harmless to a release that does not know them; another order changes comparisons.
    return inOrder.join('\n') === labels(expected).join('\n') ? [] : differs(wanted, expected, found, ['definition'])
  }
  return absent.map((label) => ({
    ...base(wanted),
    code: 'enum-value-missing' as const,
    subject: `${subjectOf(expected)}.${label}`,
    expected: `enum ${subjectOf(expected)} has the value '${label}'`,
    found: `it has ${there.map((value) => `'${value}'`).join(', ')}`,
    remedy: sql?.addValue(expected as CatalogObject<'type'>, label, placeOf(label, labels(expected), there)) ?? [],
  }))
}

/** Where a value comes: their order is that of comparisons. Those that come before it in the release are there, or added first. */
function placeOf(label: string, wanted: readonly string[], there: readonly string[]): ValuePlace {
  const at = wanted.indexOf(label)
  const before = wanted[at - 1]
  if (before !== undefined) return { side: 'after', value: before }
  const next = wanted.slice(at + 1).find((other) => there.includes(other))
  return next === undefined ? null : { side: 'before', value: next }
}

function base(wanted: ExpectedObject): Omit<ObjectDifference, 'code' | 'expected' | 'found'> {
  const { object } = wanted
  return {
    subject: subjectOf(object),
    object: wanted,
    identity: identityOf(object),
    group: groupOf(object),
    kind: object.kind,
    remedy: [],
  }
}

function isExpression(kind: ObjectKind, fact: string): boolean {
  return (KINDS[kind].expressions as readonly string[]).includes(fact)
}

/** What identifies the relation that an object belongs to. */
export function groupOf(object: Pick<CatalogObject, 'schema' | 'group'>): string {
  return `${object.schema}\u001f${object.group}`
}

function belongsToRelation(kind: ObjectKind): boolean {
  return kind === 'constraint' || kind === 'index' || kind === 'trigger' || kind === 'policy'
}

function relationOf(object: CatalogObject): string {
  return object.schema === 'public' || object.schema === '' ? object.group : `${object.schema}.${object.group}`
}
