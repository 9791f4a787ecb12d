/** The deployed look: a release by its reference, from the store, against the one environment that the stack names. */
import type { Look } from './check.ts'
import { ConfigError } from './config/problem.ts'
import type { Connection, DatabaseTarget } from './connections/connection.ts'
import { couldNotLook } from './core/could-not-look.ts'
import type { CouldNotLookCode, Finding } from './core/finding.ts'
import type { LookAnswer, Looker, LookOrder } from './core/look-order.ts'
import type { Report } from './core/report.ts'
import { verdictOf } from './core/verdict.ts'
import type { EndpointsContext } from './endpoints/endpoints.ts'
import { connectAhead, learnOfRelease, takeLook } from './looking.ts'
import { renderJson } from './outputs/json.ts'
import { describeReference, findRelease } from './release/find-release.ts'
import type { ReleaseStore } from './release/find-release.ts'
import type { ReleaseManifest } from './release/manifest.ts'
import type { Settings } from './looker-settings.ts'
import { keepStanding } from './standing.ts'
import type { Documents } from './stores/documents.ts'
import type { Store } from './stores/store.ts'

export interface LookerInput {
  readonly settings: Settings
  readonly store: Store & ReleaseStore & Documents
  readonly connect: (target: DatabaseTarget) => Promise<Connection>
  /** Milliseconds since 1970. */
  readonly clock: () => number
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly endpoints?: Omit<EndpointsContext, 'deployed'>
}

/** What is kept after a look must not cost the answer its time. */
const KEEP_SHARE = 0.1
const KEEP_MOST_MS = 3_000

export function createLooker(input: LookerInput): Looker {
  return async (order) => {
    refuseOther(input.settings, order)
    const startedAt = input.clock()
    const keepMs = Math.min(KEEP_MOST_MS, order.deadlineMs * KEEP_SHARE)
    const lookMs = order.deadlineMs - keepMs
    const left = (): number => Math.max(1, lookMs - (input.clock() - startedAt))
    // Before the look itself begins the store is asked: one that hangs, in a VPC without a way out, is a late look too.
    const prepared = await within(input, lookMs, () => prepare(input, order).catch(unreadable))
    const seen =
      prepared === LATE
        ? unseen(input, order, startedAt, 'check-timeout', `the store had not answered after ${Math.round(lookMs)} ms`)
        : typeof prepared === 'string'
          ? unseen(input, order, startedAt, 'release-unknown', prepared)
          : await prepared(startedAt, left())
    const kept = await within(input, keepMs, () => keep(input, order, seen))
    const report = kept === LATE ? withNote(seen.report, 'the store took too long') : kept
    return answer(report, input.settings)
  }
}

/** An order for somewhere else was sent by mistake: an answer would be taken for that environment's. */
function refuseOther({ service, environment }: Settings, order: LookOrder): void {
  if (order.service === service && order.environment === environment) return
  throw new Error(
    `this looks at ${service} in ${environment}, and was asked for ${order.service} in ${order.environment}: ask the function of that stack`,
  )
}

/** `digest`: of the expectation; null: it is not known which release is meant. */
type Looked = Look & { readonly digest: string | null }
type Prepared = (startedAt: number, deadlineMs: number) => Promise<Looked>

/** The look, or why it is not known which release is meant. */
async function prepare(input: LookerInput, order: LookOrder): Promise<Prepared | string> {
  const { settings, store, clock } = input
  const connect = connectAhead(() => input.connect(settings.target))
  const found = await findRelease({ ...order, store, reference: order.release })
  if (!found.found) {
    // It was opened for nobody.
    connect()
      .then((connection) => connection.close())
      .catch(() => undefined)
    return found.why
  }
  const release = await learnOfRelease({
    manifest: found.manifest,
    environment: settings.environment,
    deployed: order.deployed,
    store,
    folder: null,
    root: '/',
    running: null,
  })
  const endpoints = await endpointsOf(input, release.manifest)
  return async (startedAt, deadlineMs) => {
    const looked = await takeLook(
      {
        environment: { ...settings, name: settings.environment },
        release,
        deployed: order.deployed,
        changes: changesOf(order),
        endpoints: endpoints.prepared,
        store,
        connect,
        runs: async () => {
          const { readRuns } = await import('./estimate-runs.ts')
          return readRuns(store, settings.service)
        },
        variable: null,
        clock,
      },
      startedAt,
      deadlineMs,
    )
    const { digest } = found.manifest.expectation
    return { ...(endpoints.why === null ? looked : withoutEndpoints(looked, order, endpoints.why)), digest }
  }
}

