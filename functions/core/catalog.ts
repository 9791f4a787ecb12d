/**
 * The catalog model: what a schema consists of, as plain records that any engine can fill.
 *
 * One record an object. Names are relative: a name of the object's own schema is written bare, any other one with its
 * schema, so that one expectation serves a thousand tenant schemas. Facts are text or null, in the order of `KINDS`;
 * the same text is what the server hashes, so a record read from a server and one read from a manifest have the same
 * digest exactly when they are the same.
 */
import { createHash } from 'node:crypto'
import type { FindingCode } from './finding.ts'

interface KindDefinition {
  /** The facts of the kind, in canonical order. */
  readonly facts: readonly string[]
  /** Facts that are deparsed expressions: another server major may word them otherwise. */
  readonly expressions: readonly string[]
  readonly missing: FindingCode
  readonly differs: FindingCode
  /** What people call it. */
  readonly noun: string
}

/**
 * Every kind of object. To add a kind: add it here, and the compiler names each engine's reader that lacks it.
 *
 * A fact is `null` where it does not apply. Flags are 'yes' or 'no'.
 */
export const KINDS = {
  /** form: table | partitioned | foreign; persistence: permanent | unlogged. */
  table: {
    facts: ['form', 'persistence', 'partitionKey', 'partitionBound', 'inherits', 'rowSecurity', 'server'],
    expressions: ['partitionKey', 'partitionBound'],
    missing: 'table-missing',
    differs: 'object-differs',
    noun: 'table',
  },
  /** type has its modifiers; identity: always | by default; generated: stored | virtual, its expression is `default`. */
  column: {
    facts: ['type', 'nullable', 'default', 'identity', 'generated', 'collation'],
    expressions: ['default'],
    missing: 'column-missing',
    differs: 'column-differs',
    noun: 'column',
  },
  /** form: primary key | unique | foreign key | check | exclusion. definition: without the name and without NOT VALID. */
  constraint: {
    facts: ['form', 'definition', 'deferrable', 'validated', 'enforced'],
    expressions: ['definition'],
    missing: 'constraint-missing',
    differs: 'object-differs',
    noun: 'constraint',
  },
  /** keys: one entry a key with operator class (where not the default), collation and order; valid: no after a failed CONCURRENTLY. */
  index: {
    facts: ['method', 'keys', 'include', 'predicate', 'unique', 'nullsNotDistinct', 'valid', 'options'],
    expressions: ['keys', 'predicate'],
    missing: 'index-missing',
    differs: 'object-differs',
    noun: 'index',
  },
  /** form: view | materialized view. */
  view: {
    facts: ['form', 'definition', 'options'],
    expressions: ['definition'],
    missing: 'view-missing',
    differs: 'object-differs',
    noun: 'view',
  },
  /** form: enum | domain | composite | range; definition: labels in order, one a line | base type and constraints | attributes. */
  type: {
    facts: ['form', 'definition'],
    expressions: ['definition'],
    missing: 'type-missing',
    differs: 'object-differs',
    noun: 'type',
  },
  /** ownedBy: `table.column` or null. */
  sequence: {
    facts: ['type', 'start', 'increment', 'minimum', 'maximum', 'cycle', 'cache', 'ownedBy', 'persistence'],
    expressions: [],
    missing: 'sequence-missing',
    differs: 'object-differs',
    noun: 'sequence',
  },
  /** The name holds the argument types: `total(integer)`. form: function | procedure | aggregate | window. */
  routine: {
    facts: [
      'form',
      'arguments',
      'returns',
      'language',
      'body',
      'volatility',
      'strict',
      'securityDefiner',
      'parallel',
      'settings',
    ],
    expressions: ['arguments', 'body'],
    missing: 'routine-missing',
    differs: 'object-differs',
    noun: 'routine',
  },
  /** enabled: origin | disabled | replica | always. */
  trigger: {
    facts: ['definition', 'enabled'],
    expressions: ['definition'],
    missing: 'trigger-missing',
    differs: 'object-differs',
    noun: 'trigger',
  },
  policy: {
    facts: ['command', 'permissive', 'roles', 'using', 'check'],
    expressions: ['using', 'check'],
    missing: 'policy-missing',
    differs: 'object-differs',
    noun: 'policy',
  },
  /** Belongs to no schema (schema is empty): versions are compared by nobody, since servers package other ones. */
  extension: {
    facts: [],
    expressions: [],
    missing: 'extension-missing',
    differs: 'object-differs',
    noun: 'extension',
  },
  /** A privilege that the application's role has in effect. The name is `PRIVILEGE on kind name`, the table the relation. */
  grant: {
    facts: ['role', 'privilege', 'on'],
    expressions: [],
    missing: 'grant-missing',
    differs: 'grant-missing',
    noun: 'grant',
  },
} as const satisfies Record<string, KindDefinition>

