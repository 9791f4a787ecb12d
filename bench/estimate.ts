/**
 * `npm run bench:estimate`: how often the truth lies in the range of `estimate`. Two databases of one real PostgreSQL, one with ten
 * times the rows of the other; the built program runs a release's migrations in the smaller one through `migrate`, estimates them for
 * the larger one, and then they run there. Exits 1 where a migration got no range, or another class than its own, or where less
 * than 90 % of the durations lie inside.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { EstimateDocument } from '../functions/core/estimate-document.ts'
import { GOAL, misses, outcomeTable, shareInside } from './estimate-outcomes.ts'
import type { Outcome } from './estimate-outcomes.ts'
import { prepareEstimates, STEPS } from './estimate-project.ts'
import type { EnvironmentName, EstimateProject } from './estimate-project.ts'
import { runCli } from './processes.ts'
import type { Run } from './processes.ts'
import { letThrough, query, startServer } from './server.ts'

const { values } = parseArgs({
  options: {
    /** Of the smaller tables: 2 makes them of 100,000 to 300,000 rows. */
    size: { type: 'string', default: '1' },
    times: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
  },
})
const [size, times, rounds] = [values.size, values.times, values.rounds].map(Number) as [number, number, number]
const RUNNER = fileURLToPath(new URL('estimate-runner.ts', import.meta.url))
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const load = (): string => loadavg()[0]?.toFixed(1) ?? ''

async function program({ folder, urls }: EstimateProject, ...args: readonly string[]): Promise<Run> {
  return runCli(args, { cwd: folder, env: { STAGING_URL: urls.staging, PRODUCTION_URL: urls.production } })
}

/** By the program's `migrate`, which has to confirm it. */
async function migrate(project: EstimateProject, name: EnvironmentName): Promise<void> {
  const runner = [process.execPath, '--import', import.meta.resolve('tsx'), RUNNER]
  const own = ['migrate', '--env', name, '--store', 'store', '--']
  const done = await program(project, ...own, ...runner, project.urls[name], project.migrations)
  if (done.code !== 0) throw new Error(`deploywatch migrate ended with ${done.code}: ${done.stderr}${done.stdout}`)
}

async function estimate(project: EstimateProject): Promise<EstimateDocument> {
  const done = await program(project, 'estimate', '--env', 'production', '--store', 'store', '--format', 'json')
  if (done.stdout === '') throw new Error(`deploywatch estimate ended with ${done.code}: ${done.stderr}`)
  return JSON.parse(done.stdout) as EstimateDocument
}

/** What the migration tool measured, by script. */
async function durations({ urls }: EstimateProject, name: EnvironmentName): Promise<ReadonlyMap<string, number>> {
  const rows = await query(urls[name], 'SELECT script, execution_time FROM flyway_schema_history')
  return new Map(rows.map((row) => [String(row['script']), Number(row['execution_time'])]))
}

interface Measured {
  readonly outcomes: readonly Outcome[]
  /** As the program itself has counted, after it ran. */
  readonly ownCount: EstimateDocument['hitRate']
}

async function measure(project: EstimateProject): Promise<Measured> {
  say(`migrating staging, load ${load()}`)
  await migrate(project, 'staging')
  const { migrations } = await estimate(project)
  say(`migrating production, load ${load()}`)
  await migrate(project, 'production')
  say(`done, load ${load()}`)
  const [there, here] = [await durations(project, 'staging'), await durations(project, 'production')]
  const outcomes = STEPS.map(({ script, class: own }): Outcome => {
    const about = migrations.find(({ subject }) => subject === script)
    const range = about?.estimate ?? null
    if (range === null) throw new Error(`${script} got no range: ${about?.reason ?? 'it is not missing in production'}`)
    if (range.class !== own) throw new Error(`${script} is of class ${range.class} instead of ${own}: ${range.basis}`)
    const [stagingMs = NaN, productionMs = NaN] = [there.get(script), here.get(script)]
    return { script, class: own, stagingMs, productionMs, lowMs: range.lowMs, highMs: range.highMs, times }
  })
  return { outcomes, ownCount: (await estimate(project)).hitRate }
}

const folder = await mkdtemp(join(tmpdir(), 'deploywatch-estimate-'))
await letThrough(folder)
const server = await startServer(join(folder, 'server'))
try {
  const all: Outcome[] = []
  const counts: string[] = []
  for (let at = 1; at <= rounds; at += 1) {
    say(`round ${at} of ${rounds}`)
    const project = await prepareEstimates(server.url, join(folder, `project-${at}`), { size, times }, say)
    const { outcomes, ownCount } = await measure(project)
    counts.push(`${ownCount?.held} of ${ownCount?.of}`)
    say(outcomes.map((one) => JSON.stringify(one)).join('\n'))
    all.push(...outcomes)
  }
  const [version] = await query(server.url, 'SHOW server_version')
  const share = shareInside(all)
  process.stdout.write(
    `${[
      `${STEPS.length} migrations, tables of ${(50_000 * size).toLocaleString('en-US')} to ${(150_000 * size).toLocaleString('en-US')} rows and ${times} times as many, PostgreSQL ${String(version?.['server_version'])}, Node ${process.versions.node}, ${availableParallelism()} cores, load ${load()}, ${rounds} rounds`,
      outcomeTable(all),
      ...misses(all),
      `The program’s own count of what it said before each run: ${counts.join(', ')}.`,
      `${(share * 100).toFixed(1)} % inside, goal ${GOAL * 100} %: ${share >= GOAL ? 'reached' : '**missed**'}`,
    ].join('\n\n')}\n`,
  )
  if (share < GOAL) process.exitCode = 1
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
