/**
 * How long `build` takes on a project of 434 migrations: in-process, without the start of Node. `npm run bench:replay -- [RUNS] [MIGRATIONS]`.
 * Each run has a cache of its own, in which the fresh server's files are, but for `first start`.
 */
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../functions/config/load.ts'
import { postgres } from '../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../functions/ledgers/index.ts'
import { projectOf } from '../functions/ledgers/project-files.ts'
import type { BuiltRelease } from '../functions/release/manifest.ts'
import { buildRelease } from '../functions/release/build.ts'
import { openCache } from '../functions/release/cache.ts'
import { replayProject } from './replay-project.ts'

const [runs = 5, count = 434] = process.argv.slice(2).map(Number)
const loaded = parseConfig(
  'service: bench\nmigrations: { tool: flyway, path: db/migration }\n',
  'deploywatch.yaml',
  '/bench',
)

async function build(files: Readonly<Record<string, string>>, folder: string): Promise<BuiltRelease> {
  return buildRelease({
    loaded,
    release: { version: '1', commit: null },
    engine: postgres,
    tools: LEDGER_TOOLS,
    project: projectOf(files),
    cache: openCache(folder),
    connect: async () => Promise.reject(new Error('no environment is to be reached here')),
  })
}

const measured = new Map<string, { readonly ms: number; readonly cpuMs: number }[]>()

async function measure<T>(what: string, work: () => Promise<T>): Promise<T> {
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const answer = await work()
  const { user, system } = process.cpuUsage(cpu)
  const times = measured.get(what) ?? []
  measured.set(what, [...times, { ms: performance.now() - begin, cpuMs: (user + system) / 1000 }])
  return answer
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[Math.floor(sorted.length / 2)] ?? 0).toFixed(0).padStart(7)
}

const home = await mkdtemp(join(tmpdir(), 'deploywatch-bench-'))
try {
  const files = replayProject(count)
  const statements = Object.values(files)
    .join('\n')
    .split(/;\n|;$/).length
  console.log(`${count} migrations, about ${statements} statements, load ${loadavg()[0]?.toFixed(1) ?? ''}`)
  const one = { 'db/migration/V1__one.sql': 'CREATE TABLE one (id int)' }
  for (let run = 0; run < runs; run += 1) {
    const folder = join(home, String(run))
    await measure('first start ever (initdb), 1 migration', () => build(one, folder))
    const again = join(home, `${run} again`)
    const fresh = (await readdir(folder)).filter((name) => name.endsWith('.fresh'))
    await openCache(again).write('nothing.none', Buffer.alloc(0), 1)
    for (const name of fresh) await copyFile(join(folder, name), join(again, name))
    await measure('1 migration', () => build(one, again))
    const built = await measure(`${count} migrations`, () => build(files, again))
    const failed = built.effects.filter((effect) => effect.failed !== null)
    if (failed.length > 0) throw new Error(`a migration failed: ${JSON.stringify(failed[0])}`)
    const more = { ...files, [`db/migration/V${count + 1}__more.sql`]: 'CREATE TABLE more (id int)' }
    await measure('one more migration', () => build(more, again))
    await measure('unchanged', () => build(more, again))
  }
  for (const [what, times] of measured) {
    const of = (key: 'ms' | 'cpuMs'): string => median(times.map((time) => time[key]))
    console.log(`${what.padEnd(40)} ${of('ms')} ms, of the processor ${of('cpuMs')} ms (medians of ${times.length})`)
  }
  console.log(`load ${loadavg()[0]?.toFixed(1) ?? ''}`)
} finally {
  await rm(home, { recursive: true, force: true })
}
