/** Which of a database's tables is the ledger of these migrations. Pure; what cannot be told is asked, not guessed. */
import type { LedgerProblem } from '../core/ledger.ts'
import type { LedgerTableName } from '../core/release.ts'
import type { CandidateTable } from '../engines/engine.ts'
import type { LedgerReader } from './ledger.ts'
import { recogniseOther } from './other-tools.ts'
import { LEDGER_READERS } from './readers.ts'

export interface LedgerQuestion {
  readonly tool: LedgerReader
  /** Where the config or the repository says that it is, or null. */
  readonly table: LedgerTableName | null
  /** Every table of the database that looks like some tool's ledger. */
  readonly candidates: readonly CandidateTable[]
  /** Schemas in which a table without a schema is looked for, in order. */
  readonly searchPath: readonly string[]
}

export interface Chosen {
  readonly table: CandidateTable
  readonly recognisedBy: string
  /** It is where the config, the repository or the tool's default says. */
  readonly certain: boolean
  /** Why it may be another tool's of the same columns, which its rows decide; null: it is not. */
  readonly doubt: string | null
}

export type ChosenLedger = Chosen | { readonly problem: LedgerProblem }

export function chooseLedger(question: LedgerQuestion): ChosenLedger {
  return question.table === null ? chooseByColumns(question) : chooseNamed(question, question.table)
}

/** The named one and no other: to read its neighbour instead would judge another service's migrations. */
function chooseNamed(question: LedgerQuestion, name: LedgerTableName): ChosenLedger {
  const found = placesOf(question, name)
  const table =
    found[0] ?? onlyOne(question.candidates.filter((other) => name.schema === null && other.table === name.table))
  if (table === undefined) return missing(question, name, null)
  const recognisedBy =
    question.tool.recognise(table, question.candidates) ?? question.tool.twin?.mayBe(table, question.candidates) ?? null
  if (recognisedBy !== null)
    return { table, recognisedBy: `it is named by the repository, and ${recognisedBy}`, certain: true, doubt: null }
  const other = recogniseOther(table)
  if (other !== null) {
    return unsupported(
      table,
      other.title,
      `\`migrations.table\` or the repository names it as ${question.tool.title}'s`,
    )
  }
  const columns = Object.keys(table.columns).map((column) => column.toLowerCase())
  if (question.tool.columnSets[0]?.columns.every((column) => columns.includes(column)) !== true) {
    return missing(
      question,
      name,
      `${nameOf(table)} has the columns ${columns.join(', ')}, which are not those of ${question.tool.title}'s ledger`,
    )
  }
  return {
    table,
    recognisedBy: `it is named by the repository, and has ${question.tool.title}'s columns among others`,
    certain: true,
    doubt: null,
  }
}

function chooseByColumns(question: LedgerQuestion): ChosenLedger {
  const { tool, searchPath } = question
  const own = ownTables(question)
  const [first, second] = own
  if (first === undefined) return chooseTwin(question) ?? missing(question, tool.defaultTable, null)
  const atDefault = [tool.defaultTable, ...(tool.otherDefaults ?? [])].flatMap((place) => placesOf(question, place))
  if (second === undefined) return { ...first, certain: atDefault.includes(first.table) }
  // A search path that was chosen says whose ledger is meant: one tenant's, say. The server's own path says nothing.
  const chosen =
    searchPath[0] === 'public' ? undefined : onlyOne(own.filter(({ table }) => table.schema === searchPath[0]))
  if (chosen !== undefined) return { ...chosen, certain: true }
  const tables = own.map(({ table }) => nameOf(table))
  return {
    problem: {
      problem: 'ambiguous',
      tables,
      why: `${tables.join(' and ')} are ${tool.title}'s by their columns, and nothing says which one is this release's`,
    },
  }
}

/** Its own by their columns. One column may stand in any table: where one has the tool's own name, the others do not count. */
function ownTables({ tool, candidates }: LedgerQuestion): readonly Omit<Chosen, 'certain'>[] {
  const own = candidates.flatMap((table) => {
    const recognisedBy = tool.recognise(table, candidates)
    return recognisedBy === null ? [] : [{ table, recognisedBy, doubt: null }]
  })
  const named = own.filter(({ table }) => table.table === tool.defaultTable.table)
  return tool.columnSets[0]?.columns.length === 1 && named.length > 0 ? named : own
}

/** Where the tool puts its own, another tool's of the same columns: the tool would use it. */
function chooseTwin(question: LedgerQuestion): Chosen | null {
  const { tool, candidates } = question
  for (const table of placesOf(question, tool.defaultTable)) {
    const doubt = tool.twin?.mayBe(table, candidates) ?? null
    if (doubt !== null)
      return { table, recognisedBy: `told by its place and its columns, though ${doubt}`, certain: false, doubt }
  }
  return null
}

/** Candidates of that name, in the order of the search path where it has no schema. */
function placesOf({ candidates, searchPath }: LedgerQuestion, name: LedgerTableName): readonly CandidateTable[] {
  const schemas = name.schema === null ? searchPath : [name.schema]
  return schemas.flatMap((schema) =>
    candidates.filter((table) => table.schema === schema && table.table === name.table),
  )
}

function missing(question: LedgerQuestion, name: LedgerTableName, instead: string | null): ChosenLedger {
  const { tool, candidates, searchPath } = question
  const others = candidates.flatMap((table) => {
    const owner = ownerOf(table, candidates)
    return owner === null ? [] : [{ table, ...owner }]
  })
  const alike = others.find((other) => other.alike === tool.name)
  if (alike !== undefined && !others.some((other) => other.title === tool.title)) {
    return unsupported(alike.table, alike.title, `its files are named like ${tool.title}'s`)
  }
  const beside = others.map(({ table, title }) => `${nameOf(table)} (${title})`)
  const none =
    beside.length === 0 ? null : `there is no such table in this database; ledgers that are here: ${beside.join(', ')}`
  const detail = instead ?? none
  const lookedFor = `${name.schema ?? searchPath[0] ?? 'public'}.${name.table}`
  return { problem: { problem: 'missing', lookedFor, detail } }
}

function unsupported(table: CandidateTable, title: string, because: string): ChosenLedger {
  const why = `${because}, and its ledger cannot be read yet: supported are ${LEDGER_READERS.map((reader) => reader.title).join(', ')}`
  return { problem: { problem: 'unsupported', table: nameOf(table), tool: title, why } }
}

function ownerOf(
  table: CandidateTable,
  candidates: readonly CandidateTable[],
): { readonly title: string; readonly alike: string | null } | null {
  const own = LEDGER_READERS.find((tool) => tool.recognise(table, candidates) !== null)
  return own === undefined ? recogniseOther(table) : { title: own.title, alike: null }
}

/** The table as a subject. */
export function nameOf(table: { readonly schema: string; readonly table: string }): string {
  return `${table.schema}.${table.table}`
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined
}
