/**
 * Takes out of a statement what could be a secret: literals become parameters, comments go. By the server's own lexer, token by
 * token, so that nothing is kept that was not recognised. pg_stat_statements has done most of it, but neither comments nor
 * the text of a statement whose entry was evicted while it ran.
 */
import { createHash } from 'node:crypto'
import { isBranch, isList, listOf, textOf, type Branch, type Tree } from './normalise-tree.ts'

export type NormalisedStatement =
  /** `id` tells statements apart: lists of other lengths, and other spacing, have the same one. */
  | { readonly kind: 'statement'; readonly id: string; readonly sql: string }
  /** No SELECT, INSERT, UPDATE, DELETE or MERGE; or one that reads the catalogs only. */
  | { readonly kind: 'utility' | 'catalog' }
  /** The parser refuses it. `sql` holds no literal either. */
  | { readonly kind: 'unparsable'; readonly sql: string; readonly reason: string }

interface Token {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly tokenName: string
}

interface Parser {
  parseSync(sql: string): unknown
  scanSync(sql: string): { readonly tokens: readonly Token[] }
  fingerprintSync(sql: string): string
  readonly SqlError: new (...parts: never[]) => Error
}

/** Loads the parser (1.7 MB of WebAssembly) on first use. */
export async function createStatementNormaliser(): Promise<(sql: string) => NormalisedStatement> {
  const parser = await import('libpg-query')
  await parser.loadModule()
  return (sql) => normaliseStatement(sql, parser)
}

function normaliseStatement(sql: string, parser: Parser): NormalisedStatement {
  const tokens = scan(sql, parser)
  if (sql.trim() === '') return { kind: 'utility' }
  if (tokens === null) return { kind: 'unparsable', sql: '(text that cannot be read)', reason: 'it has no tokens' }
  let tree: Tree
  try {
    tree = parser.parseSync(sql) as Tree
  } catch {
    // The parser's own words quote the text: `syntax error at or near "…"`.
    return { kind: 'unparsable', sql: write(sql, tokens, NO_PLACES), reason: UNPARSABLE }
  }
  try {
    return normaliseTree(sql, tokens, tree, parser)
  } catch (error) {
    // Thousands of expressions in one another overflow the stack here, or the parser's when it reads what was written.
    if (error instanceof RangeError || error instanceof parser.SqlError)
      return { kind: 'unparsable', sql: write(sql, tokens, NO_PLACES), reason: UNPARSABLE }
    throw error
  }
}

const UNPARSABLE = 'it cannot be parsed without its literals'

function normaliseTree(sql: string, tokens: readonly Token[], tree: Tree, parser: Parser): NormalisedStatement {
  const statement = onlyStatement(tree)
  if (statement === null || !PREPARABLE.has(statement.kind) || 'intoClause' in statement.node)
    return { kind: 'utility' }
  if (readsCatalogsOnly(statement.node)) return { kind: 'catalog' }
  const written = renumber(shortenLists(write(sql, tokens, placesOf(tree))), parser)
  return { kind: 'statement', id: idOf(written, parser), sql: written }
}

const PREPARABLE = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

function onlyStatement(tree: Tree): { readonly kind: string; readonly node: Branch } | null {
  const all = isBranch(tree) ? tree['stmts'] : undefined
  const only = isList(all) && all.length === 1 ? all[0] : undefined
  const [entry] = Object.entries(isBranch(only) && isBranch(only['stmt']) ? only['stmt'] : {})
  return entry !== undefined && isBranch(entry[1]) ? { kind: entry[0], node: entry[1] } : null
}

function scan(sql: string, parser: Parser): readonly Token[] | null {
  try {
    return parser.scanSync(sql).tokens
  } catch {
    return null
  }
}

/** Every branch of the tree under its name. */
function walk(tree: Tree, visit: (name: string, node: Branch) => void): void {
  if (isList(tree)) for (const inner of tree) walk(inner, visit)
  if (!isBranch(tree)) return
  for (const [name, inner] of Object.entries(tree)) {
    if (inner === undefined) continue
    if (isBranch(inner)) visit(name, inner)
    walk(inner, visit)
  }
}

/**
 * What a driver or a tool asks of the catalogs says nothing of a release, and differs from one major to the next. A look's own
 * statements are of that kind too, where it looks as the application's role.
 */
function readsCatalogsOnly(node: Tree): boolean {
  const relations: boolean[] = []
  const routines: boolean[] = []
  const local = new Set<string>()
  walk(node, (name, inner) => {
    if (name === 'CommonTableExpr') local.add(nameOf(inner['ctename']))
  })
  walk({ node }, (name, inner) => {
    if (name === 'FuncCall') routines.push(listOf(inner['funcname']).map(textOf)[0] === 'pg_catalog')
    if (name !== 'RangeVar' && name !== 'relation') return
    const schema = nameOf(inner['schemaname'])
    const relation = nameOf(inner['relname'])
    if (relation === '' || (schema === '' && local.has(relation))) return
    const isCatalog = schema === '' ? relation.startsWith('pg_') : CATALOGS.has(schema)
    // An extension's view is in any schema.
    relations.push(isCatalog || /^pg_stat_statements(_info)?$/u.test(relation))
  })
  const named = relations.length > 0 ? relations : routines
  return named.length > 0 && named.every(Boolean)
}

