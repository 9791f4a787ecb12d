/**
 * Replaces the names of relations in a view's query by what they stand for.
 *
 * Until 15 a view's rule lists OLD and NEW beside its relations, so that 14 and 15 qualify every column, and call a
 * relation named `old` `old_1`; since 16 the columns of a query over one relation are bare. A qualifier is resolved as
 * the server does, innermost query first. Whatever could be read in two ways keeps its words.
 */
import {
  fieldsOf,
  isBranch,
  isList,
  listOf,
  mapFields,
  textOf,
  without,
  type Branch,
  type Tree,
} from './normalise-tree.ts'

/** The relations of one FROM. */
interface Scope {
  /** By the name that columns are qualified with. */
  readonly relations: ReadonlyMap<string, number>
  readonly size: number
}

type Chain = readonly Scope[]

interface Resolution {
  /** Columns carry the relation's number; else its name, and the aliases stay. */
  readonly numbered: boolean
  readonly numbers: Map<Tree, number>
  /** Something in the query makes a name's meaning depend on more than its place. */
  irregular: boolean
}

const ANY_EXPRESSION: ReadonlySet<string> = new Set(['A_Expr', 'BoolExpr', 'A_Const', 'NullTest', 'BooleanTest'])

export function resolveNames(query: Tree): Tree {
  const first: Resolution = { numbered: true, numbers: new Map(), irregular: false }
  const resolved = resolve(query, [], first)
  return first.irregular ? resolve(query, [], { numbered: false, numbers: new Map(), irregular: false }) : resolved
}

function resolve(tree: Tree, chain: Chain, state: Resolution): Tree {
  if (isList(tree)) return tree.map((item) => resolve(item, chain, state))
  if (!isBranch(tree)) return tree
  return mapFields(tree, (value, key) => {
    if (key === 'SelectStmt' && isBranch(value)) return resolveSelect(value, chain, state)
    if (key === 'ColumnRef' && isBranch(value)) return resolveColumn(value, chain, state)
    return resolve(value, chain, state)
  })
}

function resolveSelect(select: Branch, outer: Chain, state: Resolution): Branch {
  if (select['op'] !== 'SETOP_NONE') return resolveSetOperation(select, outer, state)
  const from = listOf(select['fromClause'])
  const scope = scopeOf(from, outer, state)
  const chain = scope.size === 0 ? outer : [scope, ...outer]
  const targets = listOf(select['targetList'])
  return mapFields(select, (value, key) => {
    switch (key) {
      case 'fromClause':
        return from.map((item) => resolveItem(item, chain, outer, state))
      case 'withClause':
        return resolve(value, outer, state)
      case 'targetList':
        return targets.map((target) => resolve(named(target), chain, state))
      case 'sortClause':
      case 'distinctClause':
        return listOf(value).map((item) => (shadowed(item, targets) ? item : resolve(item, chain, state)))
      case 'lockingClause':
        state.irregular = true
        return value
      default:
        return resolve(value, chain, state)
    }
  })
}

/** ORDER BY of a set operation names output columns. */
function resolveSetOperation(select: Branch, outer: Chain, state: Resolution): Branch {
  return mapFields(select, (value, key) => {
    if (key === 'sortClause') return value
    if ((key === 'larg' || key === 'rarg') && isBranch(value)) return resolveSelect(value, outer, state)
    return resolve(value, outer, state)
  })
}

/**
 * A bare name in ORDER BY or DISTINCT ON is an output column before it is a column of a relation. Where an output column
 * of that name is something else, the name stays.
 */
function shadowed(item: Tree, targets: readonly Tree[]): boolean {
  const name = bareName(fieldsOf(item, 'SortBy')?.['node'] ?? item)
  if (name === undefined) return false
  return targets.some((target) => {
    const fields = fieldsOf(named(target), 'ResTarget')
    return fields?.['name'] === name && lastName(fields['val']) !== name
  })
}

/** Gives an output column the name that it has without one: a column's own, and for an operator's result `?column?`. */
function named(target: Tree): Tree {
  const fields = fieldsOf(target, 'ResTarget')
  if (fields === undefined || fields['name'] !== undefined) return target
  const value = fields['val']
  const column = lastName(value)
  if (column !== undefined) return { ResTarget: { ...fields, name: column } }
  const anonymous = isBranch(value) && Object.keys(value).some((kind) => ANY_EXPRESSION.has(kind))
  // NULLIF is an A_Expr too, and names its column after itself.
  const named = fieldsOf(value, 'A_Expr')?.['kind'] === 'AEXPR_NULLIF'
  return anonymous && !named ? { ResTarget: { ...fields, name: '?column?' } } : target
}

