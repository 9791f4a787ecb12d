/** `publish`: puts manifest and evidence into the store, where the deployed watchdog finds them. */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { loadConfig } from '../../functions/config/load.ts'
import type { LoadedConfig } from '../../functions/config/load.ts'
import { ConfigError } from '../../functions/config/problem.ts'
import { isPipelineError } from '../../functions/core/pipeline-errors.ts'
import type { Expectation } from '../../functions/core/release.ts'
import type { Evidence } from '../../functions/release/evidence.ts'
import { EVIDENCE_SCHEMA, isEvidenceFile, parseEvidence, uniteEvidence } from '../../functions/release/evidence.ts'
import type { Published } from '../../functions/release/publish.ts'
import { publishRelease } from '../../functions/release/publish.ts'
import type { ResolvedRelease } from '../../functions/release/resolve-release.ts'
import { StoreError } from '../../functions/stores/store.ts'
import { EXIT, UsageError } from '../io.ts'
import type { CliIo } from '../io.ts'
import type { PublishOptions } from '../options.ts'
import { writeResult } from '../result.ts'
import { pipelinesOf } from '../pipelines.ts'
import { storeOf } from '../store.ts'
import { releaseOf } from './check.ts'

/** Exits 0 where all is in the store, 2 where the store did not take it. */
export async function run(options: PublishOptions, io: CliIo): Promise<number> {
  refuseLabels(options.labels)
  const loaded = await loadConfig(options.config, io.cwd)
  const store = await storeOf(options, loaded, io)
  const resolved = await releaseOf(options, loaded, io)
  const { release, digest } = resolved.manifest.expectation
  if (release.service !== loaded.config.service) {
    throw new UsageError(
      `the manifest is of the service ${release.service}, and ${options.config} is of ${loaded.config.service}: name the manifest of ${loaded.config.service} with --release FILE`,
    )
  }
  const found = await evidenceBeside(resolved, loaded, io)
  const told: Told = {
    place: options.store ?? loaded.config.store,
    release,
    digest,
    manifest: resolved.file === null ? null : relative(io.cwd, resolved.file),
    notes: found.notes,
  }
  try {
    const published = await publishRelease({
      store,
      service: release.service,
      digest,
      files: await resolved.files(),
      evidence: await withPipelines(found.evidence, loaded, resolved.manifest.expectation),
      labels: options.labels,
      clock: Date.now,
    })
    await write(options, answer(told, published), () => summary(told, published), io)
    return EXIT.pass
  } catch (error) {
    const reason = storeReason(error)
    if (reason === null) throw error
    io.stderr.write(`error: ${release.service} ${release.version} was not published: ${reason}\n`)
    if (options.format === 'json') await write(options, refusal(told, reason), () => [], io)
    return EXIT.unsure
  }
}

/** They are what a deployment's event carries, letter for letter. */
function refuseLabels(labels: readonly string[]): void {
  const wrong = labels.find((label) => label.trim() === '' || /\n/u.test(label))
  if (wrong === undefined) return
  throw new UsageError(
    `--label ${JSON.stringify(wrong)} names nothing: write what a deployment will carry, such as the digest of the image`,
  )
}

/** Why the store did not take it; null: it is no failure of the store. A folder's own failures have the system's codes. */
function storeReason(error: unknown): string | null {
  if (error instanceof StoreError) return error.message
  if (!(error instanceof Error) || error instanceof ConfigError || error instanceof UsageError) return null
  if (!('syscall' in error) || !('code' in error)) return null
  return `${error.message}: see who may write to the store, or name another with --store`
}

interface FoundEvidence {
  readonly evidence: readonly Evidence[]
  readonly notes: readonly string[]
}

/** @throws {ConfigError} a file that cannot be read, before anything is put: every one of them, each with its place */
async function evidenceBeside(
  { manifest, file }: ResolvedRelease,
  loaded: LoadedConfig,
  io: CliIo,
): Promise<FoundEvidence> {
  const { digest, release } = manifest.expectation
  const folder = file === null ? loaded.folder : dirname(file)
  const names = (await readdir(folder)).filter(isEvidenceFile).sort()
  const parsed = await Promise.all(
    names.map(async (name) => ({
      file: relative(io.cwd, join(folder, name)),
      ...parseEvidence(await readFile(join(folder, name), 'utf8')),
    })),
  )
  const problems = parsed.flatMap((one) =>
    one.kind === 'unreadable'
      ? [{ file: one.file, line: 0, column: 0, message: `${one.reason}; record it again, or delete it` }]
      : [],
  )
  if (problems.length > 0) throw new ConfigError(problems)
  const byEnvironment = new Map<string, Evidence>()
  const notes: string[] = []
  for (const one of parsed) {
    if (one.kind !== 'evidence') continue
    const { evidence } = one
    if (evidence.expectation !== digest || evidence.service !== release.service) {
      notes.push(
        `${one.file} was not published: it is evidence of ${evidence.service} ${evidence.release.version}, whose expectation is not this release's`,
      )
      continue
    }
    const earlier = byEnvironment.get(evidence.environment)
    byEnvironment.set(evidence.environment, earlier === undefined ? evidence : uniteEvidence(evidence, earlier))
  }
  return { evidence: [...byEnvironment.values()], notes }
}

