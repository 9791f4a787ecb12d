/**
 * `npm run bench:estimate`: how often the truth lies in the range of `estimate`. Two databases of one real PostgreSQL, one with ten
 * times the rows of the other; the built program runs a release's migrations in the smaller one through `migrate`, estimates them for
 * the larger one, and then they run there; and in a third one of the smaller one's size, which shows how even the machine is. Exits 1
 * where a migration got no range, or another class than its own, or where less than 90 % of the durations lie inside.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { EstimateDocument } from '../functions/core/estimate-document.ts'
import { judgement, misses, outcomeTable } from './estimate-outcomes.ts'
import type { Outcome } from './estimate-outcomes.ts'
import { prepareEstimates, STEPS } from './estimate-project.ts'
import type { EnvironmentName, EstimateProject, Step } from './estimate-project.ts'
import { runCli } from './processes.ts'
import type { Run } from './processes.ts'
import { letThrough, query, startServer } from './server.ts'

const { values } = parseArgs({
  options: {
    /** Of the smaller tables: 2 makes them of 100,000 to 300,000 rows. */
    size: { type: 'string', default: '1' },
    times: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '1' },
    /** One migration right after the other, as in a release that has all of them. */
    straight: { type: 'boolean', default: false },
  },
})
const [size, times, rounds] = [values.size, values.times, values.rounds].map(Number) as [number, number, number]
const RUNNER = fileURLToPath(new URL('estimate-runner.ts', import.meta.url))
const say = (text: string): void => void process.stderr.write(`${text}\n`)
const load = (): string => loadavg()[0]?.toFixed(1) ?? ''

async function program({ folder, urls }: EstimateProject, ...args: readonly string[]): Promise<Run> {
  return runCli(args, {
    cwd: folder,
    env: { STAGING_URL: urls.staging, PRODUCTION_URL: urls.production, AGAIN_URL: urls.again },
  })
}

/** By the program's `migrate`, which has to confirm it. */
async function migrate(project: EstimateProject, name: EnvironmentName): Promise<void> {
  const runner = [process.execPath, '--import', import.meta.resolve('tsx'), RUNNER]
  const own = ['migrate', '--env', name, '--store', 'store', '--']
  const pause = values.straight ? [] : ['pause']
  const done = await program(project, ...own, ...runner, project.urls[name], project.migrations, ...pause)
  if (done.code !== 0) throw new Error(`deploywatch migrate ended with ${done.code}: ${done.stderr}${done.stdout}`)
}

async function estimate(project: EstimateProject, name: EnvironmentName): Promise<EstimateDocument> {
  const done = await program(project, 'estimate', '--env', name, '--store', 'store', '--format', 'json')
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

type Range = NonNullable<EstimateDocument['migrations'][number]['estimate']> & { readonly notInCacheMs: number | null }

/** Throws where there is none, or one of another class: then there is nothing to measure. */
function rangeOf({ migrations, environment }: EstimateDocument, { script, class: own }: Step): Range {
  const about = migrations.find(({ subject }) => subject === script)
  const range = about?.estimate ?? null
  if (about === undefined || range === null)
    throw new Error(`${script} got no range in ${environment}: ${about?.reason ?? 'it is not missing there'}`)
  if (range.class !== own) throw new Error(`${script} is of class ${range.class} instead of ${own}: ${range.basis}`)
  return { ...range, notInCacheMs: about.notInCacheMs }
}

async function measure(project: EstimateProject): Promise<Measured> {
  say(`migrating staging, load ${load()}`)
  await migrate(project, 'staging')
  // Both are foretold from staging alone.
  const [foretold, foretoldAgain] = [await estimate(project, 'production'), await estimate(project, 'again')]
  say(`migrating production, load ${load()}`)
  await migrate(project, 'production')
  const { hitRate } = await estimate(project, 'production')
  say(`migrating what is as large as staging, load ${load()}`)
  await migrate(project, 'again')
  say(`done, load ${load()}`)
  const there = await durations(project, 'staging')
  const [here, again] = [await durations(project, 'production'), await durations(project, 'again')]
  const outcomes = STEPS.map((step): Outcome => {
    const { lowMs, highMs, notInCacheMs } = rangeOf(foretold, step)
    const same = rangeOf(foretoldAgain, step)
    return {
      script: step.script,
      class: step.class,
      stagingMs: there.get(step.script) ?? NaN,
      productionMs: here.get(step.script) ?? NaN,
      lowMs,
      highMs,
      notInCacheMs,
      again: { tookMs: again.get(step.script) ?? NaN, lowMs: same.lowMs, highMs: same.highMs },
      times,
    }
  })
  return { outcomes, ownCount: hitRate }
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
  const { text, isReached } = judgement(all)
  process.stdout.write(
    `${[
      `${STEPS.length} migrations ${values.straight ? 'one right after the other' : 'with a pause between them'}, tables of ${(50_000 * size).toLocaleString('en-US')} to ${(150_000 * size).toLocaleString('en-US')} rows and ${times} times as many, PostgreSQL ${String(version?.['server_version'])}, Node ${process.versions.node}, ${availableParallelism()} cores, load ${load()}, ${rounds} rounds`,
      outcomeTable(all),
      ...misses(all),
      `The program’s own count of what it said before each run: ${counts.join(', ')}.`,
      text,
    ].join('\n\n')}\n`,
  )
  if (!isReached) process.exitCode = 1
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
}
