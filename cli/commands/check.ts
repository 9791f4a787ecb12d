/** `check`: one look at an environment. */
import { dirname, resolve } from 'node:path'
import type { CheckInput, Look } from '../../functions/check.ts'
import { addressVariable, expandEnvironment } from '../../functions/config/expand.ts'
import type { ExpandedEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Report } from '../../functions/core/report.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { connectAhead, learnOfRelease, takeLook } from '../../functions/looking.ts'
import type { LearntRelease, LookingInput } from '../../functions/looking.ts'
import { markRunning } from '../../functions/release/mark-running.ts'
import { resolveRelease } from '../../functions/release/resolve-release.ts'
import type { ResolvedRelease } from '../../functions/release/resolve-release.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import type { Store } from '../../functions/stores/store.ts'
import { EXIT } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { CheckOptions } from '../options.ts'
import { pipelinesOf } from '../pipelines.ts'
import { nameRelease } from '../release-name.ts'
import { render } from '../render.ts'
import { contextOfLook } from '../report-context.ts'
import { writeResult } from '../result.ts'
import { storeOf } from '../store.ts'

/** A paused cluster may take a minute to resume, and the whole look of a large schema seconds. */
export const DEADLINE_MS = 120_000

export async function run(options: CheckOptions, io: CliIo): Promise<number> {
  const startedAt = Date.now()
  const prepared = await prepareLooks({ ...options, changes: 'told' }, io)
  const look = await prepared.look(startedAt, DEADLINE_MS)
  const { report: seen, samples, answering } = look
  await keepSamples(prepared, samples, io)
  // Who says `--deployed` hopes so; a revision that answered shows it.
  const runs = options.deployed && answering && seen.verdict === 'pass'
  const report = runs ? await markAsRunning(prepared, seen, io) : seen
  const context = await contextOfLook(options, prepared, look)
  await writeResult(render(report, options, prepared.loaded, io, context), options.output, io)
  return exitCode(report, prepared.environment)
}

/** The next deployment's baseline. A store that cannot be written is no reason to lose an answer. */
export async function keepSamples(
  { store, environment, manifest }: Pick<PreparedLooks, 'store' | 'environment' | 'manifest'>,
  samples: Look['samples'],
  io: CliIo,
): Promise<void> {
  if (samples.length === 0) return
  try {
    await store.putSamples(manifest.expectation.release.service, environment.name, samples)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    io.stderr.write(
      `note: the durations of this look could not be kept for the next deployment's baseline: ${reason}\n`,
    )
  }
}

/** The report with the news, if it is any. A store that cannot be written is no reason to lose an answer. */
export async function markAsRunning(
  { store, environment, manifest, files }: PreparedLooks,
  report: Report,
  io: CliIo,
): Promise<Report> {
  const { release } = manifest.expectation
  try {
    const at = new Date().toISOString()
    const isNews = await markRunning({ store, environment: environment.name, release, files: await files(), at })
    const note = `${release.version} is marked as the release that runs in ${environment.name}`
    return isNews ? { ...report, notes: [...report.notes, note] } : report
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    io.stderr.write(
      `note: that ${release.version} runs in ${environment.name} could not be kept for the next deployment's check: ${reason}\n`,
    )
    return report
  }
}

export interface PreparedLooks {
  readonly loaded: LoadedConfig
  readonly environment: ExpandedEnvironment
  readonly manifest: ResolvedRelease['manifest']
  /** The manifest's file; null: the release was built from the working tree. */
  readonly file: string | null
  /** What environments showed of its migrations. */
  readonly elsewhere: LearntRelease['elsewhere']
  readonly store: Store & Documents
  /** The manifest's bytes, as a store keeps them. */
  readonly files: ResolvedRelease['files']
  /** One look; both in milliseconds. Aborted: nobody waits for it any more. */
  look(startedAt: number, deadlineMs: number, signal?: AbortSignal): Promise<Look>
}

/** Config, environment and release are read once, and looks taken as often as wanted. */
export async function prepareLooks(
  options: Pick<CheckOptions, 'config' | 'release' | 'running' | 'store' | 'env' | 'deployed'> &
    Pick<LookingInput, 'changes'>,
  io: CliIo,
): Promise<PreparedLooks> {
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, options.env, io.env)
  const open = connectAhead(() => connect(environment.target))
  const resolved = await releaseOf(options, loaded, io)
  const store = await storeOf(options, loaded, io)
  const release = await learnOfRelease({
    manifest: resolved.manifest,
    environment: environment.name,
    deployed: options.deployed,
    store,
    folder: resolved.file === null ? loaded.folder : dirname(resolved.file),
    root: loaded.folder,
    running: options.running === null ? null : resolve(io.cwd, options.running),
  })
  const looking: LookingInput = {
    environment,
    release,
    deployed: options.deployed,
    changes: options.changes,
    endpoints: await endpointsOf(loaded, environment.name, release.manifest, io),
    store,
    connect: open,
    pipelines: () => pipelinesOf(loaded, environment.name, release.manifest.expectation.release),
    runs: async () => {
      const { readRuns } = await import('../../functions/estimate-runs.ts')
      return readRuns(store, release.manifest.expectation.release.service)
    },
    variable: variableOf(loaded, environment.name),
    clock: Date.now,
  }
  const { manifest, elsewhere } = release
  return {
    loaded,
    environment,
    manifest,
    file: resolved.file,
    elsewhere,
    store,
    files: () => resolved.files(),
    look: async (startedAt, deadlineMs, signal) => {
      const seen = await takeLook(looking, startedAt, deadlineMs, signal)
      return seen.report.verdict === 'pass' ? seen : withRepository(seen, loaded)
    },
  }
}

/** Loaded only where something is amiss. */
async function withRepository(seen: Look, loaded: LoadedConfig): Promise<Look> {
  const { withRepositorySteps } = await import('../repository-steps.ts')
  return withRepositorySteps(seen, loaded)
}

/** Loaded only where there are endpoints: an HTTP client is of no use to a release without. */
async function endpointsOf(
  loaded: LoadedConfig,
  environment: string,
  manifest: ResolvedRelease['manifest'],
  io: CliIo,
): Promise<CheckInput['endpoints']> {
  if (loaded.config.endpoints.length === 0) return null
  const { prepareEndpoints } = await import('../../functions/endpoints/prepare.ts')
  const prepared = await prepareEndpoints(loaded, environment, manifest.expectation.release, { env: io.env })
  return { prepared, context: {} }
}

/** The release that is looked for: a manifest, or what the working tree says. */
export async function releaseOf(
  options: Pick<CheckOptions, 'release'>,
  loaded: LoadedConfig,
  io: CliIo,
): Promise<ResolvedRelease> {
  return resolveRelease({
    loaded,
    named: options.release,
    cwd: io.cwd,
    tools: LEDGER_TOOLS,
    env: io.env,
    engine: async () => postgres,
    release: () => nameRelease({ version: null, commit: null }, loaded.folder, io.env),
    connect: (name) => connect(expandEnvironment(loaded, name, io.env).target),
  })
}

export function variableOf({ config }: LoadedConfig, name: string): string | null {
  const environment = config.environments[name]
  return environment === undefined ? null : addressVariable(environment.database)
}

export function exitCode(report: Report, environment: ExpandedEnvironment): number {
  if (report.verdict !== 'unsure') return EXIT[report.verdict]
  return environment.unsure === 'warn' ? EXIT.pass : EXIT.unsure
}
