/**
 * The strongest lock that a statement takes on tables that are there, by its own words: the server tells it to nobody but who asks
 * while it is held. What is not listed as weaker is the strongest. The forms were compared with pg_locks (test/release/lock.test.ts).
 */
import { strongest } from '../../core/table-lock.ts'
import type { LockMode } from '../../core/lock-modes.ts'
import type { TableLock } from '../../core/table-lock.ts'
import type { Touch } from './touches.ts'

type Form = readonly [RegExp, LockMode]

/** The first that fits counts. REINDEX: every plan over the table wants its indexes, and so waits. */
const FORMS: readonly Form[] = [
  [/^(create (unique )?|drop |reindex )[^(]*\bconcurrently\b/, 'share-update-exclusive'],
  [/^refresh materialized view concurrently\b/, 'exclusive'],
  [/^create (unique )?index\b/, 'share'],
  [/^create (or replace )?(constraint )?trigger\b/, 'share-row-exclusive'],
  [/^create statistics\b/, 'share-update-exclusive'],
  [/^vacuum\b(?!.*\bfull\b)|^analyze\b|^alter index\b/, 'share-update-exclusive'],
  [
    /^(vacuum|cluster|truncate|reindex|refresh materialized view|alter (materialized |foreign )?(view|table)|drop (materialized |foreign )?(view|table|index|trigger|policy|rule)|(create|alter) policy|create (or replace )?rule)\b/,
    'access-exclusive',
  ],
  [/^(insert|update|delete|merge|copy|with)\b/, 'row-exclusive'],
]

/** Of ALTER TABLE, action by action. */
const ACTIONS: readonly Form[] = [
  [/^validate constraint\b/, 'share-update-exclusive'],
  [/^add (constraint \S+ )?foreign key\b/, 'share-row-exclusive'],
  [/^alter (column )?\S+ set statistics\b|^(re)?set \(|^cluster on\b|^set without cluster\b/, 'share-update-exclusive'],
  [/^(enable|disable) (replica |always )?trigger\b/, 'share-row-exclusive'],
  [/^detach partition \S+ concurrently\b/, 'share-update-exclusive'],
]

/** @param own the relations that the same migration made: nobody else knows them yet. @param named those that the parser read */
export function lockOf(
  { sql, touches }: { readonly sql: string; readonly touches: readonly Touch[] },
  own: ReadonlySet<string>,
  named: readonly string[],
): TableLock | null {
  const words = bareWords(sql)
  const references = referencesOf(words)
  const mode = modeOf(words)
  if (mode === null) return referenced(references, own)
  const told = touches.flatMap(relationOf)
  const relations = [...new Set(told.length > 0 ? told : named)].filter((name) => !own.has(lastPart(name)))
  const isOwn = relations.length === 0 && told.length + named.length > 0
  if (isOwn) return referenced(references, own)
  const others = references.filter((name) => !own.has(lastPart(name)))
  return { mode, relations: [...new Set([...relations, ...others])].sort() }
}

/** A table with a foreign key: the one that it points at. */
function referenced(references: readonly string[], own: ReadonlySet<string>): TableLock | null {
  const relations = references.filter((name) => !own.has(lastPart(name)))
  return relations.length === 0 ? null : { mode: 'share-row-exclusive', relations }
}

function modeOf(words: string): LockMode | null {
  const locked = /^lock\b.* in ([a-z ]+) mode/.exec(words)?.[1]
  if (locked !== undefined) return locked.replaceAll(' ', '-') as LockMode
  if (/^lock\b/.test(words)) return 'access-exclusive'
  if (/^alter table\b/.test(words)) return strongest(actionsOf(words).map((action) => fitting(ACTIONS, action)))
  return FORMS.find(([form]) => form.test(words))?.[1] ?? null
}

function fitting(forms: readonly Form[], action: string): LockMode {
  return forms.find(([form]) => form.test(action))?.[1] ?? 'access-exclusive'
}

/** The actions of an ALTER TABLE, each from its first word on. */
function actionsOf(words: string): readonly string[] {
  const behind = words.replace(/^alter table (if exists )?(only )?(\S+)( \*)? /, '')
  const actions: string[] = []
  let [depth, from] = [0, 0]
  for (const [at, character] of [...behind].entries()) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (character !== ',' || depth > 0) continue
    actions.push(behind.slice(from, at).trim())
    from = at + 1
  }
  return [...actions, behind.slice(from).trim()]
}

/** One space between words, in lower case but for quoted names; without comments, and without what stands in quotes. */
function bareWords(sql: string): string {
  // What stands in the rows of an INSERT is no form.
  const head = /^\s*(insert|copy)\b/i.test(sql) ? sql.slice(0, 200) : sql
  return head
    .replaceAll(/--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
    .replaceAll(/\$(\w*)\$[\s\S]*?\$\1\$|'(?:[^']|'')*'/g, "''")
    .replaceAll(/"(?:[^"]|"")*"|[^"]+/g, (part) =>
      part.startsWith('"') ? inOneWord(part) : part.toLowerCase().replaceAll(/\s+/g, ' '),
    )
    .trim()
}

/** Of Unicode's private use: what would end a name stands there. */
const HIDDEN = 0xe000

function inOneWord(quoted: string): string {
  return quoted.replaceAll(/[\s,();]/g, (character) => String.fromCharCode(HIDDEN + character.charCodeAt(0)))
}

function asWritten(name: string): string {
  return name.replaceAll(/[\ue000-\ue07f]/g, (character) => String.fromCharCode(character.charCodeAt(0) - HIDDEN))
}

function referencesOf(words: string): readonly string[] {
  if (!/^(create|alter) .*table\b/.test(words)) return []
  const found = [...words.matchAll(/ references ((?:"(?:[^"]|"")*"|[^\s"(;,]+)+)/g)]
  return [...new Set(found.map(([, name = '']) => subjectOfName(name)))].sort()
}

/** `public."Order items"` → `Order items`. */
function subjectOfName(name: string): string {
  const parts = [...name.matchAll(/"((?:[^"]|"")*)"|([^".]+)/g)].map((match) =>
    asWritten(match[1]?.replaceAll('""', '"') ?? match[2] ?? ''),
  )
  const [schema = '', table] = parts.length > 1 ? parts : ['public', parts[0] ?? '']
  return subject(schema, table ?? '')
}

/** Objects that are no relation of their own, or one that comes with a column. */
const NO_TABLE: ReadonlySet<string> = new Set(['sequence', 'type', 'domain'])

function relationOf({ relation, names, schema, type, tag }: Touch): readonly string[] {
  if (relation !== null) return NO_TABLE.has(type) ? [] : [subject(relation.schema, relation.name)]
  const isDropped = tag === 'DROP' && /^(table|view|materialized view|foreign table)$/.test(type)
  const name = names[0]
  return isDropped && name !== undefined ? [subject(schema ?? 'public', name)] : []
}

function subject(schema: string, name: string): string {
  return schema === 'public' || schema === '' ? name : `${schema}.${name}`
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
