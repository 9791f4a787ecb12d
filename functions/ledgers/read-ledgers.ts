/** Finds and reads the ledgers of a release in a database: one round trip over the wire for all of them together. */
import type { Connection } from '../connections/connection.ts'
import { DatabaseError } from '../connections/connection.ts'
import type { LedgerObservation, LedgerProblem, LedgerReading } from '../core/ledger.ts'
import type { LedgerExpectation, Migration } from '../core/release.ts'
import type { CandidateTable, ColumnSet } from '../engines/engine.ts'
import { chooseLedger, nameOf } from './choose-ledger.ts'
import { readTables } from './ledger-rows.ts'
import type { LedgerEngine, TableToRead } from './ledger-rows.ts'
import type { LedgerReader, LedgerRow, TableName } from './ledger.ts'
import { OTHER_COLUMN_SETS } from './other-tools.ts'
import { LEDGER_READERS } from './readers.ts'
import { otherLedgers, withSwitch } from './tool-switch.ts'

/** A ledger's table, with the digest of its rows from no later than the rows themselves. */
export interface LedgerTable extends TableName {
  readonly digest: string
}

/** What `Engine.candidateTables` is to look for. */
export const LEDGER_COLUMN_SETS: readonly ColumnSet[] = [
  ...LEDGER_READERS.flatMap((tool) => tool.columnSets),
  ...OTHER_COLUMN_SETS,
]

export interface LedgersToRead {
  readonly ledgers: readonly LedgerExpectation[]
  /** The answer to `Engine.candidateTables(LEDGER_COLUMN_SETS)`. */
  readonly candidates: readonly CandidateTable[]
  /** Schemas in which a table without a schema is looked for, in order. */
  readonly searchPath: readonly string[]
  /** The role that looks, for the message where it may not read. */
  readonly role: string
  /** Whether other tools' ledgers are asked when they were written, so that a change of tools is seen. */
  readonly others?: boolean
}

/**
 * One observation a ledger, in order, and the tables that are ledgers or their locks.
 *
 * @throws {ConnectionError} as the connection does.
 * @throws {DatabaseError} a ledger could not be read for another reason than a privilege: a lock, time.
 */
export async function readLedgers(
  connection: Connection,
  engine: LedgerEngine,
  { ledgers, candidates, searchPath, role, others: isAsked = false }: LedgersToRead,
): Promise<{ readonly observations: readonly LedgerObservation[]; readonly tables: readonly LedgerTable[] }> {
  const chosen = ledgers.map((ledger) => chooseAmong(ledger, candidates, searchPath, role))
  const readable = chosen.flatMap((choice) => ('problem' in choice ? [] : [choice]))
  const strangers =
    isAsked && readable.length > 0
      ? otherLedgers(
          readable.map(({ table }) => table),
          candidates,
        )
      : []
  const { rows, digests, spans } = await readTables(connection, engine, readable.flatMap(tablesOf), strangers)
  const timed = strangers.flatMap((other) => {
    const span = spans.get(nameOf(other))
    return span === undefined ? [] : [{ ...other, ...span }]
  })
  const others = new Map<string, LedgerProblem>()
  for (const choice of chosen) {
    if ('problem' in choice) others.set(choice.expectation.name, await lookCloser(connection, engine, choice.problem))
  }
  const observations = chosen.map((choice): LedgerObservation => {
    const ledger = choice.expectation.name
    if ('problem' in choice) return { ledger, problem: others.get(ledger) ?? choice.problem }
    const denied = tablesOf(choice)
      .map((table) => rows.get(nameOf(table)))
      .find((found) => typeof found === 'string')
    if (typeof denied === 'string') return { ledger, problem: deniedProblem(choice.table, role, denied) }
    const seen = observe(choice, rows)
    if ('problem' in seen) return seen
    return { ledger, reading: withSwitch(seen.reading, choice.tool.title, timed, choice.expectation.migrations) }
  })
  const tables = readable
    .flatMap(tablesOf)
    .map((table) => ({ schema: table.schema, table: table.table, digest: digests.get(nameOf(table)) ?? '' }))
  return { observations, tables }
}