/** After its deployment a release takes over what is there; before it, and between deployments, that something changed is news. */
function changesOf({ deployed, release }: LookOrder): 'told' | 'accepted' {
  return deployed && release.by !== 'running' ? 'accepted' : 'told'
}

/** Whatever the store's service answers, in its own words: what was expected is not known then. */
function unreadable(error: unknown): string {
  return `the store could not be read: ${messageOf(error)}`
}

interface Endpoints {
  readonly prepared: Parameters<typeof takeLook>[0]['endpoints']
  /** Why the release's endpoints cannot be asked; null: they can, or there are none. */
  readonly why: string | null
}

/** Loaded only where there are endpoints. */
async function endpointsOf(
  { settings, endpoints: context = {} }: LookerInput,
  manifest: ReleaseManifest,
): Promise<Endpoints> {
  const { config, expectation } = manifest
  const listed = config['endpoints']
  if (!Array.isArray(listed) || listed.length === 0) return { prepared: null, why: null }
  const { preparePublished } = await import('./endpoints/published-endpoints.ts')
  try {
    const prepared = await preparePublished(config, settings, expectation.release)
    return { prepared: prepared === null ? null : { prepared, context }, why: null }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { prepared: null, why: error.problems.map(({ message }) => message).join('; ') }
  }
}

/** Before a deployment endpoints never change the verdict; after it, those that nobody could ask are no pass. */
function withoutEndpoints(look: Look, { deployed, environment }: LookOrder, why: string): Look {
  const { report } = look
  if (!deployed) return { ...look, report: { ...report, notes: [...report.notes, `no endpoint was asked: ${why}`] } }
  const detail = `the stack does not give what the release's endpoints need: ${why}`
  const findings = [
    ...report.findings,
    couldNotLook('credentials-invalid', { environment, subject: 'endpoints', detail }),
  ]
  const checks = [...report.checks, { name: 'endpoints', outcome: 'unsure', durationMs: 0 } as const]
  return { ...look, report: { ...report, checks, findings, verdict: verdictOf(findings) } }
}

function unseen(
  { clock }: LookerInput,
  { service, environment, release }: LookOrder,
  startedAt: number,
  code: CouldNotLookCode,
  detail: string,
): Looked {
  const reason: Finding = couldNotLook(code, { environment, subject: service, detail })
  const report: Report = {
    schema: 'deploywatch/report/1',
    verdict: 'unsure',
    service,
    environment,
    release: { version: describeReference(release), commit: release.by === 'commit' ? release.commit : null },
    startedAt: new Date(startedAt).toISOString(),
    durationMs: Math.round(clock() - startedAt),
    checks: [],
    findings: [reason],
    database: null,
    notes: [],
  }
  const besides = { ledgers: [], differences: null, otherSchemas: [] }
  return { report, samples: [], answering: false, migrations: null, besides, target: null, estimates: [], digest: null }
}

/**
 * The report for whoever asks later, durations for the next deployment's baseline, and how it stands to the migrations for the
 * dashboard. What was seen counts without.
 */
async function keep({ store }: LookerInput, order: LookOrder, looked: Looked): Promise<Report> {
  const { report, samples, migrations, digest } = looked
  const { service, environment } = order
  const text = renderJson(report)
  const kept = await Promise.allSettled([
    store.putReport(service, environment, text, report.startedAt),
    samples.length === 0 ? null : store.putSamples(service, environment, samples),
    // Without a database nothing was seen, which is not the same as nothing new.
    digest === null || report.database === null
      ? null
      : keepStanding(store, { service, environment }, { digest, migrations, seenAt: report.startedAt }),
  ])
  const failed = kept.find((outcome) => outcome.status === 'rejected')
  return failed === undefined ? report : withNote(report, messageOf(failed.reason))
}

function withNote(report: Report, reason: string): Report {
  return { ...report, notes: [...report.notes, `this look could not be kept in the store: ${reason}`] }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function answer(report: Report, { unsure }: Settings): LookAnswer {
  return { report, proceed: report.verdict === 'pass' || (report.verdict === 'unsure' && unsure === 'warn') }
}

const LATE = Symbol('late')

async function within<T>({ sleep }: LookerInput, ms: number, work: () => Promise<T>): Promise<T | typeof LATE> {
  const stop = new AbortController()
  try {
    return await Promise.race([work(), sleep(ms, stop.signal).then((): typeof LATE => LATE)])
  } finally {
    stop.abort()
  }
}