const CATALOGS = new Set(['pg_catalog', 'information_schema'])

function nameOf(tree: Tree | undefined): string {
  return typeof tree === 'string' ? tree : ''
}

interface Places {
  /** Bytes at which a number stands that is part of a type or an ordinal: no parameter can stand there. */
  readonly kept: ReadonlySet<number>
  /** Bytes at which a constant begins; where it is a minus, the number behind it is part of it. */
  readonly constants: ReadonlySet<number>
}

const NO_PLACES: Places = { kept: new Set(), constants: new Set() }

function placesOf(tree: Tree): Places {
  const kept = new Set<number>()
  const constants = new Set<number>()
  const keep = (node: Tree | undefined): void => {
    const constant = isBranch(node) ? node['A_Const'] : undefined
    if (isBranch(constant) && isBranch(constant['ival'])) kept.add(Number(constant['location'] ?? 0))
  }
  walk(tree, (name, node) => {
    if (name === 'A_Const') constants.add(Number(node['location'] ?? 0))
    for (const key of ['typmods', 'groupClause'] as const) {
      const list = node[key]
      if (isList(list)) for (const inner of list) keep(inner)
    }
    if (name === 'SortBy') keep(node['node'])
  })
  return { kept, constants }
}

const LITERALS = new Set(['SCONST', 'ICONST', 'FCONST', 'BCONST', 'XCONST', 'USCONST'])
const COMMENTS = new Set(['SQL_COMMENT', 'C_COMMENT'])

function isLiteral({ tokenName, text }: Token): boolean {
  // The lexer's names for B'…', X'…' and U&'…' are not told; a quoted name begins with another quote.
  return LITERALS.has(tokenName) || /^[^"]*'/u.test(text)
}

function write(sql: string, tokens: readonly Token[], places: Places): string {
  const bytes = Buffer.from(sql, 'utf8')
  const numbers = new Map<string, number>()
  const parts: string[] = []
  let end = 0
  const parameter = (name: string): string => {
    const number = numbers.get(name) ?? numbers.size + 1
    numbers.set(name, number)
    return `$${number}`
  }
  const add = (text: string, start: number): void => {
    const before = parts.at(-1)?.at(-1) ?? ''
    const isGap = start > end && parts.length > 0 && !/^[),]/u.test(text)
    const touches = /[\w$"]/u.test(before) && /^[\w$"]/u.test(text)
    parts.push(isGap || touches ? ` ${text}` : text)
  }
  const kept = tokens.filter(({ tokenName }) => !COMMENTS.has(tokenName))
  for (let at = 0; at < kept.length; at += 1) {
    const token = kept[at]
    if (token === undefined) break
    const next = kept[at + 1]
    const text = bytes.toString('utf8', token.start, token.end)
    const signed = text === '-' && places.constants.has(token.start) && next !== undefined && isLiteral(next)
    // N'…' comes as two tokens.
    const national = /^n$/iu.test(text) && next?.start === token.end && next.text.startsWith("'")
    if (signed || national) {
      add(parameter(`at ${token.start}`), token.start)
      end = next.end
      at += 1
      continue
    }
    if (isLiteral(token)) add(places.kept.has(token.start) ? text : parameter(`at ${token.start}`), token.start)
    else add(token.tokenName === 'PARAM' ? parameter(text) : text, token.start)
    end = token.end
  }
  return parts.join('').replace(/[\s;]+$/u, '')
}

/** A list is one parameter, however many values it had: PostgreSQL 18 counts them as one, the ones before it each for itself. */
function shortenLists(sql: string): string {
  return sql.replaceAll(/\b(in\s*\(\s*\$\d+)(?:\s*,\s*\$\d+)+\s*\)/giu, '$1)')
}

/** A number that is not used has no type, and nothing prepares then (42P18). */
function renumber(sql: string, parser: Parser): string {
  const bytes = Buffer.from(sql, 'utf8')
  const numbers = new Map<string, number>()
  let end = 0
  let written = ''
  for (const token of parser.scanSync(sql).tokens) {
    if (token.tokenName !== 'PARAM') continue
    const number = numbers.get(token.text) ?? numbers.size + 1
    numbers.set(token.text, number)
    written += `${bytes.toString('utf8', end, token.start)}$${number}`
    end = token.end
  }
  return written + bytes.toString('utf8', end)
}

/**
 * libpg_query's fingerprint passes over lengths of lists, and also over digits in names (`t12` and `t13` are one): so the words
 * of the text count too.
 */
function idOf(sql: string, parser: Parser): string {
  const words = sql.match(/"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*/gu) ?? []
  const set = [...new Set(words.map((word) => (word.startsWith('"') ? word : word.toLowerCase())))].sort()
  return createHash('sha256')
    .update(JSON.stringify([parser.fingerprintSync(sql), set]))
    .digest('hex')
    .slice(0, 16)
}
