/** `check`: one look at an environment. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { look } from '../../functions/check.ts'
import type { CheckInput, Look } from '../../functions/check.ts'
import { expandEnvironment } from '../../functions/config/expand.ts'
import type { ExpandedEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Connection, DatabaseTarget } from '../../functions/connections/connection.ts'
import type { Report } from '../../functions/core/report.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { LEDGER_TOOLS } from '../../functions/ledgers/index.ts'
import { OUTPUT_FORMATS } from '../../functions/outputs/formats.ts'
import {
  learntStatements,
  runningStatements,
  tellUnread,
  withStatements,
} from '../../functions/release/evidence-statements.ts'
import type { LearntStatements } from '../../functions/release/evidence-statements.ts'
import { resolveRelease } from '../../functions/release/resolve-release.ts'
import type { ResolvedRelease } from '../../functions/release/resolve-release.ts'
import { folderStore } from '../../functions/stores/folder.ts'
import type { Store } from '../../functions/stores/store.ts'
import { EXIT, showsColor, UsageError, widthOf } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { CheckOptions, CommonOptions } from '../options.ts'
import { nameRelease } from '../release-name.ts'
import { writeResult } from '../result.ts'

/** A paused cluster may take a minute to resume, and the whole look of a large schema seconds. */
export const DEADLINE_MS = 120_000

/** Each on a connection of its own: enough to be quick, few enough for a database that is busy. */
const QUERIES_AT_ONCE = 6

export async function run(options: CheckOptions, io: CliIo): Promise<number> {
  const startedAt = Date.now()
  const prepared = await prepareLooks(options, io)
  const { report, samples } = await prepared.look(startedAt, DEADLINE_MS)
  await keepSamples(prepared, samples, io)
  await writeResult(render(report, options, prepared.loaded, io), options.output, io)
  return exitCode(report, prepared.environment)
}

/** The next deployment's baseline. A store that cannot be written is no reason to lose an answer. */
async function keepSamples(
  { store, environment, manifest }: PreparedLooks,
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

export interface PreparedLooks {
  readonly loaded: LoadedConfig
  readonly environment: ExpandedEnvironment
  readonly manifest: ResolvedRelease['manifest']
  readonly store: Store
  /** One look; both in milliseconds. */
  look(startedAt: number, deadlineMs: number): Promise<Look>
}

/** Config, environment and release are read once, and looks taken as often as wanted. */
export async function prepareLooks(
  options: Pick<CheckOptions, 'config' | 'release' | 'running' | 'store' | 'env' | 'deployed'>,
  io: CliIo,
): Promise<PreparedLooks> {
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, options.env, io.env)
  const open = connectAhead(environment.target)
  const resolved = await releaseOf(options, loaded, io)
  const store = storeOf(options, loaded, io)
  const { manifest, learnt } = await learn(resolved, { options, loaded, store, environment: environment.name }, io)
  const endpoints = await endpointsOf(loaded, environment.name, manifest, io)
  const lookOnce = async (startedAt: number, deadlineMs: number): Promise<Look> => {
    const seen = await look({
      environment: {
        name: environment.name,
        database: databaseName(environment.target),
        // What a server does where nobody says otherwise ("$user", public), without the user's own schema.
        searchPath: environment.searchPath.length === 0 ? ['public'] : environment.searchPath,
      },
      release: manifest,
      engine: postgres,
      connect: open,
      // An embedded database has one session.
      concurrency: environment.target.kind === 'embedded' ? 1 : QUERIES_AT_ONCE,
      deployed: options.deployed,
      endpoints,
      store,
      createTextComparer: async () => {
        const { createTextComparer } = await import('../../functions/engines/postgres/normalise-text.ts')
        return createTextComparer()
      },
      shell: shellOf(loaded, environment.name),
      clock: Date.now,
      startedAt,
      deadlineMs,
    })
    return { ...seen, report: tellUnread(seen.report, learnt) }
  }
  return { loaded, environment, manifest, store, look: lookOnce }
}

