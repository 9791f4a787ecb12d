/**
 * Judges queries before anything of them runs: parser first, then the catalog. Whatever a query can call is followed, through
 * views, row security, operators, casts, domains, aggregates and routines, until only functions are left that pass by
 * themselves (`query-lists.ts`). Nothing here runs a part of a query; what cannot be followed is refused.
 */
import type { Connection, Query } from '../../connections/connection.ts'
import { scanStatement } from '../../connections/single-statement.ts'
import type { Statement } from '../../core/release.ts'
import type { QueryJudgement } from '../engine.ts'
import type { CalledName, Parser } from './query-names.ts'
import { loadParser, readBody, readQuery, unique } from './query-names.ts'
import { reachedSql, unknownNamesSql } from './query-reach.ts'
import { literal } from './sql.ts'

export interface NamesOfQuery {
  /** Which query they are of. */
  readonly query: number
  readonly names: readonly CalledName[]
}

/** What a query reaches that does not pass by itself. */
export interface Reached {
  readonly query: number
  readonly oid: string
  /** `schema.name(types)` of a function, or a foreign table's name. */
  readonly name: string
  readonly kind: 'function' | 'foreign-table'
  readonly volatile: boolean
  /** It came with the server. */
  readonly builtin: boolean
  readonly language: string
  readonly extension: string | null
  /** Of SQL or PL/pgSQL; null: another language, too long, or one whose parsed body has been followed already. */
  readonly body: string | null
  /** A parsed body (BEGIN ATOMIC). */
  readonly parsed: boolean
}

/** The RDS Data API takes 65,536 characters of SQL; the statement itself takes 12,000 of them. */
const MOST_CHARACTERS = 50_000
const TOO_MUCH =
  'it names more things than can be judged in one request: make it, or the routines that it calls, shorter'
/** Routines that call routines that call … */
const MOST_ROUNDS = 12

/**
 * One round trip for all of them, and one more for each level of routines' bodies. They are judged as one first, each name once;
 * only where something in it does not pass is it asked which of them it is.
 */
export async function judgeQueries(
  connection: Connection,
  queries: readonly Pick<Statement, 'sql'>[],
  searchPath: string | null,
): Promise<readonly QueryJudgement[]> {
  if (queries.length === 0) return []
  const parser = await loadParser()
  const judgements: QueryJudgement[] = []
  const open: NamesOfQuery[] = []
  for (const [query, { sql }] of queries.entries()) {
    const read = readQuery(sql, parser)
    const refused = read.kind === 'refused' ? read.reason : oddityOf(sql)
    judgements.push({ refused, unknown: null })
    if (read.kind === 'query' && refused === null) open.push({ query, names: read.names })
  }
  const judge = (groups: readonly NamesOfQuery[]) => judgeNames(connection, groups, searchPath, parser)
  const all = unique(open.flatMap(({ names }) => names))
  if (open.length > 1 && (await judge([{ query: 0, names: all }])).size === 0) return judgements
  for (const [query, judgement] of await judge(open)) judgements[query] = judgement
  return judgements
}

/** By query, only of those that do not pass. */
async function judgeNames(
  connection: Connection,
  groups: readonly NamesOfQuery[],
  searchPath: string | null,
  parser: Parser,
): Promise<ReadonlyMap<number, QueryJudgement>> {
  const judgements = new Map<number, QueryJudgement>()
  const refuse = (query: number, refused: string): void => {
    judgements.set(query, { refused, unknown: judgements.get(query)?.unknown ?? null })
  }
  const isRefused = (query: number): boolean => (judgements.get(query)?.refused ?? null) !== null
  const seen = new Set<string>()
  let open = groups
  for (let round = 0; open.length > 0; round += 1) {
    for (const group of open) if (rowsOf(group).length > MOST_CHARACTERS) refuse(group.query, TOO_MUCH)
    open = open.filter(({ query }) => !isRefused(query))
    const { reached, unknown } = await follow(connection, open, searchPath)
    for (const { query, name } of unknown) judgements.set(query, { refused: null, unknown: name })
    const next: NamesOfQuery[] = []
    for (const one of reached) {
      const key = `${one.query}/${one.oid}`
      if (isRefused(one.query) || seen.has(key)) continue
      seen.add(key)
      const verdict = round < MOST_ROUNDS ? judgeReached(one, parser) : `it goes too deep: ${one.name}`
      if (typeof verdict === 'string') refuse(one.query, verdict)
      else if (verdict !== null) next.push({ query: one.query, names: verdict })
    }
    open = next.filter(({ query }) => !isRefused(query))
  }
  return judgements
}

