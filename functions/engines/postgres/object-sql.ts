/** SQL that makes, mends and removes one object. Names in facts are relative to the object's own schema, which is searched first. */
import type { CatalogObject, ObjectKind } from '../../core/catalog.ts'
import type { ObjectSql } from '../../core/object-sql.ts'
import type { ObjectReference } from '../../core/release.ts'
import { identifier, literal } from './sql.ts'

/** @param schemaOf the environment's schema for an expected one. */
export function objectSql(schemaOf: (expected: string) => string): ObjectSql {
  const path = ({ schema }: Pick<ObjectReference, 'schema'>, name: string): string =>
    `${plainName(schemaOf(schema))}.${plainName(name)}`
  const on = (object: ObjectReference): string => path(object, object.group)
  /** Everybody searches public; any other schema has to be said, for the names that stand in facts. */
  const within = (object: ObjectReference, statements: readonly string[] | null): readonly string[] | null => {
    const schema = schemaOf(object.schema)
    return statements === null || schema === 'public' || schema === ''
      ? statements
      : [`SET search_path TO ${plainName(schema)}`, ...statements]
  }
  return {
    create: (object) => within(object, creator(object, on(object), path(object, object.name))),
    drop: (object) => remover(object, on(object), path(object, object.name)),
    rebuild: (index) => [`REINDEX INDEX CONCURRENTLY ${path(index, index.name)}`],
    validate: (constraint) => [`ALTER TABLE ${on(constraint)} VALIDATE CONSTRAINT ${plainName(constraint.name)}`],
    addValue: (type, value, place) => {
      const where = place === null ? '' : ` ${place.side.toUpperCase()} ${literal(place.value)}`
      return [`ALTER TYPE ${path(type, type.name)} ADD VALUE ${literal(value)}${where}`]
    },
    isTransactional: (statements) => statements.every((sql) => !/\bCONCURRENTLY\b/u.test(sql)),
  }
}

type Writer = (
  fact: (name: string) => string | null,
  object: CatalogObject,
  on: string,
  own: string,
) => readonly string[] | null

const CREATORS = {
  extension: (_, { name }) => [`CREATE EXTENSION ${plainName(name)}`],
  column: (fact, { name }, on) => {
    // The sequence of a serial column is gone with it, and belongs to it again only when it is told to.
    if (fact('default')?.startsWith('nextval(') === true) return null
    const collation = fact('collation')
    const parts = [
      `ALTER TABLE ${on} ADD COLUMN ${plainName(name)} ${fact('type') ?? ''}`,
      ...(collation === null ? [] : [`COLLATE ${collation}`]),
      ...valueOf(fact),
      ...(fact('nullable') === 'no' && fact('identity') === null ? ['NOT NULL'] : []),
    ]
    return [parts.join(' ')]
  },
  constraint: (fact, { name }, on) => {
    const definition = fact('definition')
    if (definition === null || fact('enforced') === 'no') return null
    const deferrable = {
      no: '',
      'initially deferred': ' DEFERRABLE INITIALLY DEFERRED',
      'initially immediate': ' DEFERRABLE',
    }[fact('deferrable') ?? 'no']
    const add = `ALTER TABLE ${on} ADD CONSTRAINT ${plainName(name)} ${definition}${deferrable ?? ''}`
    if (fact('form') !== 'check' && fact('form') !== 'foreign key') return [add]
    // In two steps writers wait only for the first one, which reads no row.
    const validate = `ALTER TABLE ${on} VALIDATE CONSTRAINT ${plainName(name)}`
    return fact('validated') === 'yes' ? [`${add} NOT VALID`, validate] : [`${add} NOT VALID`]
  },
  index: (fact, { name }, on) => {
    const clause = (before: string, value: string | null, after = ''): string =>
      value === null ? '' : ` ${before}${value}${after}`
    return [
      `CREATE${fact('unique') === 'yes' ? ' UNIQUE' : ''} INDEX CONCURRENTLY ${plainName(name)} ON ${on} USING ${fact('method') ?? 'btree'} (${fact('keys') ?? ''})` +
        clause('INCLUDE (', fact('include'), ')') +
        (fact('nullsNotDistinct') === 'yes' ? ' NULLS NOT DISTINCT' : '') +
        clause('WITH (', fact('options'), ')') +
        clause('WHERE ', fact('predicate')),
    ]
  },
  view: (fact, _, __, own) => {
    const definition = fact('definition')
    if (definition === null) return null
    const options = fact('options')
    return [
      `CREATE ${(fact('form') ?? 'view').toUpperCase()} ${own}${options === null ? '' : ` WITH (${options})`} AS ${definition}`,
    ]
  },
  type: (fact, _, __, own) => {
    if (fact('form') !== 'enum') return null
    return [`CREATE TYPE ${own} AS ENUM (${(fact('definition') ?? '').split('\n').map(literal).join(', ')})`]
  },
  sequence: (fact, _, __, own) => {
    if (fact('ownedBy') !== null || fact('persistence') !== 'permanent') return null
    return [
      `CREATE SEQUENCE ${own} AS ${fact('type')} INCREMENT BY ${fact('increment')} MINVALUE ${fact('minimum')} MAXVALUE ${fact('maximum')} START WITH ${fact('start')} CACHE ${fact('cache')}${fact('cycle') === 'yes' ? ' CYCLE' : ''}`,
    ]
  },
  trigger: (fact, { name }, on) => {
    const definition = fact('definition')
    if (definition === null) return null
    const state = { disabled: 'DISABLE', replica: 'ENABLE REPLICA', always: 'ENABLE ALWAYS' }[fact('enabled') ?? '']
    return [definition, ...(state === undefined ? [] : [`ALTER TABLE ${on} ${state} TRIGGER ${plainName(name)}`])]
  },
  policy: (fact, { name }, on) => {
    const [using, check] = [fact('using'), fact('check')]
    return [
      `CREATE POLICY ${plainName(name)} ON ${on}${fact('permissive') === 'no' ? ' AS RESTRICTIVE' : ''} FOR ${(fact('command') ?? 'all').toUpperCase()} TO ${fact('roles')}` +
        (using === null ? '' : ` USING (${using})`) +
        (check === null ? '' : ` WITH CHECK (${check})`),
    ]
  },
  grant: (fact) => [
    `GRANT ${fact('privilege')} ON ${fact('on')?.replace(/^\w+/u, (word) => word.toUpperCase())} TO ${plainName(fact('role') ?? '')}`,
  ],
  table: () => null,
  // Facts of a routine are its parts, as they compare best: to write one again takes more.
  routine: () => null,
} as const satisfies Record<ObjectKind, Writer>

