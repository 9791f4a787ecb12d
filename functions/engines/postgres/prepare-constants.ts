/**
 * Preparing runs something after all: the input function of the type that a text constant turns out to have
 * (`coerce_type` in parse_coerce.c). For an array, row or range over a domain that is the domain's CHECK, and a CHECK may call
 * any function, also one that writes where a read-only transaction does not keep it from that. Parameters run nothing.
 *
 * So where a database has a CHECK that calls more than the server's own calm functions, a statement is first prepared with
 * parameters in place of its constants; the server says which types they have, and constants of the types in question
 * stay parameters.
 */
import { HARMLESS_VOLATILE, REACHING } from './query-lists.ts'
import type { Parser } from './query-names.ts'
import { isOneOf } from './sql.ts'

/** FirstNormalObjectId (access/transam.h): below it is what initdb made. */
const FIRST_OWN = 16_384

/**
 * Types whose input may run what somebody wrote, as an expression of type `oid[]`; the search_path has to be pg_catalog. Domains
 * by their CHECK, base types and ranges by functions of no extension, and whatever holds one of them.
 *
 * A domain alone is no danger: its CHECK is a node that only running would evaluate. It is in the list all the same, for
 * what it makes of others.
 */
export const RISKY_TYPES = `ARRAY(WITH RECURSIVE risky (oid) AS (
  SELECT t.oid FROM pg_type t JOIN pg_constraint c ON c.contypid = t.oid
  WHERE t.typtype = 'd' AND EXISTS (
    SELECT FROM regexp_matches(c.conbin::text, ':(funcid|opfuncid|hashfuncid|negfuncid|opno|[a-z]*type(?:id)?) (\\d+)', 'g') m (ref)
    LEFT JOIN pg_proc p ON m.ref[1] ~ 'funcid' AND p.oid = m.ref[2]::oid LEFT JOIN pg_language l ON l.oid = p.prolang
    WHERE m.ref[2]::oid >= ${FIRST_OWN} OR (p.oid IS NOT NULL AND NOT (l.lanname IN ('internal', 'c', 'sql')
      AND CASE WHEN p.provolatile = 'v' THEN ${isOneOf('p.proname', HARMLESS_VOLATILE)} ELSE NOT ${isOneOf('p.proname', REACHING)} END)))
  UNION
  SELECT t.oid FROM pg_type t WHERE t.typtype = 'b' AND t.typinput >= ${FIRST_OWN}
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = t.typinput AND d.deptype = 'e')
  UNION
  SELECT r.rngtypid FROM pg_range r WHERE r.rngtypid >= ${FIRST_OWN} AND (r.rngsubopc >= ${FIRST_OWN} OR r.rngcanonical >= ${FIRST_OWN})
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = r.rngtypid AND d.deptype = 'e')
), held (oid) AS (
  SELECT oid FROM risky
  UNION
  SELECT n.oid FROM held h CROSS JOIN LATERAL (
    SELECT t.oid FROM pg_type t WHERE h.oid IN (t.typelem, t.typbasetype)
    UNION ALL SELECT c.reltype FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE a.atttypid = h.oid AND NOT a.attisdropped AND c.reltype <> 0
    UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngsubtype = h.oid
    UNION ALL SELECT r.rngmultitypid FROM pg_range r WHERE r.rngtypid = h.oid) n (oid)
) SELECT oid FROM held)`

/** Whether it may hold a text constant: a quote, or what opens a dollar quote. Also where it does not, in a name or comment. */
export function mayHoldConstants(sql: string): boolean {
  return sql.includes("'") || /\$[^\d\s]/u.test(sql)
}

export interface Parametrised {
  readonly sql: string
  /** How many constants the statement has, `$1` of it not counted. */
  readonly constants: number
  /** How many parameters it had before; those of the constants follow. */
  readonly parameters: number
  /** Places in it are no longer places in the statement as it was written. */
  readonly moved: boolean
}

interface Constant {
  readonly start: number
  readonly end: number
  /** Where the type's name begins: `date '2026-01-01'`; null: it has none before it. */
  readonly type: number | null
}

