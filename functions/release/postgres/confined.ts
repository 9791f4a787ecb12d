/**
 * Which touches change nothing but the groups that they name: a file of only such ones need not be read at once, and several
 * are read together, as long as no two of them touch the same group. Broad doubt: what is not listed here is read at once.
 */
import type { Whereabouts } from './resolve.ts'
import { isReworded, keyOf } from './resolve.ts'
import type { Touch } from './touches.ts'

/** pg_event_trigger_ddl_commands' object types that are a relation, or on one. */
const ON_RELATION = new Set([
  'table',
  'table column',
  'index',
  'sequence',
  'view',
  'materialized view',
  'table constraint',
  'trigger',
  'policy',
])

/** Types that are no relation. */
const TYPES = new Set(['type', 'domain'])

const RELATION_TAGS =
  /^(CREATE (TABLE|TABLE AS|VIEW|MATERIALIZED VIEW|INDEX|SEQUENCE|TRIGGER|POLICY)|SELECT INTO|ALTER (TABLE|SEQUENCE|VIEW|INDEX|POLICY|TRIGGER))$/

/**
 * `schema U+001F name` of what each touch changes, or null where one may change more. Routines go without their arguments.
 * What is renamed changes what depends on it, unless it has been made by the same file.
 */
export function confinedTo(touches: readonly Touch[], whereabouts: Whereabouts): readonly string[] | null {
  const made = new Set(
    touches.flatMap(({ tag, address }) => (address === null || !tag.startsWith('CREATE') ? [] : [keyOf(address)])),
  )
  const names: string[] = []
  for (const touch of touches) {
    if (touch.tag === 'COMMENT') continue
    const name = nameOf(touch, (address) => made.has(address) || isUnreworded(touch, whereabouts.seen.get(address)))
    if (name === null) return null
    names.push(name)
  }
  return names
}

function nameOf(touch: Touch, keepsItsWords: (key: string) => boolean): string | null {
  const { address, schema, relation, tag, type, names } = touch
  if (address === null) return null
  if (relation === null) {
    const [name = ''] = (names[0] ?? '').split('(')
    return schema === null || name === '' || !/^CREATE (FUNCTION|PROCEDURE)$/.test(tag) ? null : nameIn(schema, name)
  }
  const isListed = TYPES.has(type)
    ? /^(CREATE|ALTER) (TYPE|DOMAIN)$/.test(tag)
    : ON_RELATION.has(type) && RELATION_TAGS.test(tag)
  if (!isListed || !relation.alone) return null
  // What has been made is nobody's yet; a constraint that is new tells so by ALTER TABLE, and one that is renamed by another.
  const makes = tag.startsWith('CREATE') || type === 'table constraint'
  return makes || keepsItsWords(keyOf(address)) ? nameIn(relation.schema, relation.name) : null
}

/** An index, a trigger and a policy have no signature: their names are nobody else's words. */
function isUnreworded({ relation, type }: Touch, seen: { readonly signature: string } | undefined): boolean {
  if (type === 'index' || type === 'trigger' || type === 'policy') return true
  return seen !== undefined && relation !== null && !isReworded(seen.signature, relation.signature)
}

function nameIn(schema: string, name: string): string {
  return `${schema}\u001f${name}`
}

/**
 * Words behind which DDL reaches far. Only a hint: a file that is found out later runs twice. A column's new name is
 * not among them: as often as not the file has just made the column.
 */
export function reachesFar(sql: string): boolean {
  return /\b(drop|rename\s+to|set\s+schema|attach|detach|inherit|extension|do|call)\b/i.test(sql)
}

/** What changes privileges, by events that name no object or by none at all. */
export function isAboutPrivileges(sql: string): boolean {
  return /\b(grant|revoke|owner|privileges|role|user|group|reassign|do|call)\b/i.test(sql)
}

/** Whether a statement is likely to change one of the names, which are in lower case. */
export function isAbout(sql: string, names: ReadonlySet<string>): boolean {
  return names.size > 0 && wordsAbout(sql).some((word) => names.has(word))
}

/** The words, in lower case, among which are likely to be the names of what a statement changes: its first ones. Data are not read. */
export function wordsAbout(sql: string): readonly string[] {
  if (/^\s*(insert|update|delete|select|comment)\b/i.test(sql)) return []
  const [head = ''] = sql.split(/\(|\b(?:as|add|references|execute|values)\b/i, 1)
  return [...head.matchAll(/[\p{L}_][\p{L}\p{N}_$]*/gu)].map(([word]) => word.toLowerCase())
}
