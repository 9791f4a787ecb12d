/**
 * The catalog as it grows through a replay: after each file only those groups are read again that it touched, and each
 * object knows which migration brought it and which changed it.
 */
import type { CatalogObject } from '../core/catalog.ts'
import { factsText, identityOf } from '../core/catalog.ts'
import type { ExpectedObject, MigrationEffect, ObjectReference } from '../core/release.ts'
import type { Engine, Scope } from '../engines/engine.ts'
import { createGroupReader } from './postgres/group-reader.ts'
import type { WhereaboutsEntry } from './postgres/resolve.ts'
import { createWhereabouts, resolveGroups } from './postgres/resolve.ts'
import type { Touch } from './postgres/touches.ts'
import { REPLAY_SCHEMA } from './postgres/touches.ts'
import type { Throwaway } from './throwaway.ts'

export type CatalogChange = Pick<MigrationEffect, 'brought' | 'changed' | 'removed'>

/** What a tracker can be continued from, as plain data. */
export interface TrackerState {
  readonly objects: readonly ExpectedObject[]
  readonly whereabouts: readonly WhereaboutsEntry[]
}

export interface TrackerInput {
  readonly server: Throwaway
  readonly engine: Engine
  readonly ignore: Scope['ignore']
  /** Bare names of ledger tables and their locks: nobody's expectation, in whichever schema. */
  readonly ledgerTables: readonly string[]
  readonly role: string | null
  readonly state: TrackerState | null
}

export interface Tracker {
  /** Reads what the touches ask for, or everything, and says what is other than before. `by`: the migration's index. */
  update(touches: readonly Touch[], extent: 'touched' | 'everything', by: number | null): Promise<CatalogChange>
  /** Reads everything once more. What is other than was known goes to the migration that last touched the group, or `last`. */
  verify(last: number | null): Promise<CatalogChange>
  /** In canonical order. */
  objects(): readonly ExpectedObject[]
  scope(): Promise<Scope>
  state(): TrackerState
}

export function createTracker(input: TrackerInput): Tracker {
  const { server, engine } = input
  const known = new Map<string, Map<string, ExpectedObject>>()
  const whereabouts = createWhereabouts(input.state?.whereabouts)
  const readGroups = createGroupReader(server, engine)
  const touchedBy = new Map<string, number | null>()
  let scope: Scope | null = null
  for (const object of input.state?.objects ?? []) groupIn(known, object.object).set(identityOf(object.object), object)

  async function currentScope(): Promise<Scope> {
    scope ??= await readScope(input)
    return scope
  }

  async function readEverything(): Promise<readonly CatalogObject[]> {
    const objects = await engine.readCatalog(server.connection, await currentScope())
    return objects.filter((object) => object.kind !== 'grant')
  }

  async function readGrants(): Promise<readonly CatalogObject[]> {
    if (input.role === null) return []
    const [grants] = await server.connection.read([engine.grants(await currentScope())], LONG)
    return grants
  }

  /** Replaces groups by what was found in them. */
  function replace(
    keys: Iterable<string>,
    found: readonly CatalogObject[],
    byOf: (key: string) => number | null,
  ): CatalogChange {
    const change = {
      brought: [] as ObjectReference[],
      changed: [] as ObjectReference[],
      removed: [] as ObjectReference[],
    }
    const fresh = new Map<string, Map<string, CatalogObject>>()
    for (const object of found) groupIn(fresh, object).set(identityOf(object), object)
    for (const key of new Set([...keys, ...fresh.keys()])) {
      const by = byOf(key)
      touchedBy.set(key, by)
      const before = known.get(key) ?? new Map<string, ExpectedObject>()
      const after = new Map<string, ExpectedObject>()
      for (const [identity, object] of fresh.get(key) ?? []) {
        const old = before.get(identity)
        if (old === undefined) change.brought.push(referenceTo(object))
        else if (factsText(old.object) !== factsText(object)) change.changed.push(referenceTo(object))
        after.set(identity, succeed(old, object, by))
      }
      for (const [identity, old] of before) if (!after.has(identity)) change.removed.push(referenceTo(old.object))
      if (after.size > 0) known.set(key, after)
      else known.delete(key)
    }
    return { brought: ordered(change.brought), changed: ordered(change.changed), removed: ordered(change.removed) }
  }

  return {
    update: async (touches, extent, by) => {
      if (touches.some((touch) => touch.type === 'schema')) scope = null
      const everything = extent === 'everything' || touches.some(touchesEverything)
      const groups = await resolveGroups(server, touches, whereabouts)
      if (groups.length === 0 && touches.length === 0 && !everything) return { brought: [], changed: [], removed: [] }
      const found = everything ? await readEverything() : await readGroups(await currentScope(), groups, known.size)
      const keys = everything ? [...known.keys()] : groups.map((group) => keyOf({ ...group, kind: 'table' }))
      const grants = await readGrants()
      const grantKeys = [...known.keys()].filter((key) => key.startsWith(GRANTS))
      return replace([...keys, ...grantKeys], [...found, ...grants], () => by)
    },
    verify: async (last) => {
      const found = [...(await readEverything()), ...(await readGrants())]
      return replace([...known.keys()], found, (key) => touchedBy.get(key) ?? last)
    },
    objects: () =>
      [...known.values()]
        .flatMap((group) => [...group.values()])
        .sort((a, b) => compareText(identityOf(a.object), identityOf(b.object))),
    scope: currentScope,
    state: () => ({
      objects: [...known.values()].flatMap((group) => [...group.values()]),
      whereabouts: [...whereabouts.seen],
    }),
  }
}

