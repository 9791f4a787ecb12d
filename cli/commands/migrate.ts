/** `migrate`: the team's own migration command between two looks. */
import { relative } from 'node:path'
import { addressVariable } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import { duration } from '../../functions/config/parts.ts'
import { ConfigError } from '../../functions/config/problem.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { MigrationEvidence } from '../../functions/core/migration-evidence.ts'
import { commandsFor } from '../../functions/core/paste.ts'
import type { Report } from '../../functions/core/report.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { keepRuns } from '../../functions/estimate-runs.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { openProject } from '../../functions/ledgers/project-files.ts'
import { databasePlace, takeSizes } from '../../functions/looking.ts'
import type { MigrateCommandInput, Ran } from '../../functions/migrate-command/migrate-command.ts'
import { migrateByCommand } from '../../functions/migrate-command/migrate-command.ts'
import { watchLedgers, WATCH_TIMEOUTS } from '../../functions/migrate-command/watch-ledgers.ts'
import { addToEvidence, writeEvidence } from '../../functions/release/evidence.ts'
import { planReplay } from '../../functions/release/plan.ts'
import { StoreError } from '../../functions/stores/store.ts'
import { systemSleep } from '../../functions/system.ts'
import { evidencePath, knownEvidence, writeEvidenceFile } from '../evidence-file.ts'
import { listenForInterrupt } from '../interrupt.ts'
import type { Interrupt } from '../interrupt.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import { MigrateProgress } from '../migrate-progress.ts'
import type { MigrateOptions } from '../options.ts'
import { render } from '../render.ts'
import { writeResult } from '../result.ts'
import { assertProgram, commandText, runCommand } from '../run-command.ts'
import { DEADLINE_MS, exitCode, keepSamples, prepareLooks } from './check.ts'
import type { PreparedLooks } from './check.ts'

export async function run(options: MigrateOptions, io: CliIo): Promise<number> {
  if (options.command.length === 0) throw new UsageError(await whatToType(options, io))
  const timeoutMs = options.timeout === null ? null : millisecondsOf(options.timeout)
  await assertProgram(options.command[0] ?? '', io)
  const prepared = await prepareLooks({ ...options, deployed: false, changes: 'told' }, io)
  const interrupt = lateInterrupt()
  const progress = progressOf(prepared, options, io)
  try {
    const input = inputOf(prepared, options, { io, progress, interrupt, timeoutMs })
    const { report: seen, samples, ran } = await migrateByCommand(input)
    progress.end()
    await keepSamples(prepared, samples, io)
    await keepOutcomes(prepared, ran, io)
    const note = ran?.evidence == null ? null : await keepEvidence(prepared, options, ran.evidence, io)
    const report = note === null ? seen : { ...seen, notes: [...seen.notes, note] }
    await writeResult(render(report, options, prepared.loaded, io), options.output, io)
    return exitOf(report, prepared, ran)
  } finally {
    progress.end()
    interrupt.stop()
  }
}

/** `unsure: warn` lets go on what was run and could not be confirmed whole; what was not run is never let go on. */
function exitOf(report: Report, { environment }: PreparedLooks, ran: Ran | null): number {
  return ran === null && report.verdict === 'unsure' ? EXIT.unsure : exitCode(report, environment)
}

interface World {
  readonly io: CliIo
  readonly progress: MigrateProgress
  readonly interrupt: LateInterrupt
  readonly timeoutMs: number | null
}

function inputOf(
  prepared: PreparedLooks,
  { command, format, env }: MigrateOptions,
  { io, progress, interrupt, timeoutMs }: World,
): MigrateCommandInput {
  const { environment, manifest } = prepared
  const { ledgers } = manifest.expectation
  const { target } = environment
  const text = commandText(command)
  return {
    environment: environment.name,
    ledgers,
    effects: () => manifest.effects(),
    look: () => prepared.look(Date.now(), DEADLINE_MS, interrupt.signal()),
    sizes: (tables) =>
      takeSizes({ environment, release: manifest, connect: () => connect(target), clock: Date.now }, tables),
    watch: isWatchable(environment)
      ? () =>
          watchLedgers({
            connect: () => connect(target, WATCH_TIMEOUTS),
            engine: postgres,
            ledgers,
            searchPath: environment.searchPath.length === 0 ? ['public'] : environment.searchPath,
            clock: Date.now,
            sleep: systemSleep,
            tell: (sight) => progress.sight(sight),
          })
      : null,
    run: async (watch) => {
      progress.begin(watch)
      const end = await runCommand({
        words: command,
        env: io.env,
        cwd: io.cwd,
        // The result alone is to be on stdout where a program reads it.
        printsTo: format === 'text' ? 'stdout' : 'stderr',
        timeoutMs,
        tell: (why) => progress.say(why),
        clock: Date.now,
      })
      progress.end()
      interrupt.listen()
      return end
    },
    again: {
      text: 'mend what is wrong, then run it again: where the schema is confirmed the command is not run again',
      command: text.endsWith('…') ? null : `npx deploywatch migrate --env ${env} -- ${text}`,
    },
    place: databasePlace(target),
    tell: (event) => progress.tell(event),
    clock: Date.now,
  }
}

