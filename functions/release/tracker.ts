/**
 * The catalog as it grows through a replay: after each file only those groups are read again that it touched, and each
 * object knows which migration brought it and which changed it.
 */
import type { CatalogObject } from '../core/catalog.ts'
import { factsText, identityOf } from '../core/catalog.ts'
import type { ExpectedObject, LedgerTableName } from '../core/release.ts'
import type { Engine, Scope } from '../engines/engine.ts'
import { excludedTables } from './ledger-tables.ts'
import { createGroupReader } from './postgres/group-reader.ts'
import { confinedTo, isAbout, isAboutPrivileges, reachesFar } from './postgres/confined.ts'
import { locateGroups } from './postgres/locate.ts'
import type { GroupName, Touched, TouchedGroup, WhereaboutsEntry } from './postgres/resolve.ts'
import { createWhereabouts, resolveGroups } from './postgres/resolve.ts'
import type { Touch } from './postgres/touches.ts'
import { REPLAY_SCHEMA } from './postgres/touches.ts'
import type { Throwaway } from './throwaway.ts'
import type { CatalogChange } from './changes.ts'
import { compareText, createChanges } from './changes.ts'

/** What a tracker can be continued from, as plain data. */
export interface TrackerState {
  readonly objects: readonly ExpectedObject[]
  readonly whereabouts: readonly WhereaboutsEntry[]
}

export interface TrackerInput {
  readonly server: Throwaway
  readonly engine: Engine
  readonly ignore: Scope['ignore']
  /** Ledger tables and their locks: nobody's expectation; without a schema, in whichever. */
  readonly ledgerTables: readonly LedgerTableName[]
  readonly role: string | null
  readonly state: TrackerState | null
  /** The last migration, by its index, that is likely to be about a name (in lower case); -1: none. */
  readonly lastAbout: (name: string) => number
}

export interface Tracker {
  /** Whether nothing is left to be read. */
  isSettled(): boolean
  /** Before the migration of that index, with these texts, runs: reads what is left, where they are likely to touch it. */
  prepare(texts: readonly string[], index: number): Promise<void>
  /** Whether these touches change only what they name, and nothing that is left to be read. */
  fits(touches: readonly Touch[]): boolean
  /** Keeps touches that fit, to be read later. `by`: the migration's index. */
  note(touches: readonly Touch[], by: number): void
  /** Reads what is left. `grants`: those too, because the next file may change them. */
  settle(grants: boolean): Promise<void>
  /** Reads what the touches ask for, or everything, at once. Only where nothing is left to be read. */
  update(touches: readonly Touch[], extent: 'touched' | 'everything', by: number | null): Promise<void>
  /** Reads everything once more. What is other than was known goes to the migration that last touched the group, or `last`. */
  verify(last: number | null): Promise<CatalogChange>
  /** What a migration did, once it is settled. */
  changeOf(by: number): CatalogChange
  /** In canonical order. */
  objects(): readonly ExpectedObject[]
  scope(): Promise<Scope>
  state(): TrackerState
}

/** Groups that are read together: as many as one prepared statement asks for. */
const MOST_LEFT = 64

/** From here on a part of the catalog counts: a group by name costs about three times what it costs among all (measured: 0.6 ms). */
const MOST_BY_NAME = 64

/** What is left to be read of one migration. */
interface Left extends Touched {
  readonly names: readonly string[]
}

