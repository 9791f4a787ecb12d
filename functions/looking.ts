/** How a look is put together from a release and an environment: by the command line and by the deployed looker alike. */
import { look } from './check.ts'
import type { CheckInput, Look } from './check.ts'
import type { MigrationsSight } from './look/migrations.ts'
import type { Connection, DatabaseTarget } from './connections/connection.ts'
import { postgres } from './engines/postgres/index.ts'
import { tellBehind } from './core/environment-behind.ts'
import type { Elsewhere } from './core/environment-behind.ts'
import type { Told } from './estimate.ts'
import type { KeptRun } from './core/estimate-history.ts'
import type { Finding, FindingCode } from './core/finding.ts'
import type { Report } from './core/report.ts'
import { verdictOf } from './core/verdict.ts'
import type { TableVolume } from './core/migration-evidence.ts'
import type { TenantPatterns } from './engines/tenants.ts'
import { learntStatements, runningStatements, tellUnread, withStatements } from './release/evidence-statements.ts'
import type { LearntStatements } from './release/evidence-statements.ts'
import type { ReleaseManifest } from './release/manifest.ts'
import type { Store } from './stores/store.ts'

/** Each on a connection of its own: enough to be quick, few enough for a database that is busy. */
const QUERIES_AT_ONCE = 6

export interface LearnInput {
  readonly manifest: ReleaseManifest
  readonly environment: string
  /** The release is deployed. */
  readonly deployed: boolean
  readonly store: Store
  /** The folder in which evidence lies beside the manifest; null: the store alone has some. */
  readonly folder: string | null
  /** Paths in reports are relative to it. */
  readonly root: string
  /** The manifest of the release that runs there, an absolute path; null: the store says. */
  readonly running: string | null
}

export interface LearntRelease {
  readonly manifest: ReleaseManifest
  readonly learnt: LearntStatements
  /** What environments showed of its migrations. */
  readonly elsewhere: readonly Elsewhere[]
  /** What the pipelines of this environment do wrong, as `publish` found it; null: nobody kept it. */
  readonly pipelines: readonly Finding[] | null
}

const NOTHING_LEARNT: LearntStatements = { statements: [], findings: [], notes: [] }

/** The release with what environments showed of it, and with what the release sends that runs there now. */
export async function learnOfRelease(input: LearnInput): Promise<LearntRelease> {
  const { manifest, store, running } = input
  const own = await learntStatements(manifest, input, store)
  // Once the release is deployed it is the one that runs, whatever the store still says; a rollback names its own.
  const isOther = running !== null || !input.deployed
  const other = isOther
    ? await runningStatements({ ...input, file: running, release: manifest, store })
    : NOTHING_LEARNT
  const learnt = {
    statements: [...own.statements, ...other.statements],
    findings: [...own.findings, ...other.findings],
    notes: [...own.notes, ...other.notes],
  }
  return {
    manifest: withStatements(manifest, learnt.statements),
    learnt,
    elsewhere: own.elsewhere,
    pipelines: own.pipelines,
  }
}

export interface LookingInput extends Pick<
  CheckInput,
  'connect' | 'deployed' | 'changes' | 'endpoints' | 'store' | 'variable' | 'clock'
> {
  readonly environment: {
    readonly name: string
    readonly target: DatabaseTarget
    /** Schemas in order, bare; empty where nobody says. */
    readonly searchPath: readonly string[]
    readonly tenants?: TenantPatterns | null
  }
  readonly release: LearntRelease
  /** What the audit of the pipelines says of this environment, asked only where something is missing; null: the repository is not here. */
  readonly pipelines?: (() => Promise<readonly Finding[] | null>) | null
  /** How earlier estimates held, asked only where something is missing; null: nobody keeps it. */
  readonly runs?: (() => Promise<readonly KeptRun[]>) | null
}

/** What of an environment's database, and how, one look is given, whatever it is to see. */
function placeOf(
  environment: LookingInput['environment'],
): Pick<CheckInput, 'environment' | 'engine' | 'createTextComparer'> {
  return {
    environment: {
      name: environment.name,
      database: databaseName(environment.target),
      // What a server does where nobody says otherwise ("$user", public), without the user's own schema.
      searchPath: environment.searchPath.length === 0 ? ['public'] : environment.searchPath,
      tenants: environment.tenants ?? null,
    },
    engine: postgres,
    createTextComparer: async () => {
      const { createTextComparer } = await import('./engines/postgres/normalise-text.ts')
      return createTextComparer()
    },
  }
}

