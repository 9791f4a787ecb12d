/**
 * What a query is, and every name that it could call by: from the parse tree of PostgreSQL's own grammar (libpg-query, 1.7 MB of
 * WebAssembly, loaded on first use). Only nodes that are known to read pass; one that is not known is a refusal.
 */
import { HARMLESS_NODES, NODE_FUNCTIONS } from './query-nodes.ts'

/** A name as the query writes it. `schema` is null where it is unqualified, '*' where any schema is meant. */
export interface CalledName {
  /** - `attribute`: `o.name`, which is a call of `name(o)` where `o` has no such column */
  readonly kind: 'function' | 'attribute' | 'relation' | 'type' | 'operator'
  readonly schema: string | null
  readonly name: string
  /** How many arguments a function is called with; null: any number. */
  readonly args: number | null
  /** A name that nothing answers to is no reason to refuse: it may be a column, a variable, a WITH query. */
  readonly loose: boolean
}

export type ReadQuery =
  | { readonly kind: 'query'; readonly text: string; readonly names: readonly CalledName[] }
  | { readonly kind: 'refused'; readonly reason: string }

export interface Parser {
  parseSync(sql: string): unknown
  scanSync(sql: string): { readonly tokens: readonly ParserToken[] }
}

/** `start` and `end` count bytes of UTF-8. */
export interface ParserToken {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly tokenName: string
}

export async function loadParser(): Promise<Parser> {
  const parser = await import('libpg-query')
  await parser.loadModule()
  return parser
}

type Branch = Readonly<Record<string, unknown>>

