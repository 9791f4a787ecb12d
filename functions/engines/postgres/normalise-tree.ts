/** The parser's tree as plain data, and the walks over it. Nodes are `{ Kind: { field: … } }`, as libpg-query prints them. */

export type Tree = null | boolean | number | string | readonly Tree[] | Branch
export interface Branch {
  readonly [key: string]: Tree
}

export function isBranch(tree: Tree | undefined): tree is Branch {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
}

export function isList(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree)
}

/** The fields of the node, if it is of this kind: `fieldsOf(node, 'TypeCast')`. */
export function fieldsOf(tree: Tree | undefined, kind: string): Branch | undefined {
  const fields = isBranch(tree) ? tree[kind] : undefined
  return isBranch(fields) ? fields : undefined
}

export function listOf(tree: Tree | undefined): readonly Tree[] {
  return isList(tree) ? tree : []
}

/** The text of a `String` node. */
export function textOf(tree: Tree | undefined): string | undefined {
  const value = fieldsOf(tree, 'String')?.['sval']
  return typeof value === 'string' ? value : undefined
}

export function mapFields(branch: Branch, change: (tree: Tree, key: string) => Tree): Branch {
  const fields: Record<string, Tree> = {}
  for (const [key, value] of Object.entries(branch)) fields[key] = change(value, key)
  return fields
}

export function without(branch: Branch, ...keys: readonly string[]): Branch {
  return Object.fromEntries(Object.entries(branch).filter(([key]) => !keys.includes(key)))
}

/** Whether two trees are the same; the order of a node's fields says nothing. */
export function sameTree(a: Tree | undefined, b: Tree | undefined): boolean {
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, at) => sameTree(item, b[at]))
  if (isBranch(a) && isBranch(b)) {
    const keys = Object.keys(a)
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameTree(a[key], b[key]))
  }
  return a === b
}