export function createTracker(input: TrackerInput): Tracker {
  const { server, engine } = input
  const known = new Map<string, Map<string, ExpectedObject>>()
  const whereabouts = createWhereabouts(input.state?.whereabouts)
  const readGroups = createGroupReader(server, engine)
  const touchedBy = new Map<string, number | null>()
  const changes = createChanges()
  /** Migrations whose touches are left to be read, and the names that they touched. */
  let left: Left[] = []
  const leftNames = new Set<string>()
  const leftWords = new Set<string>()
  /** Groups that were made or changed since the grants were read → who did first. */
  const sinceGrants = new Map<string, number | null>()
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

  async function readNamed(groups: readonly GroupName[]): Promise<readonly CatalogObject[]> {
    if (groups.length <= Math.max(MOST_BY_NAME, known.size / 3)) return readGroups(await currentScope(), groups)
    const wanted = new Set(groups.map((group) => keyOf({ ...group, kind: 'table' })))
    return (await readEverything()).filter((object) => wanted.has(keyOf(object)))
  }

  /** Replaces groups by what was found in them. */
  function replace(
    keys: Iterable<string>,
    found: readonly CatalogObject[],
    byOf: (key: string) => number | null,
  ): void {
    const fresh = new Map<string, Map<string, CatalogObject>>()
    for (const object of found) groupIn(fresh, object).set(identityOf(object), object)
    for (const key of new Set([...keys, ...fresh.keys()])) {
      const by = byOf(key)
      touchedBy.set(key, by)
      if (input.role !== null && !sinceGrants.has(key) && !key.startsWith(GRANTS)) sinceGrants.set(key, by)
      const before = known.get(key) ?? new Map<string, ExpectedObject>()
      const after = new Map<string, ExpectedObject>()
      for (const [identity, object] of fresh.get(key) ?? []) {
        const old = before.get(identity)
        if (old === undefined) changes.add(by, 'brought', object)
        else if (factsText(old.object) !== factsText(object)) changes.add(by, 'changed', object)
        after.set(identity, succeed(old, object, by))
      }
      for (const [identity, old] of before) if (!after.has(identity)) changes.add(by, 'removed', old.object)
      if (after.size > 0) known.set(key, after)
      else known.delete(key)
    }
  }

  /** A grant that came without a GRANT came with its object: by default privileges, to PUBLIC, to the owner. */
  async function replaceGrants(by: (group: string) => number | null): Promise<void> {
    if (input.role === null) return
    const [grants] = await server.connection.read([engine.grants(await currentScope())], LONG)
    const keys = [...known.keys()].filter((key) => key.startsWith(GRANTS))
    replace(keys, grants, (key) => by(key.slice(GRANTS.length)))
    sinceGrants.clear()
  }

  /** Takes from what is left, and answers their groups and who touched them. */
  async function take(taken: readonly Left[]): Promise<ReadonlyMap<string, TouchedGroup>> {
    const chosen = new Set(taken)
    left = left.filter((one) => !chosen.has(one))
    leftNames.clear()
    leftWords.clear()
    for (const { names } of left) remember(names)
    const groups = await locateGroups(server, taken, whereabouts)
    return new Map(groups.map((group) => [keyOf({ ...group, kind: 'table' }), group]))
  }

  function remember(names: readonly string[]): void {
    for (const name of names) {
      leftNames.add(name)
      leftWords.add(wordOf(name))
    }
  }

  async function readLeft(taken: readonly Left[]): Promise<void> {
    if (taken.length === 0) return
    const last = taken.at(-1)?.by ?? null
    const groups = await take(taken)
    replace(groups.keys(), await readNamed([...groups.values()]), (key) => groups.get(key)?.by ?? last)
  }

  async function settle(grants: boolean): Promise<void> {
    await readLeft(left)
    if (grants && sinceGrants.size > 0)
      await replaceGrants((group) => sinceGrants.get(group) ?? touchedBy.get(group) ?? null)
  }

  /** What no later migration is about is left for the end, when everything is read. */
  function neededBefore(index: number): readonly Left[] {
    return left.filter(({ names }) => names.some((name) => input.lastAbout(wordOf(name)) >= index))
  }

  return {
    isSettled: () => left.length === 0 && sinceGrants.size === 0,
    prepare: async (texts, index) => {
      if (texts.some(reachesFar) || (input.role !== null && texts.some(isAboutPrivileges))) return settle(true)
      const needed = neededBefore(index)
      if (needed.length >= MOST_LEFT || texts.some((sql) => isAbout(sql, leftWords))) await readLeft(needed)
    },
    fits: (touches) => confinedTo(touches, whereabouts)?.every((name) => !leftNames.has(name)) ?? false,
    note: (touches, by) => {
      const names = confinedTo(touches, whereabouts) ?? []
      if (names.length === 0) return
      left.push({ touches, by, names })
      remember(names)
    },
    settle,
    update: async (touches, extent, by) => {
      if (touches.some((touch) => touch.type === 'schema')) scope = null
      const everything = extent === 'everything' || touches.some(touchesEverything)
      const groups = await resolveGroups(server, [{ touches, by }], whereabouts)
      if (groups.length === 0 && touches.length === 0 && !everything) return
      const found = everything ? await readEverything() : await readNamed(groups)
      const keys = everything
        ? [...known.keys()].filter((key) => !key.startsWith(GRANTS))
        : groups.map((group) => keyOf({ ...group, kind: 'table' }))
      replace(keys, found, () => by)
      await replaceGrants((group) => sinceGrants.get(group) ?? by)
    },
    verify: async (last) => {
      const groups = await take(left)
      const found = await readEverything()
      const own = found.filter((object) => groups.has(keyOf(object)))
      replace(groups.keys(), own, (key) => groups.get(key)?.by ?? last)
      await settle(true)
      const begun = changes.count()
      replace(
        [...known.keys()].filter((key) => !key.startsWith(GRANTS)),
        found,
        (key) => touchedBy.get(key) ?? last,
      )
      await replaceGrants((group) => touchedBy.get(`${GRANTS}${group}`) ?? last)
      return changes.since(begun)
    },
    changeOf: (by) => changes.of(by),
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

/** The bare name of `schema U+001F name`, as a statement is likely to have it. */
function wordOf(name: string): string {
  return (name.split('\u001f')[1] ?? '').toLowerCase()
}

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

/** Every schema that is there and not the system's; `public` always. */
async function readScope(input: TrackerInput): Promise<Scope> {
  const { rows } = await input.server.run(
    `SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', '${REPLAY_SCHEMA}') ORDER BY nspname COLLATE "C"`,
  )
  const schemas = [...new Set(['public', ...rows.map((row) => row[0] ?? '')])].sort()
  return {
    schemas: schemas.map((schema) => ({ expected: schema, actual: schema })),
    ignore: input.ignore,
    exclude: excludedTables(schemas, input.ledgerTables),
    role: input.role,
  }
}
