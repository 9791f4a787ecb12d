/**
 * How long `build` takes on a project of 434 migrations: in-process, without the start of Node, and as it is typed, in a process
 * of its own that has compiled nothing yet. `npm run bench:replay -- [RUNS] [MIGRATIONS]`.
 * Each run has a cache of its own, in which the fresh server's files are, but for `first start`.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseConfig } from '../functions/config/load.ts'
import { postgres } from '../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../functions/ledgers/index.ts'
import { projectOf } from '../functions/ledgers/project-files.ts'
import type { BuiltRelease } from '../functions/release/manifest.ts'
import { buildRelease } from '../functions/release/build.ts'
import { openCache } from '../functions/release/cache.ts'
import { replayProject } from './replay-project.ts'

const [runs = 5, count = 434] = process.argv.slice(2).map(Number)
const CONFIG = 'service: bench\nmigrations: { tool: flyway, path: db/migration }\n'
const loaded = parseConfig(CONFIG, 'deploywatch.yaml', '/bench')

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

/** The command line on files on disk, with a cache in which only the fresh server's files are. */
async function typed(files: Readonly<Record<string, string>>, folder: string, cache: string): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await writeFile(join(folder, 'deploywatch.yaml'), CONFIG)
  const command = fileURLToPath(new URL('../dist/deploywatch.js', import.meta.url))
  const env = { ...process.env, DEPLOYWATCH_CACHE: cache }
  await measure(`${count} migrations, as typed`, () =>
    promisify(execFile)(process.execPath, [command, 'build'], { cwd: folder, env }),
  )
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
    const cold = join(home, `${run} typed`)
    await openCache(cold).write('nothing.none', Buffer.alloc(0), 1)
    for (const name of fresh) {
      await copyFile(join(folder, name), join(again, name))
      await copyFile(join(folder, name), join(cold, name))
    }
    await measure('1 migration', () => build(one, again))
    const built = await measure(`${count} migrations`, () => build(files, again))
    const failed = built.effects.filter((effect) => effect.failed !== null)
    if (failed.length > 0) throw new Error(`a migration failed: ${JSON.stringify(failed[0])}`)
    const more = { ...files, [`db/migration/V${count + 1}__more.sql`]: 'CREATE TABLE more (id int)' }
    await measure('one more migration', () => build(more, again))
    await measure('unchanged', () => build(more, again))
    await typed(files, join(home, `${run} project`), cold)
  }
  for (const [what, times] of measured) {
    const of = (key: 'ms' | 'cpuMs'): string => median(times.map((time) => time[key]))
    console.log(`${what.padEnd(40)} ${of('ms')} ms, of the processor ${of('cpuMs')} ms (medians of ${times.length})`)
  }
  console.log(`load ${loadavg()[0]?.toFixed(1) ?? ''}`)
} finally {
  await rm(home, { recursive: true, force: true })
}
