/**
 * What an environment shows of a release: its migrations, as a look saw them, and the statements that the application really runs
 * there. Of statements the first record of a release only keeps where the counts stand, so that what last month's code ran is
 * not taken for this release's; later ones learn what grew since.
 */
import type { Connection } from './connections/connection.ts'
import { ConnectionError, DatabaseError } from './connections/connection.ts'
import { couldNotLook } from './core/could-not-look.ts'
import type { CouldNotLookCode, Finding } from './core/finding.ts'
import type { MigrationEvidence } from './core/migration-evidence.ts'
import type { Server, StatementObservation } from './core/observation.ts'
import type { Engine, Statistics, StatisticsSource } from './engines/engine.ts'
import type { NormalisedStatement } from './engines/postgres/normalise-statement.ts'
import type { Evidence, EvidenceStatement } from './release/evidence.ts'
import type { Unprepared } from './record-paths.ts'
import { searchPathNotes } from './record-paths.ts'
import { addStatements, addToEvidence, round } from './release/evidence.ts'
import type { ManifestFiles, ReleaseManifest } from './release/manifest.ts'
import { manifestDigestOf, markRunning } from './release/mark-running.ts'
import type { Grown } from './release/recording.ts'
import { countsOf, grownSince } from './release/recording.ts'
import type { Recording, Store } from './stores/store.ts'

export interface RecordInput {
  readonly environment: { readonly name: string; readonly database: string; readonly searchPath: readonly string[] }
  readonly release: ReleaseManifest
  files(): Promise<ManifestFiles>
  /** What a look saw of the migrations just now. */
  readonly migrations: MigrationEvidence
  /** The application's roles; empty: no statements are learnt. */
  readonly roles: readonly string[]
  readonly engine: Engine
  connect(): Promise<Connection>
  readonly store: Store
  createNormaliser(): Promise<(sql: string) => NormalisedStatement>
  /** Copies of this expectation's evidence of this environment: the file's, the store's. */
  readonly known: readonly Evidence[]
  readonly clock: () => number
}

export type Recorded = (
  | {
      readonly kind: 'recorded'
      /** Nothing was learnt yet: from now on it is. */
      readonly first: boolean
      readonly learnt: Learnt
      readonly notes: readonly string[]
    }
  /** Nobody says whose statements are the application's. */
  | { readonly kind: 'migrations-only' }
  /** The statements could not be learnt. */
  | { readonly kind: 'not-recorded'; readonly findings: readonly Finding[] }
) & {
  readonly evidence: Evidence
  /** Marks how far it has been learnt. To be called once the evidence is written: else what was learnt is lost. */
  keep(text: string): Promise<void>
}

export interface Learnt {
  readonly statements: readonly EvidenceStatement[]
  readonly calls: number
  /** Those that were left out, by why. */
  readonly utility: number
  readonly catalog: number
  /** They do not prepare where they were learnt, so they would prove nothing elsewhere. Up to three examples, without literals. */
  readonly notPrepared: { readonly count: number; readonly examples: readonly string[] }
  /** Too long to be read, or gone meanwhile. */
  readonly unread: number
  /** What to do where many are left out for one reason. */
  readonly advice: readonly string[]
}

const NOTHING: Learnt = {
  statements: [],
  calls: 0,
  utility: 0,
  catalog: 0,
  notPrepared: { count: 0, examples: [] },
  unread: 0,
  advice: [],
}

export async function record(input: RecordInput): Promise<Recorded> {
  if (input.roles.length === 0) return migrationsOnly(input)
  let connection: Connection | null = null
  try {
    connection = await input.connect()
    return await recordOn(input, connection)
  } catch (error) {
    return notRecorded(input, ...reasonOf(input, error))
  } finally {
    await connection?.close().catch(() => undefined)
  }
}

function migrationsOnly(input: RecordInput): Recorded {
  return {
    kind: 'migrations-only',
    evidence: evidenceOf(input, NOTHING),
    keep: async (text) => {
      const { store, environment, release } = input
      const { expectation } = release
      await store.putEvidence(expectation.release.service, expectation.digest, environment.name, text)
      const at = new Date(input.clock()).toISOString()
      const files = await input.files()
      await markRunning({ store, environment: environment.name, release: expectation.release, files, at })
    },
  }
}

function notRecorded(input: RecordInput, code: CouldNotLookCode, subject: string, detail: string): Recorded {
  const { environment, release, store } = input
  const { expectation } = release
  return {
    kind: 'not-recorded',
    findings: [recordAgain(couldNotLook(code, { environment: environment.name, subject, detail }), environment.name)],
    evidence: evidenceOf(input, NOTHING),
    keep: async (text) => store.putEvidence(expectation.release.service, expectation.digest, environment.name, text),
  }
}

