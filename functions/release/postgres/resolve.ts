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

const keyOf = (address: Address): string => `${address.classId}:${address.objectId}`

/** Answers the groups to read again, and remembers where the touched objects are now. */
export async function resolveGroups(
  server: Throwaway,
  touches: readonly Touch[],
  whereabouts: Whereabouts,
): Promise<readonly GroupName[]> {
  const found = new Map<string, GroupName>()
  const add = (group: GroupName): void => void found.set(`${group.schema}\u001f${group.group}`, group)
  for (const touch of touches) {
    const [name] = touch.names
    if (touch.tag === 'DROP' && touch.schema !== null && name !== undefined) add({ schema: touch.schema, group: name })
    if (touch.tag === 'DROP' && touch.type === 'extension') add({ schema: '', group: touch.schema ?? '' })
  }
  const addresses = new Map(
    touches.flatMap((touch) => (touch.address === null ? [] : [[keyOf(touch.address), touch.address]])),
  )
  if (addresses.size === 0) return [...found.values()]
  const reworded = note(await resolve(server, [...addresses.values()]), whereabouts, add)
  for (const [key, address] of addresses) {
    whereabouts.seen.get(key)?.groups.forEach(add)
    // An enum's value may have another name, and what else is altered (a collation, a server) has no signature here.
    const altered = touches.some(
      (touch) => touch.tag.startsWith('ALTER') && touch.address !== null && keyOf(touch.address) === key,
    )
    if (altered && address.classId !== PG_CLASS) reworded.add(key)
  }
  if (reworded.size > 0) note(await resolve(server, [...reworded].map(addressOf), true), whereabouts, add)
  return [...found.values()]
}

/** pg_class's own oid: fixed, as every catalog's. */
const PG_CLASS = '1259'

function addressOf(key: string): Address {
  const [classId = '', objectId = ''] = key.split(':')
  return { classId, objectId }
}

/** Adds the groups of each row, now and before; answers which known objects have other words than before. */
function note(rows: readonly Row[], whereabouts: Whereabouts, add: (group: GroupName) => void): Set<string> {
  const now = new Map<string, { groups: GroupName[]; signature: string }>()
  for (const [classId, objectId, schema, group, signature] of rows) {
    const key = `${classId ?? ''}:${objectId ?? ''}`
    const entry = now.get(key) ?? { groups: [], signature: '' }
    entry.groups.push({ schema: schema ?? '', group: group ?? '' })
    now.set(key, { groups: entry.groups, signature: entry.signature + (signature ?? '') })
  }
  const reworded = new Set<string>()
  for (const [key, entry] of now) {
    const before = whereabouts.seen.get(key)
    if (before !== undefined && isReworded(before.signature, entry.signature)) reworded.add(key)
    for (const group of [...(before?.groups ?? []), ...entry.groups]) add(group)
    whereabouts.seen.set(key, entry)
  }
  return reworded
}

/** Whether a name that both have is another one now. A column that came or went changes nobody else's words. */
function isReworded(before: string, after: string): boolean {
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

async function resolve(server: Throwaway, addresses: readonly Address[], dependants = false): Promise<readonly Row[]> {
  const list = (of: (address: Address) => string): string => `'{${addresses.map(of).join(',')}}'`
  const values = [list(({ classId }) => classId), list(({ objectId }) => objectId)]
  const name = dependants ? 'deploywatch_dependants' : 'deploywatch_family'
  const statement = { name, types: ['oid[]', 'oid[]'], sql: () => resolveSql(dependants) }
  return (await runPrepared(server, statement, values, (sql) => server.run(sql))).rows
}

/**
 * classid, objid, schema, candidate group, signature. Types stand for a relation's row and its arrays too; rules,
 * defaults, constraints, triggers, policies and indexes for the relation that they are on; a sequence for its owner.
 */
function resolveSql(dependants: boolean): string {
  return `WITH RECURSIVE seed (classid, objid) AS (SELECT * FROM unnest($1, $2)),
family AS (
  SELECT classid, objid FROM seed
  UNION
  SELECT x.classid, x.objid FROM family f CROSS JOIN LATERAL (
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
  SELECT classid, objid FROM family
  ${
    dependants
      ? `UNION SELECT d.classid, d.objid FROM family f JOIN pg_depend d ON d.refclassid = f.classid AND d.refobjid = f.objid`
      : ''
  }
),
relation AS (
  SELECT e.classid, e.objid, coalesce(
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
  CASE WHEN c.oid = r.objid THEN '0 ' || n.nspname || '.' || c.relname || coalesce((SELECT string_agg(
    chr(10) || a.attnum || ' ' || a.attname, '' ORDER BY a.attnum) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '') END
FROM relation r JOIN pg_class c ON c.oid = r.relid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'pg_toast'
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text, o.relname::text, ''
FROM relation r JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.relid
  AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class o ON o.oid = d.refobjid JOIN pg_namespace n ON n.oid = o.relnamespace
JOIN pg_class s ON s.oid = r.relid AND s.relkind = 'S'
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text, t.typname::text, '0 ' || n.nspname || '.' || t.typname
FROM relation r JOIN pg_type t ON t.oid = r.typid JOIN pg_namespace n ON n.oid = t.typnamespace
UNION ALL
SELECT r.classid::text, r.objid::text, n.nspname::text,
  ${deparsed('quote_ident(n.nspname)', "p.proname || '(' || oidvectortypes(p.proargtypes) || ')'")}, '0 ' || n.nspname || '.' || p.proname
FROM relation r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
JOIN pg_namespace n ON n.oid = p.pronamespace
UNION ALL
SELECT r.classid::text, r.objid::text, '', x.extname::text, ''
FROM relation r JOIN pg_extension x ON r.classid = 'pg_extension'::regclass AND x.oid = r.objid`
}
