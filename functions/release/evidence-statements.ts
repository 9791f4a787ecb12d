/** From evidence to statements that a look prepares: those of the release, and those of the release that runs now. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { ConfigError } from '../config/problem.ts'
import { couldNotLook } from '../core/could-not-look.ts'
import type { Elsewhere } from '../core/environment-behind.ts'
import type { Finding } from '../core/finding.ts'
import { finding } from '../core/finding.ts'
import { uniteMigrations } from '../core/migration-evidence.ts'
import type { MigrationEvidence } from '../core/migration-evidence.ts'
import type { Release, Statement } from '../core/release.ts'
import type { Report } from '../core/report.ts'
import { verdictOf } from '../core/verdict.ts'
import type { Store } from '../stores/store.ts'
import { StoreError } from '../stores/store.ts'
import type { Evidence } from './evidence.ts'
import { isEvidenceFile, linesOf, parseEvidence, uniteStatements } from './evidence.ts'
import { manifestOf, openManifest } from './manifest.ts'
import type { ReleaseManifest } from './manifest.ts'

/** What is to be prepared beside the release's own statements, and what stood in the way of knowing it. */
export interface LearntStatements {
  readonly statements: readonly Statement[]
  /** unsure: what could not be read is not passed over. */
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

/** What evidence says of this release: also what environments showed of its migrations. */
export interface LearntRelease extends LearntStatements {
  readonly elsewhere: readonly Elsewhere[]
  /** What the audit of the release's repository said of the pipelines of the place; null: nobody kept it. */
  readonly pipelines: readonly Finding[] | null
}

interface Place {
  readonly environment: string
  /** The folder in which evidence lies; null: nowhere. */
  readonly folder: string | null
  /** Paths in reports are relative to it. */
  readonly root: string
}

interface Document {
  /** null: from the store. */
  readonly file: string | null
  readonly text: string
}

interface ReadEvidence {
  readonly documents: readonly { readonly file: string | null; readonly text: string; readonly evidence: Evidence }[]
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

/** Every evidence of this expectation: files beside the manifest, and the store's. Of two copies the file's place is told. */
async function readEvidence(release: ReleaseManifest, place: Place, store: Store | null): Promise<ReadEvidence> {
  const { digest, release: name } = release.expectation
  const findings: Finding[] = []
  const notes: string[] = []
  const documents: { readonly file: string | null; readonly text: string; readonly evidence: Evidence }[] = []
  const stored = await storedEvidence(store, name, digest).catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error
    findings.push(unreadableStore(place, error))
    return []
  })
  for (const { file, text } of [...(await filesIn(place, findings)), ...stored]) {
    const parsed = parseEvidence(text)
    if (parsed.kind === 'unreadable') {
      findings.push(unreadable(place, file ?? `the store's evidence of ${name.service}`, parsed.reason))
      continue
    }
    const { evidence } = parsed
    if (evidence.expectation === digest && evidence.service === name.service) documents.push({ file, text, evidence })
    else if (file !== null) {
      notes.push(
        `${file} is not used: it is evidence of ${evidence.service} ${evidence.release.version}, whose expectation is not this release's; run \`npx deploywatch record --env ${evidence.environment}\``,
      )
    }
  }
  return { documents, findings, notes }
}

async function filesIn(place: Place, findings: Finding[]): Promise<readonly Document[]> {
  const { folder } = place
  if (folder === null) return []
  const names = (await readdir(folder).catch(() => [])).filter(isEvidenceFile).sort()
  const documents: Document[] = []
  for (const name of names) {
    const file = relative(place.root, join(folder, name))
    try {
      documents.push({ file, text: await readFile(join(folder, name), 'utf8') })
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      findings.push(unreadable(place, file, `it cannot be read (${reason})`))
    }
  }
  return documents
}

async function storedEvidence(store: Store | null, { service }: Release, digest: string): Promise<readonly Document[]> {
  const texts = store === null ? [] : await store.evidence(service, digest)
  return texts.map((text) => ({ file: null, text }))
}

function unreadable({ environment }: Place, subject: string, reason: string): Finding {
  return couldNotLook('evidence-unreadable', {
    environment,
    subject,
    detail: `${reason}; record it again, or delete it`,
  })
}

function unreadableStore({ environment }: Place, error: StoreError): Finding {
  return couldNotLook('evidence-unreadable', { environment, subject: 'the store', detail: error.message })
}

/** One statement each, whoever learnt it: calls of several environments are added up, copies of one count once. */
function statementsOf(documents: ReadEvidence['documents'], running: string | null): readonly Statement[] {
  const byEnvironment = new Map<string, Evidence['statements']>()
  const places = new Map<string, { readonly file: string; readonly line: number }>()
  for (const { file, text, evidence } of documents) {
    const known = byEnvironment.get(evidence.environment) ?? []
    byEnvironment.set(evidence.environment, [...uniteStatements(known, evidence.statements)])
    if (file === null) continue
    for (const [key, line] of linesOf(text)) if (!places.has(key)) places.set(key, { file, line })
  }
  const found = new Map<string, Statement>()
  for (const [environment, statements] of [...byEnvironment].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const { id, role, sql, calls } of statements) {
      const key = `${id} ${role}`
      const earlier = found.get(key)
      const environments = typeof earlier?.from === 'object' ? earlier.from.environments : []
      found.set(key, {
        subject: [...sql.replaceAll(/\s+/gu, ' ')].slice(0, 60).join(''),
        sql,
        source: places.get(key) ?? null,
        from: { environments: [...environments, environment], role, running },
        calls: (earlier?.calls ?? 0) + calls,
        expect: null,
      })
    }
  }
  return [...found.values()]
}

