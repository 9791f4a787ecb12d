/** `record`: keeps what an environment shows of a release: its migrations, and the statements that the application runs. */
import { dirname, relative } from 'node:path'
import { expandEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import type { Connection } from '../../functions/connections/connection.ts'
import { connect } from '../../functions/connections/connect.ts'
import type { Finding } from '../../functions/core/finding.ts'
import { outcomesInHindsight } from '../../functions/core/estimate-outcomes.ts'
import type { MigrationEvidence, MigrationRecord, MigrationState } from '../../functions/core/migration-evidence.ts'
import { postgres } from '../../functions/engines/postgres/index.ts'
import { createStatementNormaliser } from '../../functions/engines/postgres/normalise-statement.ts'
import { keepRuns, readRuns } from '../../functions/estimate-runs.ts'
import { databaseName, takeMigrationsLook } from '../../functions/looking.ts'
import type { Learnt, Recorded } from '../../functions/record.ts'
import { record, recordAgain } from '../../functions/record.ts'
import type { Evidence } from '../../functions/release/evidence.ts'
import { writeEvidence } from '../../functions/release/evidence.ts'
import { learntStatements } from '../../functions/release/evidence-statements.ts'
import type { ResolvedRelease } from '../../functions/release/resolve-release.ts'
import type { Documents } from '../../functions/stores/documents.ts'
import { StoreError } from '../../functions/stores/store.ts'
import type { Store } from '../../functions/stores/store.ts'
import { evidencePath, knownEvidence, writeEvidenceFile } from '../evidence-file.ts'
import { EXIT } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { RecordOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { storeOf } from '../store.ts'
import { DEADLINE_MS, releaseOf } from './check.ts'

/** Exits 0 where it could answer, 2 where not. */
export async function run(options: RecordOptions, io: CliIo): Promise<number> {
  const startedAt = Date.now()
  const loaded = await loadConfig(options.config, io.cwd)
  const environment = expandEnvironment(loaded, options.env, io.env)
  const resolved = await releaseOf(options, loaded, io)
  const store = await storeOf(options, loaded, io)
  const path = evidencePath(options, loaded, resolved, io)
  const known = await knownEvidence(path, resolved, environment.name, store)
  const release = resolved.manifest
  const open = (): Promise<Connection> => connect(environment.target)
  const seen = await takeMigrationsLook(
    { environment, release, connect: open, clock: Date.now },
    startedAt,
    DEADLINE_MS,
  )
  const unseen = seen.unseen.map((finding) => recordAgain(finding, environment.name))
  const told = { environment: environment.name, file: relative(io.cwd, path), notes: known.notes, unseen }
  if (seen.evidence === null) {
    await write(options, { ...told, recorded: null }, io)
    return EXIT.unsure
  }
  const recorded = await record({
    environment: {
      name: environment.name,
      database: databaseName(environment.target),
      searchPath: environment.searchPath.length === 0 ? ['public'] : environment.searchPath,
    },
    release,
    files: () => resolved.files(),
    migrations: seen.evidence,
    roles: rolesOf(loaded),
    engine: postgres,
    connect: open,
    store,
    createNormaliser: createStatementNormaliser,
    known: known.evidence,
    clock: Date.now,
  })
  const text = writeEvidence(recorded.evidence)
  await writeEvidenceFile(path, text, 'name a file with --out')
  await recorded.keep(text)
  const place = { environment: environment.name, folder: dirname(path), root: loaded.folder }
  const notKept = await keepOutcomes({ release, store, place, seen: seen.evidence, known: known.evidence })
  if (notKept !== null) io.stderr.write(`note: ${notKept}\n`)
  await write(options, { ...told, recorded }, io)
  return isAnswered(recorded) ? EXIT.pass : EXIT.unsure
}

interface OutcomesInput {
  readonly release: ResolvedRelease['manifest']
  readonly store: Store & Documents
  readonly place: { readonly environment: string; readonly folder: string; readonly root: string }
  /** What was seen of the migrations just now. */
  readonly seen: MigrationEvidence
  readonly known: readonly Evidence[]
}

/** Migrations that ran here since the last record, and what would have been said of them: later estimates learn from it. null: kept. */
async function keepOutcomes({ release, store, place, seen, known }: OutcomesInput): Promise<string | null> {
  const { expectation } = release
  const { service } = expectation.release
  try {
    const { elsewhere } = await learntStatements(release, place, store)
    const outcomes = outcomesInHindsight({
      environment: place.environment,
      ledgers: expectation.ledgers,
      evidence: seen,
      known: known.flatMap(({ migrations }) => migrations ?? []),
      elsewhere,
      effects: await release.effects(),
      history: await readRuns(store, service),
    })
    await keepRuns(store, service, outcomes)
    return null
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return `how estimates of these migrations held could not be kept: ${error.message}`
  }
}

/** What was asked for could be seen: the statements where roles are named, else one migration at least. */
function isAnswered({ kind, evidence }: Recorded): boolean {
  if (kind === 'not-recorded') return false
  const records = evidence.migrations?.records ?? []
  return kind === 'recorded' || records.length === 0 || records.some(({ state }) => state !== 'unknown')
}

async function write(options: RecordOptions, told: Told, io: CliIo): Promise<void> {
  const result = options.format === 'json' ? JSON.stringify(answer(told), null, 2) : summary(told).join('\n')
  await writeResult(result, options.output, io)
}

/** Whose statements are the application's; empty: nobody says. */
function rolesOf({ config }: LoadedConfig): readonly string[] {
  const { roles } = config.statements
  if (roles.length > 0) return roles
  return config.schema.role === null ? [] : [config.schema.role]
}

interface Told {
  /** null: nothing could be seen, and nothing was written. */
  readonly recorded: Recorded | null
  readonly environment: string
  readonly file: string
  /** What of the migrations could not be seen. */
  readonly unseen: readonly Finding[]
  readonly notes: readonly string[]
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

function summary({ recorded, environment, file, notes, unseen }: Told): readonly string[] {
  if (recorded === null) return unseen.flatMap(findingLines)
  const { statements, migrations } = recorded.evidence
  return [
    ...statementLines(recorded, environment),
    ...migrationLines(recorded.evidence, environment),
    `wrote ${file}: ${count(migrations?.records.length ?? 0, 'migration')}, ${count(statements.length, 'statement')}`,
    ...[...notes, ...(recorded.kind === 'recorded' ? recorded.notes : [])].map((note) => `note: ${note}`),
    ...unseen.flatMap(findingLines),
  ]
}

function statementLines(recorded: Recorded, environment: string): readonly string[] {
  const { version } = recorded.evidence.release
  switch (recorded.kind) {
    case 'not-recorded':
      return recorded.findings.flatMap(findingLines)
    case 'migrations-only':
      return [
        `${version} is marked as running in ${environment}; of its statements nothing was recorded: set statements.roles (or schema.role) in the config to the role that the application connects as`,
      ]
    case 'recorded':
      return recorded.first
        ? [
            `${version} is marked as running in ${environment}, and where its statements' counts stand is kept`,
            `let the application do its work, and run it again: \`npx deploywatch record --env ${environment}\``,
          ]
        : learntLines(recorded.learnt, version, environment)
  }
}

function learntLines(learnt: Learnt, version: string, environment: string): readonly string[] {
  const { notPrepared, unread, utility, catalog } = learnt
  return [
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
}

function migrationLines({ migrations }: Evidence, environment: string): readonly string[] {
  if (migrations === undefined) return []
  const { records, volumes } = migrations
  const states = Object.entries(statesOf(records)).map(([state, number]) => `${number} ${state}`)
  const timed = records.filter(({ took }) => took !== null).length
  return [
    `migrations in ${environment}: ${states.length === 0 ? 'none' : states.join(', ')}; how long ${timed} of them took is known, and how large ${count(volumes.length, 'table')} of theirs ${volumes.length === 1 ? 'is' : 'are'}`,
  ]
}

function statesOf(records: readonly MigrationRecord[]): Readonly<Partial<Record<MigrationState, number>>> {
  const counts: Partial<Record<MigrationState, number>> = {}
  for (const { state } of records) counts[state] = (counts[state] ?? 0) + 1
  return counts
}

function findingLines({ severity, code, subject, found, nextSteps }: Finding): readonly string[] {
  return [
    `${severity.toUpperCase()} ${code} ${subject}`,
    `  ${found}`,
    ...nextSteps.map(({ text, command }) => `  next: ${text}${command === null ? '' : `: ${command}`}`),
  ]
}

function answer({ recorded, environment, file, notes, unseen }: Told): unknown {
  const schema = 'deploywatch/recording/1'
  if (recorded === null) return { schema, environment, release: null, file: null, findings: unseen, notes }
  const { release, statements, migrations } = recorded.evidence
  const seen = { states: statesOf(migrations?.records ?? []), tables: migrations?.volumes.length ?? 0 }
  const shared = { schema, environment, release, file, migrations: seen, statements: statements.length }
  switch (recorded.kind) {
    case 'not-recorded':
      return { ...shared, findings: [...recorded.findings, ...unseen], notes }
    case 'migrations-only':
      return { ...shared, findings: unseen, notes }
    case 'recorded': {
      const { calls, utility, catalog, notPrepared, unread } = recorded.learnt
      return {
        ...shared,
        first: recorded.first,
        learnt: { statements: recorded.learnt.statements.length, calls, utility, catalog, notPrepared, unread },
        findings: unseen,
        notes: [...notes, ...recorded.notes],
      }
    }
  }
}
