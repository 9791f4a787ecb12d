/**
 * `npm run bench:ledgers`: a ledger of 5,000 migrations, of every tool. What a look takes for it in parts: the round trips, the rows in
 * the common model, the comparison; reading the repository's files is a build's, and stands apart. Beside it what Knex itself takes to
 * list as many. The goal is a second, for every tool.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import knex from 'knex'
import { connect } from '../functions/connections/connect.ts'
import type { Connection } from '../functions/connections/connection.ts'
import { compareLedger } from '../functions/core/compare-ledger.ts'
import type { LedgerExpectation } from '../functions/core/release.ts'
import { identifier } from '../functions/engines/postgres/sql.ts'
import { LEDGER_TOOLS } from '../functions/ledgers/index.ts'
import { openProject } from '../functions/ledgers/project-files.ts'
import { LEDGER_READERS } from '../functions/ledgers/readers.ts'
import type { LedgerContract } from '../test/contracts/ledger.ts'
import { candidateTables, expectLedger, lookAtLedger } from '../test/support/ledgers.ts'
import { insertRows } from '../test/support/load-dump.ts'
import { median } from './goals.ts'
import { letThrough, query, startServer } from './server.ts'

const MIGRATIONS = 5_000
const ROUNDS = 7
const GOAL_MS = 1_000

interface Parts {
  readonly discover: number
  readonly look: number
  readonly interpret: number
  readonly compare: number
  readonly compareNone: number
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`

async function timed<T>(work: () => T | Promise<T>): Promise<{ readonly value: T; readonly took: number }> {
  const started = performance.now()
  const value = await work()
  return { value, took: performance.now() - started }
}

async function writeProject(folder: string, contract: LedgerContract): Promise<void> {
  const each = Array.from({ length: MIGRATIONS }, (_, at) => contract.migration(at + 1).files)
  const files = Object.assign({}, contract.sign, contract.common?.(MIGRATIONS) ?? {}, ...each) as Record<string, string>
  for (const folderOf of new Set(Object.keys(files).map((name) => dirname(join(folder, name)))))
    await mkdir(folderOf, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
}

async function fillLedger(url: string, contract: LedgerContract): Promise<void> {
  const { tool, keepsOneRow } = contract
  const { schema, table } = tool.defaultTable
  const numbers = Array.from({ length: MIGRATIONS }, (_, at) => at + 1)
  const rows = (keepsOneRow ? numbers.slice(-1) : numbers).map((n) => contract.migration(n).row)
  const name = [schema ?? 'public', table].map(identifier).join('.')
  await query(url, `DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${tool.ledgerDdl}; ${insertRows(name, rows)}`)
}

/** The rows in the common model, on rows that were read. */
async function interpretAlone(connection: Connection, { tool: name, migrations }: LedgerExpectation): Promise<number> {
  const tool = LEDGER_READERS.find((one) => one.name === name)
  const [candidates] = await connection.read([candidateTables()])
  const table = candidates.find((one) => tool?.recognise(one, candidates) != null)
  if (tool === undefined || table === undefined) throw new Error(`no ledger of ${name}`)
  const columns = Object.keys(table.columns)
  const list = columns.map((column) => `CAST(${identifier(column)} AS text)`).join(', ')
  const from = `${identifier(table.schema)}.${identifier(table.table)}`
  const [rows] = await connection.read([
    {
      sql: `SELECT ${list} FROM ${from}`,
      parse: (found) =>
        found.map((row) => Object.fromEntries(columns.map((column, at) => [column.toLowerCase(), row[at] ?? null]))),
    },
  ])
  return (await timed(() => tool.interpret({ table, rows, beside: [], migrations }))).took
}

async function measure(folder: string, url: string, contract: LedgerContract): Promise<Parts> {
  await writeProject(folder, contract)
  await fillLedger(url, contract)
  const { value: expectation, took: discover } = await timed(() => expectLedger(openProject(folder), contract.path))
  const connection = await connect({ kind: 'url', url, ca: null })
  const rounds: Omit<Parts, 'discover'>[] = []
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      const { value: seen, took: look } = await timed(() => lookAtLedger(connection, expectation))
      const { value: compared, took: compare } = await timed(() => compareLedger(expectation, seen.observation))
      if (compared.findings.length > 0) throw new Error(JSON.stringify(compared.findings[0]))
      if ('problem' in seen.observation) throw new Error(JSON.stringify(seen.observation))
      const none = { ...seen.observation, reading: { ...seen.observation.reading, applied: [] } }
      const { took: compareNone } = await timed(() => compareLedger(expectation, none))
      // The first one warms up.
      if (round > 0)
        rounds.push({ look, compare, compareNone, interpret: await interpretAlone(connection, expectation) })
    }
  } finally {
    await connection.close()
  }
  const of = (part: keyof (typeof rounds)[number]): number => median(rounds.map((round) => round[part]))
  return {
    discover,
    look: of('look'),
    interpret: of('interpret'),
    compare: of('compare'),
    compareNone: of('compareNone'),
  }
}

/** What Knex takes to list what has run and what has not, in a session that is open, with its modules loaded. */
async function measureKnex(folder: string, url: string): Promise<number> {
  const own = knex({ client: 'pg', connection: url, migrations: { directory: join(folder, 'migrations') } })
  try {
    const took: number[] = []
    for (let round = 0; round <= ROUNDS; round += 1) took.push((await timed(() => own.migrate.list())).took)
    return median(took.slice(1))
  } finally {
    await own.destroy()
  }
}

const base = await mkdtemp(join(tmpdir(), 'deploywatch-bench-ledgers-'))
await letThrough(base)
const server = await startServer(join(base, 'server'))
try {
  const lines: string[] = []
  let slowest = 0
  let peer = 0
  for (const { name, title } of LEDGER_TOOLS) {
    const { contract } = (await import(`../test/ledgers/contracts/${name}.ts`)) as { readonly contract: LedgerContract }
    const folder = join(base, name)
    const parts = await measure(folder, server.url, contract)
    const whole = parts.look + parts.compare
    slowest = Math.max(slowest, whole)
    if (name === 'knex') peer = await measureKnex(folder, server.url)
    const cells = [title, whole, parts.look, parts.interpret, parts.compare, parts.compareNone, parts.discover]
    lines.push(`| ${cells.map((cell) => (typeof cell === 'number' ? ms(cell) : cell)).join(' | ')} |`)
    process.stderr.write(`${lines.at(-1)}\n`)
  }
  process.stdout.write(
    [
      `${MIGRATIONS} migrations, all of them applied; Node ${process.versions.node}; medians of ${ROUNDS}`,
      '',
      '| tool | ledger and comparison | reading it | of that its rows | comparing | comparing where none has run | the repository’s files, once a build |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...lines,
      '',
      `Knex’s own list of them: ${ms(peer)}`,
      `slowest: ${ms(slowest)}, goal: under ${ms(GOAL_MS)}: ${slowest < GOAL_MS ? 'reached' : 'missed'}`,
      '',
    ].join('\n'),
  )
} finally {
  await server.stop()
  await rm(base, { recursive: true, force: true })
}
