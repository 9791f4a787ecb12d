/** Which privileges a statement needs on which relations: by the rules of the server's own permission checks, from its parse tree. */
import type { Node } from './parse.ts'

export interface NeededPrivilege {
  /** null: the search path decides. */
  readonly schema: string | null
  readonly relation: string
  readonly privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'
  /** Columns that an INSERT names; null: all, and for other privileges. */
  readonly columns: readonly string[] | null
}

/** Each as often as the statement says it. Names of its own WITH queries are left out. */
export function privilegesOf(tree: Node): readonly NeededPrivilege[] {
  const needed: NeededPrivilege[] = []
  const own = new Set(valuesOf(tree, 'ctename'))
  const need = (
    range: unknown,
    privilege: NeededPrivilege['privilege'],
    columns: readonly string[] | null = null,
  ): void => {
    if (!isNode(range) || typeof range['relname'] !== 'string') return
    const schema = typeof range['schemaname'] === 'string' ? range['schemaname'] : null
    if (schema === null && own.has(range['relname'])) return
    needed.push({ schema, relation: range['relname'], privilege, columns })
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isNode(value)) return
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'RangeVar') need(inner, 'SELECT')
      else if (isNode(inner)) target(key, inner, need)
      visit(inner)
    }
  }
  visit(tree)
  return needed
}

type Need = (range: unknown, privilege: NeededPrivilege['privilege'], columns?: readonly string[] | null) => void

/** The relation that a statement writes stands in `relation`, without a RangeVar around it. */
function target(type: string, body: Node, need: Need): void {
  const { relation } = body
  switch (type) {
    case 'InsertStmt': {
      const columns = valuesOf(body['cols'], 'name')
      need(relation, 'INSERT', columns.length === 0 ? null : columns)
      const conflict = isNode(body['onConflictClause']) ? body['onConflictClause'] : null
      if (conflict?.['action'] === 'ONCONFLICT_UPDATE') need(relation, 'UPDATE')
      // The columns that a conflict is found by are read.
      if (reads(body['returningList']) || reads(body['returningClause']) || conflict?.['infer'] !== undefined)
        need(relation, 'SELECT')
      return
    }
    case 'UpdateStmt':
      need(relation, 'UPDATE')
      if (reads([body['targetList'], body['whereClause'], body['returningList'], body['returningClause']]))
        need(relation, 'SELECT')
      return
    case 'DeleteStmt':
      need(relation, 'DELETE')
      if (reads([body['whereClause'], body['returningList'], body['returningClause']])) need(relation, 'SELECT')
      return
    case 'MergeStmt':
      // Its condition reads the target.
      need(relation, 'SELECT')
      for (const clause of Array.isArray(body['mergeWhenClauses']) ? body['mergeWhenClauses'] : [])
        merged(clause, relation, need)
      return
    case 'SelectStmt':
      // FOR UPDATE and FOR SHARE.
      if (body['lockingClause'] !== undefined) for (const range of rangesOf(body['fromClause'])) need(range, 'UPDATE')
      return
    default:
  }
}

/** WHEN … THEN INSERT, UPDATE or DELETE; DO NOTHING needs nothing. */
function merged(clause: unknown, relation: unknown, need: Need): void {
  const when = isNode(clause) ? clause['MergeWhenClause'] : null
  if (!isNode(when)) return
  const privilege = /^CMD_(INSERT|UPDATE|DELETE)$/.exec(String(when['commandType']))?.[1] as
    | 'INSERT'
    | 'UPDATE'
    | 'DELETE'
    | undefined
  const columns = valuesOf(when['targetList'], 'name')
  if (privilege !== undefined) need(relation, privilege, privilege === 'INSERT' && columns.length > 0 ? columns : null)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function reads(value: unknown): boolean {
  return JSON.stringify(value)?.includes('"ColumnRef"') ?? false
}

function rangesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(rangesOf)
  if (!isNode(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === 'RangeVar' ? [inner] : rangesOf(inner)))
}

/** Every text under that key. */
function valuesOf(value: unknown, key: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((inner: unknown) => valuesOf(inner, key))
  if (!isNode(value)) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === 'string' ? [inner] : valuesOf(inner, key),
  )
}
