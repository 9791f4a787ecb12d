/** The goals, each with what was measured, and the table that says so. */
import type { Round } from './measure.ts'
import type { Look } from './processes.ts'

export interface Goal {
  readonly what: string
  readonly measured: string
  readonly goal: string
  /** null: stated beside the goals, without one of its own. */
  readonly reached: boolean | null
}

export interface Measured {
  readonly rounds: readonly Round[]
  readonly helps: readonly { readonly help: number; readonly node: number }[]
  /** Bytes of reading the whole catalog over the wire. */
  readonly wholeBytes: number
  /** Looks at 1, 10, 100 … wrong columns. */
  readonly wrong: readonly { readonly columns: number; readonly look: Look }[]
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = NaN, high = NaN] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  return (low + high) / 2
}

export const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`)
export const kilobytes = (bytes: number): string =>
  bytes < 1_048_576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`
const times = (ratio: number): string => `${ratio.toFixed(1)}×`

const MOST_MEMORY = 256 * 1_048_576
const MOST_UNCHANGED = 8 * 1024

/** Which of the peers was faster, by the medians. */
export function fasterPeer(rounds: readonly Round[]): { readonly name: string; readonly ms: number } {
  const schemainspect = { name: '@pgkit/schemainspect', ms: median(rounds.map((round) => round.schemainspect)) }
  const dumps = rounds.flatMap(({ pgDump }) => (pgDump === null ? [] : [pgDump]))
  const pgDump = { name: 'pg_dump --schema-only', ms: median(dumps) }
  return dumps.length > 0 && pgDump.ms < schemainspect.ms ? pgDump : schemainspect
}

export function judgeGoals({ rounds, helps, wholeBytes, wrong }: Measured): readonly Goal[] {
  const peer = fasterPeer(rounds).ms
  const looks = (name: 'first' | 'unchanged' | 'firstDataApi' | 'unchangedDataApi' | 'wrongColumn'): readonly Look[] =>
    rounds.map((round) => round[name])
  return [
    speed('unchanged, wire', looks('unchanged'), peer, 20),
    trips('unchanged, wire: round trips', looks('unchanged'), 2),
    bytes('unchanged, wire: bytes read', looks('unchanged'), MOST_UNCHANGED),
    speed('unchanged, Data API', looks('unchangedDataApi'), peer, null),
    trips('unchanged, Data API: calls', looks('unchangedDataApi'), null),
    bytes('unchanged, Data API: bytes read', looks('unchangedDataApi'), null),
    speed('first verification, wire', looks('first'), peer, 2),
    memory('first verification, wire: peak memory', looks('first')),
    trips('first verification, wire: round trips', looks('first'), null),
    speed('first verification, Data API', looks('firstDataApi'), peer, 2),
    memory('first verification, Data API: peak memory', looks('firstDataApi')),
    trips('first verification, Data API: calls', looks('firstDataApi'), null),
    trips('one wrong column of 100,000: round trips', looks('wrongColumn'), 5),
    ...wrong.map(({ columns, look }) => proportion(columns, look, wholeBytes)),
    speed('one wrong column', looks('wrongColumn'), peer, null),
    help(helps),
  ]
}

function speed(what: string, looks: readonly Look[], peer: number, goal: number | null): Goal {
  const ms = median(looks.map(({ report }) => report.durationMs))
  const wall = median(looks.map(({ wallMs }) => wallMs))
  return {
    what,
    measured: `${times(peer / ms)} (${seconds(ms)}; the process ${seconds(wall)})`,
    goal: goal === null ? '' : `≥ ${goal}× the faster peer`,
    reached: goal === null ? null : peer / ms >= goal,
  }
}

function trips(what: string, looks: readonly Look[], goal: number | null): Goal {
  const most = Math.max(...looks.map(({ report }) => report.database?.roundTrips ?? Infinity))
  return {
    what,
    measured: String(most),
    goal: goal === null ? '' : `≤ ${goal}`,
    reached: goal === null ? null : most <= goal,
  }
}

function bytes(what: string, looks: readonly Look[], goal: number | null): Goal {
  const most = Math.max(...looks.map(({ report }) => report.database?.bytesRead ?? Infinity))
  return {
    what,
    measured: kilobytes(most),
    goal: goal === null ? '' : `≤ ${kilobytes(goal)}`,
    reached: goal === null ? null : most <= goal,
  }
}

function memory(what: string, looks: readonly Look[]): Goal {
  const peaks = looks.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes]))
  if (peaks.length === 0) return { what, measured: 'not measured: no /proc here', goal: '≤ 256 MB', reached: null }
  const most = Math.max(...peaks)
  return { what, measured: kilobytes(most), goal: '≤ 256 MB', reached: most <= MOST_MEMORY }
}

/** A difference costs the 256 digests, the digests of the groups beside it in its bucket, and itself: a hundredth of the whole at most. */
function proportion(columns: number, look: Look, wholeBytes: number): Goal {
  const read = look.report.database?.bytesRead ?? Infinity
  return {
    what: `${columns} wrong column${columns === 1 ? '' : 's'}: bytes read`,
    measured: `${kilobytes(read)}, 1/${Math.round(wholeBytes / read)} of the whole schema's ${kilobytes(wholeBytes)}`,
    goal: columns === 1 ? '≤ 1/100 of the whole' : '',
    reached: columns === 1 ? read <= wholeBytes / 100 : null,
  }
}

function help(helps: Measured['helps']): Goal {
  const [own, node] = [median(helps.map(({ help }) => help)), median(helps.map(({ node }) => node))]
  return {
    what: 'deploywatch --help',
    measured: `${times(own / node)} (${seconds(own)} against ${seconds(node)})`,
    goal: '≤ 3× node -e 0',
    reached: own / node <= 3,
  }
}

/** Markdown, so that it can be pasted into docs/bench.md as it is. */
export function goalTable(goals: readonly Goal[]): string {
  const mark = (reached: boolean | null): string => (reached === null ? '' : reached ? 'reached' : '**missed**')
  const rows = goals.map(
    ({ what, measured, goal, reached }) => `| ${what} | ${measured} | ${goal} | ${mark(reached)} |`,
  )
  return ['| what | measured | goal | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

export function peerTable(rounds: readonly Round[]): string {
  const row = (name: string, values: readonly number[]): string =>
    `| ${name} | ${seconds(median(values))} | ${seconds(Math.min(...values))} | ${values.map(seconds).join(', ')} |`
  const dumps = rounds.flatMap(({ pgDump }) => (pgDump === null ? [] : [pgDump]))
  const own = (name: 'first' | 'unchanged' | 'firstDataApi' | 'unchangedDataApi' | 'wrongColumn'): readonly number[] =>
    rounds.map((round) => round[name].report.durationMs)
  return [
    '| what | median | least | each round |',
    '| --- | --- | --- | --- |',
    dumps.length === 0
      ? '| pg_dump --schema-only | there is none of the server’s version here | | |'
      : row('pg_dump --schema-only', dumps),
    row(
      '@pgkit/schemainspect',
      rounds.map(({ schemainspect }) => schemainspect),
    ),
    row('first verification, wire', own('first')),
    row('first verification, Data API', own('firstDataApi')),
    row('unchanged, wire', own('unchanged')),
    row('unchanged, Data API', own('unchangedDataApi')),
    row('one wrong column, wire', own('wrongColumn')),
  ].join('\n')
}
