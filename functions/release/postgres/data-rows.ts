/** Whose rows a statement touches that changes data, by its own form: only where it is all of them, or its own text's. */
import type { DataRows } from '../../core/release.ts'
import type { Node } from './parse.ts'
import { relationsOf } from './parse.ts'

const SOME: DataRows = { kind: 'some' }
const GIVEN: DataRows = { kind: 'given' }

/** @param tree null where the statement does not parse */
export function dataRowsOf(tree: Node | null): DataRows {
  const [type, body] = Object.entries(tree ?? {})[0] ?? []
  if (type === undefined || typeof body !== 'object' || body === null) return SOME
  const statement = body as Node
  if (statement['withClause'] !== undefined) return SOME
  switch (type) {
    case 'UpdateStmt':
      return touchesEvery(statement, ['whereClause', 'fromClause'])
    case 'DeleteStmt':
      return touchesEvery(statement, ['whereClause', 'usingClause'])
    case 'InsertStmt':
      return rowsInserted(statement['selectStmt'])
    case 'CopyStmt':
      // Its data come with the file.
      return statement['is_from'] === true ? GIVEN : SOME
    default:
      return SOME
  }
}

function touchesEvery(statement: Node, limits: readonly string[]): DataRows {
  const of = relationOf(statement['relation'])
  return of === null || limits.some((limit) => statement[limit] !== undefined) ? SOME : { kind: 'every', of }
}

/** What keeps a SELECT from giving one row for each of its table's. */
const OTHER_ROWS = [
  'whereClause',
  'groupClause',
  'havingClause',
  'distinctClause',
  'limitCount',
  'limitOffset',
  'withClause',
  'larg',
] as const

function rowsInserted(select: unknown): DataRows {
  // DEFAULT VALUES has none.
  if (typeof select !== 'object' || select === null) return GIVEN
  if (relationsOf(select as Node).length === 0) return GIVEN
  const query = (select as Node)['SelectStmt']
  if (typeof query !== 'object' || query === null || OTHER_ROWS.some((key) => given(query, key))) return SOME
  const from: unknown = (query as Node)['fromClause']
  const [source, ...more] = Array.isArray(from) ? (from as readonly unknown[]) : []
  const of = typeof source === 'object' && source !== null && 'RangeVar' in source ? relationOf(source.RangeVar) : null
  return of === null || more.length > 0 ? SOME : { kind: 'every', of }
}

/** An empty list is as good as none. */
function given(query: object, key: string): boolean {
  const value = (query as Node)[key]
  return Array.isArray(value) ? value.length > 0 : value !== undefined
}

function relationOf(range: unknown): string | null {
  return typeof range === 'object' && range !== null ? (relationsOf(range as Node)[0] ?? null) : null
}
