/**
 * `npm run bench`: looks at a schema of 10,000 tables beside pg_dump and @pgkit/schemainspect, and says which goals are reached.
 * Exits 0 when it could measure, also where a goal is missed: the machine has its part in that.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fasterPeer, goalTable, judgeGoals, peerTable } from './goals.ts'
import type { Measured } from './goals.ts'
import { lookAtWrong, measureHelp, measureRound } from './measure.ts'
import type { Round, Subject } from './measure.ts'
import { runScript, startScript } from './processes.ts'
import { prepareProject } from './project.ts'
import { COLUMNS, MIGRATIONS, TABLES } from './schema.ts'
import { query, startServer } from './server.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    tables: { type: 'string', default: String(TABLES) },
    /** Keeps the server's data there, so that the next run need not make it again. */
    folder: { type: 'string' },
  },
})

const HELPS = 15
const say = (text: string): void => void process.stderr.write(`${text}\n`)

async function measure(subject: Subject, rounds: number): Promise<Measured> {
  const done: Round[] = []
  for (let at = 1; at <= rounds; at += 1) {
    say(`round ${at} of ${rounds}`)
    done.push(await measureRound(subject))
  }
  const helps: { help: number; node: number }[] = []
  for (let at = 0; at < HELPS; at += 1) helps.push(await measureHelp())
  const wrong: { columns: number; look: Round['wrongColumn'] }[] = []
  for (const columns of [1, 10, 100].filter((count) => count <= subject.tables)) {
    wrong.push({ columns, look: await lookAtWrong(subject, join(subject.project.folder, 'store-wrong'), columns) })
  }
  const wholeBytes = Number((await runScript('./whole-schema.ts', [subject.project.url])).stdout)
  return { rounds: done, helps, wrong, wholeBytes }
}

const folder =
  values.folder === undefined ? await mkdtemp(join(tmpdir(), 'deploywatch-bench-')) : resolve(values.folder)
const tables = Number(values.tables)
const server = await startServer(folder)
try {
  const project = await prepareProject(server.url, folder, tables, say)
  const dataApi = await startScript('./data-api.ts', [server.url])
  try {
    const subject: Subject = { project, pgDump: server.pgDump, dataApi: dataApi.line, tables }
    const [version] = await query(server.url, 'SHOW server_version')
    const measured = await measure(subject, Number(values.rounds))
    const peer = fasterPeer(measured.rounds)
    process.stdout.write(
      `${[
        `${tables} tables × ${COLUMNS} columns, ${MIGRATIONS} migrations, PostgreSQL ${String(version?.['server_version'])}, Node ${process.versions.node}, ${availableParallelism()} cores, ${measured.rounds.length} rounds`,
        peerTable(measured.rounds),
        `The faster peer is ${peer.name}.`,
        goalTable(judgeGoals(measured)),
      ].join('\n\n')}\n`,
    )
  } finally {
    await dataApi.stop()
  }
} finally {
  await server.stop()
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true })
}
