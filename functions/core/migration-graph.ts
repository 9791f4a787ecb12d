/**
 * Migrations whose order is a graph, against what has run: which squash stands for the migrations that it replaces, and on which
 * missing ones an applied one stands. Pure.
 */
import type { Migration } from './release.ts'

export interface GraphReading {
  /** Keys that neither count nor lack here, each with the one that does instead: a squash, or what is used and not the squash. */
  readonly insteadOf: ReadonlyMap<string, string>
  /** Squashes without a row of their own that count as applied, each with the last of the keys that it replaces. */
  readonly through: ReadonlyMap<string, string>
  /** Squashes of which a part has run, and whose other part no file has: the keys that it would take. */
  readonly stuck: ReadonlyMap<string, readonly string[]>
  /** Keys that have not run, each with an applied one that stands on it. */
  readonly under: ReadonlyMap<string, string>
}

/** null: the migrations are a list. */
export function readGraph(migrations: readonly Migration[], run: ReadonlySet<string>): GraphReading | null {
  if (!migrations.some(({ after, replaces }) => after !== undefined || replaces !== undefined)) return null
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  const squashes = migrations.flatMap((migration) => {
    const replaced = replacedBy(migration, byKey)
    return replaced.length === 0 ? [] : [{ key: migration.key, replaced, use: useOf(migration.key, replaced, run) }]
  })
  const through = new Map<string, string>()
  const stuck = new Map<string, readonly string[]>()
  const insteadOf = new Map<string, string>()
  for (const { key, replaced, use } of squashes) {
    const lacking = replaced.filter((other) => !run.has(other) && !byKey.has(other))
    if (use === 'through') through.set(key, replaced.at(-1) ?? key)
    if (use === 'old' && lacking.length > 0) stuck.set(key, lacking)
    // A squash of squashes stands for all that they stand for: the outer one counts.
    if (use !== 'old') for (const other of allReplaced(key, byKey)) insteadOf.set(other, insteadOf.get(key) ?? key)
  }
  const unused = squashes.filter(({ key, use }) => use === 'old' && !stuck.has(key)).map(({ key }) => key)
  const counts = (key: string): boolean => run.has(key) || through.has(key)
  const under = underApplied({ byKey, insteadOf, unused: new Set(unused), counts })
  const used = unused.map((key): [string, string] => {
    const rest = [...allReplaced(key, byKey)].filter((other) => byKey.has(other) && !counts(other))
    return [key, rest.at(-1) ?? key]
  })
  return { insteadOf: new Map([...insteadOf, ...used]), through, stuck, under }
}

/** `own`: it has a row, or nothing of it has run; `through`: all that it replaces has run; `old`: a part of that. */
function useOf(key: string, replaced: readonly string[], run: ReadonlySet<string>): 'own' | 'through' | 'old' {
  if (run.has(key)) return 'own'
  const done = replaced.filter((other) => run.has(other)).length
  return done === 0 ? 'own' : done === replaced.length ? 'through' : 'old'
}

/** Keys of the migrations that a squash stands for at last: of a squash among them, those that it stands for. */
function replacedBy(migration: Migration, byKey: ReadonlyMap<string, Migration>): readonly string[] {
  const seen = allReplaced(migration.key, byKey)
  return [...seen].filter((key) => (byKey.get(key)?.replaces ?? []).length === 0)
}

/** With the squashes among them. One that replaces itself, over others too, is none of its own. */
function allReplaced(key: string, byKey: ReadonlyMap<string, Migration>): ReadonlySet<string> {
  const seen = new Set<string>()
  const left = [...(byKey.get(key)?.replaces ?? [])]
  for (let other = left.shift(); other !== undefined; other = left.shift()) {
    if (seen.has(other) || other === key) continue
    seen.add(other)
    left.push(...(byKey.get(other)?.replaces ?? []))
  }
  return seen
}

interface UsedGraph {
  readonly byKey: ReadonlyMap<string, Migration>
  /** Replaced key → the squash that is used instead of it. */
  readonly insteadOf: ReadonlyMap<string, string>
  /** Squashes that are not used. */
  readonly unused: ReadonlySet<string>
  readonly counts: (key: string) => boolean
}

/** What stands on a squash stands on what is used of it, and the other way round. */
function underApplied(graph: UsedGraph): ReadonlyMap<string, string> {
  const under = new Map<string, string>()
  for (const key of graph.byKey.keys()) {
    if (!graph.counts(key)) continue
    const left = [...parentsOf(key, graph)]
    for (let parent = left.pop(); parent !== undefined; parent = left.pop()) {
      // What is applied is walked from in its own turn.
      if (under.has(parent) || graph.counts(parent)) continue
      under.set(parent, key)
      left.push(...parentsOf(parent, graph))
    }
  }
  return under
}

function parentsOf(key: string, graph: UsedGraph): readonly string[] {
  const { byKey } = graph
  const replaced = graph.unused.has(key) ? [] : [...allReplaced(key, byKey)]
  const after = [key, ...replaced].flatMap((one) => byKey.get(one)?.after ?? [])
  return after.flatMap((parent) => usedFor(parent, graph)).filter((parent) => parent !== key && byKey.has(parent))
}

function usedFor(key: string, { byKey, insteadOf, unused }: UsedGraph): readonly string[] {
  const squash = insteadOf.get(key)
  if (squash !== undefined) return [squash]
  return unused.has(key) ? [...allReplaced(key, byKey)].filter((one) => !unused.has(one)) : [key]
}