/** The first connection opens while the release is still being read; each further one when it is asked for. */
function connectAhead(target: DatabaseTarget): () => Promise<Connection> {
  let ahead: Promise<Connection> | null = connect(target)
  // Whoever takes it learns why it failed; where nobody does, another error is told already.
  ahead.catch(() => undefined)
  return () => {
    const first = ahead
    ahead = null
    return first ?? connect(target)
  }
}

interface LearnContext {
  readonly options: Pick<CheckOptions, 'running' | 'deployed'>
  readonly loaded: LoadedConfig
  readonly store: Store
  readonly environment: string
}

const NOTHING_LEARNT: LearntStatements = { statements: [], findings: [], notes: [] }

/** The release with what environments showed of it, and with what the release sends that runs there now. */
async function learn(
  { manifest, file }: ResolvedRelease,
  { options, loaded, store, environment }: LearnContext,
  io: CliIo,
): Promise<{ readonly manifest: ResolvedRelease['manifest']; readonly learnt: LearntStatements }> {
  const place = { environment, folder: file === null ? loaded.folder : dirname(file), root: loaded.folder }
  const own = await learntStatements(manifest, place, store)
  const running = options.running === null ? null : resolve(io.cwd, options.running)
  // Once the release is deployed it is the one that runs, whatever the store still says; a rollback names its own.
  const isOther = running !== null || !options.deployed
  const other = isOther
    ? await runningStatements({ ...place, file: running, release: manifest, store })
    : NOTHING_LEARNT
  const learnt = {
    statements: [...own.statements, ...other.statements],
    findings: [...own.findings, ...other.findings],
    notes: [...own.notes, ...other.notes],
  }
  return { manifest: withStatements(manifest, learnt.statements), learnt }
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
    engine: async () => postgres,
    release: () => nameRelease({ version: null, commit: null }, loaded.folder, io.env),
    connect: (name) => connect(expandEnvironment(loaded, name, io.env).target),
  })
}

export function storeOf(options: Pick<CheckOptions, 'store'>, loaded: LoadedConfig, io: CliIo): Store {
  const place = options.store ?? loaded.config.store
  if (place.startsWith('s3://')) {
    throw new UsageError(
      `the store ${place} is in S3, which this version does not reach: name a folder with --store FOLDER`,
    )
  }
  return folderStore(options.store === null ? resolve(loaded.folder, place) : resolve(io.cwd, place))
}

/** What people know the database by. Holds no secret. */
export function databaseName(target: DatabaseTarget): string {
  switch (target.kind) {
    case 'url':
      return nameInUrl(target.url)
    case 'host':
    case 'data-api':
      return target.name
    case 'embedded':
      return target.folder ?? 'memory'
  }
}

function nameInUrl(url: string): string {
  try {
    const { pathname, hostname } = new URL(url)
    return pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : hostname
  } catch {
    return 'the database'
  }
}

/** A shell command for one SQL statement: only where the config names the variable that holds the address. */
function shellOf(loaded: LoadedConfig, name: string): (sql: string) => string | null {
  const database = loaded.config.environments[name]?.database
  const variable = database !== undefined && 'url' in database ? /^\$\{(\w+)\}$/u.exec(database.url)?.[1] : undefined
  return (sql) => (variable === undefined ? null : `psql "$${variable}" -c '${sql.replaceAll("'", `'\\''`)}'`)
}

export function render(report: Report, options: CommonOptions, loaded: LoadedConfig, io: CliIo): string {
  const plain = options.output !== null
  return OUTPUT_FORMATS[options.format](report, {
    color: !plain && showsColor(io.stdout, io.env),
    width: widthOf(io.stdout),
    readFile: (path) => {
      try {
        return readFileSync(resolve(loaded.folder, path), 'utf8')
      } catch {
        // The excerpt is a courtesy: a manifest travels without its files.
        return null
      }
    },
  })
}

export function exitCode(report: Report, environment: ExpandedEnvironment): number {
  if (report.verdict !== 'unsure') return EXIT[report.verdict]
  return environment.unsure === 'warn' ? EXIT.pass : EXIT.unsure
}
