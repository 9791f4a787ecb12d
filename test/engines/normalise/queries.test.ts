import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTextComparer } from '../../../functions/engines/postgres/normalise-text.ts'

const compare = await createTextComparer()
const same = (expected: string, found: string): string =>
  compare({ kind: 'view', fact: 'definition', expected, found, schema: 'app' })

/** A query over one or two relations, as a person would write it. */
interface Query {
  readonly distinct: boolean
  readonly columns: readonly { readonly column: Column; readonly name: string }[]
  readonly table: string
  readonly join: { readonly type: string; readonly table: string; readonly on: Condition } | null
  readonly where: Condition
  readonly order: { readonly column: Column; readonly descending: boolean }
  readonly limit: number
}
interface Column {
  /** 0: the first relation's; 1: the joined one's. */
  readonly of: number
  readonly name: string
}
type Condition =
  | { readonly kind: 'compare'; readonly column: Column; readonly operator: string; readonly value: Value }
  | { readonly kind: 'list'; readonly column: Column; readonly values: readonly string[] }
  | { readonly kind: 'null'; readonly column: Column; readonly not: boolean }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
type Value = number | string

/** How a server words a query. */
interface Wording {
  /** Until 15 columns are qualified always, since 16 only where there are several relations. */
  readonly qualified: boolean
  readonly aliases: readonly [string, string]
  /** As after a restore: fewer parentheses, casts inside of arrays. */
  readonly restored: boolean
}

function write(query: Query, wording: Wording): string {
  const column = ({ of, name }: Column): string =>
    wording.qualified || query.join !== null ? `${wording.aliases[of]}.${name}` : name
  const value = (value: Value): string =>
    typeof value === 'string' ? `'${value}'::text` : value < 0 ? `'${value}'::integer` : `${value}`
  const list = (values: readonly string[]): string =>
    wording.restored
      ? `ARRAY[${values.map((text) => `('${text}'::character varying)::text`).join(', ')}]`
      : `(ARRAY[${values.map((text) => `'${text}'::character varying`).join(', ')}])::text[]`
  const condition = (condition: Condition): string => {
    switch (condition.kind) {
      case 'compare':
        return `(${column(condition.column)} ${condition.operator} ${value(condition.value)})`
      case 'list':
        return `((${column(condition.column)})::text = ANY (${list(condition.values)}))`
      case 'null':
        return `(${column(condition.column)} IS ${condition.not ? 'NOT ' : ''}NULL)`
      case 'not':
        return `(NOT ${conditionText(condition.of)})`
      case 'and':
      case 'or': {
        const word = condition.kind === 'and' ? ' AND ' : ' OR '
        const parts = condition.of.map(conditionText)
        const nested = (): string => parts.reduce((left, right) => `(${left}${word}${right})`)
        return wording.restored ? `(${parts.join(word)})` : nested()
      }
    }
  }
  const conditionText = condition
  const targets = query.columns.map(({ column: of, name }) => column(of) + (of.name === name ? '' : ` AS ${name}`))
  const first = `${query.table} ${wording.aliases[0]}`
  const { join, order } = query
  const from =
    join === null ? first : `(${first} ${join.type} ${join.table} ${wording.aliases[1]} ON ${condition(join.on)})`
  const distinct = query.distinct ? 'DISTINCT ' : ''
  return ` SELECT ${distinct}${targets.join(',\n    ')}\n   FROM ${from}\n  WHERE ${condition(query.where)}\n  ORDER BY ${column(order.column)}${order.descending ? ' DESC' : ''}\n LIMIT ${query.limit}`
}

const columnNames = ['id', 'amount', 'state', 'note', 'region'] as const
const name = fc.constantFrom(...columnNames)
const column = (relations: number): fc.Arbitrary<Column> =>
  fc.record({ of: fc.integer({ min: 0, max: relations - 1 }), name })
const literal = fc.constantFrom('open', 'closed', 'it', '')

function condition(relations: number): fc.Arbitrary<Condition> {
  const { node } = fc.letrec<{ node: Condition; leaf: Condition }>((tie) => ({
    leaf: fc.oneof(
      fc.record({
        kind: fc.constant('compare' as const),
        column: column(relations),
        operator: fc.constantFrom('=', '<>', '<', '<=', '>', '>='),
        value: fc.oneof(fc.integer({ min: -99, max: 99 }), literal),
      }),
      fc.record({
        kind: fc.constant('list' as const),
        column: column(relations),
        values: fc.array(literal, { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('null' as const), column: column(relations), not: fc.boolean() }),
    ),
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.record({ kind: fc.constant('not' as const), of: tie('node') }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        of: fc.array(tie('leaf'), { minLength: 2, maxLength: 4 }),
      }),
    ),
  }))
  return node
}

