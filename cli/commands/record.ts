/** `record`: learns which statements the application runs in an environment. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { expandEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Finding } from '../../functions/core/finding.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { createStatementNormaliser } from '../../functions/engines/postgres/normalise-statement.ts'
import { databaseName } from '../../functions/looking.ts'
import type { Recorded } from '../../functions/record.ts'
import { record } from '../../functions/record.ts'
import type { Evidence } from '../../functions/release/evidence.ts'
import { evidenceFile, parseEvidence, writeEvidence } from '../../functions/release/evidence.ts'
import type { ResolvedRelease } from '../../functions/release/resolve-release.ts'
import type { Store } from '../../functions/stores/store.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { RecordOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { storeOf } from '../store.ts'
import { releaseOf } from './check.ts'

/** Exits 0 where it could answer, 2 where not. */
export async function run(options: RecordOptions, io: CliIo): Promise<number> {
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, options.env, io.env)
  const resolved = await releaseOf(options, loaded, io)
  const store = await storeOf(options, loaded, io)
  const path = outOf(options, loaded, resolved, io)
  const known = await knownEvidence(path, resolved, environment.name, store)
  const recorded = await record({
    environment: {
      name: environment.name,
      database: databaseName(environment.target),
      searchPath: environment.searchPath.length === 0 ? ['public'] : environment.searchPath,
    },
    release: resolved.manifest,
    files: () => resolved.files(),
    roles: rolesOf(loaded),
    engine: postgres,
    connect: () => connect(environment.target),
    store,
    createNormaliser: createStatementNormaliser,
    known: known.evidence,
    clock: Date.now,
  })
  if (recorded.kind === 'recorded') {
    const text = writeEvidence(recorded.evidence)
    await writeEvidenceFile(path, text)
    await recorded.keep(text)
  }
  const told = { recorded, environment: environment.name, file: relative(io.cwd, path), notes: known.notes }
  const result = options.format === 'json' ? JSON.stringify(answer(told), null, 2) : summary(told).join('\n')
  await writeResult(result, options.output, io)
  return recorded.kind === 'recorded' ? EXIT.pass : EXIT.unsure
}

/** @throws {UsageError} nobody says which statements are the application's. */
function rolesOf({ config }: LoadedConfig): readonly string[] {
  const { roles } = config.statements
  if (roles.length > 0) return roles
  if (config.schema.role !== null) return [config.schema.role]
  throw new UsageError(
    "record does not know whose statements are the application's: set statements.roles (or schema.role) in the config to the role that it connects as",
  )
}

function outOf(options: RecordOptions, loaded: LoadedConfig, { file }: ResolvedRelease, io: CliIo): string {
  if (options.out !== null) return resolve(io.cwd, options.out)
  return resolve(file === null ? loaded.folder : dirname(file), evidenceFile(options.env))
}

interface Known {
  readonly evidence: readonly Evidence[]
  readonly notes: readonly string[]
}

/** Evidence is added to, in the file and in the store. What is of another expectation, or cannot be read, is begun anew. */
async function knownEvidence(
  path: string,
  { manifest }: ResolvedRelease,
  environment: string,
  store: Store,
): Promise<Known> {
  const { digest, release } = manifest.expectation
  const stored = await store.evidence(release.service, digest)
  const file = await readFile(path, 'utf8').catch(() => null)
  const notes: string[] = []
  const evidence = [file, ...stored].flatMap((text, at) => {
    if (text === null) return []
    const parsed = parseEvidence(text)
    if (parsed.kind === 'unreadable') {
      notes.push(`${at === 0 ? path : "the store's evidence"} was written anew: ${parsed.reason}`)
      return []
    }
    if (parsed.evidence.environment !== environment) return []
    if (parsed.evidence.expectation === digest) return [parsed.evidence]
    notes.push(`${path} was written anew: it was of ${parsed.evidence.release.version}, which expects something else`)
    return []
  })
  return { evidence, notes }
}

async function writeEvidenceFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(`${path}.tmp`, text)
    await rename(`${path}.tmp`, path)
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new UsageError(`the evidence ${path} cannot be written (${reason}): name a file with --out`, { cause: error })
  }
}

interface Told {
  readonly recorded: Recorded
  readonly environment: string
  readonly file: string
  readonly notes: readonly string[]
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

function summary({ recorded, environment, file, notes }: Told): readonly string[] {
  if (recorded.kind === 'not-recorded') return recorded.findings.flatMap(findingLines)
  const { first, evidence, learnt } = recorded
  const { version } = evidence.release
  const { notPrepared, unread, utility, catalog } = learnt
  const said = first
    ? [
        `${version} is marked as running in ${environment}, and where its statements' counts stand is kept`,
        `let the application do its work, and run it again: \`npx deploywatch record --env ${environment}\``,
      ]
    : [
        `${count(learnt.statements.length, 'statement')} of ${version} ran ${count(learnt.calls, 'time')} in ${environment} since the last record`,
        ...(notPrepared.count === 0
          ? []
          : [
              `${count(notPrepared.count, 'statement')} left out, because they do not prepare in ${environment} itself:`,
              ...notPrepared.examples.map((example) => `  ${example}`),
            ]),
        ...(utility + catalog === 0
          ? []
          : [`left out too: ${count(utility, 'utility statement')}, ${catalog} that read the catalogs only`]),
        ...(unread === 0 ? [] : [`${count(unread, 'statement')} left out: too long to be read, or gone meanwhile`]),
      ]
  return [
    ...said,
    `wrote ${file}: ${count(evidence.statements.length, 'statement')}`,
    ...[...notes, ...recorded.notes].map((note) => `note: ${note}`),
  ]
}

function findingLines({ severity, code, subject, found, nextSteps }: Finding): readonly string[] {
  return [
    `${severity.toUpperCase()} ${code} ${subject}`,
    `  ${found}`,
    ...nextSteps.map(({ text, command }) => `  next: ${text}${command === null ? '' : `: ${command}`}`),
  ]
}

function answer({ recorded, environment, file, notes }: Told): unknown {
  const schema = 'deploywatch/recording/1'
  if (recorded.kind === 'not-recorded') {
    return { schema, environment, release: null, file: null, findings: recorded.findings, notes }
  }
  const { first, evidence, learnt } = recorded
  const { calls, utility, catalog, notPrepared, unread } = learnt
  return {
    schema,
    environment,
    release: evidence.release,
    file,
    first,
    statements: evidence.statements.length,
    learnt: { statements: learnt.statements.length, calls, utility, catalog, notPrepared, unread },
    findings: [],
    notes: [...notes, ...recorded.notes],
  }
}
