/** Other tools' ledgers in the same database, and what their times say: whether the team went over from one tool to another. Pure. */
import type { LedgerReading } from '../core/ledger.ts'
import type { Migration } from '../core/release.ts'
import type { CandidateTable } from '../engines/engine.ts'
import { nameOf } from './choose-ledger.ts'
import type { TableName } from './ledger.ts'
import { isoTime } from './migration-text.ts'
import { LEDGER_READERS } from './readers.ts'
import { TIME } from './recognise.ts'

/** A column of times, of which the first and the last are asked. */
export interface SpanToRead extends TableName {
  readonly column: string
}

/** As the server writes them; null: it has no rows. */
export interface Span {
  readonly rows: number
  readonly first: string | null
  readonly last: string | null
}

export interface OtherLedger extends SpanToRead {
  /** Of its tool. */
  readonly title: string
}

/** A database of many services may have many: a few tell enough, those in the schemas of our own first. */
const MOST = 5

/** Ledgers of other tools that tell when their migrations ran. @param own those that are read as this release's */
export function otherLedgers(
  own: readonly CandidateTable[],
  candidates: readonly CandidateTable[],
): readonly OtherLedger[] {
  const taken = new Set(own.map(nameOf))
  const schemas = new Set(own.map(({ schema }) => schema))
  const found = candidates.flatMap((table): readonly OtherLedger[] => {
    if (taken.has(nameOf(table)) || !table.readable) return []
    const column = Object.keys(table.columns).find((name) => TIME.test(table.columns[name] ?? ''))
    const tool =
      column === undefined ? undefined : LEDGER_READERS.find((one) => one.recognise(table, candidates) !== null)
    return column === undefined || tool === undefined
      ? []
      : [{ schema: table.schema, table: table.table, column, title: tool.title }]
  })
  return found.toSorted((a, b) => Number(schemas.has(b.schema)) - Number(schemas.has(a.schema))).slice(0, MOST)
}

/**
 * With what the others' times say. One that ended before ours began is the one of before; one that began after ours ended is the
 * one of now, where a migration of the release has not run. Two services may look like that too: it is said, and not judged.
 */
export function withSwitch(
  reading: LedgerReading,
  title: string,
  others: readonly (OtherLedger & Span)[],
  migrations: readonly Migration[],
): LedgerReading {
  const times = reading.applied.flatMap(({ at }) => at ?? []).sort()
  const [first] = times
  const last = times.at(-1)
  const known = new Set(reading.applied.map(({ key }) => key))
  const isBehind = migrations.some(({ key, kind }) => kind === 'versioned' && !known.has(key))
  const notes: string[] = []
  let successor: LedgerReading['successor']
  for (const other of others) {
    if (other.title === title || other.rows === 0) continue
    const [from, to] = [isoTime(other.first), isoTime(other.last)]
    const name = `${nameOf(other)} (${other.title})`
    if (first !== undefined && to !== null && to < first) {
      notes.push(
        `${name} has had no row since ${to}, and ${reading.table} begins on ${first}: it looks as if the team went over from ${other.title} to ${title}; what ${other.title} ran is not looked for here`,
      )
    } else if (last !== undefined && from !== null && from > last && isBehind) {
      successor ??= {
        title: other.title,
        evidence: `${nameOf(other)} has rows since ${from}, and the newest of ${reading.table} is of ${last}`,
      }
    }
  }
  return { ...reading, successor, notes: [...reading.notes, ...notes] }
}