/** The steps are those of a look, which ends with looking again. */
export function recordAgain(finding: Finding, environment: string): Finding {
  const again = { text: 'then record again', command: `npx deploywatch record --env ${environment}` }
  return { ...finding, nextSteps: [...finding.nextSteps.slice(0, -1), again] }
}

const EXTENSION = 'pg_stat_statements'

function reasonOf(input: RecordInput, error: unknown): readonly [CouldNotLookCode, string, string] {
  if (error instanceof ConnectionError) return [error.code, input.environment.database, error.message]
  if (!(error instanceof DatabaseError)) throw error
  const detail = `${error.message} (SQLSTATE ${error.facts.sqlState})`
  // object_not_in_prerequisite_state: the extension's library was not loaded when the server started.
  if (error.facts.sqlState === '55000') {
    return ['evidence-unreadable', EXTENSION, `${detail}: add it to shared_preload_libraries and restart the server`]
  }
  switch (input.engine.classify(error)) {
    case 'denied':
      return ['permission-denied', EXTENSION, detail]
    case 'blocked':
      return ['look-blocked', input.environment.database, detail]
    case 'timeout':
      return ['check-timeout', input.environment.database, detail]
    case 'missing':
    case 'other':
      return ['evidence-unreadable', EXTENSION, detail]
  }
}

async function recordOn(input: RecordInput, connection: Connection): Promise<Recorded> {
  const { engine, environment } = input
  const [server, source] = await connection.read([engine.identify(), engine.statisticsSource()])
  if (source === null) {
    const detail = `database ${server.database} has not the extension ${EXTENSION}: as its owner, run CREATE EXTENSION ${EXTENSION}`
    return notRecorded(input, 'evidence-unreadable', EXTENSION, detail)
  }
  const statistics = await engine.readStatistics(connection, source, input.roles)
  if (statistics.hidden > 0) {
    const detail = `the texts of ${statistics.hidden} statements are hidden from role ${server.role} (<insufficient privilege>): GRANT pg_read_all_stats TO ${engine.identifier(server.role)}`
    return notRecorded(input, 'permission-denied', EXTENSION, detail)
  }
  const absent = input.roles.filter((role) => !statistics.roles.includes(role))
  if (statistics.roles.length === 0) {
    const detail = `there is no role ${absent.join(', ')} in ${environment.name}: name the application's in statements.roles`
    return notRecorded(input, 'evidence-unreadable', absent.join(', '), detail)
  }
  const notes = absent.map((role) => `there is no role ${role} in ${environment.name}: nothing was learnt of it`)
  return learnFrom(input, connection, { server, source, statistics, notes })
}

interface Seen {
  readonly server: Server
  readonly source: StatisticsSource
  readonly statistics: Statistics
  readonly notes: readonly string[]
}

async function learnFrom(input: RecordInput, connection: Connection, seen: Seen): Promise<Recorded> {
  const { expectation } = input.release
  const { service } = expectation.release
  const files = await input.files()
  const manifestDigest = manifestDigestOf(files)
  const earlier = await input.store.recording(service, input.environment.name)
  const running = await input.store.runningRelease(service, input.environment.name).catch(() => null)
  const place = { manifestDigest, systemIdentifier: seen.server.systemIdentifier, database: seen.server.database }
  const since = running?.manifestDigest === manifestDigest && isSame(earlier, place) ? earlier : null
  const grown: Grown = since === null ? { statements: [], notes: [] } : grownSince(since, seen.statistics)
  const learnt = grown.statements.length === 0 ? NOTHING : await learn(input, connection, seen.source, grown)
  const evidence = evidenceOf(input, learnt)
  const at = new Date(input.clock()).toISOString()
  return {
    kind: 'recorded',
    first: since === null,
    evidence,
    learnt,
    notes: [...seen.notes, ...movedNotes(earlier, place), ...grown.notes, ...learnt.advice],
    keep: async (text) => {
      const { store, environment } = input
      await store.putEvidence(service, expectation.digest, environment.name, text)
      const { resetAt } = seen.statistics
      await store.putRecording(service, environment.name, { ...place, at, resetAt, counts: countsOf(seen.statistics) })
      await markRunning({ store, environment: environment.name, release: expectation.release, files, at })
    },
  }
}

type Place = Pick<Recording, 'manifestDigest' | 'systemIdentifier' | 'database'>