/**
 * A table may be there under the name, and be no candidate: another tool's, or one that lost a column. The question costs
 * a round trip, and is only asked where a ledger is missing.
 */
async function lookCloser(
  connection: Connection,
  engine: LedgerEngine,
  problem: LedgerProblem,
): Promise<LedgerProblem> {
  if (problem.problem !== 'missing' || problem.detail?.startsWith(problem.lookedFor) === true) return problem
  const at = problem.lookedFor.indexOf('.')
  const name = `${engine.identifier(problem.lookedFor.slice(0, at))}.${engine.identifier(problem.lookedFor.slice(at + 1))}`
  try {
    await connection.read([{ sql: `SELECT '1' FROM ${name} LIMIT 0`, parse: () => null }])
  } catch (error) {
    const means = error instanceof DatabaseError ? engine.classify(error) : 'other'
    // A schema that may not be used says no more than one that is not there.
    if (means === 'missing' || means === 'denied') return problem
    throw error
  }
  return {
    ...problem,
    detail: `${problem.lookedFor} is there, and has not the columns of this tool's ledger: it is another's, or was changed by hand`,
  }
}

interface Choice {
  readonly expectation: LedgerExpectation
  readonly tool: LedgerReader
  readonly table: CandidateTable
  readonly recognisedBy: string
  readonly certain: boolean
  readonly doubt: string | null
  readonly beside: readonly CandidateTable[]
}

/** The release's own tool first; where its ledger is not there, one whose files are named alike and whose ledger is. */
function chooseAmong(expectation: LedgerExpectation, ...where: Where): ReturnType<typeof choose> {
  const own = choose(expectation, ...where)
  if (!('problem' in own) || own.problem.problem !== 'missing') return own
  const others = (expectation.otherwise ?? []).map((other) => choose(other, ...where))
  return others.find((other) => !('problem' in other) || other.problem.problem !== 'missing') ?? own
}

type Where = [candidates: readonly CandidateTable[], searchPath: readonly string[], role: string]

function choose(
  expectation: LedgerExpectation,
  candidates: readonly CandidateTable[],
  searchPath: readonly string[],
  role: string,
): Choice | { readonly expectation: LedgerExpectation; readonly problem: LedgerProblem } {
  const tool = LEDGER_READERS.find(({ name }) => name === expectation.tool)
  if (tool === undefined) {
    const why = `there is no reader for it: supported are ${LEDGER_READERS.map(({ name }) => name).join(', ')}`
    return { expectation, problem: { problem: 'unsupported', table: expectation.path, tool: expectation.tool, why } }
  }
  const choice = chooseLedger({ tool, table: expectation.table, candidates, searchPath })
  if ('problem' in choice) return { expectation, problem: choice.problem }
  if (!choice.table.readable) {
    const detail = `${role} may not read ${nameOf(choice.table)}: it needs USAGE on the schema and SELECT on the table`
    return { expectation, problem: deniedProblem(choice.table, role, detail) }
  }
  const names = new Set(tool.beside(choice.table).map(nameOf))
  // A lock that may not be read is no reason not to look.
  const beside = candidates.filter((table) => names.has(nameOf(table)) && table.readable)
  return { expectation, tool, ...choice, beside }
}

function tablesOf({ tool, table, beside }: Choice): readonly TableToRead[] {
  const actual = new Map(Object.keys(table.columns).map((column) => [column.toLowerCase(), column]))
  const present = (names: readonly string[]): readonly string[] => names.flatMap((name) => actual.get(name) ?? [])
  return [
    {
      schema: table.schema,
      table: table.table,
      columns: present(tool.read.columns),
      orderBy: present(tool.read.orderBy),
      digests: digestsOf(tool, table),
    },
    ...beside.map((other) => ({
      schema: other.schema,
      table: other.table,
      columns: Object.keys(other.columns),
      orderBy: [],
    })),
  ]
}

