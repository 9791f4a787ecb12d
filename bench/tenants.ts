/**
 * `npm run bench:tenants`: one look at a thousand tenants' schemas of fifty tables each in one real PostgreSQL, beside the look at one
 * schema alone, which a thousand looks would be, and beside @pgkit/schemainspect. Making the schemas takes a quarter of an hour:
 * `--folder DIR` keeps them for the next run. Exits 1 where a look did not answer rightly, or a goal of round trips or memory is missed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { kilobytes, median, seconds } from './goals.ts'
import { look, runScript, startScript } from './processes.ts'
import type { Look } from './processes.ts'
import { query, startServer } from './server.ts'
import { prepareTenants, tenantName } from './tenants-project.ts'

const { values } = parseArgs({
  options: {
    tenants: { type: 'string', default: '1000' },
    tables: { type: 'string', default: '50' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
  },
})
const [tenants, tables, rounds] = [values.tenants, values.tables, values.rounds].map(Number) as [number, number, number]
/** Single looks that are measured in a round; their median stands for each of the thousand. */
const SAMPLE = 7
const MOST_ROUND_TRIPS = 3
const MOST_MEMORY = 256 * 1_048_576
const say = (text: string): void => void process.stderr.write(`${text}\n`)

interface Round {
  readonly ones: readonly Look[]
  readonly schemainspect: number
  readonly first: Look
  readonly unchanged: Look
  readonly oneDiffers: Look
  readonly threeDiffer: Look
  readonly firstDataApi: Look
  readonly unchangedDataApi: Look
}

async function measureRound(folder: string, url: string, dataApi: string): Promise<Round> {
  const options = { cwd: folder, env: { BENCH_DATABASE_URL: url, BENCH_DATA_API: dataApi } }
  const newStore = (): Promise<string> => mkdtemp(join(folder, 'store-'))
  const [wire, api] = [await newStore(), await newStore()]
  const ones: Look[] = []
  for (let at = 0; at < SAMPLE; at += 1) ones.push(await look('one', await newStore(), 'pass', options))
  const first = await look('wire', wire, 'pass', options)
  const schemainspect = Number((await runScript('./schemainspect.ts', [url, String(tenants * tables)])).stdout)
  return {
    ones,
    schemainspect,
    first,
    unchanged: await look('wire', wire, 'pass', options),
    oneDiffers: await lookAtWrong(url, [7], () => look('wire', wire, 'fail', options)),
    threeDiffer: await lookAtWrong(url, [7, 19, 400], () => look('wire', wire, 'fail', options)),
    firstDataApi: await look('data-api', api, 'pass', options),
    unchangedDataApi: await look('data-api', api, 'pass', options),
  }
}

/** While these tenants lack a column. Throws where they are not what the one finding names. */
async function lookAtWrong(url: string, numbers: readonly number[], take: () => Promise<Look>): Promise<Look> {
  const names = numbers.filter((number) => number <= tenants).map(tenantName)
  await query(url, names.map((name) => `ALTER TABLE ${name}.table_00007 DROP COLUMN title`).join(';'))
  try {
    const done = await take()
    const [finding] = done.report.findings
    const expected = `${names.length} of ${tenants.toLocaleString('en-US')} schemas: ${names.join(', ')};`
    if (finding?.code !== 'column-missing' || !finding.found.startsWith(expected))
      throw new Error(
        `expected column-missing, ${expected} found ${finding?.code ?? 'nothing'}, ${finding?.found ?? ''}`,
      )
    return done
  } finally {
    await query(url, names.map((name) => `ALTER TABLE ${name}.table_00007 ADD COLUMN title text`).join(';'))
  }
}

const timeOf = (looks: readonly Look[]): number => median(looks.map(({ report }) => report.durationMs))
const mostTrips = (looks: readonly Look[]): number =>
  Math.max(...looks.map(({ report }) => report.database?.roundTrips ?? Infinity))
const mostBytes = (looks: readonly Look[]): number =>
  Math.max(...looks.map(({ report }) => report.database?.bytesRead ?? Infinity))
const peakOf = (looks: readonly Look[]): number => Math.max(...looks.map(({ peakBytes }) => peakBytes ?? NaN))

function row(what: string, looks: readonly Look[]): string {
  const times = looks.map(({ report }) => seconds(report.durationMs)).join(', ')
  const figures = [mostTrips(looks), kilobytes(mostBytes(looks)), kilobytes(peakOf(looks))].join(' | ')
  return `| ${what} | ${seconds(timeOf(looks))} | ${times} | ${figures} |`
}

function tell(done: readonly Round[], version: string): string {
  const all = (name: Exclude<keyof Round, 'ones' | 'schemainspect'>): readonly Look[] =>
    done.map((round) => round[name])
  const ones = done.flatMap((round) => round.ones)
  const peers = done.map(({ schemainspect }) => schemainspect)
  const [first, one] = [timeOf(all('first')), timeOf(ones)]
  return [
    `${tenants} schemas × ${tables} tables, PostgreSQL ${version}, Node ${process.versions.node}, ${rounds} rounds`,
    '',
    '| what | median | each round | most round trips | most bytes read | most memory |',
    '| --- | --- | --- | --- | --- | --- |',
    row('first look, all alike, wire', all('first')),
    row('unchanged, wire', all('unchanged')),
    row('one schema lacks a column', all('oneDiffers')),
    row('three schemas lack a column', all('threeDiffer')),
    row('first look, all alike, calls of the Data API', all('firstDataApi')),
    row('unchanged, calls of the Data API', all('unchangedDataApi')),
    `| @pgkit/schemainspect reads the database | ${seconds(median(peers))} | ${peers.map(seconds).join(', ')} | | | |`,
    '',
    `One schema alone: ${seconds(one)} (median of ${ones.length}), ${mostTrips(ones)} round trips, ${kilobytes(mostBytes(ones))}; ${tenants} times that: ${seconds(one * tenants)}.`,
    `One look at all is ${((one * tenants) / first).toFixed(0)} times as fast as that, and ${(median(peers) / first).toFixed(1)} times as fast as @pgkit/schemainspect reads.`,
    `finding: ${done[0]?.oneDiffers.report.findings[0]?.found ?? ''}`,
  ].join('\n')
}

const folder =
  values.folder === undefined ? await mkdtemp(join(tmpdir(), 'deploywatch-tenants-')) : resolve(values.folder)
const server = await startServer(folder)
try {
  const project = await prepareTenants(server.url, folder, { tenants, tables }, say)
  const dataApi = await startScript('./data-api.ts', [server.url])
  try {
    const done: Round[] = []
    for (let at = 1; at <= rounds; at += 1) {
      say(`round ${at} of ${rounds}`)
      const round = await measureRound(project.folder, project.url, dataApi.line)
      done.push(round)
      // A run takes long: what one that is broken off has measured is not lost.
      say(`first look ${seconds(timeOf([round.first]))}, unchanged ${seconds(timeOf([round.unchanged]))}`)
    }
    const [version] = await query(server.url, 'SHOW server_version')
    process.stdout.write(`${tell(done, String(version?.['server_version']))}\n`)
    const alike = done.flatMap(({ first, unchanged }) => [first, unchanged])
    if (mostTrips(alike) > MOST_ROUND_TRIPS || peakOf(done.map(({ first }) => first)) > MOST_MEMORY)
      process.exitCode = 1
  } finally {
    await dataApi.stop()
  }
} finally {
  await server.stop()
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true })
}