/**
 * The statement with parameters in place of its text constants. `keep` says by its number, from 0, which stay; those that are
 * written of a type that the grammar knows (`interval '1 day'`) always do.
 *
 * null: the parser does not take it, or a constant stands where no parameter can be told from it.
 */
export function parametrise(sql: string, parser: Parser, keep: (constant: number) => boolean): Parametrised | null {
  try {
    const tokens = parser.scanSync(sql).tokens
    const typed = prefixedTypes(parser.parseSync(sql))
    const constants = tokens.flatMap((token): readonly Constant[] => {
      const type = typed.get(token.start) ?? null
      return isConstant(token) && type !== 'known' ? [{ start: token.start, end: token.end, type }] : []
    })
    const numbers = tokens.flatMap(({ tokenName, text }) => (tokenName === 'PARAM' ? [Number(text.slice(1))] : []))
    const parameters = Math.max(0, ...numbers)
    const replaced = constants.filter((_, nth) => !keep(nth))
    const written = write(sql, replaced, parameters)
    const known = [...typed.values()].filter((type) => type === 'known').length
    // What the parser still takes for a constant would run: then nothing is sent.
    const left = parser.scanSync(written.sql).tokens.filter(isConstant).length
    if (left !== known + constants.length - replaced.length) return null
    return { ...written, constants: constants.length, parameters }
  } catch {
    return null
  }
}

function isConstant({ tokenName, text }: { readonly tokenName: string; readonly text: string }): boolean {
  if (tokenName.endsWith('COMMENT')) return false
  // The lexer's names for B'…', X'…' and U&'…' are not told; a quoted name begins with another quote.
  return tokenName === 'SCONST' || tokenName === 'USCONST' || /^[^"]*'/u.test(text)
}

function write(sql: string, constants: readonly Constant[], parameters: number): Pick<Parametrised, 'sql' | 'moved'> {
  const bytes = Buffer.from(sql, 'utf8')
  const parts: string[] = []
  let end = 0
  let moved = false
  for (const [nth, constant] of constants.entries()) {
    const { start, type } = constant
    const parameter = `$${parameters + nth + 1}`
    parts.push(bytes.toString('utf8', end, type ?? start))
    const was = bytes.toString('utf8', type ?? start, constant.end)
    // As long as it was, so that places stay what they are.
    const is =
      type === null
        ? ` ${parameter} `.padEnd([...was].length)
        : `CAST(${parameter} AS ${bytes.toString('utf8', type, start)})`
    moved ||= [...is].length !== [...was].length
    parts.push(is)
    end = constant.end
  }
  parts.push(bytes.toString('utf8', end))
  return { sql: parts.join(''), moved }
}

type Branch = Readonly<Record<string, unknown>>

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** By where a constant begins: where the name of the type before it does, or that the grammar itself gave it one of the server's. */
function prefixedTypes(tree: unknown): ReadonlyMap<number, number | 'known'> {
  const found = new Map<number, number | 'known'>()
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const inner of node) visit(inner)
    if (!isBranch(node)) return
    const { arg, typeName } = node
    const constant = isBranch(arg) ? arg['A_Const'] : undefined
    if (isBranch(constant) && isBranch(typeName)) {
      const at = Number(constant['location'] ?? 0)
      const type = Number(typeName['location'] ?? 0)
      if (type < at) found.set(at, isOfGrammar(typeName) ? 'known' : type)
    }
    for (const inner of Object.values(node)) visit(inner)
  }
  visit(tree)
  return found
}

/** What the grammar calls by its full name, whoever made what in pg_catalog: `interval '1 day'`, `n'…'`. */
const OF_GRAMMAR = new Set(
  'interval timestamp timestamptz time timetz bpchar varchar bit varbit numeric bool int2 int4 int8 float4 float8'.split(
    ' ',
  ),
)

function isOfGrammar({ names, arrayBounds }: Branch): boolean {
  if (!Array.isArray(names) || arrayBounds !== undefined) return false
  const [schema, name] = (names as readonly unknown[]).map((node) => {
    const string = isBranch(node) ? node['String'] : undefined
    return isBranch(string) && typeof string['sval'] === 'string' ? string['sval'] : ''
  })
  return schema === 'pg_catalog' && OF_GRAMMAR.has(name ?? '')
}