function isSame(earlier: Recording | null, place: Place): earlier is Recording {
  return (
    earlier !== null &&
    earlier.manifestDigest === place.manifestDigest &&
    earlier.systemIdentifier === place.systemIdentifier &&
    earlier.database === place.database
  )
}

/** Another cluster counts its own calls: its ids mean other statements. */
function movedNotes(earlier: Recording | null, place: Place): readonly string[] {
  if (earlier === null || earlier.manifestDigest !== place.manifestDigest || isSame(earlier, place)) return []
  return ['this is another database than at the last record (a new cluster, an upgrade, a fail-over): it begins anew']
}

interface Candidate {
  readonly role: string
  readonly calls: number
  readonly totalMs: number
  readonly normalised: Extract<NormalisedStatement, { kind: 'statement' }>
}

async function learn(
  input: RecordInput,
  connection: Connection,
  source: StatisticsSource,
  { statements: grown }: Grown,
): Promise<Learnt> {
  const texts = await input.engine.readStatisticsTexts(connection, source, grown)
  const byKey = new Map(texts.map(({ role, id, sql }) => [`${role} ${id}`, sql]))
  const normalise = await input.createNormaliser()
  const candidates: Candidate[] = []
  const unparsable: string[] = []
  const left = { utility: 0, catalog: 0, unread: 0 }
  for (const { role, id, calls, totalMs } of grown) {
    const sql = byKey.get(`${role} ${id}`)
    const normalised = sql === undefined ? null : normalise(sql)
    if (normalised === null) left.unread += 1
    else if (normalised.kind === 'statement') candidates.push({ role, calls, totalMs, normalised })
    else if (normalised.kind === 'unparsable') unparsable.push(example(normalised.sql, normalised.reason))
    else left[normalised.kind] += 1
  }
  const fared = await prepareByRole(input, connection, candidates)
  const unprepared = fared.flatMap(({ error, ...under }) => (error === null ? [] : [{ ...under, error }]))
  const failed = candidates.flatMap(({ normalised }, at) => {
    const { error = null, refused = null } = fared[at] ?? {}
    const reason = error === null ? refused : `${error.message}, SQLSTATE ${error.sqlState}`
    return reason === null ? [] : [example(normalised.sql, reason)]
  })
  const sound = candidates.filter((_, at) => fared[at]?.error === null && fared[at]?.refused === null)
  const notPrepared = [...failed, ...unparsable]
  return {
    ...left,
    statements: addStatements([], sound.map(asEvidence)),
    calls: sound.reduce((sum, { calls }) => sum + calls, 0),
    notPrepared: { count: notPrepared.length, examples: notPrepared.slice(0, 3) },
    advice: await searchPathNotes(connection, input.engine, input.environment.name, unprepared),
  }
}

function asEvidence({ role, calls, totalMs, normalised }: Candidate): EvidenceStatement {
  return { id: normalised.id, sql: normalised.sql, role, calls, meanMs: round(totalMs / calls) }
}

function example(sql: string, reason: string): string {
  const first = [...sql.replaceAll(/\s+/gu, ' ')].slice(0, 60).join('')
  return `\`${first}\` (${reason})`
}

/** Each under the search path of the role that ran it. */
async function prepareByRole(
  input: RecordInput,
  connection: Connection,
  candidates: readonly Candidate[],
): Promise<readonly (StatementObservation & Omit<Unprepared, 'error'>)[]> {
  const { engine, environment } = input
  const usual = environment.searchPath.map((schema) => engine.identifier(schema)).join(', ')
  const observed: (StatementObservation & Omit<Unprepared, 'error'>)[] = []
  for (const role of new Set(candidates.map((candidate) => candidate.role))) {
    const [path] = await connection.read([engine.roleSearchPath(role)])
    const own = candidates.flatMap((candidate, at) => (candidate.role === role ? [{ candidate, at }] : []))
    const statements = own.map(({ candidate: { normalised } }) => ({ subject: normalised.id, sql: normalised.sql }))
    const searchPath = path ?? usual
    const fared = await engine.prepareStatements(connection, statements, searchPath)
    const under = { role, searchPath, from: path === null ? ('environment' as const) : ('role' as const) }
    for (const [nth, { at }] of own.entries()) observed[at] = { ...(fared[nth] as StatementObservation), ...under }
  }
  return observed
}

function evidenceOf({ release, environment, known, migrations }: RecordInput, learnt: Learnt): Evidence {
  return addToEvidence(known, {
    expectation: release.expectation,
    environment: environment.name,
    statements: learnt.statements,
    migrations,
  })
}
