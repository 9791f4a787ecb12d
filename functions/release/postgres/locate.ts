/**
 * The groups of touches that change nothing but what they name (confined.ts): the server told them with the touch, and need not
 * be asked again. Only a routine's group, its name with argument types, is looked up.
 */
import type { Throwaway } from '../throwaway.ts'
import type { Touched, TouchedGroup, Whereabouts } from './resolve.ts'
import { keyOf, resolveGroups } from './resolve.ts'
import type { Touch } from './touches.ts'

/** What has a signature of its own; an index, a constraint, a trigger and a policy stand in their relation's group, and have none. */
const OWN_NAME = new Set(['table', 'table column', 'sequence', 'view', 'materialized view', 'type', 'domain'])

/** Answers the groups to read again, each once, and remembers where the touched objects are now. The last toucher counts. */
export async function locateGroups(
  server: Throwaway,
  touched: readonly Touched[],
  whereabouts: Whereabouts,
): Promise<readonly TouchedGroup[]> {
  const routines = touched.flatMap(({ touches, by }) => {
    const own = touches.filter((touch) => touch.relation === null)
    return own.length === 0 ? [] : [{ touches: own, by }]
  })
  const found = new Map<string, TouchedGroup>()
  const add = (group: TouchedGroup): void => void found.set(`${group.schema}\u001f${group.group}`, group)
  if (routines.length > 0) for (const group of await resolveGroups(server, routines, whereabouts)) add(group)
  for (const { touches, by } of touched) {
    for (const touch of touches) {
      const group = place(touch, whereabouts)
      if (group !== null) add({ ...group, by })
    }
  }
  return [...found.values()]
}

function place({ address, relation, type }: Touch, { seen }: Whereabouts): Omit<TouchedGroup, 'by'> | null {
  if (address === null || relation === null) return null
  const group = { schema: relation.schema, group: relation.name }
  seen.set(keyOf(address), { groups: [group], signature: OWN_NAME.has(type) ? relation.signature : '' })
  return group
}