/** The connection's own rule about single statements has to agree with the parser. */
function oddityOf(sql: string): string | null {
  return scanStatement(sql).kind === 'one' ? null : 'it cannot be told where it ends: write one statement'
}

/** A refusal, the names of a body that is to be followed, or null: it passes. */
function judgeReached(one: Reached, parser: Parser): string | readonly CalledName[] | null {
  if (one.kind === 'foreign-table') return `it reads ${one.name}, a foreign table: that reaches outside the database`
  const calls = `it calls ${one.name}`
  if (one.builtin) {
    return one.volatile
      ? `${calls}, which is volatile and not on the list of harmless functions`
      : `${calls}, which reaches what no name in the query shows`
  }
  if (one.volatile) {
    return one.extension === null
      ? `${calls}, which is VOLATILE and so may write: where it only reads, declare it STABLE`
      : `${calls} of the extension ${one.extension}, which is volatile and not on the list of harmless functions`
  }
  if (one.language !== 'sql' && one.language !== 'plpgsql') {
    return `${calls}, written in ${one.language}${one.extension === null ? '' : ` (extension ${one.extension})`}: only SQL and PL/pgSQL can be followed`
  }
  if (one.parsed) return null
  const body = one.body === null ? null : readBody(one.body, parser)
  if (body === null) return `${calls}, whose body is too long to be followed`
  return body.kind === 'refused' ? `${calls}: ${body.reason}` : body.names
}

interface Followed {
  readonly reached: readonly Reached[]
  readonly unknown: readonly { readonly query: number; readonly name: string }[]
}

/** Names of many queries are asked for together, as far as a request takes them. */
async function follow(
  connection: Connection,
  open: readonly NamesOfQuery[],
  searchPath: string | null,
): Promise<Followed> {
  const pages: string[] = []
  for (const group of open) {
    const rows = rowsOf(group)
    const last = pages.at(-1)
    // What one query names has to be judged together: its operators belong to its types.
    if (last === undefined || last.length + rows.length > MOST_CHARACTERS) pages.push(rows)
    else pages[pages.length - 1] = `${last}, ${rows}`
  }
  const reached: Reached[] = []
  const unknown: { query: number; name: string }[] = []
  for (const page of pages) {
    const queries = [PIN_PATH, unknownNames(page), reachedFunctions(page)] as const
    const [, names, functions] = await connection.read(queries, { searchPath })
    unknown.push(...names)
    reached.push(...functions)
  }
  return { reached, unknown }
}

function rowsOf({ query, names }: NamesOfQuery): string {
  return names.map((name) => rowOf(query, name)).join(', ')
}

function rowOf(query: number, { kind, schema, name, args, loose }: CalledName): string {
  const schemaText = schema === null ? 'NULL' : literal(schema)
  return `(${query}, ${literal(kind)}, ${schemaText}, ${literal(name)}, ${args ?? 'NULL'}, ${loose})`
}

/**
 * The path in which names are looked up, as the server resolves it, is kept, and then left: no schema of the database can capture
 * what the judge itself calls.
 */
const PIN_PATH: Query<null> = {
  sql: `SELECT pg_catalog.set_config('deploywatch.path', pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text, true), pg_catalog.set_config('search_path', 'pg_catalog', true)`,
  parse: () => null,
}

function unknownNames(rows: string): Query<Followed['unknown']> {
  return {
    sql: unknownNamesSql(rows),
    parse: (answer) => answer.map(([query, name]) => ({ query: Number(query), name: name ?? '' })),
  }
}

function reachedFunctions(rows: string): Query<readonly Reached[]> {
  return {
    sql: reachedSql(rows),
    parse: (answer) =>
      answer.map(([query, oid, kind, name, volatile, builtin, language, extension, body, parsed]) => ({
        query: Number(query),
        oid: oid ?? '',
        kind: kind === 'r' ? 'foreign-table' : 'function',
        name: name ?? '',
        volatile: volatile === 'yes',
        builtin: builtin === 'yes',
        language: language ?? '',
        extension: extension ?? null,
        body: body ?? null,
        parsed: parsed === 'yes',
      })),
  }
}