/**
 * With what the pipelines of each environment do wrong: where a release is looked at from a place without its repository, that
 * is why a migration is missing. What could not be read is no evidence, for or against; none that is wrong takes back what was.
 */
async function withPipelines(
  evidence: readonly Evidence[],
  loaded: LoadedConfig,
  { digest, release: { service, version, commit } }: Expectation,
): Promise<readonly Evidence[]> {
  const seenAt = new Date().toISOString()
  const release = { version, commit }
  const seen = new Map(evidence.map((one) => [one.environment, one]))
  for (const environment of Object.keys(loaded.config.environments)) {
    const told = await pipelinesOf(loaded, environment, release)
    const wrong = told.filter(isPipelineError)
    if (wrong.length === 0 && told.some(({ severity }) => severity === 'unsure')) continue
    const findings = wrong.map(({ source, causes, nextSteps, ...own }) => ({
      ...own,
      source: [...source],
      causes: [...causes],
      nextSteps: [...nextSteps],
    }))
    const none: Evidence = {
      schema: EVIDENCE_SCHEMA,
      service,
      environment,
      release,
      expectation: digest,
      statements: [],
    }
    seen.set(environment, { ...(seen.get(environment) ?? none), pipelines: { seenAt, findings } })
  }
  return [...seen.values()]
}

interface Told {
  readonly place: string
  readonly release: { readonly service: string; readonly version: string; readonly commit: string | null }
  readonly digest: string
  /** null: built from the working tree. */
  readonly manifest: string | null
  readonly notes: readonly string[]
}

async function write(
  options: PublishOptions,
  document: unknown,
  lines: () => readonly string[],
  io: CliIo,
): Promise<void> {
  const text = options.format === 'json' ? JSON.stringify(document, null, 2) : lines().join('\n')
  await writeResult(text, options.output, io)
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
const short = (digest: string): string => digest.slice(0, 12)

function summary(told: Told, published: Published): readonly string[] {
  const { release, isNew, evidence } = published
  const name = `${told.release.service} ${release.version}${release.commit === null ? '' : ` (${short(release.commit)})`}`
  return [
    `published ${name} to ${told.place}`,
    `manifest ${short(release.digest)}, ${isNew ? `from ${told.manifest ?? 'the working tree'}` : 'which was there already'}`,
    ...(evidence.length === 0
      ? ['no evidence: none lies beside the manifest (`npx deploywatch record --env ENV` writes it)']
      : evidence.map((one) => `evidence of ${one.environment}: ${partsOf(one).join(', ')}`)),
    `found by version ${release.version}${release.commit === null ? '' : `, commit ${short(release.commit)}`}${release.labels.map((label) => `, label ${label}`).join('')}`,
    ...notesOf(told, published).map((note) => `note: ${note}`),
  ]
}

function partsOf({ statements, migrations, pipelines }: Evidence): readonly string[] {
  const isBare = migrations === undefined && pipelines !== undefined && statements.length === 0
  const wrong = pipelines?.findings.map(({ code }) => code).join(', ')
  return [
    ...(isBare ? [] : [count(statements.length, 'statement')]),
    ...(migrations === undefined
      ? []
      : [`${count(migrations.records.length, 'migration')} as of ${migrations.seenAt}`]),
    ...(wrong === undefined ? [] : [wrong === '' ? 'its pipeline migrates first' : `its pipeline (${wrong})`]),
  ]
}

function notesOf(told: Told, { release, others, notes }: Published): readonly string[] {
  const [other] = others
  const before =
    other === undefined
      ? []
      : [
          `${release.version} was published before with another content (manifest ${short(other.digest)}, ${other.at}): both are kept, and this one is the newest; a gate that knows the version alone will not choose between them: give each release a version of its own`,
        ]
  return [...told.notes, ...notes, ...before]
}

function answer(told: Told, published: Published): unknown {
  const { release, isNew, evidence, others } = published
  return {
    schema: 'deploywatch/publication/1',
    published: true,
    store: told.place,
    service: told.release.service,
    release: { version: release.version, commit: release.commit },
    digest: release.digest,
    labels: release.labels,
    at: release.at,
    manifest: { file: told.manifest, new: isNew },
    evidence: evidence.map(({ environment, statements, migrations }) => ({
      environment,
      statements: statements.length,
      migrations: migrations === undefined ? null : { seenAt: migrations.seenAt, count: migrations.records.length },
    })),
    others: others.map(({ digest, commit, at }) => ({ digest, commit, at })),
    notes: notesOf(told, published),
    error: null,
  }
}

function refusal({ place, release, digest, manifest, notes }: Told, error: string): unknown {
  return {
    schema: 'deploywatch/publication/1',
    published: false,
    store: place,
    service: release.service,
    release: { version: release.version, commit: release.commit },
    digest,
    labels: [],
    at: null,
    manifest: { file: manifest, new: false },
    evidence: [],
    others: [],
    notes,
    error,
  }
}
