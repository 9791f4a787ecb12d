/**
 * From what was touched to the groups that have to be read again: the touched objects, what belongs to them, and what
 * depends on them, by the server's own pg_depend. A rename changes the text of views, foreign keys, policies and
 * defaults elsewhere. Naming a group too many costs a little time, one too few is an error: so candidates are broad.
 */
import type { Row } from '../../connections/connection.ts'
import { deparsed } from '../../engines/postgres/sql.ts'
import type { Throwaway } from '../throwaway.ts'
import { runPrepared } from './prepared.ts'
import type { Address, Touch } from './touches.ts'
import { RELATION_SIGNATURE, TYPE_SIGNATURE } from './touches.ts'

export interface GroupName {
  readonly schema: string
  readonly group: string
}

/** Which groups each object was last seen in: what is renamed or dropped is looked for there. */
export interface Whereabouts {
  readonly seen: Map<string, Seen>
}

interface Seen {
  readonly groups: readonly GroupName[]
  /** Its name and its columns' by number, one a line: while they stay, nothing that depends on it changes its words. */
  readonly signature: string
}

export function createWhereabouts(entries: Iterable<readonly [string, Seen]> = []): Whereabouts {
  return { seen: new Map(entries) }
}

export type WhereaboutsEntry = readonly [string, Seen]

export const keyOf = (address: Address): string => `${address.classId}:${address.objectId}`

/** What one migration touched. `by`: its index; null: what ran before the migrations. */
export interface Touched {
  readonly touches: readonly Touch[]
  readonly by: number | null
}

/** A group to read again, and who touched it. */
export interface TouchedGroup extends GroupName {
  readonly by: number | null
}

/** Answers the groups to read again, each once, and remembers where the touched objects are now. The last toucher counts. */
export async function resolveGroups(
  server: Throwaway,
  touched: readonly Touched[],
  whereabouts: Whereabouts,
): Promise<readonly TouchedGroup[]> {
  const found = new Map<string, TouchedGroup>()
  const add = (group: GroupName, by: number | null): void =>
    void found.set(`${group.schema}\u001f${group.group}`, { ...group, by })
  const seeds: Seed[] = []
  for (const { touches, by } of touched) {
    dropped(touches).forEach((group) => add(group, by))
    const addresses = new Map(
      touches.flatMap((touch) => (touch.address === null ? [] : [[keyOf(touch.address), touch.address]])),
    )
    for (const address of addresses.values()) seeds.push({ address, by })
  }
  if (seeds.length === 0) return [...found.values()]
  const before = new Set(whereabouts.seen.keys())
  const formerly = seeds.map(({ address, by }) => ({ by, groups: whereabouts.seen.get(keyOf(address))?.groups ?? [] }))
  const reworded = note(await resolve(server, seeds), whereabouts, add)
  for (const { groups, by } of formerly) groups.forEach((group) => add(group, by))
  // What else is altered (a collation, a server, a routine) has no signature here.
  for (const { touches, by } of touched) {
    for (const { tag, address } of touches) {
      if (address === null || !tag.startsWith('ALTER') || [PG_CLASS, PG_TYPE].includes(address.classId)) continue
      // What has just been made has no dependants: ALTER TABLE … ADD CONSTRAINT.
      if (address.classId !== PG_CONSTRAINT || before.has(keyOf(address))) reworded.push({ address, by })
    }
  }
  if (reworded.length > 0) note(await resolve(server, reworded, true), whereabouts, add)
  return [...found.values()]
}

interface Seed {
  readonly address: Address
  readonly by: number | null
}

/** The catalogs' own oids, which are fixed. */
const PG_CLASS = '1259'
const PG_TYPE = '1247'
const PG_CONSTRAINT = '2606'

function dropped(touches: readonly Touch[]): readonly GroupName[] {
  return touches.flatMap(({ tag, type, schema, names: [name] }) => [
    ...(tag === 'DROP' && schema !== null && name !== undefined ? [{ schema, group: name }] : []),
    ...(tag === 'DROP' && type === 'extension' ? [{ schema: '', group: schema ?? '' }] : []),
  ])
}

/** Adds the groups of each row, now and before; answers which known objects have other words than before. */
function note(
  rows: readonly Row[],
  whereabouts: Whereabouts,
  add: (group: GroupName, by: number | null) => void,
): Seed[] {
  const now = new Map<string, Seed & { groups: GroupName[]; signature: string }>()
  for (const [classId, objectId, schema, group, signature, number] of rows) {
    const address = { classId: classId ?? '', objectId: objectId ?? '' }
    const by = number === NOBODY ? null : Number(number)
    const key = `${keyOf(address)} ${number ?? ''}`
    const entry = now.get(key) ?? { address, by, groups: [], signature: '' }
    entry.groups.push({ schema: schema ?? '', group: group ?? '' })
    now.set(key, { ...entry, signature: entry.signature + (signature ?? '') })
  }
  const reworded: Seed[] = []
  const seen = new Map<string, Seen>()
  for (const { address, by, groups, signature } of now.values()) {
    const key = keyOf(address)
    const before = whereabouts.seen.get(key)
    if (before !== undefined && isReworded(before.signature, signature)) reworded.push({ address, by })
    for (const group of [...(before?.groups ?? []), ...groups]) add(group, by)
    seen.set(key, { groups, signature })
  }
  for (const [key, entry] of seen) whereabouts.seen.set(key, entry)
  return reworded
}