/** One look. Both in milliseconds: when it began, by the input's clock, and how long it may take. `signal`: nobody waits any more. */
export async function takeLook(
  input: LookingInput,
  startedAt: number,
  deadlineMs: number,
  signal: AbortSignal | null = null,
): Promise<Look> {
  const { environment, release } = input
  const seen = await look({
    ...input,
    ...placeOf(environment),
    release: release.manifest,
    // An embedded database has one session.
    concurrency: environment.target.kind === 'embedded' ? 1 : QUERIES_AT_ONCE,
    startedAt,
    deadlineMs,
    signal,
  })
  const report = tellUnread(seen.report, release.learnt)
  const { ledgers } = release.manifest.expectation
  const { startedAt: now } = report
  const place = { environment: environment.name, ledgers, elsewhere: release.elsewhere, now }
  const { findings, notes, estimates } = await estimated(input, seen, report)
  const told = await explain(input, seen, tellBehind(findings, place), now)
  return { ...seen, estimates, report: { ...report, findings: told, notes: [...report.notes, ...notes] } }
}

/** How long what is missing will take: loaded only where something is. What nobody can say costs no verdict. */
async function estimated(
  { environment, release, variable, runs }: LookingInput,
  { migrations, target }: Look,
  { findings, startedAt: now }: Report,
): Promise<Told> {
  if (target === null || migrations === null) return { findings, notes: [], estimates: [] }
  const { tellEstimatesOf } = await import('./estimate.ts')
  const about = {
    ...release,
    release: release.manifest,
    environment: environment.name,
    migrations,
    target,
    variable,
    now,
  }
  return tellEstimatesOf({ ...about, history: (await runs?.()) ?? [] }, findings)
}

/** With their causes: loaded and asked for only where something is amiss. */
async function explain(
  { environment, release, pipelines }: LookingInput,
  { besides }: Look,
  findings: readonly Finding[],
  now: string,
): Promise<readonly Finding[]> {
  if (verdictOf(findings) !== 'fail') return findings
  const { tellCauses } = await import('./core/causes.ts')
  const isBehind = findings.some(({ code }) => NOT_RUN.has(code))
  return tellCauses({
    ...besides,
    environment: environment.name,
    now,
    findings,
    effects: await release.manifest.effects(),
    evidence: release.elsewhere,
    pipelines: isBehind ? ((await pipelines?.()) ?? release.pipelines) : null,
  })
}

const NOT_RUN: ReadonlySet<FindingCode> = new Set([
  'migration-missing',
  'migration-skipped',
  'migration-failed',
  'ledger-missing',
])

/** One look at the release's migrations alone: for evidence and comparison. Both in milliseconds, as above. */
export async function takeMigrationsLook(
  {
    environment,
    release,
    connect,
    clock,
  }: Pick<LookingInput, 'environment' | 'connect' | 'clock'> & { readonly release: ReleaseManifest },
  startedAt: number,
  deadlineMs: number,
): Promise<MigrationsSight> {
  const limits = { concurrency: 1, startedAt, deadlineMs, signal: null }
  const { lookAtMigrations } = await import('./look/migrations.ts')
  return lookAtMigrations({ ...placeOf(environment), ...limits, release, connect, clock, variable: null })
}

/** How large tables are, by their subjects; [] where that could not be seen. */
export async function takeSizes(
  {
    environment,
    release,
    connect,
    clock,
  }: Pick<LookingInput, 'environment' | 'connect' | 'clock'> & { readonly release: ReleaseManifest },
  tables: readonly string[],
): Promise<readonly TableVolume[]> {
  const { lookAtSizes } = await import('./look/migrations.ts')
  return lookAtSizes({ ...placeOf(environment), release, connect, clock }, tables)
}

/** The first connection opens while the release is still being read; each further one when it is asked for. */
export function connectAhead(open: () => Promise<Connection>): () => Promise<Connection> {
  let ahead: Promise<Connection> | null = open()
  // Whoever takes it learns why it failed; where nobody does, another error is told already.
  ahead.catch(() => undefined)
  return () => {
    const first = ahead
    ahead = null
    return first ?? open()
  }
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

/** Where it is: 'orders at db.example:5432'. Holds no secret. */
export function databasePlace(target: DatabaseTarget): string {
  const name = databaseName(target)
  switch (target.kind) {
    case 'url': {
      const host = hostInUrl(target.url)
      return host === null ? name : `${name} at ${host}`
    }
    case 'host':
      return `${name} at ${target.host}:${target.port}`
    case 'data-api':
      return `${name} of ${target.cluster}`
    case 'embedded':
      return name
  }
}

function hostInUrl(url: string): string | null {
  try {
    const { host } = new URL(url)
    return host === '' ? null : host
  } catch {
    return null
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
