/**
 * `npm run bench:lambda`: what the functions weigh. How long the initialisation of each real bundle takes beside a bare one with the
 * same clients and commands of the SDK (goal: at most 1.3 times), and how much memory a look takes at 10,000 tables (goal: 256 MB).
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { measureInitialisation } from './lambda-initialisation.ts'
import { measureMemory } from './lambda-memory.ts'
import { median } from './goals.ts'
import { COLUMNS, TABLES } from './schema.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    tables: { type: 'string', default: String(TABLES) },
    /** Keeps the server's data there, so that the next run need not make it again. */
    folder: { type: 'string' },
  },
})

const MOST_RATIO = 1.3
const MOST_BYTES = 256 * 1024 * 1024
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const goal = (reached: boolean): string => (reached ? 'reached' : 'missed')

const folder =
  values.folder === undefined ? await mkdtemp(join(tmpdir(), 'deploywatch-lambda-')) : resolve(values.folder)
try {
  const [rounds, tables] = [Number(values.rounds), Number(values.tables)]
  const initialisations = await measureInitialisation(join(folder, 'bare'), rounds, say)
  const lines = initialisations.map(({ name, real, bare }) => {
    const ratio = median(real) / median(bare)
    const times = [real, bare].map((each) => `${median(each).toFixed(1)} ms`)
    return row(name, ...times, ratio.toFixed(2), goal(ratio <= MOST_RATIO))
  })
  const memory = await measureMemory(folder, tables, say)
  const looks = memory.map(({ look, database, peakBytes }) => {
    const most = Math.max(...peakBytes)
    return row(look, database, `${Math.round(most / 1024 / 1024)} MB`, goal(most <= MOST_BYTES))
  })
  process.stdout.write(
    `${[
      `Node ${process.versions.node}, ${availableParallelism()} cores, ${rounds} rounds`,
      '',
      row('function', 'initialisation', 'bare', `ratio (goal: ${MOST_RATIO})`, 'goal'),
      row('---', '---', '---', '---', '---'),
      ...lines,
      '',
      `${tables} tables × ${COLUMNS} columns; the most that was resident, of all looks`,
      '',
      row('look', 'database', 'memory', 'goal'),
      row('---', '---', '---', '---'),
      ...looks,
    ].join('\n')}\n`,
  )
} finally {
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true })
}
