/**
 * The store as a folder. Its files:
 *
 *     stamps/SERVICE/ENVIRONMENT/EXPECTATION/DATABASE.json    running/SERVICE/ENVIRONMENT.json
 *     manifests/SERVICE/DIGEST/{header,catalog}               reports/SERVICE/ENVIRONMENT/{TIME-DIGEST.json,NAME.html}
 *     samples/SERVICE/ENVIRONMENT/DIGEST.json                 evidence/SERVICE/EXPECTATION/ENVIRONMENT.json
 *     recordings/SERVICE/ENVIRONMENT.json                     published/SERVICE/DIGEST-HASH.json
 *     documents/KEY/{current-TOKEN,content-TOKEN}
 *     schemas/SERVICE/ENVIRONMENT/EXPECTATION/DATABASE.json   good/SERVICE/ENVIRONMENT/EXPECTATION/DATABASE.json
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readDocument, writeDocument } from './document-files.ts'
import type { Documents } from './documents.ts'
import { isMissing, readBytes, safeName, temporaryName, writeWhole } from './files.ts'
import { parseKept, parseLastGood, writeKept, writeLastGood } from './kept-schema.ts'
import { parsePublished, parseRecording, parseRunning } from './kept-forms.ts'
import { isMeant, unitePublished } from './published-releases.ts'
import type { PublishedRelease, PublishedReleases } from './published.ts'
import { addSamples, readSamples } from './sample-files.ts'
import { hashOf, nameOfDatabase, nameOfExpectation, stampsFor, writeStamp } from './stamp-file.ts'
import type { ExpectationKey, KeyedStamp } from './stamp-file.ts'
import { StoreError } from './store.ts'
import type { RunningRelease, StampKey, Store } from './store.ts'

/** A store in `path`, an absolute folder. The folder is made by the first write. */
export function folderStore(path: string, now: () => number = Date.now): Store & Documents & PublishedReleases {
  const place = (...names: readonly string[]): string => join(path, ...names.map((name) => safeName(name)))
  const ofDatabase = (kind: string, key: StampKey): string =>
    join(place(kind, key.service, key.environment, nameOfExpectation(key)), `${nameOfDatabase(key)}.json`)
  return {
    verifiedStamps: async (key) =>
      readStamps(place('stamps', key.service, key.environment, nameOfExpectation(key)), key),
    putVerifiedStamp: async (key, stamp) => {
      const folder = place('stamps', key.service, key.environment, nameOfExpectation(key))
      const name = `${nameOfDatabase(key)}.json`
      await writeWhole(join(folder, name), writeStamp(key, stamp))
    },
    keptSchema: async (key) => parseKept(key, await readText(ofDatabase('schemas', key))),
    putKeptSchema: async (key, schema) => writeWhole(ofDatabase('schemas', key), writeKept(key, schema)),
    lastGood: async (key) => parseLastGood(key, await readText(ofDatabase('good', key))),
    putLastGood: async (key, lastGood) => writeWhole(ofDatabase('good', key), writeLastGood(key, lastGood)),
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
      return content === null ? null : parseRecording(content.toString('utf8'))
    },
    putRecording: async (service, environment, recording) =>
      writeWhole(place('recordings', service, `${environment}.json`), `${JSON.stringify(recording)}\n`),
    putReport: async (service, environment, report, at) => {
      const name = `${at.replaceAll(/\D/gu, '')}-${hashOf([report]).slice(0, 12)}.json`
      await writeWhole(join(place('reports', service, environment), name), report)
    },
    putReportPage: async (service, environment, name, page) => {
      const file = place('reports', service, environment, `${name}.html`)
      await writeWhole(file, page)
      return pathToFileURL(file).href
    },
    samples: async (service, environment) => readSamples(place('samples', service, environment)),
    putSamples: async (service, environment, samples) => addSamples(place('samples', service, environment), samples),
    document: async (key) => readDocument(place('documents', key), now()),
    putDocument: async (key, text, version, expiresAt) =>
      writeDocument(place('documents', key), { text, expiresAt, version }, now()),
    putPublished: async (service, release) => {
      // Without its time: what is published again is one file, with labels of its own another.
      const { at: _, ...known } = release
      const name = `${safeName(release.digest)}-${hashOf([JSON.stringify(known)])}.json`
      await writeWhole(join(place('published', service), name), `${JSON.stringify(release)}\n`)
    },
    published: async (service, reference) =>
      (await readPublished(place('published', service))).filter((release) => isMeant(release, reference)),
    latestPublished: async (service) => (await readPublished(place('published', service)))[0] ?? null,
  }
}

async function readStamps(folder: string, key: ExpectationKey): Promise<readonly KeyedStamp[]> {
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).sort()
  const contents = await Promise.all(files.map((name) => readBytes(join(folder, name)).catch(() => null)))
  return stampsFor(
    key,
    contents.flatMap((content) => (content === null ? [] : [content.toString('utf8')])),
  )
}

async function readEvidence(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const contents = await Promise.all(names.map((name) => readBytes(join(folder, name))))
  return contents.flatMap((content) => (content === null ? [] : [content.toString('utf8')]))
}

/** A release that cannot be read is not left out: another one would be taken for the newest. */
async function readPublished(folder: string): Promise<readonly PublishedRelease[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  const files = names.filter((name) => name.endsWith('.json')).sort()
  const records = await Promise.all(
    files.map(async (name) => {
      const content = await readBytes(join(folder, name))
      const record = content === null ? null : parsePublished(content.toString('utf8'))
      if (record !== null) return record
      const where = join(folder, name)
      throw new StoreError(`${where} is no longer whole: delete it, and publish that release again`, 'unreadable')
    }),
  )
  return unitePublished(records)
}

async function readText(file: string): Promise<string | null> {
  return (await readBytes(file))?.toString('utf8') ?? null
}

/** Here unreadable is not none: the running release's statements would silently go unchecked. */
async function readRunning(file: string): Promise<RunningRelease | null> {
  const content = await readBytes(file)
  if (content === null) return null
  const parsed = parseRunning(content.toString('utf8'))
  if (parsed !== null) return parsed
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
