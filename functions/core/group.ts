/** Groups values by a key, in the order in which keys first appear. (`Map.groupBy` needs Node 21.) */
export function groupBy<K, V>(values: Iterable<V>, keyOf: (value: V) => K): ReadonlyMap<K, readonly V[]> {
  const groups = new Map<K, V[]>()
  for (const value of values) {
    const members = groups.get(keyOf(value))
    if (members === undefined) groups.set(keyOf(value), [value])
    else members.push(value)
  }
  return groups
}