/** Reading everything on the throwaway may take longer than a look is allowed. */
const LONG = { statementTimeoutMs: 120_000 } as const

const GRANTS = 'grant\u001f'

/** Grants are read apart, so they make groups of their own. */
function keyOf(object: { readonly kind: string; readonly schema: string; readonly group: string }): string {
  return `${object.kind === 'grant' ? GRANTS : ''}${object.schema}\u001f${object.group}`
}

function groupIn<T>(groups: Map<string, Map<string, T>>, object: CatalogObject): Map<string, T> {
  const key = keyOf(object)
  const group = groups.get(key) ?? new Map<string, T>()
  groups.set(key, group)
  return group
}

function succeed(old: ExpectedObject | undefined, object: CatalogObject, by: number | null): ExpectedObject {
  if (old === undefined) return { object, brought: by, changed: [], variants: {} }
  if (by === null || factsText(old.object) === factsText(object) || old.changed.at(-1) === by || old.brought === by)
    return { ...old, object }
  return { ...old, object, changed: [...old.changed, by] }
}

/** Renaming a schema moves all that is in it; an extension's members are its own, or no longer. */
function touchesEverything(touch: Touch): boolean {
  return touch.tag === 'ALTER SCHEMA' || touch.tag === 'ALTER EXTENSION'
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function referenceTo(object: CatalogObject): ObjectReference {
  return { kind: object.kind, schema: object.schema, group: object.group, name: object.name }
}

function ordered(references: readonly ObjectReference[]): readonly ObjectReference[] {
  return [...references].sort((a, b) => compareText(identityOf(a), identityOf(b)))
}

/** Every schema that is there and not the system's; `public` always. */
async function readScope(input: TrackerInput): Promise<Scope> {
  const { rows } = await input.server.run(
    `SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${REPLAY_SCHEMA}') ORDER BY nspname COLLATE "C"`,
  )
  const schemas = [...new Set(['public', ...rows.map((row) => row[0] ?? '')])].sort()
  return {
    schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
    ignore: input.ignore,
    exclude: schemas.flatMap((schema) => input.ledgerTables.map((table) => ({ schema, table }))),
    role: input.role,
  }
}