export async function learntStatements(
  release: ReleaseManifest,
  place: Place,
  store: Store | null,
): Promise<LearntRelease> {
  const { documents, findings, notes } = await readEvidence(release, place, store)
  return {
    statements: statementsOf(documents, null),
    findings,
    notes,
    elsewhere: migrationsOf(documents),
    pipelines: pipelinesOf(documents, place.environment),
  }
}

function pipelinesOf(documents: ReadEvidence['documents'], environment: string): readonly Finding[] | null {
  const [newest] = documents
    .flatMap(({ evidence }) => (evidence.environment === environment ? (evidence.pipelines ?? []) : []))
    .toSorted((a, b) => (a.seenAt < b.seenAt ? 1 : -1))
  return newest?.findings.map((kept) => finding(kept)) ?? null
}

/** Of each environment once: of several copies nothing is lost. */
function migrationsOf(documents: ReadEvidence['documents']): readonly Elsewhere[] {
  const byEnvironment = new Map<string, MigrationEvidence>()
  for (const { evidence } of documents) {
    const { environment, migrations } = evidence
    if (migrations === undefined) continue
    const earlier = byEnvironment.get(environment)
    byEnvironment.set(environment, earlier === undefined ? migrations : uniteMigrations(earlier, migrations))
  }
  return [...byEnvironment].map(([environment, evidence]) => ({ environment, evidence }))
}

export interface RunningInput extends Place {
  /** `--running`, an absolute path; null: the store says. */
  readonly file: string | null
  readonly release: ReleaseManifest
  readonly store: Store | null
}

/** What the release sends that runs there now: its own statements, and what was learnt of it. */
export async function runningStatements(input: RunningInput): Promise<LearntStatements> {
  const found = await findRunning(input)
  if (found.manifest === null) return { statements: [], findings: found.findings, notes: found.notes }
  const { expectation } = found.manifest
  const { version } = expectation.release
  if (expectation.digest === input.release.expectation.digest) return { statements: [], findings: [], notes: [] }
  const folder = input.file === null ? null : dirname(input.file)
  const { documents, findings, notes } = await readEvidence(found.manifest, { ...input, folder }, input.store)
  // Other evidence beside the running manifest is the new release's: that is no news.
  const ownNotes = folder === input.folder ? [] : notes
  const taken = new Set(input.release.expectation.statements.map(({ subject }) => subject))
  const configured = expectation.statements.map((statement): Statement => ({
    ...statement,
    // Reports tell statements apart by their names.
    subject: taken.has(statement.subject) ? `${statement.subject} (running ${version})` : statement.subject,
    expect: null,
    from: { environments: [], role: null, running: version },
  }))
  const sent = new Set(input.release.expectation.statements.map(({ sql }) => sql))
  return {
    statements: [...configured.filter(({ sql }) => !sent.has(sql)), ...statementsOf(documents, version)],
    findings: folder !== null && folder === input.folder ? [] : findings,
    notes: [`the running release is ${version}: its statements were prepared too`, ...ownNotes],
  }
}

interface FoundRunning {
  readonly manifest: ReleaseManifest | null
  readonly findings: readonly Finding[]
  readonly notes: readonly string[]
}

async function findRunning(input: RunningInput): Promise<FoundRunning> {
  const { service } = input.release.expectation.release
  try {
    if (input.file !== null) return { manifest: await openManifest(input.file), findings: [], notes: [] }
    const running = (await input.store?.runningRelease(service, input.environment)) ?? null
    if (running === null) {
      const note = `which release runs in ${input.environment} is not known: its statements were not prepared (name it with --running FILE; \`deploywatch record\` marks it, and so does a \`watch\` that passes)`
      return { manifest: null, findings: [], notes: [note] }
    }
    const files = (await input.store?.manifest(service, running.manifestDigest)) ?? null
    if (files !== null)
      return { manifest: manifestOf(files, `manifest of ${running.version}`), findings: [], notes: [] }
    return unknown(input, running.version, 'the store knows that it runs, and has not its manifest')
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof StoreError)) throw error
    return unknown(input, input.file === null ? service : basename(input.file), error.message.trim())
  }
}

function unknown({ environment }: RunningInput, subject: string, reason: string): FoundRunning {
  const detail = `the running release cannot be read, so that its statements were not prepared: ${reason}`
  return { manifest: null, findings: [couldNotLook('release-unknown', { environment, subject, detail })], notes: [] }
}

/** The release with what was learnt of it. Another set of statements is another thing to verify: the digest says so. */
export function withStatements(release: ReleaseManifest, learnt: readonly Statement[]): ReleaseManifest {
  if (learnt.length === 0) return release
  const { expectation } = release
  const digest = createHash('sha256')
    .update(JSON.stringify([expectation.digest, learnt.map(({ sql, from }) => [sql, from])]))
    .digest('hex')
  return { ...release, expectation: { ...expectation, digest, statements: [...expectation.statements, ...learnt] } }
}

/** The report with what was not read: a statement that nobody knew of is not one that passed. */
export function tellUnread(report: Report, { findings, notes }: LearntStatements): Report {
  if (findings.length === 0 && notes.length === 0) return report
  const all = [...report.findings, ...findings]
  const outcome = verdictOf(findings)
  const told = report.checks.map((check) =>
    check.name === 'queries' && check.outcome === 'pass' ? { ...check, outcome } : check,
  )
  const isNew = findings.length > 0 && !told.some(({ name }) => name === 'queries')
  const checks = isNew ? [...told, { name: 'queries' as const, outcome, durationMs: 0 }] : told
  return { ...report, checks, findings: all, verdict: verdictOf(all), notes: [...report.notes, ...notes] }
}
