/** `compare`: migrations × environments, from live databases, and from evidence where one is not reachable from here. */
import { dirname } from 'node:path'
import { expandEnvironment } from '../../functions/config/expand.ts'
import type { ExpandedEnvironment } from '../../functions/config/expand.ts'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import { ConfigError } from '../../functions/config/problem.ts'
import { connect } from '../../functions/connections/connect.ts'
import { compareEnvironments } from '../../functions/core/compare-environments.ts'
import type { Comparison, EnvironmentSight } from '../../functions/core/compare-environments.ts'
import type { Finding } from '../../functions/core/finding.ts'
import type { MigrationEvidence } from '../../functions/core/migration-evidence.ts'
import { takeMigrationsLook } from '../../functions/looking.ts'
import { renderComparisonPage } from '../../functions/outputs/comparison-page.ts'
import { renderComparisonMarkdown, renderComparisonText } from '../../functions/outputs/comparison-text.ts'
import { learntStatements } from '../../functions/release/evidence-statements.ts'
import type { ReleaseManifest } from '../../functions/release/manifest.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { CompareFormat, CompareOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { storeOf } from '../store.ts'
import { DEADLINE_MS, releaseOf } from './check.ts'

const FORMATS: Readonly<Record<CompareFormat, (comparison: Comparison) => string>> = {
  text: renderComparisonText,
  json: (comparison) => JSON.stringify(comparison, null, 2),
  markdown: renderComparisonMarkdown,
  html: renderComparisonPage,
}

/** Exits 0 where something is known of every environment, 2 where not. */
export async function run(options: CompareOptions, io: CliIo): Promise<number> {
  const startedAt = Date.now()
  const names = namesOf(options)
  const loaded = await loadConfig(options.config, io.cwd)
  const { manifest, file } = await releaseOf(options, loaded, io)
  const store = await storeOf(options, loaded, io)
  const folder = file === null ? loaded.folder : dirname(file)
  const learnt = await learntStatements(manifest, { environment: names.join(' '), folder, root: loaded.folder }, store)
  const known = new Map(learnt.elsewhere.map(({ environment, evidence }) => [environment, evidence]))
  // One look each, side by side.
  const seen = await Promise.all(
    names.map(async (name) => sightOf({ name, loaded, manifest, known: known.get(name) ?? null, startedAt }, io)),
  )
  const { release, ledgers } = manifest.expectation
  const comparison = compareEnvironments({
    release,
    ledgers,
    effects: await manifest.effects(),
    environments: seen.map(({ sight }) => sight),
    unseen: [...seen.flatMap(({ unseen }) => unseen), ...learnt.findings],
    now: new Date(startedAt).toISOString(),
  })
  await writeResult(FORMATS[options.format](comparison), options.output, io)
  for (const note of learnt.notes) io.stderr.write(`note: ${note}\n`)
  return seen.every(({ sight }) => sight.from !== null && isAnswered(sight.evidence)) ? EXIT.pass : EXIT.unsure
}

/** @throws {UsageError} fewer than two, or one twice: there is nothing to compare. */
function namesOf({ environments }: CompareOptions): readonly string[] {
  const [first] = environments
  if (new Set(environments).size < 2)
    throw new UsageError(
      `compare needs two environments or more: name another one beside ${first ?? 'the first'}, such as \`deploywatch compare staging production\``,
    )
  return [...new Set(environments)]
}

interface SightInput {
  readonly name: string
  readonly loaded: LoadedConfig
  readonly manifest: ReleaseManifest
  /** What it showed earlier. */
  readonly known: MigrationEvidence | null
  readonly startedAt: number
}

interface Sight {
  readonly sight: EnvironmentSight
  readonly unseen: readonly Finding[]
}

/** Live, where it can be reached from here; else by its evidence; else nothing is known, and why. */
async function sightOf(input: SightInput, io: CliIo): Promise<Sight> {
  const { name, manifest, known, startedAt } = input
  const environment = reachable(input, io)
  if (typeof environment === 'string') return { sight: fromEvidence(name, known, environment), unseen: [] }
  const looked = await takeMigrationsLook(
    { environment, release: manifest, connect: () => connect(environment.target), clock: Date.now },
    startedAt,
    DEADLINE_MS,
  )
  const why = looked.unseen.length === 0 ? null : looked.unseen.map(({ found }) => found).join('; ')
  if (looked.evidence !== null && (isAnswered(looked.evidence) || known === null))
    return { sight: { environment: name, from: 'database', evidence: looked.evidence, why }, unseen: looked.unseen }
  return known === null
    ? { sight: { environment: name, from: null, evidence: null, why }, unseen: looked.unseen }
    : { sight: fromEvidence(name, known, why ?? 'nothing could be seen'), unseen: [] }
}

function fromEvidence(environment: string, evidence: MigrationEvidence | null, why: string): EnvironmentSight {
  return { environment, from: evidence === null ? null : 'evidence', evidence, why }
}

/**
 * How it is reached from here, or why it is not: of an environment with evidence, this place need not know the variables.
 *
 * @throws {ConfigError} the config does not say how, and no evidence is there.
 */
function reachable({ name, loaded, known }: SightInput, io: CliIo): ExpandedEnvironment | string {
  try {
    return expandEnvironment(loaded, name, io.env)
  } catch (error) {
    if (!(error instanceof ConfigError) || known === null) throw error
    return error.problems.map(({ message }) => message).join('; ')
  }
}

/** One state at least is known. */
function isAnswered(evidence: MigrationEvidence | null): boolean {
  if (evidence === null) return false
  return evidence.records.length === 0 || evidence.records.some(({ state }) => state !== 'unknown')
}