/** An embedded database has one process, which is the command then; where each tenant has a ledger there is no one to watch. */
function isWatchable({ target, tenants }: PreparedLooks['environment']): boolean {
  return target.kind !== 'embedded' && (tenants ?? null) === null
}

function progressOf({ manifest, environment }: PreparedLooks, { command }: MigrateOptions, io: CliIo): MigrateProgress {
  const { ledgers } = manifest.expectation
  return new MigrateProgress({
    io,
    environment: environment.name,
    ledgers,
    command: commandText(command),
    clock: Date.now,
  })
}

interface LateInterrupt {
  signal(): AbortSignal | undefined
  listen(): void
  stop(): void
}

/** Before the command a signal ends this process, and nothing has happened. While it runs it is the command's. After it, it ends the look. */
function lateInterrupt(): LateInterrupt {
  let interrupt: Interrupt | null = null
  return {
    signal: () => interrupt?.signal,
    listen: () => {
      interrupt ??= listenForInterrupt()
    },
    stop: () => interrupt?.stop(),
  }
}

function millisecondsOf(text: string): number {
  const parsed = duration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new UsageError(`--timeout ${text} is no duration: write a whole number and a unit, such as 90s, 30m or 2h`)
}

/** With the command of their own tool, where the repository says which that is. */
async function whatToType({ config, env }: MigrateOptions, io: CliIo): Promise<string> {
  const command = await toolCommand(config, env, io)
  // Variables are set by a shell: in front of all of it, and not behind `--`.
  const [, set = '', words = ''] = /^(\w+="\$\w+" )?(.*)$/su.exec(command ?? 'npx prisma migrate deploy') ?? []
  const such = command === null ? 'such as' : 'for your migrations'
  return `migrate needs the command that migrates, after \`--\`, ${such}: ${set}npx deploywatch migrate --env ${env} -- ${words}`
}

async function toolCommand(config: string, env: string, io: CliIo): Promise<string | null> {
  try {
    const loaded = await loadConfig(config, io.cwd)
    const { ledgers } = await planReplay(loaded, openProject(loaded.folder), LEDGER_TOOLS)
    const database = loaded.config.environments[env]?.database
    const variable = database === undefined ? null : addressVariable(database)
    return ledgers[0] === undefined ? null : commandsFor(ledgers[0].commands, variable).migrate
  } catch (error) {
    // What is wrong with the config is told once there is a command.
    if (error instanceof ConfigError) return null
    throw error
  }
}

/** Later estimates learn from it. A store that cannot be written is no reason to lose an answer. */
async function keepOutcomes({ store, manifest }: PreparedLooks, ran: Ran | null, io: CliIo): Promise<void> {
  try {
    await keepRuns(store, manifest.expectation.release.service, ran?.outcomes ?? [])
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    io.stderr.write(`note: how the estimates of these migrations held could not be kept: ${error.message}\n`)
  }
}

/** Where it went, for the report. The answer is not lost with a file or a store that cannot be written: null then, and stderr says so. */
async function keepEvidence(
  { manifest, file, store, loaded, environment }: PreparedLooks,
  { env }: MigrateOptions,
  migrations: MigrationEvidence,
  io: CliIo,
): Promise<string | null> {
  const { expectation } = manifest
  const path = evidencePath({ env, out: null }, loaded, { file }, io)
  try {
    const { evidence: known, notes } = await knownEvidence(path, { manifest }, environment.name, store)
    const added = { expectation, environment: environment.name, statements: [], migrations }
    const text = writeEvidence(addToEvidence(known, added))
    await writeEvidenceFile(path, text, `record it with \`npx deploywatch record --env ${env} --out FILE\``)
    for (const note of notes) io.stderr.write(`note: ${note}\n`)
    await store.putEvidence(expectation.release.service, expectation.digest, environment.name, text)
    return `what was seen of the migrations is in ${relative(io.cwd, path)}`
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof StoreError)) throw error
    io.stderr.write(`note: how long each migration took could not be kept: ${error.message}\n`)
    return null
  }
}
