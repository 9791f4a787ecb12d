/**
 * Brings wordings that mean the same to one form, where the grammar alone proves it: whoever knows no type of any column
 * may not drop a cast of one, and does not.
 */
import {
  fieldsOf,
  isBranch,
  isList,
  listOf,
  mapFields,
  sameTree,
  textOf,
  without,
  type Branch,
  type Tree,
} from './normalise-tree.ts'

/** Where a node stood in the text. */
const PLACES: ReadonlySet<string> = new Set([
  'location',
  'stmt_location',
  'stmt_len',
  'name_location',
  'list_start',
  'list_end',
  'rexpr_list_start',
  'rexpr_list_end',
])

/** The types of text, as the parser names what `format_type` writes. */
const STRINGS: ReadonlySet<string> = new Set(['text', 'pg_catalog.varchar', 'pg_catalog.bpchar'])

export interface Simplification {
  /** Relations of this schema may be written with it, or bare. */
  readonly schema: string
  /** Names of common table expressions, which a bare name means before it means a relation. */
  readonly bare: ReadonlySet<string>
}

export function simplify(tree: Tree, options: Simplification): Tree {
  if (isList(tree)) return tree.map((item) => simplify(item, options))
  if (!isBranch(tree)) return tree
  const fields = mapFields(without(tree, ...Object.keys(tree).filter((key) => PLACES.has(key))), (value) =>
    simplify(value, options),
  )
  return rewrite(setOperation(relation(fields, options)))
}

/** The names that `WITH` gives, anywhere in the tree. */
export function commonTableNames(tree: Tree): ReadonlySet<string> {
  const names = new Set<string>()
  const walk = (tree: Tree): void => {
    if (isList(tree)) tree.forEach(walk)
    if (!isBranch(tree)) return
    if (typeof tree['ctename'] === 'string') names.add(tree['ctename'])
    Object.values(tree).forEach(walk)
  }
  walk(tree)
  return names
}

/** `app.orders` is `orders`, read under `search_path = app`; a bare `pg_…` would be the system's before one's own. */
function relation(fields: Branch, { schema, bare }: Simplification): Branch {
  const name = fields['relname']
  if (typeof name !== 'string' || fields['schemaname'] !== schema) return fields
  return name.startsWith('pg_') || bare.has(name) ? fields : without(fields, 'schemaname')
}

/** A set operation's columns have the names of its first query's. After a restore the others have names of their own. */
function setOperation(fields: Branch): Branch {
  const { op, rarg } = fields
  const combines = op === 'SETOP_UNION' || op === 'SETOP_INTERSECT' || op === 'SETOP_EXCEPT'
  return combines && isBranch(rarg) ? { ...fields, rarg: withoutNames(rarg) } : fields
}

/** Drops the names of a query's columns, unless its own clauses could mean them. */
function withoutNames(select: Branch): Branch {
  const { larg, rarg, sortClause, distinctClause, groupClause } = select
  if ([sortClause, distinctClause, groupClause].some((clause) => clause !== undefined)) return select
  if (isBranch(larg) && isBranch(rarg)) return { ...select, larg: withoutNames(larg), rarg: withoutNames(rarg) }
  const targets = listOf(select['targetList']).map((target) => {
    const fields = fieldsOf(target, 'ResTarget')
    return fields === undefined ? target : { ResTarget: without(fields, 'name') }
  })
  return targets.length === 0 ? select : { ...select, targetList: targets }
}

const REWRITES: Readonly<Record<string, (fields: Branch) => Tree | undefined>> = {
  BoolExpr: flattened,
  A_Expr: compared,
  TypeCast: cast,
  RowExpr: row,
  SubLink: membership,
  SQLValueFunction: currentUser,
}

function rewrite(node: Branch): Tree {
  const [kind, ...others] = Object.keys(node)
  if (kind === undefined || others.length > 0) return node
  const fields = fieldsOf(node, kind)
  return (fields === undefined ? undefined : REWRITES[kind]?.(fields)) ?? node
}

/** `(a AND b) AND c` and `a AND (b AND c)`: the reloaded text of a BETWEEN has fewer parentheses than the first one. */
function flattened(fields: Branch): Tree | undefined {
  const op = fields['boolop']
  if (op !== 'AND_EXPR' && op !== 'OR_EXPR') return undefined
  const args = listOf(fields['args']).flatMap((arg) => {
    const inner = fieldsOf(arg, 'BoolExpr')
    return inner?.['boolop'] === op ? listOf(inner['args']) : [arg]
  })
  return { BoolExpr: { boolop: op, args } }
}