function creator(object: CatalogObject, on: string, own: string): readonly string[] | null {
  const facts = object.facts as Readonly<Record<string, string | null>>
  const write: Writer = CREATORS[object.kind]
  return write((name) => facts[name] ?? null, object, on, own)
}

function valueOf(fact: (name: string) => string | null): readonly string[] {
  const [identity, generated, value] = [fact('identity'), fact('generated'), fact('default')]
  if (identity !== null) return [`GENERATED ${identity.toUpperCase()} AS IDENTITY`]
  if (generated !== null) return [`GENERATED ALWAYS AS (${value}) ${generated.toUpperCase()}`]
  return value === null ? [] : [`DEFAULT ${value}`]
}

function remover(object: ObjectReference, on: string, own: string): readonly string[] | null {
  const name = plainName(object.name)
  switch (object.kind) {
    case 'column':
      return [`ALTER TABLE ${on} DROP COLUMN ${name}`]
    case 'constraint':
      return [`ALTER TABLE ${on} DROP CONSTRAINT ${name}`]
    case 'trigger':
    case 'policy':
      return [`DROP ${object.kind.toUpperCase()} ${name} ON ${on}`]
    case 'extension':
      return [`DROP EXTENSION ${name}`]
    case 'table':
    case 'index':
    case 'type':
    case 'sequence':
      return [`DROP ${object.kind.toUpperCase()} ${own}`]
    // A reference does not tell a view from a materialized one, a function from a procedure, or whose a privilege is.
    case 'view':
    case 'routine':
    case 'grant':
      return null
  }
}

/** As people write it; quoted where it has to be: PostgreSQL's reserved words, and those reserved but for types and functions. */
function plainName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) && !RESERVED.has(name) ? name : identifier(name)
}

const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char
  character check coalesce collate collation column concurrently constraint create cross current_catalog current_date current_role
  current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists
  extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout int
  integer intersect interval into is isnull join json lateral leading least left like limit localtime localtimestamp national
  natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position
  precision primary real references returning right row select session_user setof similar smallint some substring symmetric
  system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic
  verbose when where window with xmlattributes xmlconcat`.split(/\s+/u),
)