function bareName(tree: Tree | undefined): string | undefined {
  const fields = listOf(fieldsOf(tree, 'ColumnRef')?.['fields'])
  return fields.length === 1 ? textOf(fields[0]) : undefined
}

function lastName(tree: Tree | undefined): string | undefined {
  return textOf(listOf(fieldsOf(tree, 'ColumnRef')?.['fields']).at(-1))
}

/** Numbers the relations of a FROM in their order. */
function scopeOf(from: readonly Tree[], outer: Chain, state: Resolution): Scope {
  const relations = new Map<string, number>()
  let size = 0
  const add = (item: Tree, name: string | undefined): void => {
    const number = state.numbers.size
    state.numbers.set(item, number)
    size += 1
    if (name === undefined || relations.has(name) || outer.some((scope) => scope.relations.has(name))) {
      state.irregular = true
    }
    if (name !== undefined) relations.set(name, number)
  }
  const visit = (item: Tree): void => {
    const join = fieldsOf(item, 'JoinExpr')
    if (join === undefined) {
      add(item, relationName(item))
      return
    }
    visit(join['larg'] ?? null)
    visit(join['rarg'] ?? null)
    // An alias of the join hides its relations; one of USING holds columns of both.
    if (join['alias'] !== undefined || join['join_using_alias'] !== undefined) {
      size += 1
      state.irregular = true
    }
  }
  from.forEach(visit)
  return { relations, size }
}

function relationName(item: Tree): string | undefined {
  const sample = fieldsOf(item, 'RangeTableSample')?.['relation']
  if (sample !== undefined) return relationName(sample)
  const kind = isBranch(item) ? Object.keys(item)[0] : undefined
  const fields = kind === undefined ? undefined : fieldsOf(item, kind)
  const alias = fields?.['alias']
  const name = isBranch(alias) ? alias['aliasname'] : fields?.['relname']
  return typeof name === 'string' ? name : undefined
}

function resolveItem(item: Tree, chain: Chain, outer: Chain, state: Resolution): Tree {
  const join = fieldsOf(item, 'JoinExpr')
  if (join !== undefined) {
    const change = (value: Tree, key: string): Tree =>
      key === 'larg' || key === 'rarg' ? resolveItem(value, chain, outer, state) : resolve(value, chain, state)
    return { JoinExpr: mapFields(join, change) }
  }
  const number = state.numbers.get(item)
  const subselect = fieldsOf(item, 'RangeSubselect')
  // Only LATERAL sees its neighbours; functions always do.
  const resolved = resolve(item, subselect !== undefined && subselect['lateral'] !== true ? outer : chain, state)
  return state.numbered && number !== undefined ? unnamed(resolved, number) : resolved
}

/** Puts the number where the alias was; the names of columns stay. */
function unnamed(item: Tree, number: number): Tree {
  if (!isBranch(item)) return item
  return mapFields(item, (fields, kind) => {
    if (!isBranch(fields)) return fields
    if (kind === 'RangeTableSample') return { ...fields, relation: unnamed(fields['relation'] ?? null, number) }
    const alias = isBranch(fields['alias']) ? fields['alias'] : {}
    // A function's alias names its column too, unless that has a name of its own.
    const keeps = kind === 'RangeFunction' && alias['colnames'] === undefined && fields['coldeflist'] === undefined
    return { ...fields, alias: keeps ? alias : without(alias, 'aliasname'), relation: number }
  })
}

function resolveColumn(column: Branch, chain: Chain, state: Resolution): Branch {
  const fields = listOf(column['fields'])
  const first = textOf(fields[0])
  if (first === undefined) return column
  // schema.table.column: no deparser writes it, and the alias that it means is not told.
  if (fields.length > 2) state.irregular = true
  if (fields.length !== 1) return qualified(column, first, chain, state)
  const [only, ...others] = chain.flatMap((scope) => [...scope.relations])
  const certain = others.length === 0 && chain.reduce((sum, scope) => sum + scope.size, 0) === 1
  if (only !== undefined && certain) return { ...column, relation: state.numbered ? only[1] : only[0] }
  // It may be a whole row: then its relation is told by more than the word.
  const row = chain.find((scope) => scope.relations.has(first))?.relations.get(first)
  return row === undefined || !state.numbered ? column : { ...column, row }
}

function qualified(column: Branch, name: string, chain: Chain, state: Resolution): Branch {
  const number = chain.find((scope) => scope.relations.has(name))?.relations.get(name)
  const rest = listOf(column['fields']).slice(1)
  if (number === undefined) return column
  return { ...column, fields: rest, relation: state.numbered ? number : name }
}