function compared(fields: Branch): Tree | undefined {
  const kind = fields['kind']
  // The server builds the very operator that the name says: ~~ and !~~, ~~* and !~~*.
  if (kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE') return { A_Expr: { ...fields, kind: 'AEXPR_OP' } }
  if (kind === 'AEXPR_NOT_DISTINCT') {
    return { BoolExpr: { boolop: 'NOT_EXPR', args: [{ A_Expr: { ...fields, kind: 'AEXPR_DISTINCT' } }] } }
  }
  return kind === 'AEXPR_IN' ? inList(fields) : undefined
}

/**
 * `x IN (1, 2)` is `x = ANY (ARRAY[1, 2])`, NOT IN is `<> ALL`; one of one is the operator. Not so for bare string
 * literals, which take the type of x in the list and text in the array, and not for rows.
 */
function inList(fields: Branch): Tree | undefined {
  const items = listOf(fieldsOf(fields['rexpr'], 'List')?.['items'])
  const first = items[0]
  if (first === undefined || fieldsOf(fields['lexpr'], 'RowExpr') !== undefined) return undefined
  if (items.some((item) => stringOf(item) !== undefined)) return undefined
  if (items.length === 1) return { A_Expr: { ...fields, kind: 'AEXPR_OP', rexpr: first } }
  const kind = textOf(listOf(fields['name'])[0]) === '=' ? 'AEXPR_OP_ANY' : 'AEXPR_OP_ALL'
  return { A_Expr: { ...fields, kind, rexpr: { A_ArrayExpr: { elements: items } } } }
}

function cast(fields: Branch): Tree | undefined {
  const { arg, typeName } = fields
  const inner = fieldsOf(arg, 'TypeCast')
  if (inner !== undefined && sameTree(inner['typeName'], typeName)) return arg
  const type = nameOf(typeName)
  const string = stringOf(arg)
  // Negative numbers are deparsed as strings: '-1'::integer.
  if (type === 'pg_catalog.int4' && string !== undefined && /^-?\d{1,9}$/.test(string)) {
    const value = Number(string)
    return { A_Const: { ival: value === 0 ? {} : { ival: value } } }
  }
  // Without a length, varchar changes nothing on the way to text.
  if (type === 'text' && inner !== undefined && isVarchar(inner['typeName']) && stringOf(inner['arg']) !== undefined) {
    return { TypeCast: { ...fields, arg: inner['arg'] ?? null } }
  }
  return castArray(fields)
}

/**
 * `(ARRAY['a'::varchar, 'b'::varchar])::text[]` is deparsed once, and `ARRAY[('a'::varchar)::text, …]` after a restore.
 * One literal of a string type shows that the elements are strings, and no arrays themselves.
 */
function castArray(fields: Branch): Tree | undefined {
  const type = fields['typeName']
  const elements = listOf(fieldsOf(fields['arg'], 'A_ArrayExpr')?.['elements'])
  if (!isBranch(type) || listOf(type['arrayBounds']).length !== 1) return undefined
  const element = without(type, 'arrayBounds')
  if (!STRINGS.has(nameOf(element) ?? '') || !elements.some(isStringLiteral)) return undefined
  const casts = elements.map((arg) => rewrite({ TypeCast: { arg, typeName: element } }))
  return { A_ArrayExpr: { elements: casts } }
}

function isStringLiteral(tree: Tree): boolean {
  const fields = fieldsOf(tree, 'TypeCast')
  return fields !== undefined && STRINGS.has(nameOf(fields['typeName']) ?? '') && stringOf(fields['arg']) !== undefined
}

/** `(a, b)` is `ROW(a, b)`. */
function row(fields: Branch): Tree {
  return { RowExpr: without(fields, 'row_format') }
}

/** `x IN (SELECT …)` is `x = ANY (SELECT …)`. Nobody sees the names of columns here; a scalar's name can come out. */
function membership(fields: Branch): Tree | undefined {
  const { subLinkType: type, subselect } = fields
  if (type !== 'ANY_SUBLINK' && type !== 'ALL_SUBLINK' && type !== 'EXISTS_SUBLINK') return undefined
  const operator = listOf(fields['operName'])
  const equals = type === 'ANY_SUBLINK' && operator.length === 1 && textOf(operator[0]) === '='
  const select = fieldsOf(subselect, 'SelectStmt')
  const query = select === undefined ? (subselect ?? null) : { SelectStmt: withoutNames(select) }
  return { SubLink: { ...(equals ? without(fields, 'operName') : fields), subselect: query } }
}

/** USER and CURRENT_ROLE are CURRENT_USER by the manual. */
function currentUser(fields: Branch): Tree | undefined {
  const op = fields['op']
  return op === 'SVFOP_USER' || op === 'SVFOP_CURRENT_ROLE'
    ? { SQLValueFunction: { ...fields, op: 'SVFOP_CURRENT_USER' } }
    : undefined
}

/** The value of a bare string literal. */
function stringOf(tree: Tree | undefined): string | undefined {
  const constant = fieldsOf(tree, 'A_Const')?.['sval']
  if (!isBranch(constant)) return undefined
  const value = constant['sval']
  return typeof value === 'string' ? value : ''
}

/** `pg_catalog.varchar` of a type that is no array; its modifier is not told. */
function nameOf(type: Tree | undefined): string | undefined {
  if (!isBranch(type) || type['arrayBounds'] !== undefined || type['setof'] === true) return undefined
  return listOf(type['names'])
    .map((name) => textOf(name) ?? '?')
    .join('.')
}

function isVarchar(type: Tree | undefined): boolean {
  return nameOf(type) === 'pg_catalog.varchar' && isBranch(type) && type['typmods'] === undefined
}