function queryOf(relations: 1 | 2): fc.Arbitrary<Query> {
  const join = fc.record({
    type: fc.constantFrom('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN'),
    table: fc.constantFrom('orders', 'customers'),
    on: condition(2),
  })
  return fc.record({
    distinct: fc.boolean(),
    columns: fc.array(fc.record({ column: column(relations), name: fc.constantFrom(...columnNames, 'total') }), {
      minLength: 1,
      maxLength: 4,
    }),
    table: fc.constantFrom('orders', 'customers'),
    join: relations === 1 ? fc.constant(null) : join,
    where: condition(relations),
    order: fc.record({ column: column(relations), descending: fc.boolean() }),
    limit: fc.integer({ min: 1, max: 50 }),
  })
}

/** A server that writes a bare ORDER BY does not where an output column of that name is another one. */
function isUnambiguous({ columns, order }: Query): boolean {
  return columns.every(({ column, name }) => name !== order.column.name || column.name === name)
}

const query = fc.oneof(queryOf(1), queryOf(2)).filter(isUnambiguous)
const wording: fc.Arbitrary<Wording> = fc.record({
  qualified: fc.boolean(),
  aliases: fc.constantFrom(['o', 'c'] as const, ['old_1', 'new_1'] as const, ['id', 'state'] as const),
  restored: fc.boolean(),
})

/** One change, of those that a forgotten migration would leave. */
const CHANGES: Readonly<Record<string, (query: Query) => Query>> = {
  'other column': (query) => withFirst(query, (column) => ({ ...column, name: column.name === 'id' ? 'note' : 'id' })),
  'other relation': (query) =>
    withFirst(query, (column) =>
      query.join === null ? { ...column, name: `${column.name}_2` } : { ...column, of: 1 - column.of },
    ),
  'other name': (query) => ({
    ...query,
    columns: query.columns.map((item, at) => (at === 0 ? { ...item, name: 'other' } : item)),
  }),
  'one column more': (query) => ({
    ...query,
    columns: [...query.columns, { column: { of: 0, name: 'extra' }, name: 'extra' }],
  }),
  'other table': (query) => ({ ...query, table: 'archive' }),
  'other join': (query) =>
    query.join === null
      ? { ...query, join: { type: 'JOIN', table: 'orders', on: query.where } }
      : { ...query, join: { ...query.join, type: query.join.type === 'JOIN' ? 'LEFT JOIN' : 'JOIN' } },
  'other condition of the join': (query) =>
    query.join === null ? { ...query, limit: 99 } : { ...query, join: { ...query.join, on: changed(query.join.on) } },
  'other condition': (query) => ({ ...query, where: changed(query.where) }),
  'one condition more': (query) => ({
    ...query,
    where: { kind: 'and', of: [query.where, { kind: 'null', column: { of: 0, name: 'id' }, not: true }] },
  }),
  'a condition negated': (query) => ({ ...query, where: { kind: 'not', of: query.where } }),
  'other order': (query) => ({ ...query, order: { ...query.order, descending: !query.order.descending } }),
  'other limit': (query) => ({ ...query, limit: query.limit + 1 }),
  'distinct or not': (query) => ({ ...query, distinct: !query.distinct }),
}

function withFirst(query: Query, change: (column: Column) => Column): Query {
  const [first, ...rest] = query.columns
  return first === undefined ? query : { ...query, columns: [{ ...first, column: change(first.column) }, ...rest] }
}

function changed(condition: Condition): Condition {
  switch (condition.kind) {
    case 'compare': {
      const { value } = condition
      return { ...condition, value: typeof value === 'number' ? value + 1 : `${value}x` }
    }
    case 'list':
      return { ...condition, values: [...condition.values, 'another'] }
    case 'null':
      return { ...condition, not: !condition.not }
    case 'not':
      return { ...condition, of: changed(condition.of) }
    case 'and':
      return { ...condition, kind: 'or' }
    case 'or':
      return { ...condition, of: condition.of.map((part, at) => (at === 0 ? changed(part) : part)) }
  }
}

test('any query is the same in any two wordings', () => {
  fc.assert(
    fc.property(query, wording, wording, (query, one, other) => {
      expect(same(write(query, one), write(query, other))).toBe('same')
    }),
    { numRuns: 500 },
  )
})

test.each(Object.entries(CHANGES))('any query with %s differs in any two wordings', (_, change) => {
  fc.assert(
    fc.property(query, wording, wording, (query, one, other) => {
      const expected = write(query, one)
      const found = write(change(query), other)
      expect(same(expected, found)).toBe('differs')
      expect(same(found, expected)).toBe('differs')
    }),
    { numRuns: 100 },
  )
})