export type ObjectKind = keyof typeof KINDS
export type FactName<K extends ObjectKind> = (typeof KINDS)[K]['facts'][number]
export type Facts<K extends ObjectKind> = Readonly<Record<FactName<K>, string | null>>

export const OBJECT_KINDS = Object.keys(KINDS) as readonly ObjectKind[]

/**
 * One object of a schema.
 *
 * - `schema`: the name as the expectation knows it ('public' stands for the default schema of the environment);
 *   empty for objects that belong to none.
 * - `group`: what is digested together, bare: the relation for all that belongs to one, else the object's own name.
 * - `name`: the object's own name, bare: the column, the index; for a table the table.
 */
export interface CatalogObject<K extends ObjectKind = ObjectKind> {
  readonly kind: K
  readonly schema: string
  readonly group: string
  readonly name: string
  readonly facts: { readonly [F in FactName<K>]: string | null }
}

/** The contract's subject: `table`, `table.column`, else the name; before it the schema where that is not public. */
export function subjectOf(object: Pick<CatalogObject, 'kind' | 'schema' | 'group' | 'name'>): string {
  // A grant's name says what it is on, with the schema.
  if (object.kind === 'grant') return object.name
  const bare = object.kind === 'column' ? `${object.group}.${object.name}` : object.name
  return object.schema === '' || object.schema === 'public' ? bare : `${object.schema}.${bare}`
}

/** Identifies an object within a catalog. */
export function identityOf(object: Pick<CatalogObject, 'kind' | 'schema' | 'group' | 'name'>): string {
  return [object.schema, object.group, object.kind, object.name].join('\u001f')
}

const FIELD = '\u001f'
const NULL = '\u0001'

/**
 * The canonical text of an object's facts: its fields joined by U+001F, null as U+0001.
 * The server builds the same text: `concat_ws(chr(31), coalesce(x, chr(1)), …)`.
 */
export function factsText(object: CatalogObject): string {
  const facts = object.facts as Readonly<Record<string, string | null>>
  return KINDS[object.kind].facts.map((fact) => facts[fact] ?? NULL).join(FIELD)
}

/** The reverse of `factsText`. */
export function parseFacts<K extends ObjectKind>(kind: K, text: string): Facts<K> {
  const fields = text.split(FIELD)
  const entries = KINDS[kind].facts.map((fact, at) => [fact, fields[at] === NULL ? null : (fields[at] ?? null)])
  return Object.fromEntries(entries) as Facts<K>
}

/** How many buckets the groups of a catalog fall into. A bucket is the unit in which a difference is looked for first. */
export const BUCKETS = 256

/** The bucket of a group: the first byte of the MD5 of `schema U+001F group`, as the server computes it. */
export function bucketOf(object: Pick<CatalogObject, 'schema' | 'group'>): number {
  const digest = createHash('md5').update(`${object.schema}${FIELD}${object.group}`, 'utf8').digest()
  return digest[0] ?? 0
}

/**
 * The digest of one object: the first 60 bits of the MD5 of its identity and facts, as a whole number.
 * Digests of several objects are their sum, so that a schema, a bucket, a table and a tenant are all one aggregate.
 */
export function digestOf(object: CatalogObject): bigint {
  const text = [object.schema, object.group, object.kind, object.name, factsText(object)].join(FIELD)
  return BigInt(`0x${createHash('md5').update(text, 'utf8').digest('hex').slice(0, 15)}`)
}

/** The digest of a set of objects, in decimal. Order does not matter. */
export function digestOfAll(objects: Iterable<CatalogObject>): string {
  let sum = 0n
  for (const object of objects) sum += digestOf(object)
  return sum.toString()
}

/** Where a group's digest stands: one row an aggregate, as the server answers and as the manifest stores it. */
export interface Digest {
  readonly objects: number
  /** The sum of the objects' digests, in decimal. */
  readonly sum: string
}
