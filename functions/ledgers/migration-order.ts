/** A stable order of migrations whose own order is a graph. */

export interface Ordered<T> {
  /** Every node once, after all that it stands on: those that nothing parts come as they were given. */
  readonly nodes: readonly T[]
  /** Keys of nodes that stand on each other in a circle; []: there is none. */
  readonly circle: readonly string[]
}

/** @param nodes With keys that differ. What a node stands on and is not among them does not count. */
export function inOrder<T extends { readonly key: string; readonly after: readonly string[] }>(
  nodes: readonly T[],
): Ordered<T> {
  const byKey = new Map(nodes.map((node) => [node.key, node]))
  const done = new Set<string>()
  const open = new Set<string>()
  const circle = new Set<string>()
  const ordered: T[] = []
  for (const start of nodes) {
    const stack = [{ node: start, next: 0 }]
    while (stack.length > 0) {
      const top = stack.at(-1)
      if (top === undefined || done.has(top.node.key)) {
        stack.pop()
        continue
      }
      open.add(top.node.key)
      const parent = byKey.get(top.node.after[top.next] ?? '')
      top.next += 1
      if (top.next > top.node.after.length) {
        done.add(top.node.key)
        ordered.push(top.node)
        stack.pop()
      } else if (parent !== undefined && open.has(parent.key) && !done.has(parent.key)) {
        circle.add(parent.key).add(top.node.key)
      } else if (parent !== undefined && !done.has(parent.key)) stack.push({ node: parent, next: 0 })
    }
  }
  return { nodes: ordered, circle: [...circle].sort() }
}

/** The keys and all that they stand on, over others too. */
export function withAncestors(
  keys: Iterable<string>,
  afterOf: (key: string) => readonly string[],
): ReadonlySet<string> {
  const seen = new Set<string>()
  const left = [...keys]
  for (let key = left.pop(); key !== undefined; key = left.pop()) {
    if (seen.has(key)) continue
    seen.add(key)
    left.push(...afterOf(key))
  }
  return seen
}
