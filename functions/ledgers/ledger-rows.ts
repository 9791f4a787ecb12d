/** Reads the rows of tables that are ledgers, as text: all of them together, in pages where answers have a limit. */
import type { Connection, Query } from '../connections/connection.ts'
import { DatabaseError } from '../connections/connection.ts'
import type { Engine } from '../engines/engine.ts'
import type { LedgerRow, TableName } from './ledger.ts'
import { nameOf } from './choose-ledger.ts'
import type { Span, SpanToRead } from './tool-switch.ts'

/** What of an engine is needed to read a table's rows. */
export type LedgerEngine = Pick<Engine, 'name' | 'identifier' | 'classify' | 'tableDigest'>

export interface TableToRead extends TableName {
  readonly columns: readonly string[]
  readonly orderBy: readonly string[]
  /** Column → the expression that is read in its place, of its quoted name. */
  readonly digests?: Readonly<Record<string, (column: string) => string>>
}

export interface TableContents {
  /** Rows by table, or why they may not be read. */
  readonly rows: ReadonlyMap<string, readonly LedgerRow[] | string>
  readonly digests: ReadonlyMap<string, string>
  /** By table; none of one that may not be read, or is locked. */
  readonly spans: ReadonlyMap<string, Span>
}

/** All tables together in one snapshot; one by one only where that is refused, or answers have a limit. */
export async function readTables(
  connection: Connection,
  engine: LedgerEngine,
  tables: readonly TableToRead[],
  spansToRead: readonly SpanToRead[] = [],
): Promise<TableContents> {
  const unique = [...new Map(tables.map((table) => [nameOf(table), table])).values()]
  if (unique.length > 0 && connection.traits.maxAnswerBytes === null) {
    try {
      return await readTogether(connection, engine, unique, spansToRead)
    } catch (error) {
      // Another service's ledger, which may be locked for its own run, is in nobody's way.
      if (error instanceof DatabaseError && spansToRead.length > 0) return readTables(connection, engine, tables)
      if (deniedDetail(engine, error) === null) throw error
    }
  }
  const rows = new Map<string, readonly LedgerRow[] | string>()
  const digests = new Map<string, string>()
  for (const table of unique) {
    const found = await readOne(connection, engine, table)
    rows.set(nameOf(table), typeof found === 'string' ? found : found.rows)
    if (typeof found !== 'string') digests.set(nameOf(table), found.digest)
  }
  const spans = new Map<string, Span>()
  for (const table of spansToRead) {
    try {
      spans.set(nameOf(table), (await connection.read([spanQuery(engine, table)]))[0])
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
    }
  }
  return { rows, digests, spans }
}

async function readTogether(
  connection: Connection,
  engine: LedgerEngine,
  tables: readonly TableToRead[],
  spansToRead: readonly SpanToRead[],
): Promise<TableContents> {
  const queries: readonly Query<string | readonly LedgerRow[] | Span>[] = [
    ...tables.map((table) => engine.tableDigest(table)),
    ...tables.map((table) => rowsQuery(engine, table, null)),
    ...spansToRead.map((table) => spanQuery(engine, table)),
  ]
  const answers = await connection.read(queries)
  const digests = new Map<string, string>()
  const rows = new Map<string, readonly LedgerRow[]>()
  for (const [at, table] of tables.entries()) {
    const digest = answers[at]
    const found = answers[tables.length + at]
    if (typeof digest === 'string') digests.set(nameOf(table), digest)
    if (Array.isArray(found)) rows.set(nameOf(table), found as readonly LedgerRow[])
  }
  const found = answers.slice(2 * tables.length) as readonly Span[]
  const spans = new Map(
    spansToRead.flatMap((table, at) => (found[at] === undefined ? [] : [[nameOf(table), found[at]]])),
  )
  return { rows, digests, spans }
}

/** The digest first: a row that arrives between the pages makes it differ from the one that is read afterwards. */
async function readOne(
  connection: Connection,
  engine: LedgerEngine,
  table: TableToRead,
): Promise<{ readonly digest: string; readonly rows: readonly LedgerRow[] } | string> {
  try {
    const [digest] = await connection.read([engine.tableDigest(table)])
    const limit = connection.traits.maxAnswerBytes
    if (limit === null) return { digest, rows: (await connection.read([rowsQuery(engine, table, null)]))[0] }
    // A row of a ledger is some 250 bytes, and answers are JSON: a quarter of the limit is in use.
    const size = Math.max(1, Math.floor(limit / 1024))
    const rows: LedgerRow[] = []
    for (;;) {
      const [page] = await connection.read([rowsQuery(engine, table, { size, from: rows.length })])
      rows.push(...page)
      if (page.length < size) return { digest, rows }
    }
  } catch (error) {
    const denied = deniedDetail(engine, error)
    if (denied === null) throw error
    return denied
  }
}

/** How a column becomes text, and how much of it: a failed run's log may be longer than a row of the Data API. */
const AS_TEXT: Readonly<Record<Engine['name'], string>> = { postgres: 'text', mysql: 'char' }
const LONGEST = 4000

function rowsQuery(
  engine: LedgerEngine,
  { schema, table, columns, orderBy, digests = {} }: TableToRead,
  page: { readonly size: number; readonly from: number } | null,
): Query<readonly LedgerRow[]> {
  const type = AS_TEXT[engine.name]
  const list = columns.map((column) => {
    const name = `l.${engine.identifier(column)}`
    return `substring(CAST(${digests[column]?.(name) ?? name} AS ${type}), 1, ${LONGEST})`
  })
  const order = orderBy.map((column) => `l.${engine.identifier(column)}`)
  const sql = [
    `SELECT ${list.join(', ')}`,
    `FROM ${engine.identifier(schema)}.${engine.identifier(table)} l`,
    ...(order.length === 0 ? [] : [`ORDER BY ${order.join(', ')}`]),
    ...(page === null ? [] : [`LIMIT ${page.size} OFFSET ${page.from}`]),
  ]
  const names = columns.map((column) => column.toLowerCase())
  return {
    sql: sql.join(' '),
    parse: (rows) => rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at] ?? null]))),
  }
}

function spanQuery(engine: LedgerEngine, { schema, table, column }: SpanToRead): Query<Span> {
  const name = engine.identifier(column)
  const text = (value: string): string => `CAST(${value} AS ${AS_TEXT[engine.name]})`
  return {
    sql: `SELECT ${text('count(*)')}, ${text(`min(${name})`)}, ${text(`max(${name})`)} FROM ${engine.identifier(schema)}.${engine.identifier(table)}`,
    parse: (rows) => ({ rows: Number(rows[0]?.[0] ?? 0), first: rows[0]?.[1] ?? null, last: rows[0]?.[2] ?? null }),
  }
}

function deniedDetail(engine: LedgerEngine, error: unknown): string | null {
  return error instanceof DatabaseError && engine.classify(error) === 'denied' ? error.message : null
}
