/** How much larger the tables of a statement are in one environment than in another, or why that cannot be said. Pure. */
import type { Elsewhere } from './environment-behind.ts'
import { CLASS_RULES, FEWEST_ROWS } from './estimate-classes.ts'
import type { Factors } from './estimate-classes.ts'
import type { Part, Refusal } from './estimate-parts.ts'
import { refusal } from './estimate-parts.ts'
import type { EstimateTarget } from './estimate-target.ts'
import type { TableVolume } from './migration-evidence.ts'
import { sqlCommand } from './paste.ts'
import { countText } from './quantity-text.ts'

/** All tables of a part together. */
export interface Volume {
  readonly rows: number
  readonly heapBytes: number
  readonly totalBytes: number
  /** The oldest count of rows; null: the server does not say. ISO 8601, UTC. */
  readonly countedAt: string | null
  /** When it was looked at. ISO 8601, UTC. */
  readonly seenAt: string
}

export interface Scale {
  readonly part: Part
  /** Greatest and least of what the class follows: with these the range is made. */
  readonly multiplier: number
  readonly least: number
  /** null: its rows stand in its own text. */
  readonly sizes: { readonly there: Volume; readonly here: Volume; readonly rows: number; readonly heap: number } | null
  /** How many times more there is beside the heap (indexes, TOAST) for each of its bytes. */
  readonly beyondHeap: number
}

export interface UsedFactors extends Factors {
  /** From so many runs of this service's own; null: as measured once. */
  readonly learntFrom: number | null
}

export interface Range {
  readonly scale: Scale
  readonly factors: UsedFactors
  readonly lowMs: number
  readonly highMs: number
}

const UNSCALED = { multiplier: 1, least: 1, sizes: null, beyondHeap: 1 } as const

/** One a part, in their order; the first reason why one has none. */
export function scalesOf(
  parts: readonly Part[],
  measured: Elsewhere,
  target: EstimateTarget,
  variable: string | null,
): readonly Scale[] | Refusal {
  const scales: Scale[] = []
  for (const part of parts) {
    const refused = part.tables
      .map((table) => refusalFor(table, measured, target, variable))
      .find((answer) => answer !== null)
    if (refused !== undefined) return refused
    scales.push(part.tables.length === 0 ? { part, ...UNSCALED } : scaleOf(part, measured, target))
  }
  return scales
}

function refusalFor(
  table: string,
  { environment, evidence }: Elsewhere,
  target: EstimateTarget,
  variable: string | null,
): Refusal | null {
  const again = `npx deploywatch record --env ${environment}`
  const there = evidence.volumes.find((volume) => volume.table === table)
  const here = target.volumes.find((volume) => volume.table === table)
  if (there === undefined)
    return refusal(`how large ${table} is in ${environment} is not in its evidence`, {
      text: 'record it',
      command: again,
    })
  if (there.rows === null)
    return refusal(`nobody counted the rows of ${table} in ${environment}`, {
      text: `run ANALYZE on ${table} in ${environment}, then record again`,
      command: again,
    })
  if (here === undefined) return refusal(`there is no table ${table} in ${target.environment} whose size could be read`)
  if (here.rows === null)
    return refusal(`nobody counted the rows of ${table} in ${target.environment}`, {
      text: `as its owner in ${target.environment}: ANALYZE ${here.sql}`,
      command: sqlCommand(variable, `ANALYZE ${here.sql}`),
    })
  if (there.rows < FEWEST_ROWS)
    return refusal(
      `${table} has ${countText(there.rows)} rows in ${environment}, and what takes how long shows from ${countText(FEWEST_ROWS)} on (${target.environment} has ${countText(here.rows)})`,
      { text: `run it where ${table} has more rows, and record that environment`, command: null },
    )
  return null
}

function scaleOf(part: Part, { evidence }: Elsewhere, target: EstimateTarget): Scale {
  const there = volumeOf(part.tables, evidence.volumes)
  const here = volumeOf(part.tables, target.volumes)
  const rows = here.rows / there.rows
  const heap = there.heapBytes === 0 ? rows : here.heapBytes / there.heapBytes
  const { follows } = CLASS_RULES[part.class]
  const larger = Math.max(rows, heap)
  const beyond = ({ heapBytes, totalBytes }: Volume): number => (heapBytes === 0 ? 0 : totalBytes / heapBytes - 1)
  return {
    part,
    multiplier: follows === 'rows' ? rows : larger,
    least: follows === 'rows' ? rows : follows === 'both' ? Math.min(rows, heap) : larger,
    sizes: { there, here, rows, heap },
    beyondHeap: beyond(there) <= 0 ? 1 : beyond(here) / beyond(there),
  }
}

function volumeOf(tables: readonly string[], known: readonly TableVolume[]): Volume {
  const own = known.filter(({ table }) => tables.includes(table))
  const sum = (of: (volume: TableVolume) => number): number => own.reduce((total, volume) => total + of(volume), 0)
  const counts = own.map(({ countedAt }) => countedAt)
  return {
    rows: sum(({ rows }) => rows ?? 0),
    heapBytes: sum(({ heapBytes }) => heapBytes),
    totalBytes: sum(({ totalBytes }) => totalBytes),
    countedAt: counts.includes(null) ? null : earliest(counts),
    seenAt: earliest(own.map(({ seenAt }) => seenAt)) ?? '',
  }
}

function earliest(times: readonly (string | null)[]): string | null {
  return times.reduce((known, time) => (known === null || (time !== null && time < known) ? time : known), null)
}