function digestsOf({ read }: LedgerReader, table: CandidateTable): NonNullable<TableToRead['digests']> {
  const found = Object.entries(table.columns).flatMap(([column, type]) => {
    const digest = read.digests?.[column.toLowerCase()]
    return digest?.type.test(type) === true ? [[column, digest.sql] as const] : []
  })
  return Object.fromEntries(found)
}

function deniedProblem(table: TableName, role: string, detail: string): LedgerProblem {
  return { problem: 'denied', table: nameOf(table), role, detail }
}

function observe(choice: Choice, rows: ReadonlyMap<string, readonly LedgerRow[] | string>): LedgerObservation {
  const { expectation, tool, table, beside, recognisedBy } = choice
  const rowsOf = (name: TableName): readonly LedgerRow[] => {
    const found = rows.get(nameOf(name))
    return typeof found === 'object' ? found : []
  }
  const reading: LedgerReading = {
    table: nameOf(table),
    tool: tool.name,
    recognisedBy,
    ...tool.interpret({
      table,
      rows: rowsOf(table),
      beside: beside.map((other) => ({ table: other.table, rows: rowsOf(other) })),
      migrations: expectation.migrations,
      elsewhere: expectation.elsewhere,
    }),
  }
  if (choice.doubt !== null) return asTwin(choice, choice.doubt, reading, rowsOf(table))
  if (choice.certain) return { ledger: expectation.name, reading }
  return besideDefault(choice, reading)
}

/** A table that two tools make alike, and that looks like the other's: ours where its rows are, or where it has none. */
function asTwin(
  { expectation, tool }: Choice,
  doubt: string,
  reading: LedgerReading,
  rows: readonly LedgerRow[],
): LedgerObservation {
  const strange =
    reading.applied.length > 0 && !knowsOne(reading, expectation.migrations)
      ? `none of the ${reading.applied.length} migrations in it is this release's`
      : null
  const against = tool.twin?.notOurs(rows) ?? strange
  if (against !== null && expectation.migrations.length > 0) {
    const detail = `${reading.table} is there, and ${doubt}; ${against}`
    return { ledger: expectation.name, problem: { problem: 'missing', lookedFor: reading.table, detail } }
  }
  const why = rows.length === 0 ? 'it has no rows that say otherwise' : "its rows are this release's"
  const note = `${reading.table} is taken for ${tool.title}'s because ${why}, though ${doubt}`
  return { ledger: expectation.name, reading: { ...reading, notes: [...reading.notes, note] } }
}

/**
 * The only ledger of the tool, and not where the tool puts it: it may be another service's, and this release's may never
 * have been made. It is taken for ours where it has one migration of ours; empty, or of a mere number, it cannot tell.
 */
function besideDefault({ expectation, tool }: Choice, reading: LedgerReading): LedgerObservation {
  const { schema, table } = tool.defaultTable
  const usual = schema === null ? `${table} in the search path` : `${schema}.${table}`
  const strange = !reading.highWaterMark && reading.applied.length > 0 && !knowsOne(reading, expectation.migrations)
  if (strange && expectation.migrations.length > 0) {
    const detail = `there is no such table in this database; the only ledger of ${tool.title} here is ${reading.table}, and none of the ${reading.applied.length} migrations in it is this release's`
    const lookedFor = `${schema ?? 'public'}.${table}`
    return { ledger: expectation.name, problem: { problem: 'missing', lookedFor, detail } }
  }
  const note = `${reading.table} is not where ${tool.title} puts it (${usual}): it is the only one here`
  return { ledger: expectation.name, reading: { ...reading, notes: [...reading.notes, note] } }
}

function knowsOne(reading: LedgerReading, migrations: readonly Migration[]): boolean {
  const byKey = new Map(migrations.map((migration) => [migration.key, migration]))
  return reading.applied.some(({ key, checksum }) => {
    const known = byKey.get(key)
    return (
      known !== undefined && (checksum === null || known.checksums.length === 0 || known.checksums.includes(checksum))
    )
  })
}
