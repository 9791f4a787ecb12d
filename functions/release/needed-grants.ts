/**
 * The privileges that the release's statements need, as grants of its role: what the migrations do not give is still expected.
 * Whole relations, as GRANT mostly gives them; where the migrations give columns, those are what is expected.
 */
import type { CatalogObject } from '../core/catalog.ts'
import { identityOf } from '../core/catalog.ts'
import type { ExpectedObject, Statement } from '../core/release.ts'
import { compareText } from './changes.ts'
import type { Node } from './postgres/parse.ts'
import { parseStatement } from './postgres/parse.ts'
import { privilegesOf } from './postgres/privileges.ts'

export interface WithGrants {
  /** In canonical order. */
  readonly objects: readonly ExpectedObject[]
  readonly notes: readonly string[]
}

/** Adds to the objects what is needed on relations that are among them. `role` null: nothing. */
export async function addNeededGrants(
  objects: readonly ExpectedObject[],
  statements: readonly Pick<Statement, 'subject' | 'sql'>[],
  role: string | null,
): Promise<WithGrants> {
  if (role === null || objects.length === 0) return { objects, notes: [] }
  const catalog = objects.map(({ object }) => object)
  const found = new Map(objects.map((expected) => [identityOf(expected.object), expected]))
  const notes: string[] = []
  for (const { subject, sql } of statements) {
    const tree = await parseStatement(sql)
    if (tree === null)
      notes.push(`${subject} is no statement that can be parsed: the grants that it needs are not expected`)
    for (const grant of tree === null ? [] : await grantsFor(tree, catalog, role)) {
      const key = identityOf(grant)
      if (!found.has(key)) found.set(key, { object: grant, brought: null, changed: [], variants: {} })
    }
  }
  return {
    objects: [...found].sort(([a], [b]) => compareText(a, b)).map(([, expected]) => expected),
    notes,
  }
}

async function grantsFor(
  tree: Node,
  catalog: readonly CatalogObject[],
  role: string,
): Promise<readonly CatalogObject[]> {
  const grants: CatalogObject[] = []
  for (const { schema, relation, privilege, columns } of privilegesOf(tree)) {
    const there = relationNamed(catalog, schema, relation)
    if (there === null) continue
    grants.push(await grantOn('schema', { ...there, group: there.schema }, 'USAGE', role))
    // The server shows a privilege on columns only where there is none on the whole.
    const byColumns = catalog.some(
      (object) =>
        object.kind === 'grant' &&
        object.schema === there.schema &&
        object.group === there.group &&
        object.name.startsWith(`${privilege} (`),
    )
    if (!byColumns) grants.push(await grantOn('table', there, privilege, role))
    if (privilege !== 'INSERT') continue
    for (const sequence of sequencesOf(catalog, there, columns))
      grants.push(await grantOn('sequence', sequence, 'USAGE', role))
  }
  return grants
}

type Place = Pick<CatalogObject, 'schema' | 'group'>

/** Without a schema: that of public, else the only one of that name; null: there is none, or several. */
function relationNamed(catalog: readonly CatalogObject[], schema: string | null, name: string): Place | null {
  const named = catalog.filter(
    (object) => (object.kind === 'table' || object.kind === 'view') && object.name === name && object.group === name,
  )
  if (schema !== null) return named.find((object) => object.schema === schema) ?? null
  return named.find((object) => object.schema === 'public') ?? (named.length === 1 ? (named[0] ?? null) : null)
}

/** Of columns that the INSERT leaves to their defaults. The owner of an identity column's sequence needs no grant. */
function sequencesOf(
  catalog: readonly CatalogObject[],
  { schema, group }: Place,
  given: readonly string[] | null,
): readonly Place[] {
  const defaults = catalog.filter(
    (object) =>
      object.kind === 'column' && object.schema === schema && object.group === group && !given?.includes(object.name),
  )
  return catalog.filter(
    (object) =>
      object.kind === 'sequence' &&
      object.schema === schema &&
      defaults.some(({ facts }) =>
        [`nextval('${object.name}'::regclass)`, `nextval('"${object.name}"'::regclass)`].includes(facts.default ?? ''),
      ),
  )
}

/** As the engine's reader writes it: what follows GRANT can be pasted. */
async function grantOn(
  kind: 'table' | 'sequence' | 'schema',
  { schema, group }: Place,
  privilege: string,
  role: string,
): Promise<CatalogObject> {
  const before = schema === 'public' || kind === 'schema' ? '' : `${await quoted(schema)}.`
  const on = `${kind} ${before}${await quoted(group)}`
  return {
    kind: 'grant',
    schema,
    group,
    name: `${privilege} on ${on}`,
    facts: { role, privilege, on } as CatalogObject['facts'],
  }
}

/** As quote_ident: bare where it is plain and no keyword that is reserved in some place, which the parser knows. */
async function quoted(name: string): Promise<string> {
  const isPlain =
    /^[a-z_][a-z0-9_]*$/.test(name) &&
    (await parseStatement(`SELECT FROM ${name}`)) !== null &&
    (await parseStatement(`CREATE FUNCTION ${name}() RETURNS int LANGUAGE sql AS ''`)) !== null
  return isPlain || /^(json(_[a-z]+)?|merge_action|system_user)$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}