function isBranch(value: unknown): value is Branch {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Operators that a query uses without writing them: BETWEEN, IN, USING, ORDER BY, IS DISTINCT FROM. */
const IMPLIED_OPERATORS = ['=', '<>', '<', '<=', '>', '>=']

/** Reads one query. @throws never: what cannot be read is refused */
export function readQuery(sql: string, parser: Parser): ReadQuery {
  const refused = (reason: string): ReadQuery => ({ kind: 'refused', reason })
  // NUL ends the text for the parser, and not for whoever reads it.
  if (sql.includes('\0')) return refused('it holds a NUL character: remove it')
  let statements: readonly unknown[]
  try {
    const tree = parser.parseSync(sql)
    statements = isBranch(tree) ? list(tree['stmts']) : []
  } catch (error) {
    // A syntax error, or a text so deep that the parser gives up.
    return refused(`the parser does not take it: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (statements.length === 0) return refused('it is empty: write one SELECT, VALUES or TABLE')
  if (statements.length > 1)
    return refused(`it holds ${statements.length} statements: write each as a query of its own`)
  const [only] = statements
  const statement = isBranch(only) && isBranch(only['stmt']) ? only['stmt'] : {}
  const [tag = 'nothing'] = Object.keys(statement)
  if (tag !== 'SelectStmt') return refused(`it is ${nameOfStatement(tag)}: a query is one SELECT, VALUES or TABLE`)
  const found: CalledName[] = IMPLIED_OPERATORS.map((name) => operator(name))
  const refusal = collect(statement, found)
  if (refusal !== null) return refused(refusal)
  const own = new Set(commonTables(statement))
  return {
    kind: 'query',
    text: sql,
    names: unique(
      found.map((name) => (name.kind === 'relation' && own.has(name.name) ? { ...name, loose: true } : name)),
    ),
  }
}

/** `VariableSetStmt` → `a SET`. */
const STATEMENTS: Readonly<Record<string, string>> = {
  VariableSetStmt: 'a SET or RESET',
  VariableShowStmt: 'a SHOW',
  TransactionStmt: 'a BEGIN, COMMIT or ROLLBACK',
  CreateTableAsStmt: 'a CREATE TABLE AS',
  RefreshMatViewStmt: 'a REFRESH',
}

function nameOfStatement(tag: string): string {
  const known = STATEMENTS[tag]
  if (known !== undefined) return known
  const words = tag
    .replace(/Stmt$/u, '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/gu, ' ')
    .toUpperCase()
  return `${/^[AEIOU]/u.test(words) ? 'an' : 'a'} ${words}`
}

/** Walks the tree; the answer is why it is refused, or null. */
function collect(node: unknown, found: CalledName[]): string | null {
  if (Array.isArray(node)) return firstOf(node, (inner) => collect(inner, found))
  if (!isBranch(node)) return null
  const refusal = refusalOfKeys(node)
  if (refusal !== null) return refusal
  found.push(...namesOf(node))
  return firstOf(Object.entries(node), ([key, inner]) => {
    if (/^[A-Z]/u.test(key) && !HARMLESS_NODES.has(key)) {
      if (key === 'ParamRef') return 'it holds a parameter such as $1: write a value in its place'
      return key.endsWith('Stmt')
        ? `it has ${nameOfStatement(key)} inside: a query writes nothing`
        : `it uses ${key}, which is not known to be harmless`
    }
    for (const name of NODE_FUNCTIONS.get(key) ?? []) found.push(call(null, name, null, true))
    return collect(inner, found)
  })
}

function firstOf<T>(items: readonly T[], visit: (item: T) => string | null): string | null {
  for (const item of items) {
    const answer = visit(item)
    if (answer !== null) return answer
  }
  return null
}

function refusalOfKeys(node: Branch): string | null {
  if (node['intoClause'] !== undefined) return 'it has an INTO, which makes a table: take it out'
  if (list(node['lockingClause']).length > 0) return 'it locks the rows that it reads: take FOR UPDATE or FOR SHARE out'
  return null
}

/** Nodes are known by their fields: in some places the tree leaves a node's type out. */
function namesOf(node: Branch): readonly CalledName[] {
  const names: CalledName[] = []
  if (Array.isArray(node['funcname'])) names.push(...functionNames(node))
  // A type's name, `timestamptz` as `pg_catalog.timestamptz`.
  if (Array.isArray(node['names']) && node['typemod'] !== undefined) {
    const { schema, name } = qualified(node['names'])
    names.push({ kind: 'type', schema, name, args: null, loose: false })
  }
  if (typeof node['relname'] === 'string') {
    const schema = typeof node['schemaname'] === 'string' ? node['schemaname'] : null
    names.push({ kind: 'relation', schema, name: node['relname'], args: null, loose: false })
  }
  for (const key of ['fields', 'indirection']) {
    const path = list(node[key]).flatMap(stringOf)
    for (const name of key === 'fields' ? path.slice(1) : path)
      names.push({ kind: 'attribute', schema: null, name, args: 1, loose: true })
  }
  for (const key of ['name', 'operName', 'useOp']) {
    const symbol = list(node[key]).flatMap(stringOf).at(-1)
    if (symbol !== undefined) names.push(operator(symbol))
  }
  // TABLESAMPLE calls the function that has the method's name.
  if (Array.isArray(node['method'])) {
    const { schema, name } = qualified(node['method'])
    names.push(call(schema, name, null, false))
  }
  return names
}

function functionNames(node: Branch): readonly CalledName[] {
  const { schema, name } = qualified(list(node['funcname']))
  // Ordered-set aggregates take what they are ordered by as arguments too.
  const ordered = node['agg_within_group'] === true ? list(node['agg_order']).length : 0
  const args = list(node['args']).length + ordered
  // `name(x)` is a cast where `name` is a type.
  return args === 1
    ? [call(schema, name, args, false), { kind: 'type', schema, name, args: null, loose: true }]
    : [call(schema, name, args, false)]
}

function qualified(parts: readonly unknown[]): { readonly schema: string | null; readonly name: string } {
  const names = parts.flatMap(stringOf)
  return { schema: names.at(-2) ?? null, name: names.at(-1) ?? '' }
}

function stringOf(node: unknown): readonly string[] {
  const string = isBranch(node) ? node['String'] : undefined
  return isBranch(string) && typeof string['sval'] === 'string' ? [string['sval']] : []
}

function call(schema: string | null, name: string, args: number | null, loose: boolean): CalledName {
  return { kind: 'function', schema, name, args, loose }
}

function operator(name: string): CalledName {
  return { kind: 'operator', schema: null, name, args: null, loose: true }
}

function commonTables(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap(commonTables)
  if (!isBranch(node)) return []
  const own = typeof node['ctename'] === 'string' ? [node['ctename']] : []
  return [...own, ...Object.values(node).flatMap(commonTables)]
}

/** Each name once. */
export function unique(names: readonly CalledName[]): readonly CalledName[] {
  return [...new Map(names.map((name) => [Object.values(name).join('\u001f'), name])).values()]
}

const SYMBOL = /^[-+*/<>=~!@#%^&|`?]+$/u
const WORD = /^[A-Za-z_\u0080-\uffff]/u

/**
 * Every name that stands in the body of a routine of SQL or PL/pgSQL, wherever it stands: the body is not parsed, so that a
 * variable counts as a relation of its name. A routine that is not VOLATILE runs nothing but plain SELECTs (CommandIsReadOnly in
 * `executor/functions.c` and `executor/spi.c`), so that names are all that matter; EXECUTE would run what no name shows.
 */
export function readBody(body: string, parser: Parser): ReadQuery {
  const refused = (reason: string): ReadQuery => ({ kind: 'refused', reason })
  let tokens: readonly { readonly text: string; readonly tokenName: string }[]
  try {
    tokens = parser.scanSync(body).tokens.filter(({ tokenName }) => !tokenName.endsWith('COMMENT'))
  } catch {
    return refused('its body cannot be read')
  }
  const names: CalledName[] = []
  for (const [at, { text }] of tokens.entries()) {
    if (/^u&"/iu.test(text)) return refused('its body spells a name with escapes')
    if (/^execute$/iu.test(text)) return refused('its body runs SQL that it makes itself (EXECUTE)')
    const name = wordOf(text)
    if (name !== null) {
      const base = { schema: '*', name, args: null, loose: true } as const
      names.push({ ...base, kind: 'relation' }, { ...base, kind: 'type' })
      if (tokens[at + 1]?.text === '(') names.push({ ...base, kind: 'function' })
      else if (tokens[at - 1]?.text === '.') names.push({ ...base, kind: 'attribute', args: 1 })
    } else if (SYMBOL.test(text)) names.push(operator(text))
  }
  return { kind: 'query', text: body, names: unique([...names, ...IMPLIED_OPERATORS.map(operator)]) }
}

function wordOf(text: string): string | null {
  if (text.startsWith('"')) return text.slice(1, -1).replaceAll('""', '"')
  return WORD.test(text) ? text.toLowerCase() : null
}
