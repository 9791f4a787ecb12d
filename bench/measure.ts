/** One round of everything that is compared, so that what else runs on the machine meets all alike. */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Look } from './processes.ts'
import { look, run, runCli, runScript } from './processes.ts'
import type { Project } from './project.ts'
import { nameOf } from './schema.ts'
import { query } from './server.ts'

export interface Round {
  /** Milliseconds; null where there is no pg_dump of the server's version. */
  readonly pgDump: number | null
  readonly schemainspect: number
  readonly first: Look
  readonly unchanged: Look
  readonly firstDataApi: Look
  readonly unchangedDataApi: Look
  readonly wrongColumn: Look
}

export interface Subject {
  readonly project: Project
  readonly pgDump: string | null
  readonly dataApi: string
  readonly tables: number
}

/** Every look is a new process with a connection of its own, and so is every peer's. */
export async function measureRound(subject: Subject): Promise<Round> {
  const { project, tables } = subject
  const options = { cwd: project.folder, env: { BENCH_DATABASE_URL: project.url, BENCH_DATA_API: subject.dataApi } }
  const newStore = (): Promise<string> => mkdtemp(join(project.folder, 'store-'))
  const [wire, dataApi] = [await newStore(), await newStore()]
  const pgDump = await runPgDump(subject)
  const first = await look('wire', wire, 'pass', options)
  const schemainspect = Number((await runScript('./schemainspect.ts', [project.url, String(tables)])).stdout)
  const unchanged = await look('wire', wire, 'pass', options)
  const firstDataApi = await look('data-api', dataApi, 'pass', options)
  const unchangedDataApi = await look('data-api', dataApi, 'pass', options)
  // After the last good look, as it happens: the store knows a stamp, which is no longer the database's.
  const wrongColumn = await lookAtWrong(subject, wire, 1)
  return { pgDump, schemainspect, first, unchanged, firstDataApi, unchangedDataApi, wrongColumn }
}

/** Looks while one column of each of so many tables is of another type, and puts them right again. */
export async function lookAtWrong({ project, tables }: Subject, store: string, columns: number): Promise<Look> {
  const alter = (type: string): Promise<unknown> =>
    query(
      project.url,
      Array.from(
        { length: columns },
        (_, at) =>
          `ALTER TABLE ${nameOf(Math.floor(((at + 0.5) * tables) / columns))} ALTER COLUMN amount TYPE ${type}`,
      ).join(';'),
    )
  await alter('numeric(14,2)')
  try {
    const done = await look('wire', store, 'fail', { cwd: project.folder, env: { BENCH_DATABASE_URL: project.url } })
    const codes = new Set(done.report.findings.map(({ code }) => code))
    if (done.report.findings.length !== columns || !codes.has('column-differs')) {
      throw new Error(
        `expected ${columns} findings column-differs, found ${JSON.stringify(done.report.findings.slice(0, 3))}`,
      )
    }
    return done
  } finally {
    await alter('numeric(12,2)')
  }
}

async function runPgDump({ pgDump, project }: Subject): Promise<number | null> {
  if (pgDump === null) return null
  const done = await run(pgDump, ['--schema-only', '--file=/dev/null', project.url])
  if (done.code !== 0) throw new Error(`pg_dump failed: ${done.stderr}`)
  return done.wallMs
}

/** `--help` beside a Node that does nothing: the milliseconds of each. */
export async function measureHelp(): Promise<{ readonly help: number; readonly node: number }> {
  const node = await run(process.execPath, ['-e', '0'])
  const help = await runCli(['--help'])
  if (help.code !== 0) throw new Error(`--help failed: ${help.stderr}`)
  return { help: help.wallMs, node: node.wallMs }
}