/** Whether a name that both have is another one now. A column that came or went changes nobody else's words. */
export function isReworded(before: string, after: string): boolean {
  const names = new Map(before.split('\n').map((line) => splitLine(line)))
  return after.split('\n').some((line) => {
    const [at, name] = splitLine(line)
    return names.has(at) && names.get(at) !== name
  })
}

/** `3 total` → ['3', 'total']; the object's own name stands at 0. */
function splitLine(line: string): readonly [string, string] {
  const space = line.indexOf(' ')
  return [line.slice(0, space), line.slice(space + 1)]
}

/** In place of an index: PREPARE's arrays hold no null that reads well. */
const NOBODY = '-1'

async function resolve(server: Throwaway, seeds: readonly Seed[], dependants = false): Promise<readonly Row[]> {
  const list = (of: (seed: Seed) => string): string => `'{${seeds.map(of).join(',')}}'`
  const values = [
    list(({ address }) => address.classId),
    list(({ address }) => address.objectId),
    list(({ by }) => (by === null ? NOBODY : String(by))),
  ]
  const name = dependants ? 'deploywatch_dependants' : 'deploywatch_family'
  const statement = { name, types: ['oid[]', 'oid[]', 'int[]'], sql: () => resolveSql(dependants) }
  return (await runPrepared(server, statement, values, (sql) => server.run(sql))).rows
}

/**
 * classid, objid, schema, candidate group, signature, who touched it. Types stand for a relation's row and its arrays too; rules,
 * defaults, constraints, triggers, policies and indexes for the relation that they are on; a sequence for its owner.
 */
function resolveSql(dependants: boolean): string {
  return `WITH RECURSIVE seed (classid, objid, by) AS (SELECT * FROM unnest($1, $2, $3)),
family AS (
  SELECT classid, objid, by FROM seed
  UNION
  SELECT x.classid, x.objid, f.by FROM family f CROSS JOIN LATERAL (
    SELECT 'pg_class'::regclass::oid AS classid, i.inhrelid AS objid FROM pg_inherits i
      WHERE f.classid = 'pg_class'::regclass AND i.inhparent = f.objid
    UNION ALL SELECT 'pg_type'::regclass::oid, c.reltype FROM pg_class c
      WHERE f.classid = 'pg_class'::regclass AND c.oid = f.objid AND c.reltype <> 0
    UNION ALL SELECT 'pg_class'::regclass::oid, t.typrelid FROM pg_type t
      WHERE f.classid = 'pg_type'::regclass AND t.oid = f.objid AND t.typrelid <> 0
    UNION ALL SELECT 'pg_type'::regclass::oid, t.typarray FROM pg_type t
      WHERE f.classid = 'pg_type'::regclass AND t.oid = f.objid AND t.typarray <> 0
    UNION ALL SELECT d.classid, d.objid FROM pg_depend d
      WHERE d.refclassid = f.classid AND d.refobjid = f.objid AND d.deptype IN ('a', 'i')
        AND d.classid = 'pg_class'::regclass AND f.classid = 'pg_class'::regclass
  ) x
),
every AS (
  SELECT classid, objid, by FROM family
  ${
    dependants
      ? `UNION SELECT d.classid, d.objid, f.by FROM family f JOIN pg_depend d ON d.refclassid = f.classid AND d.refobjid = f.objid`
      : ''
  }
),
relation AS (
  SELECT e.classid, e.objid, e.by, coalesce(
    CASE e.classid
      WHEN 'pg_class'::regclass THEN coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = e.objid), e.objid)
      WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = e.objid)
      WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = e.objid)
      WHEN 'pg_constraint'::regclass THEN (SELECT nullif(conrelid, 0) FROM pg_constraint WHERE oid = e.objid)
      WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = e.objid)
      WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = e.objid)
    END, 0) AS relid,
    CASE e.classid
      WHEN 'pg_type'::regclass THEN e.objid
      WHEN 'pg_constraint'::regclass THEN (SELECT nullif(contypid, 0) FROM pg_constraint WHERE oid = e.objid)
    END AS typid
  FROM every e
)
SELECT r.classid::text, r.objid::text, n.nspname::text, c.relname::text,
  CASE WHEN c.oid = r.objid THEN ${RELATION_SIGNATURE} END, r.by::text
FROM relation r JOIN pg_class c ON c.oid = r.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'pg_toast'
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text, o.relname::text, '', r.by::text
FROM relation r JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.relid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class o ON o.oid = d.refobjid JOIN pg_namespace n ON n.oid = o.relnamespace
JOIN pg_class s ON s.oid = r.relid AND s.relkind = 'S'
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text, t.typname::text, ${TYPE_SIGNATURE}, r.by::text
FROM relation r JOIN pg_type t ON t.oid = r.typid JOIN pg_namespace n ON n.oid = t.typnamespace
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text,
  ${deparsed('quote_ident(n.nspname)', "p.proname || '(' || oidvectortypes(p.proargtypes) || ')'")}, '0 ' || n.nspname || '.' || p.proname, r.by::text
FROM relation r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
JOIN pg_namespace n ON n.oid = p.pronamespace
UNION ALL
SELECT r.classid::text, r.objid::text, '', x.extname::text, '', r.by::text
FROM relation r JOIN pg_extension x ON r.classid = 'pg_extension'::regclass AND x.oid = r.objid`
}
