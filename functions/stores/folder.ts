/**
 * The store as a folder. Its files:
 *
 *     stamps/SERVICE/ENVIRONMENT/EXPECTATION/DATABASE.json    running/SERVICE/ENVIRONMENT.json
 *     manifests/SERVICE/DIGEST/{header,catalog}               reports/SERVICE/ENVIRONMENT/TIME-DIGEST.json
 *     samples/SERVICE/ENVIRONMENT/DIGEST.json                 evidence/SERVICE/EXPECTATION/ENVIRONMENT.json
 *     recordings/SERVICE/ENVIRONMENT.json
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as z from 'zod'
import { isMissing, readBytes, safeName, temporaryName, writeWhole } from './files.ts'
import { StoreError } from './store.ts'
import type { RunningRelease, StampKey, Store } from './store.ts'
import { addSamples, readSamples } from './sample-files.ts'
import { parseStamp, writeStamp } from './stamp-file.ts'
import type { KeyedStamp } from './stamp-file.ts'

const runningFile = z.object({
  version: z.string(),
  commit: z.string().nullable(),
  manifestDigest: z.string(),
  since: z.string(),
})

const recordingFile = z.object({
  manifestDigest: z.string(),
  systemIdentifier: z.string(),
  database: z.string(),
  at: z.string(),
  resetAt: z.string().nullable(),
  counts: z.record(z.string(), z.tuple([z.number(), z.number()])),
})

/** A store in `path`, an absolute folder. The folder is made by the first write. */
export function folderStore(path: string): Store {
  const place = (...names: readonly string[]): string => join(path, ...names.map((name) => safeName(name)))
  return {
    verifiedStamps: async (key) => readStamps(place('stamps', key.service, key.environment, expectationOf(key)), key),
    putVerifiedStamp: async (key, stamp) => {
      const folder = place('stamps', key.service, key.environment, expectationOf(key))
      const name = `${hash([key.systemIdentifier, key.database])}.json`
      await writeWhole(join(folder, name), writeStamp(key, stamp))
    },
    runningRelease: async (service, environment) => readRunning(place('running', service, `${environment}.json`)),
    putRunningRelease: async (service, environment, release) =>
      writeWhole(place('running', service, `${environment}.json`), `${JSON.stringify(release, null, 2)}\n`),
    putManifest: async (service, digest, files) => writeManifest(place('manifests', service, digest), digest, files),
    manifest: async (service, digest) => readManifest(place('manifests', service, digest)),
    evidence: async (service, digest) => readEvidence(place('evidence', service, digest)),
    putEvidence: async (service, digest, environment, text) =>
      writeWhole(place('evidence', service, digest, `${environment}.json`), text),
    recording: async (service, environment) => {
      const content = await readBytes(place('recordings', service, `${environment}.json`))
      return recordingFile.safeParse(parseJson(content)).data ?? null
    },
    putRecording: async (service, environment, recording) =>
      writeWhole(place('recordings', service, `${environment}.json`), `${JSON.stringify(recording)}\n`),
    putReport: async (service, environment, report, at) => {
      const name = `${at.replaceAll(/\D/gu, '')}-${hash([report]).slice(0, 12)}.json`
      await writeWhole(join(place('reports', service, environment), name), report)
    },
    samples: async (service, environment) => readSamples(place('samples', service, environment)),
    putSamples: async (service, environment, samples) => addSamples(place('samples', service, environment), samples),
  }
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts), 'utf8').digest('hex').slice(0, 40)
}

type ExpectationKey = Omit<StampKey, 'systemIdentifier' | 'database'>

function expectationOf(key: ExpectationKey): string {
  return hash([key.expectationDigest, key.readerVersion, key.schemas])
}

function isFor(found: StampKey, key: ExpectationKey): boolean {
  return (['service', 'environment', 'schemas', 'expectationDigest', 'readerVersion'] as const).every(
    (part) => found[part] === key[part],
  )
}

/** A stamp that cannot be read is none: then there is no shortcut, and the look is a full one. */
async function readStamps(folder: string, key: ExpectationKey): Promise<readonly KeyedStamp[]> {
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).sort()
  const contents = await Promise.all(files.map((name) => readBytes(join(folder, name)).catch(() => null)))
  return contents.flatMap((content) => {
    const stamp = parseStamp(parseJson(content))
    return stamp !== null && isFor(stamp.key, key) ? [stamp] : []
  })
}

function parseJson(content: Buffer | null): unknown {
  try {
    return content === null ? null : (JSON.parse(content.toString('utf8')) as unknown)
  } catch {
    return null
  }
}

async function readEvidence(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const contents = await Promise.all(names.map((name) => readBytes(join(folder, name))))
  return contents.flatMap((content) => (content === null ? [] : [content.toString('utf8')]))
}

/** Here unreadable is not none: the running release's statements would silently go unchecked. */
async function readRunning(file: string): Promise<RunningRelease | null> {
  const content = await readBytes(file)
  if (content === null) return null
  const parsed = runningFile.safeParse(parseJson(content))
  if (parsed.success) return parsed.data
  throw new StoreError(
    `${file} is no longer whole: delete it, and name the running release with --running FILE`,
    'unreadable',
  )
}

interface ManifestFiles {
  readonly header: Buffer
  readonly catalog: Buffer
}

/** Both files come into being at once: a folder is written beside, and renamed. */
async function writeManifest(folder: string, digest: string, files: ManifestFiles): Promise<void> {
  const temporary = temporaryName(folder)
  await mkdir(dirname(folder), { recursive: true })
  try {
    await writeWhole(join(temporary, 'header'), files.header)
    await writeWhole(join(temporary, 'catalog'), files.catalog)
    await rename(temporary, folder)
  } catch (error) {
    // A folder that is not empty is never replaced: ENOTEMPTY or EEXIST on POSIX, EPERM on Windows.
    const found = await readManifest(folder)
    if (found === null) throw error
    if (!found.header.equals(files.header) || !found.catalog.equals(files.catalog)) throw conflict(folder, digest)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

function conflict(folder: string, digest: string): StoreError {
  const message = `the manifest ${digest} is in the store with other content: look at ${folder}, and delete it if it is damaged`
  return new StoreError(message, 'conflict')
}

async function readManifest(folder: string): Promise<ManifestFiles | null> {
  try {
    const [header, catalog] = await Promise.all([readBytes(join(folder, 'header')), readBytes(join(folder, 'catalog'))])
    return header === null || catalog === null ? null : { header, catalog }
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
