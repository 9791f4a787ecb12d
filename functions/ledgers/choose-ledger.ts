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

export type ChosenLedger =
  /** `certain`: it is where the config, the repository or the tool's default says. */
  | { readonly table: CandidateTable; readonly recognisedBy: string; readonly certain: boolean }
  | { readonly problem: LedgerProblem }

export function chooseLedger(question: LedgerQuestion): ChosenLedger {
  return question.table === null ? chooseByColumns(question) : chooseNamed(question, question.table)
}

/** The named one and no other: to read its neighbour instead would judge another service's migrations. */
function chooseNamed(question: LedgerQuestion, name: LedgerTableName): ChosenLedger {
  const found = placesOf(question, name)
  const table =
    found[0] ?? onlyOne(question.candidates.filter((other) => name.schema === null && other.table === name.table))
  if (table === undefined) return missing(question, name, null)
  const recognisedBy = question.tool.recognise(table, question.candidates)
  if (recognisedBy !== null)
    return { table, recognisedBy: `it is named by the repository, and ${recognisedBy}`, certain: true }
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
  }
}

function chooseByColumns(question: LedgerQuestion): ChosenLedger {
  const { tool, candidates, searchPath } = question
  const own = candidates.flatMap((table) => {
    const recognisedBy = tool.recognise(table, candidates)
    return recognisedBy === null ? [] : [{ table, recognisedBy }]
  })
  const [first, second] = own
  if (first === undefined) return missing(question, tool.defaultTable, null)
  const atDefault = placesOf(question, tool.defaultTable)
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
    return {
      problem: {
        problem: 'unsupported',
        table: nameOf(alike.table),
        tool: alike.title,
        why: `its files are named like ${tool.title}'s, and its ledger cannot be read yet: supported are ${LEDGER_READERS.map(({ title }) => title).join(', ')}`,
      },
    }
  }
  const beside = others.map(({ table, title }) => `${nameOf(table)} (${title})`)
  const none =
    beside.length === 0 ? null : `there is no such table in this database; ledgers that are here: ${beside.join(', ')}`
  const detail = instead ?? none
  const lookedFor = `${name.schema ?? searchPath[0] ?? 'public'}.${name.table}`
  return { problem: { problem: 'missing', lookedFor, detail } }
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
